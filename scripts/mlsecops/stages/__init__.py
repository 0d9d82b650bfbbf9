"""One file per stage, all of one shape: what is in the project -> which tools scan which targets."""
