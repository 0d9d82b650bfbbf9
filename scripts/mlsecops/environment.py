"""Whether the environment that runs us was made for this code: after a `git pull` it may lack something."""

from __future__ import annotations

import hashlib
from pathlib import Path

STAMP = "mlsecops-lock"
"""The file in an environment of ours; its first line is the SHA-256 of the lock that it was made from."""


def outdated(environment: Path, locks: Path) -> bool:
    """Whether an environment of ours was made from another lock than those in the folder `locks`.

    An environment that somebody else made has no stamp, and is not judged.
    """
    stamp = environment / STAMP
    if not stamp.is_file():
        return False
    made_from = stamp.read_text(encoding="utf-8").partition("\n")[0]
    return made_from not in {_digest(locks / name) for name in ("mlsecops.txt", "dev.txt")}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
