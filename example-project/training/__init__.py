"""Simulates hotels, trains the forecast model and writes its card; not part of the service."""
