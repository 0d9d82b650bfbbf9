"""Zstandard as it is written, by the library of the interpreter or its backport."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def compressed(data: bytes) -> bytes:
    """One frame."""
    return zstd.compress(data)


def checked(data: bytes) -> bytes:
    """One frame with a checksum behind it."""
    return zstd.compress(data, options={int(zstd.CompressionParameter.checksum_flag): 1})
