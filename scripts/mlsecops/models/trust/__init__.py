"""Whether a model file is the one that somebody looked at: locks, signatures and bills of materials."""
