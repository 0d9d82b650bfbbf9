"""A repository as the stages see it."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlsecops.project import reading
from mlsecops.project.inventory import (
    App,
    File,
    LeftOut,
    Manifest,
    ModelFile,
    ProjectError,
    Shadowed,
    TestSetup,
)
from mlsecops.project.text import decode, split_lines

if TYPE_CHECKING:
    from pathlib import Path


LARGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Project:
    """What is in a repository; made by `discover`. All paths are relative to `root`, sorted.

    `files` is every regular file that may be looked at; `left_out` says what may not, and why.
    `python`, `notebooks`, `dockerfiles`, `dockerignores`, `workflows` (also actions and Dependabot's
    settings) and `openapi` are paths of files of that kind. `text_files` are all that are no binaries, up to
    5 MiB. `model_configs` are files that configure models and can name code. `policy_file` is the
    repository's own policy, if there is one.
    """

    root: Path
    files: tuple[File, ...] = ()
    text_files: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    dockerfiles: tuple[str, ...] = ()
    dockerignores: frozenset[str] = frozenset()
    workflows: tuple[str, ...] = ()
    openapi: tuple[str, ...] = ()
    policy_file: str | None = None
    models: tuple[ModelFile, ...] = ()
    model_configs: tuple[ModelFile, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    apps: tuple[App, ...] = ()
    tests: TestSetup = field(default_factory=TestSetup)
    left_out: tuple[LeftOut, ...] = ()
    _index: dict[str, File] = field(default_factory=dict, init=False, repr=False, compare=False)
    _hashes: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the files by path."""
        self._index.update({file.uri: file for file in self.files})

    @property
    def name(self) -> str:
        """Name of the project's folder."""
        return self.root.name

    def manifests_to_audit(self) -> list[Manifest]:
        """The manifests that no other one speaks for; `shadowed` says for each of the rest which one does."""
        resting = {each.manifest.uri for each in self.shadowed}
        return [manifest for manifest in self.manifests if manifest.uri not in resting]

    def file(self, uri: str) -> File:
        """The file at a path; raises ProjectError when it is none of the project's files."""
        try:
            return self._index[uri]
        except KeyError:
            raise ProjectError(f"{uri!r} is not a file of the project") from None

    def read_bytes(self, uri: str, limit: int | None = None) -> bytes:
        """Content of a file, at most `limit` bytes; raises ProjectError (no such file) or OSError.

        Without a limit a file that no memory may hold is one that cannot be read.
        """
        if limit is not None:
            return reading.read(self.file(uri).absolute, limit)
        content = reading.read(self.file(uri).absolute, LARGEST + 1)
        if len(content) > LARGEST:
            raise OSError(errno.EFBIG, f"it has more than {LARGEST >> 20} MiB", uri)
        return content

    def read_text(self, uri: str) -> str:
        """Text of a file: by its byte order mark, by Python's coding line, as UTF-8, or as Latin-1.

        Line ends stay as they are. Raises ProjectError (no such file) or OSError.
        """
        return decode(self.read_bytes(uri), python=uri.lower().endswith((".py", ".pyw")))

    def read_lines(self, uri: str) -> list[str]:
        """Lines of a file without their ends, counted as editors and Python count them."""
        return split_lines(self.read_text(uri))

    def sha256(self, uri: str) -> str:
        """SHA-256 of a file as hex digits; raises ProjectError (no such file) or OSError."""
        if uri not in self._hashes:
            self._hashes[uri] = reading.sha256(self.file(uri).absolute)
        return self._hashes[uri]
