"""Objects on the stack of an interpreted pickle, and how they are shown to those who judge it.

Plain values are on the stack as they are, and so are tuples of few items, `Global`, `Result`, `Cut` and
`Unknown`. The others can change while the pickle goes on, and are here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mlsecops.models.pickle.values import Constant, Cut, Global, Mapping, Result, Sequence, Unknown, Value

_DEPTH, _WIDTH, _FIXED = 6, 64, 32
NODES = 400
"""So many objects a picture shows at most."""
LONGEST_NAME = 512
STREAMS = ("_io.BytesIO", "io.BytesIO")
_TOO_DEEP = Unknown("it lies too deep to be shown")


@dataclass(slots=True, eq=False)
class Items:
    """A list, set or long tuple: its first items, and how many it has."""

    kind: Literal["list", "tuple", "set", "frozenset"]
    items: list[object] = field(default_factory=list)
    length: int = 0


@dataclass(slots=True, eq=False)
class Pairs:
    """A dict: its first items, and how many were set."""

    items: list[tuple[object, object]] = field(default_factory=list)
    length: int = 0

    def get(self, key: str) -> object:
        """The last value of a text key that is still held, or None."""
        return next((value for name, value in reversed(self.items) if name == key), None)


@dataclass(slots=True, eq=False)
class Bound:
    """A method of a plain value or container: its dotted name, and whose it is."""

    name: str
    receiver: object


@dataclass(slots=True, eq=False)
class Partial:
    """A `functools.partial`: calling it calls something else."""

    function: object
    arguments: list[object]
    keywords: list[tuple[str, object]]


@dataclass(slots=True, eq=False)
class Getter:
    """An `operator.attrgetter`, `itemgetter` or `methodcaller`: calling it looks into its argument."""

    kind: Literal["attrgetter", "itemgetter", "methodcaller"]
    keys: list[object]
    keywords: list[tuple[str, object]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Built:
    """An object of one of the few classes of which we need the arguments and the state."""

    target: str
    arguments: list[object]
    state: object = None
    attributes: dict[object, object] = field(default_factory=dict)


_TYPES: dict[type, str] = {
    str: "builtins.str",
    bytes: "builtins.bytes",
    int: "builtins.int",
    float: "builtins.float",
    bool: "builtins.bool",
    tuple: "builtins.tuple",
    type(None): "builtins.NoneType",
    Pairs: "builtins.dict",
}


def type_name(value: object) -> str | None:
    """The dotted name of the type of a plain value or container, None for anything else."""
    if isinstance(value, Items):
        return f"builtins.{value.kind}"
    if isinstance(value, Cut):
        return "builtins.str" if isinstance(value.head, str) else "builtins.bytes"
    return _TYPES.get(type(value))


def is_fixed(value: object, depth: int = 3) -> bool:
    """Whether an object stays as it is: a plain value, a name, or a tuple of such."""
    if isinstance(value, tuple):
        return depth > 0 and len(value) <= _FIXED and all(is_fixed(item, depth - 1) for item in value)
    return isinstance(value, str | bytes | int | float | Global | Result | Cut | None)


def path_of(value: object) -> str | None:
    """How an object is named in paths; None where that cannot be known. Plain values have no name."""
    match value:
        case Global(name) | Bound(name):
            return name
        case Result(None):
            return None
        case Result(target) | Built(target):
            return f"{target}()"
        case Partial():
            return "functools.partial()"
        case Getter(kind):
            return f"operator.{kind}()"
    return None


def below(path: str | None, name: str) -> str | None:
    """The path of an attribute; None where it gets too long to be of use."""
    if path is None or len(path) + len(name) >= LONGEST_NAME:
        return None
    return f"{path}.{name}"


def show(value: object) -> Value:
    """A frozen picture of an object, bounded in depth and size."""
    return Picture(NODES).value(value, 0)


def _held(stream: Built) -> Constant | Cut | None:
    """The bytes of a stream: of its state, which is they, a place and attributes, or its first argument."""
    given = stream.arguments if stream.state is None else stream.state
    match given:
        case [bytes() as content, *_]:
            return Constant(content)
        case [Cut(bytes()) as content, *_]:
            return content
    return None


class Picture:
    """Several frozen pictures, bounded together: `left` are the objects that may still be shown."""

    def __init__(self, left: int) -> None:
        self.left = left

    def of(self, values: list[object]) -> tuple[Value, ...]:
        """Pictures of the first objects."""
        return tuple(self.value(value, 0) for value in values[:_WIDTH])

    def value(self, value: object, depth: int) -> Value:
        """A picture of an object that lies so deep in others."""
        self.left -= 1
        match value:
            case None | bool() | int() | float() | str() | bytes():
                return Constant(value)
            case Global() | Result() | Cut() | Unknown():
                return value
            case tuple():
                return Sequence("tuple", self._values(value, depth), len(value))
            case Items():
                return Sequence(value.kind, self._values(value.items, depth), value.length)
            case Pairs():
                return Mapping(self._pairs(value, depth), value.length)
        return self._other(value)

    def _other(self, value: object) -> Value:
        if isinstance(value, Bound):
            return Global(value.name)
        if isinstance(value, Built) and value.target in STREAMS:
            return Result(value.target, _held(value))
        path = path_of(value)
        return Unknown() if path is None else Result(path.removesuffix("()"))

    def _values(self, items: tuple[object, ...] | list[object], depth: int) -> tuple[Value, ...]:
        if items and (depth >= _DEPTH or self.left <= 0):
            return (_TOO_DEEP,) if len(items) == 1 else ()
        shown = []
        for item in items[:_WIDTH]:
            if self.left <= 0:
                break
            shown.append(self.value(item, depth + 1))
        return tuple(shown)

    def _pairs(self, pairs: Pairs, depth: int) -> tuple[tuple[Value, Value], ...]:
        if depth >= _DEPTH:
            return ()
        shown = []
        for key, item in pairs.items[:_WIDTH]:
            if self.left <= 0:
                break
            shown.append((self.value(key, depth + 1), self.value(item, depth + 1)))
        return tuple(shown)
