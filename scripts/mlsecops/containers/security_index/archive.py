"""Files of a distribution's archive, over HTTP or from a folder, bounded in size and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

_CONNECT, _READ, _WHOLE = 5.0, 20.0, 120.0
_LARGEST = 64 << 20


class ArchiveError(Exception):
    """A file of an archive cannot be had; the text says why, in a few words."""


@dataclass(frozen=True)
class Archive:
    """An archive at an http or https address, or in a folder that is laid out as one."""

    base: str
    session: Callable[[], requests.Session] = field(default=requests.Session, repr=False)

    def get(self, path: str, most: int = _LARGEST) -> bytes:
        """The content of a file. Raises ArchiveError."""
        if not self.base.startswith(("http://", "https://")):
            return self._from_folder(path, most)
        address = f"{self.base.rstrip('/')}/{path}"
        content = bytearray()
        end = time.monotonic() + _WHOLE
        try:
            with (
                self.session() as session,
                session.get(address, timeout=(_CONNECT, _READ), stream=True, allow_redirects=False) as answer,
            ):
                if answer.status_code != requests.codes.ok:
                    raise ArchiveError(f"HTTP {answer.status_code} for {path}")
                for piece in answer.iter_content(1 << 16):
                    content += piece
                    if len(content) > most or time.monotonic() > end:
                        raise ArchiveError(f"{path} is too large, or comes too slowly")
        except requests.RequestException as error:
            raise ArchiveError(f"{path} cannot be fetched ({type(error).__name__})") from error
        return bytes(content)

    def _from_folder(self, path: str, most: int) -> bytes:
        file = Path(self.base) / path
        try:
            with file.open("rb") as stream:
                content = stream.read(most + 1)
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror}") from error
        if len(content) > most:
            raise ArchiveError(f"{path} is too large")
        return content
