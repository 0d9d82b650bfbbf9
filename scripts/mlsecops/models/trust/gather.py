"""The model files of a project as they stand: hashes of content, or what pointers record of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from mlsecops.models.trust import recorded
from mlsecops.models.trust.lock import Entry, Seen
from mlsecops.models.trust.recorded import RecordedError
from mlsecops.project import ModelFile, Project
from mlsecops.project.models import named_like_model
from mlsecops.project.pointers import absence
from mlsecops.project.reading import opened

_MAX_RECORD = 1_000_001  # one more byte than the reader of YAML takes


@dataclass(frozen=True, slots=True)
class Gathered:
    """All models, and those of which nothing can be said: path -> reason, one plain phrase."""

    seen: tuple[Seen, ...]
    problems: dict[str, str]


def gather(project: Project, with_md5: Collection[str] = ()) -> Gathered:
    """Hash every model file, or take the hash that its pointer records.

    `with_md5` are paths whose MD5 is wanted too, because that is all that a lock has of them.
    """
    return _Gathering(project, frozenset(with_md5)).gathered()


@dataclass(slots=True)
class _Gathering:
    project: Project
    with_md5: frozenset[str]
    seen: dict[str, Seen] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def gathered(self) -> Gathered:
        kept = dict(self._kept_by_dvc())
        for model in self.project.models:
            for path in (model.uri, *model.parts):
                self._one(path, model, kept)
        uris = {file.uri for file in self.project.files}
        for path, (uri, entry) in kept.items():
            if path in uris or not named_like_model(path):
                continue
            if entry is None:
                self.problems[path] = f"DVC ({uri}) records no MD5 of it"
            else:
                here = entry.is_folder and any(each.startswith(f"{path}/") for each in uris)
                self.seen[path] = Seen(entry, uri, here=here)
        return Gathered(tuple(self.seen[path] for path in sorted(self.seen)), self.problems)

    def _kept_by_dvc(self) -> Iterator[tuple[str, tuple[str, Entry | None]]]:
        for file in self.project.files:
            if file.uri.endswith(".dvc") or file.uri.rpartition("/")[2] == "dvc.lock":
                try:
                    entries = recorded.dvc(file.uri, self.project.read_bytes(file.uri, _MAX_RECORD))
                except OSError as error:
                    self.problems[file.uri] = f"it cannot be read: {error.strerror}"
                except RecordedError as error:
                    self.problems[file.uri] = str(error)
                else:
                    yield from ((path, (file.uri, entry)) for path, entry in entries.items())

    def _one(self, path: str, model: ModelFile, kept: dict[str, tuple[str, Entry | None]]) -> None:
        if model.pointer == "dvc":
            return  # its outputs stand for it
        try:
            entry = self._pointed(path, model) if model.pointer else self._content(path, path in kept)
        except OSError as error:
            self.problems[path] = f"it cannot be read: {error.strerror}"
        except RecordedError as error:
            self.problems[path] = str(error)
        else:
            entry = replace(entry, format=model.format)
            self.seen[path] = Seen(entry, path, here=model.pointer is None)

    def _pointed(self, path: str, model: ModelFile) -> Entry:
        if model.pointer == "git-lfs":
            return recorded.lfs(path, self.project.read_bytes(path, _MAX_RECORD))
        if model.pointer == "git-annex":
            return recorded.annex(path, self._annex_pointer(path))
        raise RecordedError(absence(model.pointer or "link"))

    def _annex_pointer(self, path: str) -> bytes:
        absolute = self.project.root / path
        if absolute.is_symlink():
            return os.fsencode(absolute.readlink())
        return self.project.read_bytes(path, _MAX_RECORD).split(b"\n", 1)[0]

    def _content(self, path: str, kept: bool) -> Entry:
        file = self.project.file(path)
        md5 = _md5(file.absolute) if kept or path in self.with_md5 else ""
        return Entry(path=path, sha256=self.project.sha256(path), md5=md5, size=file.size)


def _md5(path: str) -> str:
    with opened(path) as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
