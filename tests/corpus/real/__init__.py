"""Programs for the environment `model-libraries`: they save real objects with the libraries themselves."""
