"""YAML of strangers as plain values, put together from the parser's events (https://yaml.org/spec/1.2.2/).

PyYAML's loaders crash on deep nesting, multiply aliases and make objects of tags; its events do none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from mlsecops.models.walk import UnreadableError

LONGEST = 128 * 1024  # characters; PyYAML reads a hundred thousand a second
_DEEPEST, _MOST = 100, 200_000


@dataclass(slots=True)
class Documents:
    """The documents of a YAML text, every scalar as a text, and the tags that stand in it."""

    values: list[Any] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)


def parse(text: str) -> Documents:
    """Read a YAML text; an alias is the value that it names. Raises UnreadableError."""
    if len(text) > LONGEST:
        raise UnreadableError(f"its YAML is longer than {LONGEST >> 10} KiB")
    builder = _Builder()
    try:
        for number, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
            if number > _MOST or len(builder.stack) > _DEEPEST:
                raise UnreadableError("its YAML is nested too deeply or has too many values")
            builder.take(event)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, LookupError) as error:
        raise UnreadableError("it is not sound YAML") from error
    return builder.documents


@dataclass(slots=True)
class _Open:
    """A collection that has not ended; a mapping gathers its names and values in turns."""

    items: list[Any]
    anchor: str | None


@dataclass(slots=True)
class _Builder:
    documents: Documents = field(default_factory=Documents)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Any] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag not in (None, "!"):
            line = event.start_mark.line + 1 if event.start_mark else 1
            self.documents.tags.setdefault(str(event.tag), line)
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
        elif isinstance(event, yaml.ScalarEvent):
            self._put(event.value, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._put(self.anchors[str(event.anchor)], None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.stack.append(_Open([], event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self.stack.pop()
            flat = ended.items
            mapping = isinstance(event, yaml.MappingEndEvent)
            self._put(_mapping(flat) if mapping else flat, ended.anchor)

    def _put(self, value: Any, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = value
        (self.stack[-1].items if self.stack else self.documents.values).append(value)


def _mapping(flat: list[Any]) -> dict[str, Any]:
    """Names and values as a mapping; `<<` brings in another one's, as YAML 1.1 has it."""
    value: dict[str, Any] = {}
    for name, each in zip(flat[::2], flat[1::2], strict=True):
        if name == "<<":
            for other in each if isinstance(each, list) else [each]:
                if isinstance(other, dict):
                    value = {**other, **value}
        else:
            value[name if isinstance(name, str) else repr(type(name))] = each
    return value
