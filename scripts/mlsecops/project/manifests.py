"""Which files name the packages of the project, and of what kind they are."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from mlsecops.project.inventory import Manifest, ManifestKind
from mlsecops.project.requirements import parse_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_BY_NAME: dict[str, tuple[ManifestKind, bool]] = {
    "pyproject.toml": ("pyproject", False),
    "poetry.lock": ("poetry-lock", True),
    "uv.lock": ("uv-lock", True),
    "pdm.lock": ("pdm-lock", True),
    "pipfile": ("pipfile", False),
    "pipfile.lock": ("pipfile-lock", True),
    "setup.cfg": ("setup-cfg", False),
    "setup.py": ("setup-py", False),
    "pixi.toml": ("pixi", False),
    "pixi.lock": ("pixi-lock", True),
    "requirements.lock": ("requirements", True),
    "requirements-dev.lock": ("requirements", True),
    "conda-lock.yml": ("conda-lock", True),
    "conda-lock.yaml": ("conda-lock", True),
}
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")

# requirements.txt, requirements-dev.txt, dev_requirements.in, prod.requirements.txt, req.txt, reqs.pip
_REQUIREMENTS = re.compile(
    r"(?:.*[-_. ])?(?:pip)?(?:requirements?\w*|requires|reqs?\d*)(?:[-_. (].*)?\.(?:txt|in|pip)", re.DOTALL
)
_REQUIREMENTS_FOLDER = re.compile(r"(?:.*[-_.])?(?:requirements?|reqs?|deps|dependencies)")
_LOOSE = re.compile(r"(?:.*[-_.])?(?:deps?|dependenc(?:y|ies)|required)(?:[-_.].*)?\.(?:txt|in)", re.DOTALL)
_CONSTRAINTS = re.compile(r"(?:.*[-_.])?constraints?(?:[-_.].*)?\.(?:txt|in|pip)")

_CONDA = re.compile(r"(?:.*[-_.])?(?:environment|environ|env|conda)(?:[-_.].*)?\.ya?ml")
_CONDA_FOLDER = re.compile(r"(?:conda|environments?|envs?)(?:[-_.].*)?")
_CONDA_CONTENT = re.compile(r"^dependencies[ \t]*:", re.MULTILINE)
_CONDA_LOCK = re.compile(r".*\.?conda-lock\.ya?ml")
_SCRIPT = re.compile(rb"^# /// script[ \t]*\r?$", re.MULTILINE)


def is_candidate(uri: str) -> bool:
    """Whether a path may be a manifest, so that it is worth to read the file."""
    folder, _, name = uri.lower().rpartition("/")
    parent = folder.rpartition("/")[2]
    if name in _BY_NAME or _PYLOCK.fullmatch(name):
        return True
    if name.endswith((".txt", ".in", ".pip")):
        patterns = (_REQUIREMENTS, _CONSTRAINTS, _LOOSE)
        return bool(_REQUIREMENTS_FOLDER.fullmatch(parent)) or any(each.fullmatch(name) for each in patterns)
    if name.endswith((".yml", ".yaml")):
        return bool(_CONDA.fullmatch(name) or _CONDA_LOCK.fullmatch(name) or _CONDA_FOLDER.fullmatch(parent))
    return False


def is_script_with_dependencies(source: bytes) -> bool:
    """Whether a Python file names its packages in a comment of its own (PEP 723)."""
    return b"# /// script" in source and _SCRIPT.search(source) is not None


def manifest_of(uri: str, target: str, read: Callable[[str], str]) -> Manifest | None:
    """The manifest that a candidate is, if it is one.

    `uri` is the path to judge by and `target` the file's own (another one for a link); `read` gives a file's
    text and raises OSError.
    """
    folder, _, name = uri.lower().rpartition("/")
    group = target.rpartition("/")[0]
    if name in _BY_NAME:
        kind, lock = _BY_NAME[name]
        return Manifest(target, kind, lock, group)
    if _PYLOCK.fullmatch(name):
        return Manifest(target, "pylock", lock=True, group=group)
    if name.endswith((".yml", ".yaml")):
        return _conda_manifest(name, target, group, read)
    return _requirements_manifest(name, folder.rpartition("/")[2], target, group, read)


def with_included(
    manifests: list[Manifest], uris: Collection[str], read: Callable[[str], str]
) -> list[Manifest]:
    """Add the files that requirements files take in with `-r` and `-c`, whatever they are called."""
    known = {manifest.uri: manifest for manifest in manifests}
    queue = [manifest for manifest in manifests if manifest.kind.startswith("requirements")]
    while queue:
        manifest = queue.pop()
        said = parse_requirements(read(manifest.uri))
        for kind, named in (("requirements", said.includes), ("constraints", said.constraints)):
            for path in named:
                uri = posixpath.normpath(posixpath.join(manifest.group, path))
                if uri not in uris or uri in known:
                    continue
                included = _included(uri, kind, read)
                known[uri] = included
                if kind == "requirements":
                    queue.append(included)
    return [known[uri] for uri in sorted(known)]


def _included(uri: str, kind: str, read: Callable[[str], str]) -> Manifest:
    group = uri.rpartition("/")[0]
    if kind == "constraints":
        return Manifest(uri, "constraints", lock=False, group=group)
    is_source = uri.endswith(".in")
    locked = not is_source and parse_requirements(read(uri)).locked
    return Manifest(uri, "requirements-in" if is_source else "requirements", locked, group)


def _conda_manifest(name: str, uri: str, group: str, read: Callable[[str], str]) -> Manifest | None:
    if _CONDA_LOCK.fullmatch(name):
        return Manifest(uri, "conda-lock", lock=True, group=group)
    if name == "python_env.yaml":  # MLflow's; it only points to the requirements.txt beside it
        return None
    exact = name in ("environment.yml", "environment.yaml")
    if exact or _CONDA_CONTENT.search(read(uri)):
        return Manifest(uri, "conda", lock=False, group=group)
    return None


def _requirements_manifest(
    name: str, parent: str, uri: str, group: str, read: Callable[[str], str]
) -> Manifest | None:
    if _CONSTRAINTS.fullmatch(name):
        return Manifest(uri, "constraints", lock=False, group=group)
    said = parse_requirements(read(uri))
    asks = said.entries + len(said.includes)
    if _REQUIREMENTS.fullmatch(name) or _REQUIREMENTS_FOLDER.fullmatch(parent):
        exact = name in ("requirements.txt", "requirements.in", "req.txt", "reqs.txt")
        if not exact and said.prose > asks:
            return None  # user-requirements.txt: a text about what users want
    elif said.prose or not asks:
        return None
    is_source = name.endswith(".in")
    return Manifest(
        uri, "requirements-in" if is_source else "requirements", said.locked and not is_source, group
    )
