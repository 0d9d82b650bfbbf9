"""Names of files in archives: where they lead, and how they are shown."""

from __future__ import annotations

import re

_DRIVE = re.compile(r"^[A-Za-z]:")


def shown(name: str, most: int = 120) -> str:
    """A stranger's text on one line, shortened: what cannot be printed stands there as an escape."""
    text = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in name[:most]
    )
    return text + "…" if len(name) > most else text


def escape_of(name: str) -> str | None:
    """How a name leads out of the folder that an archive is unpacked into, None where it does not."""
    plain = name.replace("\\", "/")
    if plain.startswith("/"):
        return "is absolute"
    if _DRIVE.match(plain):
        return "names a drive"
    return "climbs out of its folder" if _climbs(plain.split("/")) else None


def link_escape_of(name: str, target: str) -> str | None:
    """How a symbolic link of this name leads out of the folder, None where it does not."""
    plain = target.replace("\\", "/")
    if plain.startswith("/") or _DRIVE.match(plain):
        return "is absolute"
    folder = name.replace("\\", "/").split("/")[:-1]
    return "climbs out of the archive" if _climbs([*folder, *plain.split("/")]) else None


def _climbs(steps: list[str]) -> bool:
    depth = 0
    for step in steps:
        if step == "..":
            depth -= 1
        elif step not in ("", "."):
            depth += 1
        if depth < 0:
            return True
    return False
