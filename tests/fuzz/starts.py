"""The files that mutations begin with: the corpus of a seed, or what real libraries saved."""

from __future__ import annotations

from functools import lru_cache

from corpus.collection import harmless, indeterminate, malicious
from corpus.real_files import real_files

REAL = "real"
_LARGEST = 200_000  # bytes; mutations of larger files cost time and tell nothing new


@lru_cache(4)
def starts(corpus: str) -> dict[str, bytes]:
    """Files by name, for a seed or for `REAL`. Raises ToolboxError where the libraries cannot be had."""
    if corpus == REAL:
        files = [(each.technique, each.path.read_bytes()) for each in real_files()]
    else:
        seed = int(corpus)
        samples = (*malicious(seed), *harmless(seed), *indeterminate(seed))
        files = [(f"{each.family}: {each.technique}", each.data) for each in samples]
    return {name: data for name, data in files if len(data) <= _LARGEST}
