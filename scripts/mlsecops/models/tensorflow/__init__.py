"""What TensorFlow's graphs do besides computing."""
