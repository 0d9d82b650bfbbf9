"""What an expression of a Jinja template comes to, as far as its constants tell; Jinja never evaluates it."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jinja2 import nodes

Plain = str | int | float | None | tuple["Plain", ...]
LONGEST, LARGEST = 10_000, 1_000_000
_DEEPEST = 60
_WIDE = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known; `huge` if it is too large to be worked out."""

    value: Plain
    huge: bool = False


HUGE = Known(None, huge=True)
Names = Mapping[str, Known | None]


def fold(node: nodes.Node, names: Names, depth: int = 0) -> Known | None:
    """The value of an expression, None where it depends on what the template is given."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, nodes.Const):
        return _kept(node.value)
    if isinstance(node, nodes.TemplateData):
        return _kept(node.data)
    if isinstance(node, nodes.Name):
        return names.get(node.name)
    if isinstance(node, nodes.Slice):
        return _many([node.start, node.stop, node.step], names, depth)
    if isinstance(node, nodes.List | nodes.Tuple):
        return _many(node.items, names, depth)
    function, arguments = _operation(node)
    return None if function is None else _apply(function, arguments, names, depth)


def _operation(node: nodes.Node) -> tuple[Callable[..., Plain] | None, Sequence[nodes.Expr]]:
    """What is done in an expression to what, if it is known here."""
    if isinstance(node, nodes.Concat):
        return _concatenate, node.nodes
    if isinstance(node, nodes.BinExpr):
        return _BINARY.get(type(node)), [node.left, node.right]
    if isinstance(node, nodes.Neg):
        return _negative, [node.node]
    if isinstance(node, nodes.Getitem):
        return _item, [node.node, node.arg]
    if isinstance(node, nodes.Filter) and isinstance(node.node, nodes.Expr) and not node.kwargs:
        return _FILTERS.get(node.name), [node.node, *node.args]
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and not node.kwargs:
        return _METHODS.get(node.node.attr), [node.node.node, *node.args]
    return None, []


def is_built(node: nodes.Node, built: AbstractSet[str]) -> bool:
    """Whether a text is put together in an expression, out of pieces or from a name that was."""
    if isinstance(node, nodes.Concat):
        return True
    if isinstance(node, nodes.Name):
        return node.name in built
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}" in built
    if isinstance(node, nodes.Filter):
        return node.name in _BUILDING or (node.node is not None and is_built(node.node, built))
    if isinstance(node, nodes.Call):
        method = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
        return method in _BUILDING
    if isinstance(node, nodes.Add | nodes.Mod | nodes.Mul):
        return any(isinstance(each.value, str) for each in node.find_all(nodes.Const)) or any(
            is_built(side, built) for side in (node.left, node.right)
        )
    if isinstance(node, nodes.Getitem):
        return is_built(node.node, built) or isinstance(node.arg, nodes.Slice)
    if isinstance(node, nodes.CondExpr):
        sides = [node.expr1, node.expr2]
        return any(is_built(side, built) for side in sides if side is not None)
    return False


def _many(items: Sequence[nodes.Expr | None], names: Names, depth: int) -> Known | None:
    values: list[Plain] = []
    for item in items:
        known = Known(None) if item is None else fold(item, names, depth + 1)
        if known is None or known.huge:
            return known
        values.append(known.value)
    return Known(tuple(values))


def _apply(
    function: Callable[..., Plain], arguments: Sequence[nodes.Expr], names: Names, depth: int
) -> Known | None:
    known = _many(arguments, names, depth)
    if known is None or not isinstance(known.value, tuple):
        return known
    try:
        return _kept(function(*known.value))
    except OverflowError:
        return HUGE
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None


def _kept(value: object) -> Known | None:
    if isinstance(value, str | tuple) and len(value) > LONGEST:
        return None
    return Known(value) if isinstance(value, str | int | float | tuple) or value is None else None


def _concatenate(*parts: Plain) -> Plain:
    return "".join(map(str, parts))


def _add(left: Plain, right: Plain) -> Plain:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    return _number(left) + _number(right)


def _multiply(left: Plain, right: Plain) -> Plain:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str | tuple) and isinstance(times, int):
            _check(len(text) * times, LONGEST)
            return text * times
    return _number(left) * _number(right)


def _power(left: Plain, right: Plain) -> Plain:
    base, exponent = _number(left), _number(right)
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        _check(max(base.bit_length(), 1) * exponent, LARGEST)
    result = base**exponent
    return result if isinstance(result, int | float) else None


def _modulo(left: Plain, right: Plain) -> Plain:
    if not isinstance(left, str):
        return _number(left) % _number(right) if _number(right) else None
    if _WIDE.search(left) or "*" in left:
        raise OverflowError
    return left % right


def _negative(value: Plain) -> Plain:
    return -_number(value)


def _number(value: Plain) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError
    return value


def _check(size: int, most: int) -> None:
    if size > most:
        raise OverflowError


def _item(value: Plain, index: Plain) -> Plain:
    if not isinstance(value, str | tuple):
        raise TypeError
    if isinstance(index, tuple):
        start, stop, step = (None if each is None else int(_number(each)) for each in index)
        return value[start:stop:step]
    return value[int(_number(index))]


def _format(text: Plain, *values: Plain) -> Plain:
    """`str.format` for fields without attributes, conversions and widths; no attribute is ever followed."""
    out: list[str] = []
    for number, (literal, name, spec, conversion) in enumerate(string.Formatter().parse(str(text))):
        out.append(literal)
        if name is not None:
            if spec or conversion:
                raise ValueError
            out.append(str(values[int(name or number)]))
    return "".join(out)


def _join(values: Plain, separator: Plain = "") -> Plain:
    return str(separator).join(map(str, values)) if isinstance(values, str | tuple) else None


def _text(function: Callable[[str], str]) -> Callable[..., Plain]:
    return lambda value, *_: function(str(value))


_TEXT: Mapping[str, Callable[..., Plain]] = {
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "title": _text(str.title),
    "capitalize": _text(str.capitalize),
    "replace": lambda value, old, new, *_: str(value).replace(str(old), str(new)) if old else str(value),
}
_METHODS: Mapping[str, Callable[..., Plain]] = {
    **_TEXT,
    "swapcase": _text(str.swapcase),
    "strip": lambda value, *what: str(value).strip(*map(str, what)),
    "lstrip": lambda value, *what: str(value).lstrip(*map(str, what)),
    "rstrip": lambda value, *what: str(value).rstrip(*map(str, what)),
    "join": lambda separator, values: _join(values, separator),
    "format": _format,
}
_FILTERS: Mapping[str, Callable[..., Plain]] = {
    **_TEXT,
    "trim": lambda value, *what: str(value).strip(*map(str, what)),
    "string": _text(str),
    "safe": _text(str),
    "reverse": lambda value: value[::-1] if isinstance(value, str | tuple) else None,
    "join": _join,
    "list": lambda value: tuple(value) if isinstance(value, str | tuple) else None,
    "first": lambda value: _item(value, 0),
    "last": lambda value: _item(value, -1),
    "int": lambda value, *_: int(_number(value)),
    "format": lambda text, *values: _modulo(text, values),
}
_BUILDING = frozenset([*_TEXT, *_METHODS, *_FILTERS, "urlencode", "decode", "encode"]) - {
    "int",
    "first",
    "last",
}
_BINARY: Mapping[type[nodes.BinExpr], Callable[[Plain, Plain], Plain]] = {
    nodes.Add: _add,
    nodes.Sub: lambda left, right: _number(left) - _number(right),
    nodes.Mul: _multiply,
    nodes.Pow: _power,
    nodes.Mod: _modulo,
}
