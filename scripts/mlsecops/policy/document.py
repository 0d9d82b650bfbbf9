"""YAML text -> plain data in which every value knows its line, within bounds that no document exceeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUES = 200_000
MAX_NUMBER = 100
_SHOWN = 80

Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
# A date stays the text that was written: the schema says what a date looks like, with or without quotes.
_TEXT = frozenset({_TAG + "str", _TAG + "timestamp"})
_CONVERTED = frozenset({_TAG + name for name in ("bool", "int", "float", "null")})


class PolicyError(Exception):
    """A policy that cannot be used; the text is one line, `FILE:LINE: what is wrong`."""


class DocumentError(Exception):
    """What is wrong with a document and on which of its lines, from 1."""

    def __init__(self, line: int, text: str) -> None:
        """Keep the line and the sentence."""
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a YAML document, and the lines of its keys and values by their path, from 1."""

    data: Any
    values: dict[Path, int]
    keys: dict[Path, int]


def read(content: bytes) -> Document:
    """Read one YAML document. Raises DocumentError for anything but plain, bounded YAML in UTF-8."""
    text = _text(content)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(
            line, f"not valid YAML: character U+{error.character:04X} is not allowed"
        ) from error
    except RecursionError as error:
        raise DocumentError(1, f"more than {MAX_DEPTH} levels of nesting") from error
    except (ValueError, OverflowError) as error:  # of numbers, which the parser does not expect
        raise DocumentError(1, "not valid YAML: a number is too large") from error
    if root is None or (root.tag == _TAG + "null" and not root.value):
        return Document({}, {(): 1}, {})
    reader = _Reader()
    return Document(reader.convert(root, ()), reader.values, reader.keys)


def quoted(text: object) -> str:
    """A stranger's text in quotes: one line, shortened, nothing that acts on a terminal."""
    plain = str(text)
    short = plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"
    escaped = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in short
    )
    return f"'{escaped}'"


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise DocumentError(1, f"larger than {MAX_BYTES // 1000} kB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(content.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from error


def _syntax_fault(error: yaml.MarkedYAMLError) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    problem = error.problem or error.context or "it cannot be read"
    if error.context and problem.startswith("but "):
        problem = f"{error.context}, {problem}"
    problem = " ".join(problem.split())
    return DocumentError(line, f"not valid YAML: {quoted(problem)[1:-1]}")


class _Reader:
    """Converts nodes to data; counts values, so that aliases cannot multiply them without end."""

    def __init__(self) -> None:
        self.values: dict[Path, int] = {}
        self.keys: dict[Path, int] = {}
        self._scalars = SafeConstructor()

    def convert(self, node: yaml.Node, path: Path) -> Any:
        line = _line(node)
        self.values[path] = line
        if len(self.values) > MAX_VALUES:
            raise DocumentError(line, f"more than {MAX_VALUES} values (aliases count each time)")
        if len(path) > MAX_DEPTH:
            raise DocumentError(line, f"more than {MAX_DEPTH} levels of nesting")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.convert(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        raise DocumentError(line, f"the tag {quoted(node.tag)} is not supported")

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if key_node.tag == _TAG + "merge":
                raise DocumentError(line, "merge keys ('<<') are not supported")
            if not isinstance(key_node, yaml.ScalarNode):
                raise DocumentError(line, "a key must be plain text")
            key = key_node.value
            if key in mapping:
                raise DocumentError(
                    line, f"duplicate key {quoted(key)} (first on line {self.keys[*path, key]})"
                )
            self.keys[*path, key] = line
            mapping[key] = self.convert(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        if node.tag in _TEXT:
            return node.value
        if node.tag not in _CONVERTED:
            raise DocumentError(line, f"the tag {quoted(node.tag)} is not supported")
        if len(node.value) > MAX_NUMBER:
            raise DocumentError(line, f"a number of more than {MAX_NUMBER} characters")
        try:
            return self._scalars.construct_object(node)
        except (ValueError, KeyError, IndexError, ArithmeticError) as error:
            raise DocumentError(line, f"{quoted(node.value)} cannot be read as its type") from error


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
