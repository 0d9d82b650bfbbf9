"""Nothing: stands in for a package that wapiti imports and that has no wheel; there is no clipboard here."""
