"""Mutated model files for our readers: nothing may crash, hang, grow or run."""
