"""Compressions, unpacked piece by piece in bounded memory, and as far as they are sound."""
