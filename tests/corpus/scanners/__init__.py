"""Programs for the environments of other scanners: each reads paths from a file and says a word for each."""
