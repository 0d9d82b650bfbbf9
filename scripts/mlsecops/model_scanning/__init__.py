"""Between the readers of model files and what uses them: processes, findings, opinions, locks, signatures."""
