"""Vulnerability data: snapshots, the OSV service, and a loopback server that pip-audit asks instead of it."""
