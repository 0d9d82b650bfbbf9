"""Readers of model formats, one module for each."""
