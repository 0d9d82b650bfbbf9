"""A commit of the Git repository around a project, read so that nothing the repository says is run.

Its objects are borrowed by a repository of our own: there are no hooks, filters, attributes or settings of
the project's in it, and what is not there is not fetched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlsecops.policy import Policy, PolicyError, parse
from mlsecops.policy.committed import find_committed
from mlsecops.policy.document import MAX_BYTES
from mlsecops.project import ProjectError
from mlsecops.report.escape import plain, shorten
from mlsecops.toolbox import Limits, Processes, StartError

_LIMITS = Limits(seconds=600.0)
_SHA256_DIGITS = 64
# No attribute of the project's changes, hides or fills in a file.
_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"
# No remote helper is started, whatever Git misses.
_ALONE = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
_KINDS = {"tree": "a folder", "commit": "a submodule"}


@dataclass(frozen=True, slots=True)
class _Git:
    """Git, with a folder of its own for what it prints."""

    program: str
    processes: Processes
    scratch: Path

    def said(self, arguments: Sequence[str], env: Mapping[str, str]) -> bytes:
        """What a command prints. Raises ProjectError with what it complains about."""
        out, err = self.scratch / "stdout", self.scratch / "stderr"
        quiet = ["--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
        settings = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **_ALONE, **env}
        command = [self.program, *quiet, *arguments]
        try:
            done = self.processes.run(
                command, cwd=self.scratch, env=settings, stdout=out, stderr=err, limits=_LIMITS
            )
        except StartError as error:
            raise ProjectError(f"git: {error}") from error
        if done.exit_code:
            lines = err.read_text("utf-8", "replace").splitlines() or [f"exit code {done.exit_code}"]
            raise ProjectError(f"git: {shorten(plain(lines[0]), 300)}")
        with out.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, as `name` was resolved; `folder` is the project's below the root, "." for the root."""

    name: str
    commit: str
    folder: str
    _git: _Git
    _repository: Path

    @property
    def label(self) -> str:
        """Such as "main@9d01e77"."""
        short = self.commit[:7]
        return short if self.commit.startswith(self.name) else f"{shorten(self.name, 60)}@{short}"

    def policy(self) -> Policy:
        """The policy of the project at the commit, the defaults where it has none. Raises PolicyError."""
        found = find_committed(self.folder, self._entry)
        if found is None:
            return Policy()
        path, (mode, kind, name) = found
        if kind != "blob" or mode == "120000":
            raise PolicyError(f"{path}:1: not a file but {_KINDS.get(kind, 'a symbolic link')}")
        return parse(self._said("cat-file", "blob", name), path)

    def export(self, target: Path) -> None:
        """Write the project as it is at the commit below a new folder, with an index of what is tracked."""
        (target / ".git").mkdir(parents=True)
        index = {"GIT_INDEX_FILE": str(target / ".git" / "index"), "GIT_WORK_TREE": str(target)}
        tree = self.commit if self.folder == "." else f"{self.commit}:{self.folder}"
        self._said("read-tree", tree, env=index)
        self._said("checkout-index", "--all", f"--prefix={target}/", env=index)

    def _entry(self, path: str) -> tuple[str, str, str] | None:
        """Mode, kind and object at a path."""
        row = self._said("ls-tree", "-z", self.commit, "--", path).partition(b"\t")[0]
        mode, kind, name = row.decode("ascii").split(" ") if row else ("", "", "")
        return (mode, kind, name) if name else None

    def _said(self, *arguments: str, env: Mapping[str, str] | None = None) -> bytes:
        own = {"HOME": str(self._git.scratch), "GIT_CONFIG_NOSYSTEM": "1", "GIT_LITERAL_PATHSPECS": "1"}
        return self._git.said([f"--git-dir={self._repository}", *arguments], {**own, **(env or {})})


def resolve(project: Path, name: str, scratch: Path, processes: Processes) -> Revision:
    """The commit that a name stands for in the repository around a project.

    Raises ProjectError without Git, a repository, or such a commit.
    """
    program = shutil.which("git")
    if program is None:
        raise ProjectError("--base needs Git, which is not on the path")
    if not project.is_dir():
        raise ProjectError(f"{project} is not a folder")
    git = _Git(program, processes, scratch)
    # The user's own settings say whose repositories are trusted.
    trusted = {each: os.environ[each] for each in ("HOME", "XDG_CONFIG_HOME") if each in os.environ}
    where = ["-C", str(project.resolve()), "rev-parse"]
    shown = git.said([*where, "--show-prefix", "--path-format=absolute", "--git-path", "objects"], trusted)
    lines = os.fsdecode(shown).removesuffix("\n").split("\n")
    if len(lines) != 2:
        raise ProjectError(f"{project}: a path with a line end in it cannot be compared")
    missing = ProjectError(f"--base: the repository has no commit {shorten(plain(name), 80)}; is it fetched?")
    if name.startswith("-"):
        raise missing
    try:
        found = git.said([*where, "--verify", "--quiet", f"{name}^{{commit}}"], trusted)
    except ProjectError:
        raise missing from None
    commit = found.decode("ascii").strip()
    repository = _borrowing(scratch / "borrowed.git", lines[1], len(commit) == _SHA256_DIGITS)
    return Revision(name, commit, lines[0].rstrip("/") or ".", git, repository)


def _borrowing(repository: Path, objects: str, sha256: bool) -> Path:
    """A bare repository without anything of its own, that finds its objects in another one's."""
    for folder in ("objects/info", "refs", "info"):
        (repository / folder).mkdir(parents=True)
    (repository / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
    (repository / "info" / "attributes").write_text(_ATTRIBUTES, "ascii")
    (repository / "objects" / "info" / "alternates").write_bytes(os.fsencode(f"{objects}\n"))
    version = "1\n[extensions]\n\tobjectFormat = sha256" if sha256 else "0"
    (repository / "config").write_text(f"[core]\n\trepositoryFormatVersion = {version}\n", "ascii")
    return repository
