"""A walk through R's serialized objects (codes of R's own serialize.c), holding only names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlsecops.models.readers.r_stream import RStream
from mlsecops.models.walk import UnreadableError

_SYMBOL, _LIST, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL, _SPECIAL, _BUILTIN = 1, 2, 3, 4, 5, 6, 7, 8
_CHARACTERS, _TEXTS, _DOTS, _VECTOR, _EXPRESSION, _BYTECODE, _POINTER, _WEAK, _S4 = (
    9,
    16,
    17,
    19,
    20,
    21,
    22,
    23,
    25,
)
_REFERENCE, _UNBOUND, _ALTREP = 255, 252, 238
_SINGLE = frozenset([254, 253, 252, 251, 250, 242, 241])
_PLACES = frozenset([247, 248, 249])
_CODE_REFERENCE, _CODE_DEFINITION, _CODE_LIST, _CODE_CALL = 243, 244, 239, 240
_IN_CODE = frozenset([_CALL, _LIST, _CODE_DEFINITION, _CODE_REFERENCE, _CODE_CALL, _CODE_LIST])
_PAIRS = frozenset([_LIST, _CLOSURE, _PROMISE, _CALL, _DOTS])
_WIDTHS: Mapping[int, int] = {10: 4, 13: 4, 14: 8, 15: 16, 24: 1}
_HAS_ATTRIBUTES, _HAS_TAG = 1 << 9, 1 << 10
_MOST_ITEMS, _MOST_DUE, _MOST_NAMES, _LONGEST_WORD = 20_000_000, 2_000_000, 1_000_000, 100
_TOO_MANY, _UNSOUND = "it has more parts than any real object", "it is not a sound R object"

# Where an object stands: at the top, among the values of an environment, in front of a call, in code, in the
# place of the value of a promise, or elsewhere. The last four are pieces of compiled code, and no objects.
Role = Literal[
    "top",
    "frame",
    "head",
    "code",
    "data",
    "awaited top",
    "awaited",
    "constant",
    "row",
    "constants",
    "part",
    "part head",
]


@dataclass(slots=True)
class RObjects:
    """`due` is what is still to be read, the next one last, each with how many there are of it.

    `calls` are names in front of calls, `words` other names and texts in code, `constants` names in compiled
    code, `promises` where expressions wait for their value.
    """

    stream: RStream
    due: list[tuple[Role, int]] = field(default_factory=lambda: [("top", 1)])
    names: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    promises: set[str] = field(default_factory=set)
    _values: Mapping[int, Callable[[Role], None]] = field(init=False)

    def __post_init__(self) -> None:
        """Know how to read each kind."""
        self._values = {
            _ENVIRONMENT: self._environment,
            _SPECIAL: self._one_text,
            _BUILTIN: self._one_text,
            _CHARACTERS: self._one_text,
            _TEXTS: self._texts,
            _VECTOR: self._vector,
            _EXPRESSION: self._expression,
            _BYTECODE: self._bytecode,
            _POINTER: self._pointer,
            _WEAK: self._weak,
            _S4: self._nothing,
        }

    def read(self) -> None:
        """Read all objects; what one holds is put off until it is its turn. Raises UnreadableError."""
        for _ in range(_MOST_ITEMS):
            if not self.due:
                return
            role, times = self.due.pop()
            if times > 1:
                self.due.append((role, times - 1))
            if role == "row":
                self._push(("constants", self.stream.length()))
            elif role in ("constants", "part", "part head"):
                self._piece(role)
            else:
                self._object(role)
            if len(self.due) > _MOST_DUE or len(self.names) > _MOST_NAMES:
                break
        raise UnreadableError(_TOO_MANY)

    def _object(self, role: Role) -> None:
        flags = self.stream.integer()
        kind = flags & 0xFF
        if kind in _SINGLE:
            if kind == _UNBOUND and role in ("awaited", "awaited top"):
                self.promises.add(role)
        elif kind == _REFERENCE:
            self._named(role, self._known((flags >> 8 & 0xFFFFFF) or self.stream.integer()))
        elif kind == _SYMBOL:
            self.names.append(self._characters())
            self._named(role, self.names[-1])
        elif kind in _PLACES:
            self._place()
        elif kind == _ALTREP:
            self._push(("data", 1), (role, 1), ("data", 1))
        elif kind in _PAIRS:
            self._pair(role, kind, flags)
        else:
            self._later(flags & _HAS_ATTRIBUTES)
            self._value(role, kind)

    def _pair(self, role: Role, kind: int, flags: int) -> None:
        """Attributes, a tag, a first value and the rest, of lists, calls, functions and promises."""
        first, rest = role, role
        if kind == _CALL:
            first, rest = "head", "code"
        elif kind == _CLOSURE or (kind == _LIST and role == "head"):
            first = rest = "code"
        elif kind == _PROMISE:
            first = "awaited top" if role == "top" else "data" if role == "frame" else "awaited"
            rest = "code"
        self._push((rest, 1), (first, 1))
        self._later(flags & _HAS_TAG)
        self._later(flags & _HAS_ATTRIBUTES)

    def _value(self, role: Role, kind: int) -> None:
        """Everything else, of which attributes come last."""
        read = self._values.get(kind)
        if kind in _WIDTHS:
            self.stream.skip(self.stream.length(), _WIDTHS[kind])
        elif read is not None:
            read(role)
        else:
            raise UnreadableError(f"it has a part of a kind that is not known ({kind})")

    def _texts(self, role: Role) -> None:
        for _ in range(self.stream.length()):
            text = self._characters()
            if role in ("code", "head", "constant") and len(text) < _LONGEST_WORD:
                self.words.add(text)

    def _vector(self, role: Role) -> None:
        self._push(("data" if role == "top" else role, self.stream.length()))

    def _expression(self, role: Role) -> None:
        del role
        self._push(("code", self.stream.length()))

    def _environment(self, role: Role) -> None:
        """What encloses it, its values twice, and attributes."""
        del role
        self.stream.integer()
        self.names.append("")
        self._push(("data", 1), ("frame", 1), ("frame", 1), ("data", 1))

    def _pointer(self, role: Role) -> None:
        del role
        self.names.append("")
        self._push(("data", 2))

    def _weak(self, role: Role) -> None:
        del role
        self.names.append("")

    def _nothing(self, role: Role) -> None:
        """An object that has only attributes."""

    def _one_text(self, role: Role) -> None:
        self._named(role, self.stream.text(self.stream.integer()))

    def _bytecode(self, role: Role) -> None:
        del role
        self.stream.integer()
        self._compiled()

    def _compiled(self) -> None:
        """Instructions, then constants."""
        self._push(("row", 1), ("data", 1))

    def _piece(self, role: Role) -> None:
        """A constant of compiled code, or a part of a call among them; each says its kind in front."""
        kind = self.stream.integer()
        if role == "constants" and kind == _BYTECODE:
            self._compiled()
        elif kind not in _IN_CODE:
            self._push(("head" if role == "part head" else "constant" if role == "constants" else "code", 1))
        elif kind == _CODE_REFERENCE:
            self.stream.integer()
        else:
            if kind == _CODE_DEFINITION:
                self.stream.integer()
                kind = self.stream.integer()
            self._push(("part", 1), ("part head" if kind in (_CALL, _CODE_CALL) else "part", 1), ("data", 1))
            self._later(kind in (_CODE_CALL, _CODE_LIST))

    def _place(self) -> None:
        """A package or namespace, by name."""
        self.stream.integer()
        for _ in range(self.stream.length()):
            self._characters()
        self.names.append("")

    def _push(self, *due: tuple[Role, int]) -> None:
        """Put off objects, the last one to be read first; rows of none are left out."""
        self.due += [each for each in due if each[1]]

    def _later(self, there: int) -> None:
        if there:
            self.due.append(("data", 1))

    def _characters(self) -> str:
        if self.stream.integer() & 0xFF != _CHARACTERS:
            raise UnreadableError(_UNSOUND)
        return self.stream.text(self.stream.integer())

    def _known(self, index: int) -> str:
        if not 0 < index <= len(self.names):
            raise UnreadableError(_UNSOUND)
        return self.names[index - 1]

    def _named(self, role: Role, name: str) -> None:
        if len(name) > _LONGEST_WORD or len(self.words) > _MOST_NAMES:
            return
        if role == "head":
            self.calls.add(name)
        elif role == "constant":
            self.constants.add(name)
        elif role == "code":
            self.words.add(name)
