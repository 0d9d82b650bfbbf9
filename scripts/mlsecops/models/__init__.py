"""What loading a model file would do, read from its bytes: nothing of a file is ever imported or run."""
