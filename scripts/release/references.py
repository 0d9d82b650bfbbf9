"""Where our texts name a release of ours: its ref and the comment behind it (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from release.snippets import COPIED, interface_file, pages
from release.tree import Place, Tree

OWNER = "OWNER"
# Stands in templates for the commit of the release that they come with, which no file can know of itself.
UNKNOWN_COMMIT = "0" * 40
# Their text is shown as well, and every file in it is read.
TEMPLATES = ("templates/*",)

_OURS = re.compile(
    r"(?<![\w/.-])(?P<host>(?:https?://)?github\.com/)?(?P<owner>[A-Za-z0-9$][\w.${}-]*)/mlsecops"
    r"(?P<path>/[\w./-]+)?@(?P<ref>[\w.-]*\w)(?:\s+#\s*(?P<comment>\S+))?"
)
_VERSION = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version of ours: three numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """The tag that never moves."""
        return f"v{self}"

    @property
    def moving_tag(self) -> str:
        """The tag that moves to the newest release with this major number."""
        return f"v{self.major}"


def version(text: str) -> Version | None:
    """The version that `1.2.3` or `v1.2.3` names; None for anything else."""
    match = _VERSION.fullmatch(text)
    return Version(*map(int, match.groups())) if match else None


def reference_complaints(tree: Tree, release: Version, tags: Mapping[str, str]) -> list[str]:
    """Every mention of a release of ours that is not this one, nor one of `tags` (tag -> its commit)."""
    names = sorted({*pages(tree), *tree.matching(*COPIED, *TEMPLATES)})
    return [
        f"{Place(name, number)}: {complaint}"
        for name in names
        for number, line in enumerate(tree.text(name).splitlines(), 1)
        for match in _OURS.finditer(line)
        for complaint in _complaints(tree, match, release, tags)
    ]


def _complaints(tree: Tree, match: re.Match[str], release: Version, tags: Mapping[str, str]) -> Iterator[str]:
    path = (match["path"] or "").strip("/")
    if path and interface_file(path, tree) is None:
        yield f"there is no {path} here"
    ref, comment = match["ref"], match["comment"] or ""
    if match["owner"] != OWNER:
        yield f"write {OWNER}/mlsecops, not {match['owner']}/mlsecops: a release fills in the owner"
    if ref == UNKNOWN_COMMIT:
        if comment != release.tag:
            yield f"write '# {release.tag}' behind the forty zeros"
    elif _COMMIT.fullmatch(ref):
        if tags.get(comment) != ref:
            yield f"{ref} is no release's commit; write forty zeros and '# {release.tag}' behind them"
    elif ref not in {release.tag, release.moving_tag, *tags}:
        yield f"there is no release {ref}; this one is {release.tag}, and {release.moving_tag} moves to it"
