"""Files that a reader sees whole or not at all, whatever already lies beside them."""

from __future__ import annotations

import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in the place of what is there. A stranger may have guessed where: no link is followed.

    Raises OSError, after which nothing has changed.
    """
    draft = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.part")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
