"""One file per tool: its command line, its exit codes, its output -> findings, its canary."""
