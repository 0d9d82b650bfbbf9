"""An image's archive (`docker save`) -> its configuration and its layers, each proved by its hash."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlsecops.models.source import Source
from mlsecops.models.unpack.codecs import CODECS, Streams

_LARGEST_DOCUMENT = 16 << 20
_LARGEST_LAYER = 64 << 30
_CODECS = frozenset({"gzip", "zstd"})
_BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError, LookupError, TypeError, AttributeError)


class ImageError(Exception):
    """An archive that cannot be read to its end; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of an image's history: what made it, and whether it left a layer."""

    created_by: str
    empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How an image runs and how it came about; `health` is None without a check, () where it is off."""

    user: str = ""
    environment: tuple[str, ...] = ()
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] | None = None
    architecture: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """The configuration, and each layer as plain tar with its digest, the lowest first."""

    config: Config
    layers: tuple[Source, ...]
    digests: tuple[str, ...]


@contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Archive]:
    """The archive as long as the block lasts; `scratch` gets what has to be decompressed.

    Raises ImageError when anything in it is not what its hash says, OSError when it cannot be read.
    """
    with ExitStack() as files:
        stream = files.enter_context(path.open("rb"))
        try:
            archive = _archive(stream, scratch, files)
        except _BROKEN as error:
            raise ImageError(f"its archive is broken ({type(error).__name__})") from error
        yield archive


def _archive(stream: IO[bytes], scratch: Path, files: ExitStack) -> Archive:
    members = _members(stream)
    manifest = _document(stream, members, "manifest.json")
    if not isinstance(manifest, list) or len(manifest) != 1:
        raise ImageError("its archive does not hold one image")
    named = manifest[0]
    document = _document(stream, members, named["Config"])
    digests = document["rootfs"]["diff_ids"]
    if len(digests) != len(named["Layers"]):
        raise ImageError("its archive has other layers than its configuration says")
    layers = []
    for number, (name, digest) in enumerate(zip(named["Layers"], digests, strict=True)):
        source = _plain(_member(stream, members, name), scratch / f"layer-{number}.tar", files)
        if f"sha256:{_sha256(source)}" != digest:
            raise ImageError(f"layer {number + 1} of {len(digests)} is not what its hash says")
        layers.append(source)
    return Archive(_config(document), tuple(layers), tuple(digests))


def _members(stream: IO[bytes]) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        return {posixpath.normpath(member.name): member for member in archive}


def _member(stream: IO[bytes], members: Mapping[str, tarfile.TarInfo], name: str) -> Source:
    path = posixpath.normpath(name)
    member = members.get(path)
    # Docker writes a layer that comes twice as a link to the first.
    if member is not None and member.issym():
        member = members.get(posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname)))
    if member is None or not member.isreg():
        raise ImageError(f"its archive lacks {name[:80]}")
    return Source(stream, member.offset_data, member.size)


def _document(stream: IO[bytes], members: Mapping[str, tarfile.TarInfo], name: str) -> Any:
    source = _member(stream, members, name)
    if source.size > _LARGEST_DOCUMENT:
        raise ImageError(f"{name[:80]} is too large")
    return json.loads(source.at(0, source.size))


def _plain(source: Source, target: Path, files: ExitStack) -> Source:
    """A layer without its compression."""
    codec = next((each for each in CODECS if each.name in _CODECS and each.begins(source.at(0, 32))), None)
    if codec is None:
        return source
    written = 0
    streams = Streams(source, codec, lambda: False)
    with target.open("wb") as out:
        for piece in streams:
            written += len(piece)
            if written > _LARGEST_LAYER:
                raise ImageError(f"a layer grows beyond {_LARGEST_LAYER >> 30} GiB when uncompressed")
            out.write(piece)
    return Source.of(files.enter_context(target.open("rb")))


def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    for piece in source.chunks():
        digest.update(piece)
    return digest.hexdigest()


def _config(document: Mapping[str, Any]) -> Config:
    settings = document.get("config") or {}
    check = settings.get("Healthcheck") or {}
    test = tuple(str(word) for word in check.get("Test") or ())
    return Config(
        user=str(settings.get("User") or ""),
        environment=tuple(str(each) for each in settings.get("Env") or ()),
        workdir=str(settings.get("WorkingDir") or ""),
        entrypoint=tuple(str(word) for word in settings.get("Entrypoint") or ()),
        command=tuple(str(word) for word in settings.get("Cmd") or ()),
        health=None if not test else () if test[0] == "NONE" else test,
        architecture=str(document.get("architecture") or ""),
        steps=tuple(
            Step(str(each.get("created_by") or ""), bool(each.get("empty_layer")))
            for each in document.get("history") or ()
        ),
    )
