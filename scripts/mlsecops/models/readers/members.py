"""What is to be said of a member of an archive for its name, and when no reader knows its content."""

from __future__ import annotations

from contextlib import suppress

from mlsecops.models.embedded import executable
from mlsecops.models.inspection import Fact
from mlsecops.models.member_names import escape_of, link_escape_of, shown
from mlsecops.models.rules.archives import BOMB, CODE, ESCAPES, HIDDEN
from mlsecops.models.source import Source
from mlsecops.models.walk import HEAD, Walk
from mlsecops.project.suffixes import is_model_name, suffix_of

_NATIVE = 7.5  # severity of a program that nobody can read
_PROGRAMS = frozenset(["so", "dll", "dylib", "pyd", "exe", "ko", "scr", "com", "msi", "class", "jar", "node"])
_SCRIPTS = frozenset(
    [
        "py",
        "pyc",
        "pyo",
        "pyw",
        "pyx",
        "sh",
        "bash",
        "bat",
        "cmd",
        "ps1",
        "vbs",
        "js",
        "hta",
        "pl",
        "rb",
        "lua",
    ]
)
_MODELS = frozenset(["p", "pb", "pbtxt", "model", "engine", "plan", "lite", "caffemodel", "jit"])
_LONGEST_LINK = 4096


def check_name(name: str, archive: Source, walk: Walk) -> None:
    """Note a name that leads out of the folder that the archive is unpacked into."""
    if how := escape_of(name):
        message = f"Unpacking it writes `{shown(name)}`, a name that {how}."
        walk.found.add(Fact(rule=ESCAPES.id, subject=shown(name), message=message, part=archive.name))


def check_link(name: str, target: str, archive: Source, walk: Walk) -> None:
    """Note a link that leads out of the folder that the archive is unpacked into."""
    if how := link_escape_of(name, target):
        message = f"Unpacking it makes the link `{shown(name)}` to `{shown(target)}`, which {how}."
        walk.found.add(Fact(rule=ESCAPES.id, subject=shown(name), message=message, part=archive.name))


def read_member(part: Source, walk: Walk, *, judged: bool = False) -> None:
    """Hand a member to the readers; `judged` says that somebody else looks at its code."""
    if part.size and not walk.read(part) and not judged:
        _judge_unknown(part, walk)
    elif not part.size and not judged and _is_model(part.name):
        walk.found.not_read(part.name, "it is empty")


def _judge_unknown(part: Source, walk: Walk) -> None:
    """Weights and texts need no reader; programs are facts, and what claims to be a model was not read."""
    head = part.at(0, HEAD)
    suffix = suffix_of(part.name.rpartition("/")[2])
    if suffix in _SCRIPTS:
        _tell_code(part, "holds a script", walk)
    elif kind := executable(head, part):
        _tell_code(part, f"holds {kind}", walk, _NATIVE)
    elif suffix in _PROGRAMS:
        _tell_code(part, "holds a library or program", walk)
    elif _is_model(part.name):
        walk.found.not_read(part.name, "nothing here knows its format")


def _is_model(name: str) -> bool:
    return is_model_name(name) or suffix_of(name.rpartition("/")[2]) in _MODELS


def _tell_code(part: Source, what: str, walk: Walk, severity: float | None = None) -> None:
    name = part.name.rpartition("/")[2]
    message = f"The archive {what}, `{name}`, which whoever unpacks it can run."
    walk.found.add(Fact(rule=CODE.id, subject=part.name, message=message, part=part.name, severity=severity))


def read_loose(part: Source, where: str, walk: Walk) -> None:
    """Note bytes that nothing lays claim to, and hand them to the readers all the same."""
    message = f"It carries {part.size:,} bytes {where}."
    walk.found.add(Fact(rule=HIDDEN.id, subject=where, message=message, part=part.name))
    read_member(part, walk)


def tell_bomb(name: str, reason: str, walk: Walk) -> None:
    """Note that a part grows beyond all measure, and that it was not read to its end."""
    message = f"Unpacking it fills memory or disk: {reason}."
    walk.found.add(Fact(rule=BOMB.id, subject="growth", message=message, part=name))
    walk.found.not_read(name, reason)


def is_plain_text(head: bytes) -> bool:
    """Whether bytes are text in UTF-8, as far as they go."""
    cut_at_most = 4 if len(head) == HEAD else 1  # bytes of a character
    for end in range(len(head), len(head) - cut_at_most, -1):
        with suppress(UnicodeDecodeError):
            return "\0" not in head[:end].decode("utf-8")
    return False


def link_target(part: Source) -> str:
    """The target of a symbolic link that is kept as content."""
    return part.at(0, _LONGEST_LINK).decode("utf-8", "replace")
