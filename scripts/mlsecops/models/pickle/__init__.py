"""Static analysis of pickles: what loading one would import and call, found without loading it."""
