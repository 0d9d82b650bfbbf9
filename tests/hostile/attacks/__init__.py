"""Pull requests that try to get something past the gate: what each changes, and what must come of it."""
