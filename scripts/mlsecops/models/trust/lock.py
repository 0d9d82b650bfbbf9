"""The lock of a project's model files: read it, write it, and compare the models with it.

One JSON object a line, sorted by path, so that a changed model is one changed line of a diff:
`{"path": "models/price.pkl", "sha256": "...", "size": 1234, "format": "pickle", ...}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

LOCK_FILE = ".github/mlsecops-models.lock"
MAX_BYTES = 32 << 20
_VERSION = 1
_HEADER = {"mlsecops-models": _VERSION}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?", re.ASCII)
_TEXTS = ("path", "sha256", "md5", "format", "producer", "verdict", "signer")
_KEYS = ("path", "sha256", "md5", "size", "format", "producer", "verdict", "signer")


class LockError(ValueError):
    """A lock that cannot be read; the text says where and why, without the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model: its path from the project's root, its hashes, and what is known of it.

    `md5` is what DVC records, `....dir` for a folder. At least one of the hashes is there in a lock.
    """

    path: str
    sha256: str = ""
    md5: str = ""
    size: int | None = None
    format: str = ""
    producer: str = ""
    verdict: str = ""
    signer: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder that DVC keeps."""
        return self.md5.endswith(".dir")


@dataclass(frozen=True, slots=True)
class Lock:
    """The entries of a lock by path, and the line, from 1, on which each stands."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A model as it stands now; `place` is the project's file that a person would look at."""

    entry: Entry
    place: str
    here: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """A model that is not what the lock says: rule, path, one sentence and where to show it.

    `content` is the hash that there is now, "" where there is none.
    """

    rule: Literal["model-not-locked", "model-changed"]
    path: str
    message: str
    place: str
    line: int = 1
    content: str = ""


def render(entries: Iterable[Entry]) -> bytes:
    """The text of a lock; all but ASCII is escaped, so that no name looks like another."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    rows = [_HEADER, *(_row(entry) for entry in ordered)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode("ascii")


def _row(entry: Entry) -> dict[str, Any]:
    return {key: getattr(entry, key) for key in _KEYS if getattr(entry, key) not in ("", None)}


def parse(content: bytes) -> Lock:
    """Read a lock. Raises LockError for anything that is not one, to the letter."""
    if len(content) > MAX_BYTES:
        raise LockError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise LockError(f"line {number}: not plain ASCII") from error
    if _object(lines[0], 1) != _HEADER:
        raise LockError(f"line 1: not {json.dumps(_HEADER)}, with which a lock begins")
    entries: dict[str, Entry] = {}
    numbers: dict[str, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        entry = _entry(_object(line, number), number)
        if entry.path in entries:
            raise LockError(f"line {number}: the same path as line {numbers[entry.path]}")
        entries[entry.path], numbers[entry.path] = entry, number
    return Lock(entries, numbers)


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            raise LockError(f"line {number}: a merge conflict; write the lock again") from error
        raise LockError(f"line {number}: not a JSON object") from error
    if not isinstance(found, dict):
        raise LockError(f"line {number}: not a JSON object")
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _entry(row: Mapping[str, Any], number: int) -> Entry:
    if unknown := sorted(row.keys() - set(_KEYS)):
        raise LockError(f"line {number}: unknown key {json.dumps(unknown[0][:80])}")
    if not all(isinstance(row.get(key, ""), str) for key in _TEXTS):
        raise LockError(f"line {number}: a value that is not text where text belongs")
    entry = Entry(**{"path": "", **row})
    if not entry.path or entry.path.startswith("/") or ".." in entry.path.split("/"):
        raise LockError(f"line {number}: not a path below the project's root")
    if entry.size is not None and (type(entry.size) is not int or entry.size < 0):
        raise LockError(f"line {number}: not a size")
    sound = (not entry.sha256 or _SHA256.fullmatch(entry.sha256)) and (
        not entry.md5 or _MD5.fullmatch(entry.md5)
    )
    if not sound or not (entry.sha256 or entry.md5):
        raise LockError(f"line {number}: not a whole hash")
    return entry


def check_lock(lock: Lock, models: Iterable[Seen], lock_file: str = LOCK_FILE) -> list[Difference]:
    """What of the models is not what the lock says, by path: changed, appeared, or gone.

    What lies in a folder of which only DVC's pointer is here counts by the folder's own hash.
    """
    seen = {each.entry.path: each for each in models}
    gone = lock.entries.keys() - seen.keys()
    moved = {lock.entries[path].sha256: path for path in sorted(gone) if lock.entries[path].sha256}
    found = [
        difference
        for path, each in seen.items()
        if (difference := _compare(lock.entries.get(path), each, moved.get(each.entry.sha256, "")))
    ]
    away = tuple(f"{path}/" for path, each in seen.items() if each.entry.is_folder and not each.here)
    found += [
        Difference(
            "model-changed",
            path,
            "The lock lists this model, and it is not there.",
            lock_file,
            lock.lines[path],
        )
        for path in gone
        if not path.startswith(away)
    ]
    return sorted(found, key=lambda each: (each.path, each.rule))


def _compare(locked: Entry | None, seen: Seen, moved_from: str) -> Difference | None:
    now = seen.entry
    found = partial(Difference, path=now.path, place=seen.place, content=now.sha256 or now.md5)
    if locked is None:
        once = f" Its content is what the lock has for {_shown(moved_from)}." if moved_from else ""
        return found(rule="model-not-locked", message=f"This model is not in the lock.{once}")
    kinds = [kind for kind in ("sha256", "md5") if getattr(locked, kind) and getattr(now, kind)]
    if not kinds:
        text = "This model is locked by a hash of another kind than there is of it now."
        return found(rule="model-changed", message=text)
    for kind in kinds:
        before, after = getattr(locked, kind), getattr(now, kind)
        if before != after:
            return found(rule="model-changed", message=_changed(kind, before, after))
    return None


def _changed(kind: str, before: str, after: str) -> str:
    name = {"sha256": "SHA-256", "md5": "MD5"}[kind]
    return f"This model is not the locked one: its {name} is {after[:16]}…, the lock has {before[:16]}…."


def _shown(path: str) -> str:
    return json.dumps(path[:200])
