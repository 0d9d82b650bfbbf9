"""7z archives, read from their bytes: headers, compressions in front of each other, files."""
