"""SARIF 2.1.0, the one format between stages and reports: build, read, normalise, fingerprint, merge, limits."""
