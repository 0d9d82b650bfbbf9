"""Nothing: stands in for a package that wapiti imports and that has no wheel; Flash files are not read."""

swfparser = None
