"""Links within the repository: every one leads to a file, and to a heading where it names one (pure)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from release import markdown
from release.tree import Place, Tree

_HERE = re.compile(r"https://github\.com/[^/]+/mlsecops/(?:blob|tree|raw)/[^/]+/(?P<path>.+)")
# Texts of the tests' own repositories.
_NOT_READ = ("tests/*",)


def link_complaints(tree: Tree) -> list[str]:
    """Every link of a Markdown file that leads nowhere, one sentence each."""
    left_out = set(tree.matching(*_NOT_READ))
    return [
        f"{Place(name, link.line)}: {complaint}"
        for name in tree.matching("*.md")
        if name not in left_out
        for link in markdown.links(tree.text(name))
        for complaint in _complaints(tree, name, link.target)
    ]


def _complaints(tree: Tree, page: str, target: str) -> Iterator[str]:
    here = _HERE.fullmatch(target)
    parts = urlsplit(here["path"] if here else target)
    if parts.scheme or parts.netloc:
        return
    folder = "" if here or parts.path.startswith("/") else posixpath.dirname(page)
    path = posixpath.normpath(posixpath.join(folder, unquote(parts.path).lstrip("/")))
    if not parts.path:
        path = page
    if path.startswith("../"):
        # A path of the web page, such as ../../security, which is no file.
        return
    if path != "." and not tree.has(path):
        yield f"the link to {target} leads nowhere: there is no {path}"
    elif parts.fragment and path.endswith(".md") and parts.fragment not in markdown.anchors(tree.text(path)):
        yield f"the link to {target} leads nowhere: {path} has no heading with that name"
