"""Programs that their projects publish as files: fetched once, and only as the bytes that we pin."""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import requests
from filelock import FileLock

from mlsecops.toolbox.environments import ToolboxError

_CONNECT_SECONDS, _READ_SECONDS, _WHOLE_SECONDS = 10.0, 30.0, 600.0
_LARGEST = 1 << 30

Open = Callable[[str], Iterator[bytes]]
"""What an address gives, piece by piece. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a program.

    `files` has, for each `system-machine`, the name of its archive and its SHA-256.
    `address` is where the archives are, {version} and {file} standing for what they say.
    """

    program: str
    version: str
    address: str
    files: Mapping[str, tuple[str, str]]


def this_platform() -> str:
    """This machine as `Release.files` names it."""
    machine = {"AMD64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system()}-{machine}"


def fetch(
    release: Release,
    cache: Path,
    open_: Open | None = None,
    on: str = "",
    stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """The program, fetched when it is not in the cache yet; several callers at once fetch it once.

    `stopped` tells whether the run is to end. Raises ToolboxError with one sentence.
    """
    pinned = release.files.get(on or this_platform())
    if pinned is None:
        raise ToolboxError(f"no release of {release.program} is pinned for {on or this_platform()}")
    file, digest = pinned
    kept = cache / "programs" / f"{release.program}-{release.version}-{digest[:16]}" / release.program
    address = release.address.format(version=release.version, file=file)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{kept.parent}.lock"):
            if not kept.is_file():
                _install(release.program, address, digest, kept, partial(_pieces, open_ or _opened, stopped))
    except (OSError, tarfile.TarError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ToolboxError(f"{file} cannot be fetched from its project's releases: {reason}") from error
    return kept


def _install(program: str, address: str, digest: str, kept: Path, open_: Open) -> None:
    with tempfile.TemporaryFile(dir=kept.parent) as archive:
        found = _download(address, archive, open_)
        if found != digest:
            name = address.rpartition("/")[2]
            raise ToolboxError(f"{name} is not the file that is pinned: its SHA-256 is {found}")
        archive.seek(0)
        draft = kept.with_suffix(".part")
        with tarfile.open(fileobj=archive, mode="r:gz") as packed:
            member = next((each for each in packed if each.name == program and each.isreg()), None)
            content = packed.extractfile(member) if member else None
            if content is None:
                raise ToolboxError(f"there is no {program} in its release")
            with draft.open("wb") as out:
                shutil.copyfileobj(content, out)
        draft.chmod(0o755)
        draft.replace(kept)


def _pieces(open_: Open, stopped: Callable[[], bool], address: str) -> Iterator[bytes]:
    for piece in open_(address):
        if stopped():
            raise OSError("the run was interrupted")
        yield piece


def _download(address: str, into: IO[bytes], open_: Open) -> str:
    digest, size = hashlib.sha256(), 0
    end = time.monotonic() + _WHOLE_SECONDS
    for piece in open_(address):
        size += len(piece)
        if size > _LARGEST:
            raise OSError(f"it is larger than {_LARGEST >> 20} MiB")
        if time.monotonic() > end:
            raise OSError(f"it takes longer than {_WHOLE_SECONDS:.0f} s")
        digest.update(piece)
        into.write(piece)
    return digest.hexdigest()


def _opened(address: str) -> Iterator[bytes]:
    try:
        with requests.get(address, stream=True, timeout=(_CONNECT_SECONDS, _READ_SECONDS)) as answer:
            if answer.status_code != requests.codes.ok:
                raise OSError(f"HTTP {answer.status_code}")
            yield from answer.iter_content(1 << 20)
    except requests.RequestException as error:
        raise OSError("no connection, or it broke") from error
