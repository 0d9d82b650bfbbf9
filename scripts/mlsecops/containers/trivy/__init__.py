"""Trivy: where the program and its database come from, what it says of an image, and how that is proved."""
