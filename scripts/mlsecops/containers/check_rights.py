"""Checks of who may do what in an image: setuid programs, code and models that the service can change."""

from __future__ import annotations

import posixpath
import re
import stat
from collections import defaultdict
from collections.abc import Iterator

from mlsecops.containers import image_rules as rules
from mlsecops.containers.image import Image
from mlsecops.containers.layers import Entry
from mlsecops.dockerfiles.found import Found
from mlsecops.project.suffixes import is_model_name

_CODE = re.compile(r".+\.(?:py|pyc|so|sh|pth|r|jl|js|jar|lua)|.+\.so\.[\d.]+", re.IGNORECASE)
_PLACES_OF_PROGRAMS = re.compile(r"(?:.+/)?s?bin")
# Nobody's code lies there: what is in them is written while the service runs.
_NOT_CODE = ("tmp/", "var/tmp/", "proc/", "sys/", "dev/", "run/", "var/run/", "var/lock/")
_SPECIAL = stat.S_ISUID | stat.S_ISGID
_MODEL_SEVERITY = 6.0


def check_setuid(image: Image) -> Iterator[Found]:
    """Programs above the base that run with somebody else's rights; a program of the base keeps its own."""
    for entry in image.own:
        if entry.kind == "file" and entry.mode & _SPECIAL and entry.mode & 0o111:
            who = "setuid" if entry.mode & stat.S_ISUID else "setgid"
            owner = "root" if entry.user == 0 else f"user {entry.user}"
            text = f"/{entry.path} is {who} and belongs to {owner}."
            yield Found(rules.SETUID, text, image.line(entry), about=(entry.path,))


def check_writable(image: Image) -> Iterator[Found]:
    """Code and models that the service's user, who is not root, may change; one finding for each step."""
    if image.user.is_root or image.user.number is None:
        return
    steps: dict[int, list[Entry]] = defaultdict(list)
    for entry in image.own:
        if _is_code(entry) and _may_change(image, entry):
            steps[image.line(entry)].append(entry)
    for line, entries in sorted(steps.items()):
        first = min(entries, key=lambda each: (not is_model_name(each.path), each.path))
        more = f" and {len(entries) - 1} more files" if len(entries) > 1 else ""
        severity = _MODEL_SEVERITY if is_model_name(first.path) else None
        text = f"The image's user {image.user.name} can change /{first.path}{more}."
        folder = posixpath.dirname(first.path)
        yield Found(rules.WRITABLE_CODE, text, line, severity=severity, about=(folder,))


def _is_code(entry: Entry) -> bool:
    if entry.kind != "file" or entry.path.startswith(_NOT_CODE):
        return False
    folder = posixpath.dirname(entry.path)
    return bool(
        _CODE.fullmatch(entry.path) or is_model_name(entry.path) or _PLACES_OF_PROGRAMS.fullmatch(folder)
    )


def _may_change(image: Image, entry: Entry) -> bool:
    """Whether the user can write a file, or exchange it or a folder above it."""
    user = image.user
    if user.number is None:
        return False
    if entry.may_write(user.number, user.groups):
        return True
    path = entry
    while folder := image.files.entries.get(posixpath.dirname(path.path)):
        sticky = folder.mode & stat.S_ISVTX and user.number not in (folder.user, path.user)
        if folder.may_write(user.number, user.groups) and not sticky:
            return True
        path = folder
    return False
