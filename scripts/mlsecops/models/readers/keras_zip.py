"""Keras configurations: `config.json` of a `.keras` file, `model.to_json()`, `model.json` of TensorFlow.js.

The members of a `.keras` file are handed here by the reader of zip files, by content and not by name.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any

from mlsecops.models import json_text
from mlsecops.models.enough import enough
from mlsecops.models.inspection import Fact
from mlsecops.models.keras import config
from mlsecops.models.source import CHUNK, Source
from mlsecops.models.tensorflow import operators
from mlsecops.models.walk import UnreadableError, Walk

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _spelt(name: str) -> str:
    """A pattern for a JSON string, any of whose characters may be written as its number."""
    return '"' + "".join(rf"(?:{re.escape(one)}|\\u00(?i:{ord(one):02x}))" for one in name) + '"'


_NAMES = re.compile("|".join(map(_spelt, ("class_name", "keras_version"))).encode())
_OVERLAP = 6 * len("keras_version") + 2


@dataclass(frozen=True, slots=True)
class KerasConfigReader:
    """Reads configurations, whatever the file is called."""

    format: str = "Keras configuration"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether it is JSON that names classes as Keras does."""
        start = _unmarked(head).replace(b"\0", b"").lstrip()[:1]
        if head and not start:  # more white space than the head is long
            pieces = (piece.replace(b"\0", b"").lstrip()[:1] for piece in source.chunks(0, json_text.LONGEST))
            start = next(filter(None, pieces), b"")
        return start in (b"{", b"[") and _has_names(source)

    def read(self, source: Source, walk: Walk) -> None:
        """Say what rebuilding the model from it does."""
        if source.size > json_text.LONGEST:
            raise UnreadableError(f"its JSON is longer than {json_text.LONGEST >> 20} MiB")
        value = read_config(source.at(0, source.size), source.name, walk)
        if isinstance(value, dict):
            note_version(value.get("keras_version"), walk)


def read_config(data: bytes, part: str, walk: Walk, *, revived: bool = False) -> Any:
    """Add what a configuration does, and give it back. Raises UnreadableError for what is no JSON."""
    value = json_text.parse_bytes(_to_utf8(data)).value
    for fact in enough(config.facts(value, part, revived=revived)):
        walk.found.add(fact)
    walk.found.has_operators(config.class_names(value))
    for name in set(config.operators(value)):
        standing = operators.of(name)
        if standing is not None:
            walk.found.add(
                Fact(rule=standing.rule.id, subject=name, message=standing.message(name), part=part)
            )
    walk.found.streams += 1
    return value


def note_version(version: object, walk: Walk) -> None:
    """Keep which Keras wrote the file."""
    if isinstance(version, str):
        walk.found.details["keras_version"] = version[:40]
        walk.found.producer = walk.found.producer or f"keras {version[:40]}"


def _has_names(source: Source) -> bool:
    last = b""
    for piece in source.chunks(0, json_text.LONGEST + CHUNK):
        plain = (last + piece).replace(b"\0", b"")
        if _NAMES.search(plain):
            return True
        last = plain[-_OVERLAP:]
    return False


def _unmarked(data: bytes) -> bytes:
    for mark in _MARKS:
        data = data.removeprefix(mark)
    return data


def _to_utf8(data: bytes) -> bytes:
    """The text in UTF-8; Keras lets Python's parser find out its encoding."""
    encoding = json.detect_encoding(data)
    if encoding.startswith("utf-8"):
        return data
    try:
        return data.decode(encoding).encode("utf-8")
    except ValueError as error:
        raise UnreadableError("it is not sound JSON") from error
