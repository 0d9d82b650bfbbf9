"""Checks of what lies in an image: secrets, also in lower layers, tools that need not ship, waste."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256

from mlsecops.containers import image_rules as rules
from mlsecops.containers.image import Image
from mlsecops.containers.layers import Entry
from mlsecops.dockerfiles.found import Found
from mlsecops.dockerfiles.secrets import is_secret_file, shape
from mlsecops.sarif.build import Rule

_MANAGERS = frozenset(
    {
        *("apt", "apt-get", "dpkg", "apk", "yum", "dnf", "microdnf", "rpm", "zypper", "pacman"),
        *("pip", "pip3", "uv", "poetry", "conda", "mamba", "micromamba", "npm", "yarn", "gem", "cargo"),
    }
)
_COMPILERS = frozenset({*("gcc", "g++", "cc", "c++", "clang", "make", "cmake", "rustc", "go", "nvcc", "ld")})
_PROGRAMS = re.compile(r"(?:.+/)?s?bin")
# What packages bring: their samples of keys and tokens are nobody's secrets.
_OF_PACKAGES = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules)/|^usr/(?:share|lib|include|local/(?:share|include))/"
    r"|^var/(?:lib|cache)/"
)
_LARGEST_TEXT = 1 << 20
_MUCH, _MUCH_OF_ALL = 50_000_000, 0.2
_NO_SECRET = re.compile(rb"\s*")

Known = Callable[[int, str], bool]
"""Whether the repository has a file of this size and SHA-256."""


def check_secrets(image: Image, known: Known) -> Iterator[Found]:
    """Secrets in files that the base did not bring, whether a container sees them or not.

    Of the content of files that are `known` other tools tell. Files that are called like a secret are
    findings all the same.
    """
    for entry in image.own:
        yield from _secret(image, entry, rules.SECRET_FILE, known)
    for entry in image.files.hidden:
        if not image.is_base(entry):
            yield from _secret(image, entry, rules.DELETED_SECRET, known)


def is_of_packages(path: str) -> bool:
    """Whether a file is one of those that installed packages bring."""
    return bool(_OF_PACKAGES.search(path))


def _secret(image: Image, entry: Entry, rule: Rule, known: Known) -> Iterator[Found]:
    if entry.kind != "file" or not entry.size or entry.size > _LARGEST_TEXT or is_of_packages(entry.path):
        return
    content = entry.read(_LARGEST_TEXT)
    kind = None
    if b"\0" not in content and not known(entry.size, sha256(content).hexdigest()):
        kind = shape(content.decode("utf-8", "replace"))
    if kind is None and not (is_secret_file(entry.path) and not _NO_SECRET.fullmatch(content)):
        return
    what = f"holds {kind}" if kind else "is called like a file with secrets"
    where = "is deleted later, and its layer is still in the image" if rule is rules.DELETED_SECRET else ""
    text = f"/{entry.path} {what}{f'; it {where}' if where else ''}."
    yield Found(rule, text, image.line(entry), about=(entry.path,))


def check_tools(image: Image) -> Iterator[Found]:
    """Package managers and compilers, one finding of each kind for each step that brought some."""
    for rule, names, what in (
        (rules.PACKAGE_MANAGER, _MANAGERS, "package managers"),
        (rules.COMPILER, _COMPILERS, "compilers and build tools"),
    ):
        steps: dict[int, set[str]] = defaultdict(set)
        for entry in image.files.entries.values():
            folder, name = posixpath.split(entry.path)
            if name in names and entry.kind in ("file", "link") and _PROGRAMS.fullmatch(folder):
                steps[image.line(entry)].add(name)
        for line, found in sorted(steps.items()):
            text = f"The final image holds {what}: {', '.join(sorted(found))}."
            where = "base" if line == image.origins.base_line else "own"
            yield Found(rule, text, line, about=(where,))


def check_waste(image: Image) -> Iterator[Found]:
    """Steps of which much is deleted or replaced by later ones."""
    steps: dict[int, int] = defaultdict(int)
    for entry in image.files.hidden:
        if not image.is_base(entry):
            steps[image.line(entry)] += entry.size
    whole = sum(image.sizes)
    for line, wasted in sorted(steps.items()):
        if wasted >= _MUCH and wasted >= whole * _MUCH_OF_ALL:
            text = f"{wasted // 10**6} MB that this step adds are deleted or replaced by later steps."
            yield Found(rules.HIDDEN_CONTENT, text, line)


def size_note(image: Image) -> str:
    """How large the image is, and how much of that its Dockerfile adds."""
    own = sum(size for layer, size in enumerate(image.sizes) if not image.origins.is_base(layer))
    whole = sum(image.sizes)
    return f"{image.uri}: the image has {whole // 10**6} MB, {own // 10**6} MB of them above its base"
