"""NumPy arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from math import prod
from typing import Any

from mlsecops.models.inspection import Fact
from mlsecops.models.rules.numpy import NUMPY_HEADER, OBJECTS
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16  # NumPy itself takes 10,000 characters
_PLAIN = re.compile(r"[<>|=]?(?:[?bBhHiIlLqQefdgFDGpP]|[biufcSaUVmM]\d{0,9}(?:\[[^\]]{0,20}\])?)")
_SIZE = re.compile(r"[<>|=]?([biufcSaUVmM?])(\d*)")
# Only literals: nothing that Python's parser could make deep or large is handed to it.
_LITERAL = re.compile(
    r"""(?:\s+|'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+"|-?\d{1,20}+L?|True|False|None|[][{}(),:])*+"""
)
_CALL = re.compile(r"[A-Za-z_]\w*\s*\(")
_DEEPEST, _LARGEST = 20, 1 << 62
_EMPTY = "its pickle is missing"


@dataclass(frozen=True, slots=True)
class NpyReader:
    """Reads the header; the pickle of an array of objects goes to the readers of pickles."""

    format: str = "NumPy"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its first six bytes."""
        del source
        return head.startswith(MAGIC)

    def read(self, source: Source, walk: Walk) -> None:
        """Tell numbers from objects by the header."""
        version = source.at(6, 2)
        if version[:1] not in (b"\1", b"\2", b"\3"):
            raise UnreadableError("its version of NumPy's format is not known")
        width = 2 if version[0] == 1 else 4
        length = int.from_bytes(source.at(8, width), "little")
        begin = 8 + width + length
        if begin > source.size:
            raise UnreadableError("it is cut off within its header")
        if length > _LONGEST_HEADER:
            _fact(
                walk,
                source,
                "length",
                f"Its header has {length:,} characters; NumPy takes 10,000.",
            )
            raise UnreadableError("its header is too long")
        text = source.at(8 + width, length).decode("utf-8" if version[0] == 3 else "latin-1", "replace")
        kind, shape = self._header(text, source, walk)
        rest = source.part(begin, source.size - begin, "")
        if _holds_objects(kind):
            message = "It holds pickled Python objects, which are loaded where `allow_pickle=True` is given."
            walk.found.add(
                Fact(rule=OBJECTS.id, subject="objects", message=message, part=source.name, offset=begin)
            )
            if rest.size == 0:
                raise UnreadableError(_EMPTY)
            if not walk.read(rest):
                raise UnreadableError("its objects are no pickle")
            return
        self._fits(kind, shape, rest, walk)

    def _header(self, text: str, source: Source, walk: Walk) -> tuple[Any, tuple[int, ...]]:
        if not _LITERAL.fullmatch(text):
            if _CALL.search(text):
                _fact(walk, source, "call", "Its header calls a function, where a plain description belongs.")
            raise UnreadableError("its header cannot be read")
        try:
            header = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text.strip()))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
            raise UnreadableError("its header cannot be read") from error
        if not isinstance(header, dict) or not {"descr", "shape", "fortran_order"} <= header.keys():
            raise UnreadableError("its header does not describe an array")
        if set(header) != {"descr", "shape", "fortran_order"}:
            _fact(walk, source, "names", "Its header has entries that NumPy does not know.")
        shape = header["shape"]
        if not isinstance(shape, tuple) or not all(type(each) is int for each in shape):
            raise UnreadableError("its header does not describe an array")
        if any(each < 0 for each in shape) or prod(shape) >= _LARGEST:
            _fact(walk, source, "shape", "The shape in its header is negative or overflows.")
            raise UnreadableError("its shape cannot be")
        return header["descr"], shape

    def _fits(self, kind: Any, shape: tuple[int, ...], rest: Source, walk: Walk) -> None:
        size = _size(kind)
        if size is None:
            raise UnreadableError("its header names a type that is not known")
        if rest.size < prod(shape) * size:
            raise UnreadableError(f"it is cut off: {prod(shape) * size - rest.size:,} bytes are missing")
        behind = rest.size - prod(shape) * size
        if behind:
            # numpy.load reads on where several arrays were saved into one file.
            tail = rest.part(prod(shape) * size, behind, "")
            if not walk.read(tail):
                _fact(walk, rest, "rest", f"{behind:,} bytes behind the array belong to nothing.", 5.0)


def _holds_objects(kind: Any, depth: int = 0) -> bool:
    """Whether a type description has an object type in it; names of fields do not count."""
    if depth > _DEEPEST:
        raise UnreadableError("its type is nested too deeply")
    if isinstance(kind, str):
        return not _PLAIN.fullmatch(kind) and ("O" in kind or "obj" in kind)
    if isinstance(kind, list):
        fields = [field[1] for field in kind if isinstance(field, tuple) and len(field) > 1]
        return any(_holds_objects(each, depth + 1) for each in fields)
    return isinstance(kind, tuple) and bool(kind) and _holds_objects(kind[0], depth + 1)


def _size(kind: Any, depth: int = 0) -> int | None:
    """Bytes of one value of a type, None for what is not known."""
    if isinstance(kind, str):
        match = _SIZE.fullmatch(re.sub(r"\[.*\]$", "", kind))
        if match is None or not _PLAIN.fullmatch(kind):
            return None
        if match[1] in "mM" and not match[2]:
            return 8
        return int(match[2] or 1) * (4 if match[1] == "U" else 1)
    if isinstance(kind, list) and depth <= _DEEPEST:
        sizes = [_field(field, depth) for field in kind]
        return None if None in sizes else sum(each for each in sizes if each is not None)
    if isinstance(kind, tuple) and len(kind) == 2:
        return _field(("", *kind), depth)
    return None


def _field(field: Any, depth: int) -> int | None:
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        return None
    size = _size(field[1], depth + 1)
    shape = field[2] if len(field) == 3 else ()
    shape = (shape,) if isinstance(shape, int) else shape
    if (
        size is None
        or not isinstance(shape, tuple)
        or not all(type(each) is int and each >= 0 for each in shape)
    ):
        return None
    return size * prod(shape)


def _fact(walk: Walk, source: Source, subject: str, message: str, severity: float | None = None) -> None:
    walk.found.add(
        Fact(rule=NUMPY_HEADER.id, subject=subject, message=message, part=source.name, severity=severity)
    )
