"""What a reusable workflow or an action takes and gives, read from its YAML (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml


class InterfaceError(Exception):
    """A file is neither a reusable workflow nor an action; the text says why."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: whether a caller must give it, and its type (actions know only strings)."""

    required: bool
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Interface:
    """Inputs, secrets and outputs by name."""

    kind: str
    inputs: Mapping[str, Input]
    secrets: Mapping[str, Input]
    outputs: frozenset[str]


def read_interface(text: str) -> Interface:
    """The interface of a workflow with `workflow_call`, or of an action. Raises InterfaceError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InterfaceError("it is not YAML") from error
    if not isinstance(document, dict):
        raise InterfaceError("it is not a mapping")
    if "runs" in document:
        return _interface("action", document)
    call = _trigger(document)
    if call is None:
        raise InterfaceError("it cannot be called: it has neither `on: workflow_call` nor `runs`")
    return _interface("workflow", call)


def _trigger(document: Mapping[Any, Any]) -> Mapping[str, Any] | None:
    # YAML 1.1 reads the key `on` as true.
    events = document.get("on", document.get(True))
    if isinstance(events, dict) and "workflow_call" in events:
        return _mapping(events["workflow_call"])
    named = [events] if isinstance(events, str) else events
    return {} if isinstance(named, list) and "workflow_call" in named else None


def _interface(kind: str, document: Mapping[str, Any]) -> Interface:
    return Interface(
        kind=kind,
        inputs=_inputs(document.get("inputs")),
        secrets=_inputs(document.get("secrets")),
        outputs=frozenset(_mapping(document.get("outputs"))),
    )


def _inputs(declared: object) -> dict[str, Input]:
    found = {}
    for name, value in _mapping(declared).items():
        about = _mapping(value)
        found[str(name)] = Input(about.get("required") is True, str(about.get("type", "string")))
    return found


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
