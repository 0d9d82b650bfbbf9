"""`mlsecops init`: look at a repository, then write the workflows and the policy that it needs into it."""
