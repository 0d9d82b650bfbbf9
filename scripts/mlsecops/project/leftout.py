"""Which folders hold nothing that the project's people wrote, and the rows that say so."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mlsecops.project.inventory import LeftOut, LeftOutKind

if TYPE_CHECKING:
    from collections.abc import Sequence

# Folders that are left out wherever they stand, by name.
_FOLDERS: dict[str, tuple[str, LeftOutKind]] = {
    ".git": ("Git's own data", "version-control"),
    ".hg": ("Mercurial's own data", "version-control"),
    ".svn": ("Subversion's own data", "version-control"),
    "site-packages": ("installed Python packages", "environment"),
    "__pypackages__": ("installed Python packages", "environment"),
    ".eggs": ("installed Python packages", "environment"),
    ".tox": ("virtual environments of tox", "environment"),
    ".nox": ("virtual environments of nox", "environment"),
    ".pixi": ("environments of pixi", "environment"),
    "node_modules": ("installed Node.js packages", "environment"),
    "__pycache__": ("compiled Python", "cache"),
    ".ipynb_checkpoints": ("Jupyter's checkpoints of notebooks", "cache"),
    ".mypy_cache": ("cache of mypy", "cache"),
    ".pytest_cache": ("cache of pytest", "cache"),
    ".ruff_cache": ("cache of ruff", "cache"),
    ".hypothesis": ("cache of Hypothesis", "cache"),
    ".dvc/cache": ("cache of DVC", "cache"),
    ".dvc/tmp": ("scratch files of DVC", "cache"),
}

# What each cache is made of; anything else in it is looked at, or a cache would be a hiding place.
_CACHE_CONTENT = {
    "__pycache__": re.compile(r".*\.(pyc|pyo|nbi|nbc)(\.\d+)?", re.DOTALL),
    ".ipynb_checkpoints": re.compile(
        r".*-checkpoint\.(ipynb|py|txt|md|json|csv|ya?ml|toml|cfg|ini|sh|r|jl)", re.DOTALL | re.IGNORECASE
    ),
}

_LIBRARY = re.compile(r"(python|pypy)\d[\d.]*t?|site-packages")
_LIBRARY_FOLDERS = {"lib", "lib64", "Lib"}
_ENVIRONMENT_PARTS = _LIBRARY_FOLDERS | {"bin", "Scripts", "include", "Include", "share", "etc", "man"}
_ENVIRONMENT_FILES = {"pyvenv.cfg", "pip-selfcheck.json", ".gitignore", ".lock", "CACHEDIR.TAG", ".Python"}

# Package lists of languages that the chain does not audit.
OTHER_MANIFESTS = {
    "package.json": "npm",
    "package-lock.json": "npm",
    "yarn.lock": "npm",
    "pnpm-lock.yaml": "npm",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
    "Cargo.lock": "Rust",
    "Gemfile": "Ruby",
    "Gemfile.lock": "Ruby",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Java",
    "composer.json": "PHP",
    "renv.lock": "R",
    "Manifest.toml": "Julia",
}


class Ledger:
    """Collects what was left out; rows with the same path and reason add up, and so do caches of one name."""

    def __init__(self) -> None:
        self._files: Counter[tuple[str, str, LeftOutKind]] = Counter()

    def add(self, path: str, reason: str, kind: LeftOutKind, files: int = 1) -> None:
        """Note `files` files at `path`."""
        if kind == "cache":
            path = f"**/{path.rpartition('/')[2]}"
        self._files[path, reason, kind] += files

    def rows(self) -> tuple[LeftOut, ...]:
        """Everything noted, by path."""
        return tuple(
            LeftOut(path, reason, files, kind) for (path, reason, kind), files in sorted(self._files.items())
        )


def folder_reason(uri: str) -> tuple[str, LeftOutKind] | None:
    """Why a folder of this path is left out as a whole; None when it is looked at."""
    parent, _, name = uri.rpartition("/")
    if name in _CACHE_CONTENT:
        return None
    if parent.rpartition("/")[2] == ".dvc":
        name = f".dvc/{name}"
    return _FOLDERS.get(name)


def cached_file_reason(folder: str, name: str) -> tuple[str, LeftOutKind] | None:
    """Why a file in a folder is left out as that cache's usual content."""
    cache = folder.rpartition("/")[2]
    content = _CACHE_CONTENT.get(cache)
    return _FOLDERS[cache] if content and content.fullmatch(name) else None


def environment_parts(path: str, names: Sequence[str]) -> set[str]:
    """Which entries of a folder with these names belong to a virtual environment (none, if it is none).

    A file called `pyvenv.cfg` alone proves nothing; the libraries have to be laid out as an environment's
    are. The project's own files beside them (`python -m venv .`) are not among what is returned.
    """
    if "pyvenv.cfg" not in names:
        return set()
    folder = Path(path)
    libraries = {name for name in _LIBRARY_FOLDERS & set(names) if _holds_libraries(folder / name)}
    if not libraries:
        return set()
    unproven = {
        name for name in _LIBRARY_FOLDERS & set(names) - libraries if not (folder / name).is_symlink()
    }
    if not unproven and set(names) <= _ENVIRONMENT_PARTS | _ENVIRONMENT_FILES:
        return set(names)
    links = {name for name in ("lib64",) if (folder / name).is_symlink()}
    return libraries | links | {name for name in ("bin", "Scripts") if "activate" in _listed(folder / name)}


def count_files(path: str) -> int:
    """How many files a folder holds, all levels; what cannot be listed counts as nothing."""
    total = 0
    stack = [path]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        total += 1
        except OSError:
            continue
    return total


def _holds_libraries(folder: Path) -> bool:
    names = _listed(folder)
    return bool(names) and all(_LIBRARY.fullmatch(name) for name in names)


def _listed(folder: Path) -> set[str]:
    """Names in a real folder; a link (lib64 -> lib) is not followed and holds nothing."""
    if folder.is_symlink():
        return set()
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:
        return set()
