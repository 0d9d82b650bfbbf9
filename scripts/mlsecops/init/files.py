"""Puts files into a repository: all of them whole or none, and never through a link out of it."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from mlsecops.init.templates import Draft
from mlsecops.project import ProjectError
from mlsecops.report.escape import terminal

State = Literal["new", "same", "different"]

_MOST_BYTES = 1_000_000
_MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Change:
    """A file to be, and what stands in its place now; `before` is empty for a new one."""

    draft: Draft
    state: State
    before: str = ""


def compare(top: Path, draft: Draft) -> Change:
    """Say what a draft would change. Raises ProjectError where something is in its way, and OSError."""
    target = top
    for part in PurePosixPath(draft.path).parts:
        target = target / part
        if target.is_symlink():
            where = terminal(target.relative_to(top).as_posix())
            raise ProjectError(
                f"{where} is a link, and init writes through none; make it a real file or folder"
            )
    blocked = next(
        (each for each in target.parents if each.is_relative_to(top) and each.exists() and not each.is_dir()),
        target if target.is_dir() else None,
    )
    if blocked:
        kind = "a folder, not a file" if blocked == target else "not a folder"
        raise ProjectError(f"{terminal(blocked.relative_to(top).as_posix())} is {kind}; move it away")
    if not target.exists():
        return Change(draft, "new")
    with target.open("rb") as stream:
        before = stream.read(_MOST_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
    return Change(draft, "same" if before == draft.text else "different", before)


def difference(change: Change) -> list[str]:
    """The lines of a short unified diff from what is there to what would be, inert for a terminal."""
    lines = list(
        difflib.unified_diff(
            change.before.splitlines(),
            change.draft.text.splitlines(),
            "there now",
            "from the template",
            n=1,
            lineterm="",
        )
    )
    shown = [line[:1] + _indented(line[1:]) for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"… and {left} more lines"] if left else shown


def write(top: Path, drafts: Sequence[Draft]) -> None:
    """Write files: every one beside its place first, then all into their places. Raises OSError.

    When one cannot be written nothing is changed.
    """
    made: list[Path] = []
    parts: list[tuple[Path, Path]] = []
    try:
        for draft in drafts:
            target = top / draft.path
            _make_folder(target.parent, made)
            part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
            with part.open("x", encoding="utf-8", newline="\n") as stream:
                parts.append((part, target))
                stream.write(draft.text)
            if target.exists():
                part.chmod(target.stat().st_mode & 0o777)
        for part, target in parts:
            part.replace(target)
    except BaseException:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):  # something is in it by now
                folder.rmdir()
        raise


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def _indented(line: str) -> str:
    """A line made inert, with the white space that it starts with."""
    text = line.lstrip(" ")
    return " " * (len(line) - len(text)) + terminal(text)
