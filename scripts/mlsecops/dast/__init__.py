"""Dynamic testing: the service is started and attacked."""
