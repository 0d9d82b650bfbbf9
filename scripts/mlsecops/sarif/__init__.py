"""SARIF 2.1.0, the one format between stages and reports: build, normalise, fingerprint, merge, limits."""
