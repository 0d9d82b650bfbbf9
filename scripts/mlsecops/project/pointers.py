"""Files that stand for content kept somewhere else: Git LFS, git-annex, DVC, submodules."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlsecops.project.inventory import Pointer

_LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_MAX_LFS = 1024  # bytes; the specification's limit
_ANNEX = re.compile(rb"/annex/objects/[A-Z0-9]+E?-")
_SECTION = re.compile(r"(?:-[ \t]*)?(outs|deps|params|metrics|plots|stages)[ \t]*:")
_PATH = re.compile(r"(?:-[ \t]*)?path[ \t]*:[ \t]*(\S.*)")
_SUBMODULE = re.compile(r"path[ \t]*=[ \t]*(\S.*)")

NAMES: dict[Pointer, str] = {
    "git-lfs": "Git LFS",
    "git-annex": "git-annex",
    "dvc": "DVC",
    "link": "a link",
}


def absence(pointer: Pointer) -> str:
    """Why there is no model to read, as the end of a sentence."""
    if pointer == "link":
        return "it is a link to something that is not in the project"
    return f"it is a {NAMES[pointer]} pointer, the model itself is not here"


def pointer_of(head: bytes, size: int) -> Pointer | None:
    """Whose pointer a file is, by its first bytes."""
    if size < _MAX_LFS and head.startswith(_LFS):
        return "git-lfs"
    return "git-annex" if _ANNEX.match(head) and size < 32_768 else None


def is_annex_target(target: str) -> bool:
    """Whether a link's target is a place where git-annex keeps content."""
    return ".git/annex/objects/" in target


def dvc_outputs(text: str, uri: str) -> Iterator[str]:
    """Paths, from the project's root, of what a `.dvc` file or a `dvc.lock` at `uri` says DVC keeps."""
    folder = uri.rpartition("/")[0]
    section = ""
    for line in text.splitlines():
        if match := _SECTION.fullmatch(line.strip()):
            section = match[1]
        elif section == "outs" and (match := _PATH.match(line.strip())):
            yield posixpath.normpath(posixpath.join(folder, match[1].strip("'\"")))


def submodule_paths(text: str) -> list[str]:
    """Paths of the submodules that a `.gitmodules` file names."""
    found = (_SUBMODULE.match(line.strip()) for line in text.splitlines())
    return [posixpath.normpath(match[1].strip('"')) for match in found if match]
