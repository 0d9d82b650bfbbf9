"""What discovery finds in a repository, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

ManifestKind = Literal[
    "requirements",
    "requirements-in",
    "constraints",
    "pyproject",
    "poetry-lock",
    "uv-lock",
    "pdm-lock",
    "pylock",
    "pipfile",
    "pipfile-lock",
    "conda",
    "conda-lock",
    "pixi",
    "pixi-lock",
    "setup-cfg",
    "setup-py",
    "script",
]

Format = Literal[
    "pickle",
    "joblib",
    "torch",
    "keras",
    "keras-json",
    "hdf5",
    "tensorflow",
    "tflite",
    "onnx",
    "gguf",
    "ggml",
    "safetensors",
    "skops",
    "numpy",
    "npz",
    "pmml",
    "coreml",
    "xgboost",
    "lightgbm",
    "catboost",
    "fasttext",
    "sentencepiece",
    "paddle",
    "r",
    "archive",
    "config",
    "unknown",
]

Why = Literal["suffix", "content", "both", "surroundings"]
Pointer = Literal["git-lfs", "git-annex", "dvc", "link"]

LeftOutKind = Literal[
    "environment",  # installed packages: virtualenvs, node_modules, ...
    "cache",  # what a tool made and can make again
    "version-control",
    "excluded",  # by the policy
    "link",
    "pointer",  # Git LFS, DVC, an empty submodule: the content is somewhere else
    "unreadable",
    "special",  # pipes, sockets, devices
    "too-large",
    "other-ecosystem",
]


class ProjectError(ValueError):
    """The project cannot be read as asked; the text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the repository.

    `uri` is relative to the root with `/` between its parts; bytes that are not UTF-8 stand in it as lone
    surrogates (`os.fsencode` gives the bytes back). `size` is in bytes.
    """

    uri: str
    absolute: str
    size: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.absolute)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file that names the packages that the project needs.

    `lock` says that it fixes the versions of all of them; `group` is its folder ("" at the root).
    """

    uri: str
    kind: ManifestKind
    lock: bool
    group: str


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A manifest that need not be audited itself, and why; `by` is the one that speaks for it, if any."""

    manifest: Manifest
    by: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that holds a model, or stands for one.

    `format` is what the content says, or else the suffix. `pointer` says that the model itself is not here:
    such a `uri` need not be one of the project's files (a link), and nothing can be scanned.
    `compression` is the outer one (zlib, gzip, bz2, lzma, lz4, zstd).
    `parts` are files that belong to it and are no model by themselves (a SavedModel's variables).
    """

    uri: str
    format: Format
    why: Why
    pointer: Pointer | None
    size: int
    compression: str | None = None
    parts: tuple[str, ...] = ()


Framework = Literal["flask", "fastapi", "dash", "connexion", "gradio", "streamlit"]


@dataclass(frozen=True, slots=True)
class App:
    """A web application: where it is made, and what to start.

    `name` is the module's variable (`app`), a factory with its parentheses (`create_app()`), or "" where the
    file has to be run as a script.
    """

    framework: Framework
    uri: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class TestSetup:
    """Where the tests are.

    `paths` are what to hand to pytest, `files` the test files in them, `configured_by` the file that names
    the paths, `missing` the paths named there that do not exist.
    """

    __test__: ClassVar[bool] = False  # not a test case, whatever pytest thinks of its name

    paths: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    configured_by: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not looked at: `path` (or the policy's pattern), why, and how many files it is."""

    path: str
    reason: str
    files: int
    kind: LeftOutKind
