"""Whether the first bytes of a file are a pickle, judged by its opcodes; nothing is decoded or loaded."""

from __future__ import annotations

import pickletools
import re
from dataclasses import dataclass

_LINE, _LINES = -1, -2  # the argument goes to the next newline, or the one after it
_NAME = rb"[A-Za-z_][\w.]*"
_DIGITS = re.compile(rb"-?\d{1,20}")

# What the text argument of an opcode has to look like; the others take anything.
_TEXT_ARGUMENTS = {
    b"I": re.compile(rb"[ ]*[-+]?\d+|0[01]"),
    b"L": re.compile(rb"[ ]*[-+]?\d+L?"),
    b"F": re.compile(rb"[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+|inf|nan)", re.IGNORECASE),
    b"S": re.compile(rb"[ ]*(['\"]).*\1[ ]*", re.DOTALL),
    b"p": _DIGITS,
    b"g": _DIGITS,
    b"c": re.compile(_NAME + rb"\n" + _NAME),
    b"i": re.compile(_NAME + rb"\n" + _NAME),
}
_MEMO = frozenset(b"pqr\x94")
_IMPORTS = frozenset(b"ci\x93\x82\x83\x84")
_CALLS = frozenset(b"Rio\x81\x92b")
_STOP, _PROTO = ord("."), 0x80
_PROTOCOLS = frozenset((b"\x02", b"\x03", b"\x04", b"\x05"))  # the ones that are announced


# Of what an opcode takes from the stack and puts there: how many it pops (and whether down to the mark), and
# how many it pushes.
_Effect = tuple[int, bool, int]


def _argument_sizes() -> list[int | tuple[int, bool] | None]:
    """Per byte: None for no opcode, else the size of the argument, or (bytes of its length, signed)."""
    lengths = {
        pickletools.TAKEN_FROM_ARGUMENT1: (1, False),
        pickletools.TAKEN_FROM_ARGUMENT4: (4, True),
        pickletools.TAKEN_FROM_ARGUMENT4U: (4, False),
        pickletools.TAKEN_FROM_ARGUMENT8U: (8, False),
    }
    table: list[int | tuple[int, bool] | None] = [None] * 256
    for opcode in pickletools.opcodes:
        size = opcode.arg.n if opcode.arg else 0
        if size == pickletools.UP_TO_NEWLINE:
            table[ord(opcode.code)] = _LINES if opcode.name in ("GLOBAL", "INST") else _LINE
        else:
            table[ord(opcode.code)] = lengths.get(size, size)
    return table


def _stack_effects() -> dict[int, _Effect]:
    effects: dict[int, _Effect] = {}
    for opcode in pickletools.opcodes:
        before = opcode.stack_before
        to_mark = pickletools.markobject in before
        pops = before.index(pickletools.markobject) if to_mark else len(before)
        effects[ord(opcode.code)] = (pops, to_mark, len(opcode.stack_after))
    return effects


_SIZES = tuple(_argument_sizes())
_EFFECTS = _stack_effects()
_LONGEST_LINE = 256  # bytes of an argument that is a number or a name
_MARK, _POP = ord("("), ord("0")


@dataclass(frozen=True, slots=True)
class Opcodes:
    """What walking over opcodes found: how many, where it ended, and what was among them.

    `end` is the offset after STOP, or None when there was none; `valid` says that no byte was wrong;
    `memo`, `imported` and `called` say that it stores, imports, and calls after an import.
    """

    count: int = 0
    end: int | None = None
    valid: bool = True
    memo: bool = False
    imported: bool = False
    called: bool = False


class _Stack:
    """How deep the unpickler's stack is, and where its marks are."""

    def __init__(self) -> None:
        self.depth = 0
        self.marks: list[int] = []

    def apply(self, code: int) -> bool:
        """Do what an opcode does; False when the unpickler would refuse, for want of objects."""
        pops, to_mark, pushes = _EFFECTS[code]
        floor = self.marks[-1] if self.marks else 0
        if code == _MARK:
            self.marks.append(self.depth)
            return True
        if code == _POP and self.marks and self.depth == floor:
            self.marks.pop()
            return True
        if to_mark:
            if not self.marks:
                return False
            self.depth = self.marks.pop()
            floor = self.marks[-1] if self.marks else 0
        if self.depth - pops < floor:
            return False
        self.depth += pushes - pops
        return True


def walk(data: bytes, size: int) -> Opcodes:
    """Walk from opcode to opcode to STOP, to the first byte that is none, or to the end of the data.

    `size` is the length of the whole file, of which `data` is the beginning; no argument is longer.
    """
    at = count = 0
    memo = imported = called = False
    end = None
    valid = True
    stack = _Stack()
    while at < len(data) and end is None:
        following = _skip(data, at, size)
        code = data[at]
        if following is None or following > size or not stack.apply(code):
            valid = False
            break
        count += 1
        memo = memo or code in _MEMO
        imported = imported or code in _IMPORTS
        called = called or (imported and code in _CALLS)
        at = following
        if code == _STOP:
            end = at
    return Opcodes(count, end, valid, memo, imported, called)


def is_pickle(head: bytes, size: int, tail: bytes) -> bool:
    """Whether a file is a pickle; `head` and `tail` are its first and last bytes, `size` its whole length.

    Protocols 2 to 5 are told by their header and what follows it. A stream without a header is one when it
    calls what it imports, or when its opcodes lead from the first byte to a STOP that is the last one.
    """
    if not head:
        return False
    found = walk(head, size)
    if found.called:
        return True
    if head[0] == _PROTO and head[1:2] in _PROTOCOLS:
        return found.count >= (2 if found.valid else 3)
    if found.end is None:
        return found.valid and size > len(head) and _goes_on(found, tail)
    rest = head[found.end :]
    if rest.strip():
        return rest[0] == _PROTO and is_pickle(rest, size - found.end, tail)
    return found.memo and size - found.end < 16


def _goes_on(found: Opcodes, tail: bytes) -> bool:
    """Whether a stream without a header that is longer than the bytes at hand looks like a pickle."""
    return found.imported or (found.memo and found.count >= 8 and tail.rstrip().endswith(b"."))


def _skip(data: bytes, at: int, size: int) -> int | None:
    """Offset after the opcode at `at` and its argument; None when that is no opcode."""
    argument = _SIZES[data[at]]
    start = at + 1
    if argument is None:
        return None
    if isinstance(argument, tuple):
        width, signed = argument
        length = int.from_bytes(data[start : start + width], "little", signed=signed)
        return None if length < 0 else start + width + length
    if argument >= 0:
        return start + argument
    return _skip_lines(data, at, size, 2 if argument == _LINES else 1)


def _skip_lines(data: bytes, at: int, size: int, lines: int) -> int | None:
    end = at
    for _ in range(lines):
        end = data.find(b"\n", end + 1)
        if end < 0:
            # cut off where the bytes at hand end; only a string may be long
            is_cut = len(data) < size and (data[at] in b"SV" or len(data) - at < _LONGEST_LINE)
            return len(data) if is_cut else None
    pattern = _TEXT_ARGUMENTS.get(data[at : at + 1])
    if pattern and not pattern.fullmatch(data[at + 1 : end].rstrip(b"\r")):
        return None
    return end + 1
