"""Opening files of a repository that nobody vouches for: no links, no pipes or devices, bounded reads."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

HEAD = 8192
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_head(path: str, length: int = HEAD) -> tuple[bytes, int]:
    """First bytes of a regular file, and its size; raises OSError."""
    descriptor, size = _open(path)
    try:
        return os.read(descriptor, length), size
    finally:
        os.close(descriptor)


def read_tail(path: str, length: int) -> bytes:
    """Last bytes of a regular file; raises OSError."""
    descriptor, size = _open(path)
    try:
        return os.pread(descriptor, length, max(0, size - length))
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: str) -> Iterator[BufferedReader]:
    """A regular file open for reading; raises OSError."""
    descriptor, _ = _open(path)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read(path: str, limit: int | None = None) -> bytes:
    """Content of a regular file, at most `limit` bytes of it; raises OSError."""
    with opened(path) as file:
        return file.read() if limit is None else file.read(limit)


def sha256(path: str) -> str:
    """SHA-256 of a regular file as hex digits, read in pieces; raises OSError."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: str) -> tuple[int, int]:
    descriptor = os.open(path, _FLAGS)
    try:
        return descriptor, _regular_size(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise


def _regular_size(descriptor: int, path: str) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", path)
    return status.st_size
