"""Places as our contract wants them: files of the repository by relative URI, with a line that exists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from mlsecops.sarif.build import Json, encode_uri
from mlsecops.sarif.fingerprint import ReadLines
from mlsecops.sarif.json_types import natural, object_of, objects
from mlsecops.sarif.text import clean, printable, shorten

BASE = "%SRCROOT%"
SNIPPET_LENGTH = 1_000
_ENCODED = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_NO_BYTE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a file name


@dataclass(frozen=True, kw_only=True)
class Places:
    """How one run names its places.

    `roots` maps path prefixes as the tool saw them to repository folders ("" is its root); `anchor` is the
    file that stands for a place outside the repository; `raw` says that the tool writes plain paths where
    SARIF wants percent-encoded URIs; `bases` and `artifacts` are the run's own tables.
    """

    read_lines: ReadLines
    anchor: str
    roots: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    bases: Mapping[str, Json] = field(default_factory=dict)
    artifacts: Sequence[Json] = ()

    def path(self, location: Json) -> str | None:
        """The plain repository path of an `artifactLocation`; None when it is not in the repository."""
        location = self._resolved(location)
        path = self._plain(location)
        if path is None:
            return None
        base = self.bases.get(str(location.get("uriBaseId", "")))
        folder = self._plain(base) if base is not None else None
        if folder is not None and posixpath.isabs(folder):
            path = posixpath.join(folder, path)
        return _inside(path, self.roots)

    def location(self, location: Json) -> tuple[Json, str | None]:
        """A `location` in the repository; and None, or what the tool called the place that it stands for."""
        physical = object_of(location, "physicalLocation")
        artifact = object_of(physical, "artifactLocation")
        path = self.path(artifact)
        elsewhere = None if path is not None else clean(self._resolved(artifact).get("uri"), 300)
        if path is None:
            path, region = self.anchor, {"startLine": 1}
        else:
            region = normal_region(object_of(physical, "region"), self.read_lines(path))
        normal: Json = {"physicalLocation": {"artifactLocation": artifact_location(path), "region": region}}
        if natural(location.get("id")) is not None:
            normal["id"] = location["id"]
        if text := clean(object_of(location, "message").get("text")):
            normal["message"] = {"text": text}
        names = [named for each in objects(location.get("logicalLocations")) if (named := _logical(each))]
        if names:
            normal["logicalLocations"] = names
        return normal, elsewhere

    def _resolved(self, location: Json) -> Json:
        """The `artifactLocation` itself, or the one in the run's table that it points to."""
        index = natural(location.get("index"))
        if not isinstance(location.get("uri"), str) and index is not None and index < len(self.artifacts):
            return object_of(self.artifacts[index], "location")
        return location

    def _plain(self, location: Json) -> str | None:
        """The path that a URI stands for; None for no URI and for schemes other than `file`."""
        uri = location.get("uri")
        if not isinstance(uri, str):
            return None
        encoded = not self.raw and _ENCODED.fullmatch(uri) is not None
        if uri.startswith("file:"):
            uri = "/" + uri.removeprefix("file:").lstrip("/")
        elif "://" in uri or (encoded and _SCHEME.match(uri)):
            return None
        path = unquote(uri, errors="surrogateescape") if encoded else uri
        return _NO_BYTE.sub("\ufffd", path)


def artifact_location(path: str) -> Json:
    """The `artifactLocation` of a plain repository path."""
    return {"uri": encode_uri(path), "uriBaseId": BASE}


def normal_region(region: Json, lines: Sequence[str] | None) -> Json:
    """A region on lines that exist with columns that lie on them; whole lines when they do not."""
    last = max(len(lines), 1) if lines is not None else None
    start = _within(natural(region.get("startLine")) or 1, last)
    normal: Json = {"startLine": start}
    end = natural(region.get("endLine"))
    if end is not None and _within(end, last) >= start:
        normal["endLine"] = _within(end, last)
    columns = _columns(region, start, normal.get("endLine", start), lines)
    normal.update(columns)
    if text := printable(object_of(region, "snippet").get("text")).rstrip("\n"):
        normal["snippet"] = {"text": shorten(text, SNIPPET_LENGTH)}
    return normal


def _columns(region: Json, start: int, end: int, lines: Sequence[str] | None) -> Json:
    first = natural(region.get("startColumn")) or None
    last = natural(region.get("endColumn")) or None
    if lines is not None and first is not None and first > _width(lines, start) + 1:
        return {}
    if lines is not None and last is not None:
        last = min(last, _width(lines, end) + 1)
    if last is not None and end == start and last < (first or 1):
        last = None
    return {key: value for key, value in (("startColumn", first), ("endColumn", last)) if value is not None}


def _width(lines: Sequence[str], number: int) -> int:
    """The length of a line in the larger of the units that tools count columns in."""
    line = lines[number - 1] if number <= len(lines) else ""
    return len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass"))


def _inside(path: str, roots: Mapping[str, str]) -> str | None:
    """The path below the repository, or None when it leaves it."""
    path = _normal(path)
    for prefix in sorted(roots, key=len, reverse=True):
        known = _normal(prefix)
        if path == known or path.startswith(f"{known.rstrip('/')}/"):
            path = _normal(posixpath.join(roots[prefix], path[len(known) :].lstrip("/")))
            break
    outside = path in {"", "."} or path.startswith("/") or path.split("/", 1)[0] == ".."
    return None if outside else path


def _normal(path: str) -> str:
    return re.sub("^//+", "/", posixpath.normpath(path)) if path else ""


def _within(line: int, last: int | None) -> int:
    return line if last is None else min(line, last)


def _logical(location: Json) -> Json:
    """A `logicalLocation` with its names only."""
    keys = ("name", "fullyQualifiedName", "decoratedName", "kind")
    return {key: text for key in keys if (text := clean(location.get(key), SNIPPET_LENGTH))}
