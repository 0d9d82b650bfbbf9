"""Calls: what is called with what, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence

from mlsecops.models.pickle.applied import APPLIED
from mlsecops.models.pickle.helpers import NOTHING, Again, reply
from mlsecops.models.pickle.lookups import attribute, item
from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.objects import (
    NODES,
    Built,
    Getter,
    Items,
    Pairs,
    Partial,
    Picture,
    below,
    path_of,
    type_name,
)
from mlsecops.models.pickle.values import Call, Result, Unknown
from mlsecops.models.pickle.window import BrokenError

_INNER = 48  # calls within a call
_DEPTH = 10
_ARGUMENTS = 64
_NOT_KNOWN = (Unknown("arguments that cannot be known"),)
Keywords = Sequence[tuple[str, object]]


def call(
    machine: Machine,
    callee: object,
    arguments: list[object] | None,
    keywords: Keywords = (),
    *,
    opcode: str,
) -> object:
    """Tell of a call and of those in it, and return what it gives; None are arguments that are not known."""
    return _Calls(machine, opcode).call(callee, arguments, keywords, 0)


def call_once(machine: Machine, callee: object, arguments: object, *, opcode: str) -> object:
    """A call with its arguments in a tuple, as it is on the stack; the very same call is told once."""
    known = machine.effort.same(callee, arguments, opcode)
    if known is not None:
        return known
    result = call(machine, callee, positional(arguments), opcode=opcode)
    machine.effort.told(callee, arguments, opcode, result)
    return result


def positional(value: object) -> list[object] | None:
    """The arguments that a call takes from an object: of a tuple, or of what Python can take apart."""
    match value:
        case tuple():
            return list(value)
        case Items():
            return value.items.copy() if len(value.items) == value.length else None
        case Pairs():
            return [key for key, _ in value.items] if len(value.items) == value.length else None
        case str() | bytes():
            return list(value[:_ARGUMENTS])
    if type_name(value) is not None:
        raise BrokenError("it calls something with arguments that are no tuple")
    return None


def named(value: object) -> Keywords | None:
    """The keyword arguments that a call takes from a dict, None where they are not known."""
    if not isinstance(value, Pairs) or len(value.items) != value.length:
        return None
    return [(name, given) for name, given in value.items if isinstance(name, str)]


class _Calls:
    """The calls of one opcode, bounded together."""

    def __init__(self, machine: Machine, opcode: str) -> None:
        self.machine = machine
        self.opcode = opcode
        self.left = 1 + machine.effort.calls(machine.offset, _INNER)

    def call(self, callee: object, arguments: list[object] | None, keywords: Keywords, depth: int) -> object:
        self.left -= 1
        self.machine.effort.within += depth > 0
        if self.left < 0 or depth > _DEPTH:
            return self._tell(None, None, ())
        if isinstance(callee, Partial):
            given = None if arguments is None else [*callee.arguments, *arguments][:_ARGUMENTS]
            return self.call(callee.function, given, [*callee.keywords, *keywords], depth + 1)
        if isinstance(callee, Getter):
            return self._get(callee, arguments, depth)
        return self._plain(callee, arguments, keywords, depth)

    def _plain(
        self, callee: object, arguments: list[object] | None, keywords: Keywords, depth: int
    ) -> object:
        kind = type_name(callee)
        if kind is not None and depth:
            return self.machine.result(None)  # what only gets it may never call it
        if kind is not None:
            raise BrokenError(f"it calls a {kind.rpartition('.')[2]}, which cannot be called")
        target = path_of(callee)
        if isinstance(callee, Result | Built):
            target = below(target, "__call__")
        result = self._tell(target, arguments, keywords)
        if target is None or arguments is None:
            return result
        if self.left == 0 and target in APPLIED:
            return self._tell(None, None, ())  # what it calls is more than we follow
        answer = reply(self.machine, callee, target, arguments, dict(keywords))
        if not isinstance(answer, Again):
            return result if answer is NOTHING else answer
        results = [
            self.call(function, given, named_ones, depth + 1)
            for function, given, named_ones in answer.calls[: self.left]
        ]
        if len(results) < len(answer.calls):
            self._tell(None, None, ())  # there is more than we follow
        if not answer.many:
            return results[-1] if results else result
        return Items("list", results, len(answer.calls))

    def _tell(self, target: str | None, arguments: list[object] | None, keywords: Keywords) -> object:
        nodes = self.machine.effort.objects(self.machine.offset, NODES)
        picture = Picture(nodes)
        self.machine.say(
            Call(
                target,
                _NOT_KNOWN if arguments is None else picture.of(arguments),
                self.machine.offset,
                self.opcode,
                tuple((name, picture.value(value, 0)) for name, value in keywords[:_ARGUMENTS]),
                exact=arguments is not None and len(arguments) <= _ARGUMENTS,
            )
        )
        self.machine.effort.shown += nodes - picture.left
        return self.machine.result(target)

    def _get(self, getter: Getter, arguments: list[object] | None, depth: int) -> object:
        if not arguments:
            return self._tell(None, arguments, ())
        value = arguments[0]
        if getter.kind == "methodcaller":
            method = attribute(self.machine, value, getter.keys[0])
            return self.call(method, getter.keys[1:], getter.keywords, depth + 1)
        if getter.kind == "itemgetter":
            found = [item(self.machine, value, key) for key in getter.keys]
        else:
            found = [self._attributes(value, key) for key in getter.keys]
        return found[0] if len(found) == 1 else tuple(found)

    def _attributes(self, value: object, path: object) -> object:
        for name in path.split(".")[:_ARGUMENTS] if isinstance(path, str) else (path,):
            value = attribute(self.machine, value, name)
        return value
