"""References within a document, and to other files of the project; none is ever fetched from elsewhere."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from mlsecops.dast.document.source import METHODS, Document, DocumentError
from mlsecops.sarif.build import Json

# Where files that the document refers to are put, so that all its references are local.
BUNDLED = "x-mlsecops-files"
_MOST_FILES, _MOST_HOPS, _DEEPEST = 50, 20, 200

# Data of a file of the project, by its path; raises DocumentError.
Load = Callable[[str], Any]


def resolve(document: Json, value: Any) -> Any:
    """A value, or what it refers to in the document; {} where that is not there or goes in circles."""
    for _ in range(_MOST_HOPS):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value
        value = lookup(document, reference) if reference.startswith("#") else {}
    return {}


def lookup(document: Json, reference: str) -> Any:
    """What a reference within the document (`#/components/schemas/A`) points to; {} where it is not there."""
    found: Any = document
    for part in unquote(reference).removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return {}
    return found


def entries(data: Json) -> Iterator[tuple[str, str, Json, Json]]:
    """Path, method, the path's own object and the operation's, in the order of the document."""
    for path, referring in data.get("paths", {}).items():
        item = resolve(data, referring)
        for method, operation in item.items() if isinstance(item, dict) else ():
            if method in METHODS and isinstance(operation, dict):
                yield str(path), method, item, operation


def bundle(document: Document, load: Load) -> Document:
    """The document with every file that it refers to in it, and all references local."""
    bundler = _Bundler(document.uri, load)
    data = bundler.rewritten(document.data, document.uri, 0)
    while bundler.waiting:
        uri = bundler.waiting.pop()
        bundler.files[uri] = bundler.rewritten(bundler.loaded(uri), uri, 0)
    if bundler.files:
        data[BUNDLED] = bundler.files
    notes = (*document.notes, *bundler.notes)
    return Document(data, document.uri, document.lines, notes)


@dataclass(slots=True)
class _Bundler:
    main: str
    load: Load
    files: dict[str, Any] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rewritten(self, value: Any, uri: str, depth: int) -> Any:
        """A copy in which each reference leads to its place in the one document."""
        if depth > _DEEPEST:
            raise DocumentError("it is nested deeper than is read")
        if isinstance(value, list):
            return [self.rewritten(each, uri, depth + 1) for each in value]
        if not isinstance(value, dict):
            return value
        copy = {key: self.rewritten(each, uri, depth + 1) for key, each in value.items()}
        reference = value.get("$ref")
        if isinstance(reference, str):
            copy["$ref"] = self._local(reference, uri)
        return copy

    def loaded(self, uri: str) -> Any:
        try:
            return self.load(uri)
        except DocumentError as error:
            self.notes.append(f"{self.main} refers to {uri}, of which nothing is known: {error}")
            return {}

    def _local(self, reference: str, uri: str) -> str:
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            self.notes.append(
                f"{self.main} refers to {parts.scheme}://{parts.hostname}, which is not fetched"
            )
            return "#/x-mlsecops-not-fetched"
        file = posixpath.normpath(posixpath.join(posixpath.dirname(uri), unquote(parts.path)))
        if not parts.path or file == self.main:
            file = uri if not parts.path else self.main
        if file == self.main:
            return f"#{parts.fragment}"
        if file not in self.files:
            if len(self.files) >= _MOST_FILES:
                raise DocumentError(f"it refers to more than {_MOST_FILES} files")
            self.files[file] = {}
            self.waiting.append(file)
        return f"#/{BUNDLED}/{file.replace('~', '~0').replace('/', '~1')}{parts.fragment}"
