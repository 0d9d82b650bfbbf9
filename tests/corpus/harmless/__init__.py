"""Files that do nothing when they are loaded, in formats whose libraries are too large for a test."""
