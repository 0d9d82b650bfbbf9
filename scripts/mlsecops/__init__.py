"""Drives security scanners over machine-learning projects, proves that they looked, merges and judges."""

__version__ = "1.0.0"
