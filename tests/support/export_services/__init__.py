"""DefectDojo and Dependency-Track over HTTP, every request held against their published descriptions."""
