"""The rules of findings in model files, one module for each family."""
