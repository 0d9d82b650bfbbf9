"""One version everywhere: tag, pyproject.toml and package (pure)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from release.references import Version, version
from release.tree import Tree

PROJECT = "pyproject.toml"
PACKAGE = "scripts/mlsecops/__init__.py"
_ASSIGNED = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)


class VersionError(Exception):
    """There is no version to check anything against; the text says what to write where."""


def project_version(tree: Tree) -> Version:
    """The version in pyproject.toml. Raises VersionError."""
    try:
        written = tomllib.loads(tree.text(PROJECT))["project"]["version"]
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise VersionError(f"{PROJECT}: its [project] has no readable version") from error
    found = version(str(written))
    if found is None or str(found) != written:
        raise VersionError(f"{PROJECT}: the version '{written}' is not like 1.2.3")
    return found


def tagged_version(tag: str) -> Version:
    """The version of a release's tag. Raises VersionError."""
    found = version(tag)
    if found is None or found.tag != tag:
        raise VersionError(f"the tag '{tag}' is not like v1.2.3")
    return found


def version_complaints(tree: Tree, release: Version, tag: Version | None) -> Iterator[str]:
    """Where another version stands than `release`, which is that of the project."""
    if tag is not None and tag != release:
        yield f"the tag is {tag.tag}, but {PROJECT} says {release}"
    match = _ASSIGNED.search(tree.text(PACKAGE))
    if match is None or match[1] != str(release):
        yield f'{PACKAGE}: write __version__ = "{release}", as {PROJECT} says'
