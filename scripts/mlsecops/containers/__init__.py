"""Images that Dockerfiles build: who builds them, and what is in them, read by their bytes."""
