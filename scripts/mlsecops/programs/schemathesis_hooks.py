"""Hooks for schemathesis, in its environment: who calls, and payloads in every place that takes text.

`MLSECOPS_ORDER` names a file with `payloads` (texts in which `HERE` stands for what is in the place already),
`identity` (what the caller adds to each request) and `credentials` (names of parameters that are no input).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

HERE = "\ue000"
_MOST_POINTS = 16
_WHERE = ("path_parameters", "query", "headers", "cookies")
_HEADERS = ("headers", "cookies")
Place = tuple[str | int, ...]
Values = dict[str, dict[str, str]]


class Caller:
    """Adds an identity to a case, as schemathesis's own providers of credentials do."""

    identity: ClassVar[Values] = {}

    def get(self, case: Any, context: Any) -> Values:
        """What is added, whatever the case."""
        del case, context
        return self.identity

    def set(self, case: Any, data: Values, context: Any) -> None:
        """Add it."""
        del context
        for where, values in data.items():
            getattr(case, where).update(values)


def variants(base: Any, payloads: list[str], credentials: Collection[str]) -> Iterator[Any]:
    """The case with each payload in each of its places."""
    for where in _WHERE:
        given = getattr(base, where)
        for parameter in getattr(base.operation, where):
            if parameter.name.lower() in credentials:
                continue
            here = given.get(parameter.name, "")
            for text in (filled(payload, here) for payload in payloads):
                if where not in _HEADERS or _is_header(text):
                    yield _with(base, where, {**given, parameter.name: text})
    for place, here in list(texts(base.body))[:_MOST_POINTS]:
        for payload in payloads:
            yield _with(base, "body", put(base.body, place, filled(payload, here)))


def texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in a JSON value with its place; of an array only in the first and the last element."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*place, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1}) if value else ():
            yield from texts(value[index], (*place, index))
    elif isinstance(value, str) and place:
        yield place, value


def put(value: Any, place: Place, new: Any) -> Any:
    """A copy of a JSON value with something else at a place."""
    if not place:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[place[0]] = put(copied[place[0]], place[1:], new)
    return copied


def filled(payload: str, here: Any) -> str:
    """The payload with what is in its place already."""
    return payload.replace(HERE, here if isinstance(here, str) else json.dumps(here))


def register(schemathesis: Any, order: dict[str, Any]) -> None:
    """Tell schemathesis of the hooks."""
    payloads, credentials = order["payloads"], frozenset(order["credentials"])

    def before_add_examples(context: Any, examples: list[Any]) -> None:
        """Attack from the plain request that is there already."""
        del context
        examples += [each for base in examples[:1] for each in variants(base, payloads, credentials)]

    schemathesis.hook(before_add_examples)
    if order["identity"]:
        schemathesis.auth()(type("Known", (Caller,), {"identity": order["identity"]}))


def _with(base: Any, where: str, value: Any) -> Any:
    case = base.derive(keep_auth=True)
    setattr(case, where, value)
    return case


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()


if "MLSECOPS_ORDER" in os.environ:
    register(
        import_module("schemathesis"),
        json.loads(Path(os.environ["MLSECOPS_ORDER"]).read_text(encoding="utf-8")),
    )
