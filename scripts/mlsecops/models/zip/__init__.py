"""Zip archives by their bytes: records, members by every way of reading them, and what lies between."""
