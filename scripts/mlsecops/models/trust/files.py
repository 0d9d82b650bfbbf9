"""Reading and writing the files of `mlsecops models`: bounded, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from mlsecops.models.trust.lock import LOCK_FILE, MAX_BYTES, Lock, LockError, parse
from mlsecops.project.reading import read
from mlsecops.whole_files import write_whole


def has_lock(root: Path) -> bool:
    """Whether something lies where the lock belongs, be it a link to nothing."""
    return os.path.lexists(root / LOCK_FILE)


def read_lock(root: Path) -> Lock:
    """The lock of a project. Raises LockError when it cannot be read, links and folders included."""
    try:
        return parse(read(str(root / LOCK_FILE), MAX_BYTES + 1))
    except OSError as error:
        reason = "it is a link" if (root / LOCK_FILE).is_symlink() else error.strerror or str(error)
        raise LockError(reason) from error


def write(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; a file that says the same already is left alone. Raises OSError.

    Return whether it was written.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return True
