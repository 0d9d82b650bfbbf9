"""Untrusted advisory files -> plain JSON values, within limits; an error is one sentence naming the file."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from mlsecops.advisories.record import AdvisoryError, Json

_GZIP_MAGIC = b"\x1f\x8b"
META = "meta.json"
"""In a folder of advisories: not one of them, but what they are."""

_DEEPEST_YAML = 100
# Checkouts of PyPA's and GitHub's databases keep the records in one folder of this name.
_RECORD_FOLDERS = ("vulns", "advisories")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read of one input: number of files, and bytes of one and of all of them."""

    files: int = 500_000
    file_bytes: int = 64 << 20
    total_bytes: int = 4 << 30


def unpacked(path: Path, limits: Limits) -> bytes:
    """Content of a file that may be gzip. Raises AdvisoryError, or OSError."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        try:
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(limits.file_bytes + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise AdvisoryError(f"{path} is a damaged gzip file") from error
    if len(content) > limits.file_bytes:
        raise AdvisoryError(f"{path} holds more than {limits.file_bytes >> 20} MiB")
    return content


def json_object(content: bytes, where: str) -> Json:
    """JSON text -> object. Raises AdvisoryError naming `where`."""
    document = parse_json(content, where)
    if not isinstance(document, dict):
        raise AdvisoryError(f"{where} holds no JSON object")
    return document


def zip_members(path: Path, limits: Limits) -> Iterator[tuple[str, Any]]:
    """Name and parsed content of every `.json` member. Raises AdvisoryError, or OSError."""
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".json")]
            for number, member in enumerate(members):
                total += member.file_size
                _check(path, limits, number, member.file_size, total)
                where = f"{path}: {shown(member.filename)}"
                yield member.filename, parse_json(archive.read(member), where)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise AdvisoryError(f"{path} is a zip file that cannot be read: {error}") from error


def folder_members(path: Path, limits: Limits) -> Iterator[tuple[str, Any]]:
    """Relative path and parsed content of every JSON and YAML file below a folder, in a stable order.

    Hidden folders and symbolic links stay out. Raises AdvisoryError, or OSError.
    """
    root = next((path / name for name in _RECORD_FOLDERS if (path / name).is_dir()), path)
    total = 0
    for number, file in enumerate(_files(root)):
        size = file.stat().st_size
        total += size
        _check(path, limits, number, size, total)
        name = file.relative_to(path).as_posix()
        parse = parse_json if file.suffix == ".json" else parse_yaml
        yield name, parse(file.read_bytes(), f"{path}: {shown(name)}")


def parse_json(content: bytes, where: str) -> Any:
    """JSON text -> value. Raises AdvisoryError naming `where`."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise AdvisoryError(f"{where} is not JSON: {error}") from error


def parse_yaml(content: bytes, where: str) -> Any:
    """YAML text -> value whose every scalar is a text. Raises AdvisoryError naming `where`.

    Other loaders make dates of dates and 1.1 of the version 1.10; all of them crash on deep nesting and
    multiply aliases, so the value is put together here from the parser's events.
    """
    try:
        return _from_events(yaml.parse(content, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise AdvisoryError(f"{where} is not readable YAML: {reason[:200]}") from error


def shown(name: str) -> str:
    """The end of an untrusted name, fit for an error message."""
    return "".join(char if char.isprintable() else "?" for char in name[-120:])


def _check(path: Path, limits: Limits, number: int, size: int, total: int) -> None:
    if number >= limits.files:
        raise AdvisoryError(f"{path} holds more than {limits.files:,} files")
    if size > limits.file_bytes or total > limits.total_bytes:
        raise AdvisoryError(f"{path} unpacks to more than an advisory database can hold")


def _files(root: Path) -> Iterator[Path]:
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix in {".json", ".yaml", ".yml"} and entry.name != META and entry.is_file():
            yield entry


def _from_events(events: Iterator[yaml.Event]) -> Any:
    """The first document; a mapping is gathered as a flat list of keys and values until it ends."""
    stack: list[list[Any]] = [[]]
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            stack[-1].append(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            stack.append([])
        elif isinstance(event, yaml.SequenceEndEvent):
            items = stack.pop()
            stack[-1].append(items)
        elif isinstance(event, yaml.MappingEndEvent):
            flat = stack.pop()
            stack[-1].append(dict(zip(flat[::2], flat[1::2], strict=True)))
        elif isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        elif isinstance(event, yaml.DocumentEndEvent):
            break
        if len(stack) > _DEEPEST_YAML:
            raise yaml.YAMLError("nested too deeply")
    return stack[0][0] if stack[0] else None
