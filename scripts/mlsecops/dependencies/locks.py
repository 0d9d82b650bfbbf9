"""Lock files: every package with the one version that will be installed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from mlsecops.dependencies.model import (
    FROM_ADDRESS,
    LOCAL_FILE,
    Collector,
    Listing,
    Unaudited,
    line_of,
    line_of_key,
)
from mlsecops.dependencies.poetry import add_sourced

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*packages?[ \t]*\]\]", re.MULTILINE)
_FOLDERS = ("virtual", "editable", "directory")
_REMOTE_TYPES = ("git", "hg", "svn", "url")


def read_toml_lock(text: str) -> Listing:
    """uv.lock, poetry.lock, pdm.lock and pylock.toml: tables of packages, each with its version."""
    document = tomllib.loads(text)
    packages = [*document.get("packages", []), *document.get("package", [])]
    headers = [text.count("\n", 0, found.start()) + 1 for found in _HEADER.finditer(text)]
    collector = Collector()
    for number, package in enumerate(packages):
        name = str(package["name"])
        line = headers[number] if len(headers) == len(packages) else line_of(text, name)
        _read_package(name, package, line, collector)
    if not packages and not _is_empty_lock(document):
        collector.problems.append((1, "it lists no packages"))
    return collector.listing(complete=True)


def _is_empty_lock(document: Mapping[str, Any]) -> bool:
    """Whether a lock says by its other fields that it is one: then it may lock nothing."""
    return any(key in document for key in ("version", "metadata", "lock-version"))


def _read_package(name: str, package: Mapping[str, Any], line: int, collector: Collector) -> None:
    source = package.get("source", {})
    folder = _folder(package, source)
    if folder is not None:
        collector.refer("code", line, folder)
    elif _is_remote(package, source):
        collector.unaudited.append(Unaudited(name, line, FROM_ADDRESS))
    elif _is_file(package, source):
        collector.unaudited.append(Unaudited(name, line, LOCAL_FILE))
    elif "version" not in package:
        collector.problems.append((line, f"{name} has no version"))
    else:
        collector.pin(name, str(package["version"]), line)


def _folder(package: Mapping[str, Any], source: Mapping[str, Any]) -> str | None:
    """The folder of the repository's own code that an entry stands for."""
    for key in _FOLDERS:
        if key in source:  # uv
            return str(source[key])
    if source.get("type") == "directory":  # Poetry
        return str(source["url"])
    if "directory" in package:  # pylock
        return str(package["directory"]["path"])
    if "path" in package and not _is_archive(str(package["path"])):  # PDM
        return str(package["path"])
    return None


def _is_remote(package: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    if source.get("type") in _REMOTE_TYPES or "git" in source or ("url" in source and "type" not in source):
        return True
    return any(key in package for key in ("vcs", "git", "hg", "svn", "url", "archive"))


def _is_file(package: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    return source.get("type") == "file" or "path" in source or "path" in package


def _is_archive(path: str) -> bool:
    return path.endswith((".whl", ".zip", ".gz", ".bz2", ".xz", ".tgz"))


def read_pipfile_lock(text: str) -> Listing:
    """Pipfile.lock: sections of packages."""
    document = json.loads(text)
    collector = Collector()
    for section in (table for key, table in document.items() if key != "_meta"):
        for name, entry in section.items():
            line = line_of_key(text, name)
            if "version" in entry:
                collector.pin(name, str(entry["version"]).removeprefix("=="), line)
            else:
                add_sourced(name, entry, line, collector)
    return collector.listing(complete=True)
