"""Findings and bills of materials for systems that manage vulnerabilities."""
