"""Files that do something when loaded, one module for a family of techniques; every payload is harmless."""
