"""SARIF logs on disk: read with checks, write whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from mlsecops.sarif.build import Json

MAX_BYTES = 1_000_000_000
_BOM = b"\xef\xbb\xbf"


class SarifError(Exception):
    """A SARIF log cannot be used; one sentence that names the file."""


def read(path: Path, *, max_bytes: int = MAX_BYTES) -> Json:
    """The SARIF log in a file.

    Raises SarifError when there is no such file, it is larger than `max_bytes`, is not whole JSON or is not a
    SARIF 2.1.0 log whose runs name their tool and hold lists of results and rules.
    """
    try:
        log = orjson.loads(read_bytes(path, max_bytes=max_bytes))
    except orjson.JSONDecodeError as error:
        raise SarifError(f"{path} is not whole JSON: {error}") from None
    defect = _defect(log)
    if defect:
        raise SarifError(f"{path} is not a SARIF 2.1.0 log: {defect}")
    return dict(log)


def read_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a file without a byte order mark; SarifError when it cannot be had, or is too large."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise SarifError(f"{path} has {size:,} bytes, more than the {max_bytes:,} that are read")
        return path.read_bytes().removeprefix(_BOM)
    except OSError as error:
        raise SarifError(f"{path} cannot be read: {error.strerror}") from None


def write(path: Path, log: Json) -> None:
    """Write a SARIF log, whole or not at all. Raises SarifError when it cannot be written."""
    try:
        content = orjson.dumps(log)
    except orjson.JSONEncodeError as error:
        raise SarifError(f"{path} cannot be written: {error}") from None
    with replacing(path) as handle:
        handle.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well and vanishes when it does not.

    Raises SarifError when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb+", buffering=1 << 20) as handle:
            yield handle
        temporary.replace(path)
    except OSError as error:
        raise SarifError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _defect(log: object) -> str:
    """What makes a parsed file no SARIF log, or nothing."""
    if not isinstance(log, dict):
        return "it is not an object"
    if log.get("version") != "2.1.0":
        return f"its version is {str(log.get('version'))[:20]!r}"
    if not isinstance(log.get("runs"), list):
        return "it has no list of runs"
    for number, run in enumerate(log["runs"]):
        problem = _run_defect(run)
        if problem:
            return f"runs[{number}] {problem}"
    return ""


def _run_defect(run: object) -> str:
    tool = run.get("tool") if isinstance(run, dict) else None
    driver = tool.get("driver") if isinstance(tool, dict) else None
    if not isinstance(run, dict) or not isinstance(driver, dict) or not isinstance(driver.get("name"), str):
        return "does not name its tool"
    for holder, key in ((run, "results"), (run, "artifacts"), (run, "invocations"), (driver, "rules")):
        items = holder.get(key)
        if items is not None and not (
            isinstance(items, list) and all(isinstance(item, dict) for item in items)
        ):
            return f"has {key} that are not a list of objects"
    return ""
