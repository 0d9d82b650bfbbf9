"""An OpenAPI document as text -> plain data, and the line of each of its operations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlsecops.sarif.build import Json

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MAX_BYTES = 5 << 20
_MOST_VALUES, _DEEPEST = 500_000, 100


class DocumentError(ValueError):
    """A document that cannot be used; the text is one plain sentence without its name."""


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI or Swagger document. `uri` is empty for one that is not a file of the project.

    `lines` has where `paths/<path>/<method>` begins; `notes` what people should know of it.
    """

    data: Json
    uri: str = ""
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def line(self, path: str, method: str) -> int:
        """The line of an operation, 1 where it is not known."""
        return self.lines.get((path, method), 1)


def parse(content: bytes, uri: str = "") -> Document:
    """Read a document in JSON or YAML. Raises DocumentError when it is none, or beyond what is read."""
    data, root = _read(content)
    if not isinstance(data, dict) or not {"openapi", "swagger"} & data.keys():
        raise DocumentError("it is no OpenAPI document")
    if not isinstance(data.get("paths", {}), dict):
        raise DocumentError("its 'paths' is no mapping")
    return Document(data, uri, _lines(root))


def values(content: bytes) -> Any:
    """Read data in JSON or YAML. Raises DocumentError as `parse`."""
    return _read(content)[0]


def _read(content: bytes) -> tuple[Any, yaml.Node | None]:
    if len(content) > MAX_BYTES:
        raise DocumentError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError("it is not UTF-8 text") from error
    is_json = text.lstrip()[:1] in ("{", "[")
    # A tab of JSON is white space, which YAML does not take; the lines stay as they are.
    root = _nodes(text.replace("\t", " ") if is_json else text, needed=not is_json)
    return (_json(text) if is_json else _Reader().value(root, 0)), root


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not valid JSON ({error})") from error


def _nodes(text: str, *, needed: bool) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        if not needed:
            return None
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise DocumentError(f"it is not valid YAML{where}") from error


class _Reader:
    """Nodes -> data, every value counted, so that aliases cannot multiply them without end."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node | None, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise DocumentError("it holds more values, or deeper ones, than are read")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, depth + 1) for each in node.value]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, depth: int) -> Json:
        merged: Json = {}
        own: Json = {}
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                bases = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for base in reversed(bases):
                    found = self.value(base, depth + 1)
                    merged |= found if isinstance(found, dict) else {}
            elif isinstance(key, yaml.ScalarNode):
                # Status codes and the like stay the text that was written.
                own[str(key.value)] = self.value(value, depth + 1)
        return merged | own

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag.rpartition(":")[2] not in ("bool", "int", "float", "null"):
            return node.value  # a date too stays the text that was written
        try:
            return self._scalars.construct_object(node)
        except (ValueError, KeyError, IndexError, ArithmeticError, yaml.YAMLError):
            return node.value


def _lines(root: yaml.Node | None) -> dict[tuple[str, str], int]:
    return {
        (path, method): key.start_mark.line + 1
        for name, paths in _entries(root)
        if name.value == "paths"
        for path_key, item in _entries(paths)
        for path in [str(path_key.value)]
        for key, _ in _entries(item)
        for method in [str(key.value)]
        if method in METHODS
    }


def _entries(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
