"""Looks through a repository once and sorts what it finds; executes nothing of it."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlsecops.project import apps, auditing, documents, manifests, models, pointers, reading, testing
from mlsecops.project.globs import compile_excludes
from mlsecops.project.inventory import File, Manifest, ModelFile, ProjectError
from mlsecops.project.leftout import OTHER_MANIFESTS, Ledger
from mlsecops.project.project import Project
from mlsecops.project.suffixes import CODE, suffix_of
from mlsecops.project.text import decode, is_text
from mlsecops.project.tracked import tracked_folders
from mlsecops.project.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlsecops.project.documents import Kind
    from mlsecops.project.inventory import Pointer

MAX_TEXT = 5 * 1024 * 1024
_MAX_READ = 16 * 1024 * 1024


def discover(root: Path, excludes: Sequence[str] = ()) -> Project:
    """Find out what is in a repository, by reading alone.

    `excludes` are the policy's patterns (see `mlsecops.project.globs`). Links are not followed; pipes,
    sockets and devices are never opened; of large files only the beginning is read. Raises ProjectError when
    `root` does not exist, is no folder or cannot be listed, or when a pattern means nothing.
    """
    compiled = compile_excludes(excludes)
    try:
        os.scandir(root).close()
        real = str(root.resolve(strict=True))
    except FileNotFoundError:
        raise ProjectError(f"{root} does not exist") from None
    except NotADirectoryError:
        raise ProjectError(f"{root} is not a folder") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ProjectError(f"{root} cannot be listed: {reason}") from error
    return _Discovery(real, Walk(real, compiled, Ledger(), tracked_folders(Path(real)))).project()


@dataclass(slots=True)
class _Discovery:
    root: str
    walk: Walk
    ledger: Ledger = field(init=False)
    finder: models.ModelFinder = field(init=False)
    files: dict[str, File] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    text_files: list[str] = field(default_factory=list)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    sources_of_apps: list[str] = field(default_factory=list)
    links: list[ModelFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = self.walk.ledger
        self.finder = models.ModelFinder(self.ledger)

    def project(self) -> Project:
        for file, head in self.walk.files():
            self.files[file.uri] = file
            text = is_text(head)
            self.finder.see(file, head, text=text)
            self._judge(file.uri, file, head, text=text)
            if text:
                self._text(file)
        for uri in self.walk.links:
            self._link(uri)
        self._submodules()
        found = manifests.with_included(list(self.manifests.values()), self.files, self.read)
        shadowed = auditing.shadowed(found, self.read)
        python = self._of_kind("python")
        tests = testing.find_tests(python, self.walk.folders, self.read, self.files)
        all_models = [*self.finder.models(self.files, self.walk.folders), *self.links]
        all_models.sort(key=lambda model: model.uri)
        return Project(
            root=Path(self.root),
            files=tuple(self.files[uri] for uri in sorted(self.files)),
            text_files=tuple(sorted(self.text_files)),
            python=python,
            notebooks=self._of_kind("notebook"),
            dockerfiles=self._of_kind("dockerfile"),
            dockerignores=frozenset(self._of_kind("dockerignore")),
            workflows=self._of_kind("workflow"),
            openapi=self._of_kind("openapi"),
            policy_file=next(iter(self._of_kind("policy")), None),
            models=tuple(all_models),
            model_configs=self.finder.configs(all_models),
            manifests=tuple(found),
            shadowed=shadowed,
            apps=tuple(
                app
                for uri in sorted(self.sources_of_apps)
                if not testing.is_test_file(uri, tests)
                for app in apps.apps_in(uri, self.read(uri))
            ),
            tests=tests,
            left_out=self.ledger.rows(),
        )

    def read(self, uri: str) -> str:
        """Text of a file, as far as it can be read; notes when it cannot."""
        file = self.files[uri]
        try:
            data = reading.read(file.absolute, _MAX_READ)
        except OSError as error:
            self.ledger.add(uri, f"the file cannot be read: {error.strerror}", "unreadable")
            return ""
        return decode(data, python=self.kinds.get(uri) == "python")

    def _of_kind(self, kind: Kind) -> tuple[str, ...]:
        return tuple(sorted(uri for uri, each in self.kinds.items() if each == kind))

    def _judge(self, uri: str, file: File, head: bytes, *, text: bool) -> None:
        """Sort a file by the path `uri`, which for a link is another one than the file's own."""
        try:
            kind = documents.kind_of(uri, file, head, text=text)
            if kind:
                self.kinds.setdefault(file.uri, kind)
            if kind == "python":
                self._python(file, head)
        except OSError as error:
            self.ledger.add(file.uri, f"the file cannot be read: {error.strerror}", "unreadable")
            return
        if manifests.is_candidate(uri) and (manifest := manifests.manifest_of(uri, file.uri, self.read)):
            self.manifests.setdefault(file.uri, manifest)
        if ecosystem := OTHER_MANIFESTS.get(uri.rpartition("/")[2]):
            self.ledger.add(file.uri, f"packages of {ecosystem}, which are not audited", "other-ecosystem")

    def _python(self, file: File, head: bytes) -> None:
        if file.size > apps.MAX_SOURCE:
            return
        source = head if file.size <= len(head) else reading.read(file.absolute)
        if apps.may_hold_app(source):
            self.sources_of_apps.append(file.uri)
        if manifests.is_script_with_dependencies(source):
            folder = file.uri.rpartition("/")[0]
            self.manifests[file.uri] = Manifest(file.uri, "script", lock=False, group=folder)

    def _text(self, file: File) -> None:
        if file.size <= MAX_TEXT:
            self.text_files.append(file.uri)
        else:
            self.ledger.add(file.uri, "text of more than 5 MiB, not searched for secrets", "too-large")

    def _link(self, uri: str) -> None:
        """A link counts by what it is called; what it leads to is looked at where that stands."""
        path = f"{self.root}/{uri}"
        try:
            target = str(Path(path).resolve(strict=True))
        except (OSError, RuntimeError):
            self._dead_link(uri, path)
            return
        inside = target == self.root or target.startswith(f"{self.root}/")
        relative = target[len(self.root) + 1 :]
        if inside and relative in self.files:
            self._alias(uri, self.files[relative])
        elif inside and f"{path}/".startswith(f"{target}/"):
            self.ledger.add(uri, "a link to a folder that it is in", "link")
        elif not inside or relative not in self.walk.folders:
            where = "to something that is left out itself" if inside else "that leaves the repository"
            self._leave_link(uri, f"a link {where}", "link")
            if suffix_of(uri) in CODE and not inside:
                self.ledger.add(uri, "code outside of the repository, not looked at", "unreadable", 0)

    def _alias(self, uri: str, file: File) -> None:
        try:
            head, _ = reading.read_head(file.absolute)
        except OSError as error:
            self.ledger.add(file.uri, f"the file cannot be read: {error.strerror}", "unreadable")
        else:
            self._judge(uri, file, head, text=is_text(head))

    def _dead_link(self, uri: str, path: str) -> None:
        target = os.fspath(Path(path).readlink())
        if pointers.is_annex_target(target):
            self._leave_link(uri, "a file kept by git-annex, not in the repository", "git-annex")
            return
        looped = target == uri or os.path.lexists(posixpath.join(posixpath.dirname(path), target))
        self._leave_link(uri, "a link that loops" if looped else "a link to nothing", "link")

    def _leave_link(self, uri: str, reason: str, pointer: Pointer) -> None:
        self.ledger.add(uri, reason, "link" if pointer == "link" else "pointer")
        if model := models.link_model(uri, pointer):
            self.links.append(model)

    def _submodules(self) -> None:
        if ".gitmodules" not in self.files:
            return
        for path in pointers.submodule_paths(self.read(".gitmodules")):
            if path in self.walk.empty or path not in self.walk.folders:
                self.ledger.add(path, "a submodule that is not checked out", "pointer", 0)
