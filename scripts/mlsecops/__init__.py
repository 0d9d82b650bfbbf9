"""Drives security scanners over machine-learning projects, proves that they looked, merges and judges."""

__version__ = "0.1.0"
