"""What every client of a service does the same way."""
