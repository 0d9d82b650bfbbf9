"""A corpus of model files made at test time: malicious, harmless and unreadable ones."""
