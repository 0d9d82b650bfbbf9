"""What a Git working tree says of itself, by reading its files, so that no setting of it takes effect."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlsecops.project import ProjectError
from mlsecops.toolbox import Limits, Processes, StartError

_MOST_BYTES = 16 << 20
_RELEASE = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_HEADS, _REMOTE_HEAD = "refs/heads/", "refs/remotes/origin/"
_GIT_SECONDS = 30.0
# https://github.com/O/N, git@github.com:O/N, ssh://git@github.com/O/N, with or without user, port and `.git`
_GITHUB = re.compile(
    r"(?:[a-z+]+://)?(?:[^/@\s]+@)?github\.com(?::\d+)?[:/]+(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)
_SECTION = re.compile(r'\[(?P<name>[\w.-]+)(?:\s+"(?P<of>[^"]*)")?\]')


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree: its top folder, the folder of its HEAD, and that of what all its worktrees share."""

    top: Path
    own: Path
    shared: Path


@dataclass(frozen=True, slots=True)
class Release:
    """A release tag `v1.2.3` and its commit."""

    name: str
    commit: str


def find(path: Path) -> Checkout:
    """The working tree that a folder lies in. Raises ProjectError when it is no folder or lies in none."""
    if not path.is_dir():
        raise ProjectError(f"{path} is not a folder" if path.exists() else f"{path} does not exist")
    here = path.resolve()
    for top in (here, *here.parents):
        own = _git_folder(top / ".git")
        if own is not None:
            common = _first_line(own / "commondir")
            return Checkout(top, own, (own / common).resolve() if common else own)
    raise ProjectError(f"{path} is not in a Git repository; run git init there first")


def default_branch(checkout: Checkout) -> tuple[str, str] | None:
    """The default branch and how it is known; None where HEAD is detached and origin has not said it."""
    said = _first_line(checkout.shared / "refs" / "remotes" / "origin" / "HEAD")
    start = f"ref: {_REMOTE_HEAD}"
    if said.startswith(start):
        return said.removeprefix(start), "origin's default"
    current = _first_line(checkout.own / "HEAD")
    start = f"ref: {_HEADS}"
    # With reftable storage the file HEAD only says that it is not to be believed.
    if current.startswith(start) and not current.endswith("/.invalid"):
        return current.removeprefix(start), "the current branch"
    return None


def origin(checkout: Checkout) -> str | None:
    """OWNER/NAME of the remote origin, where that is on github.com."""
    section = ""
    for line in _text(checkout.shared / "config").splitlines():
        stripped = line.strip()
        if match := _SECTION.match(stripped):
            section = f"{match['name'].lower()} {match['of']}"
        elif section == "remote origin":
            key, _, value = stripped.partition("=")
            if key.strip().lower() == "url" and (found := _GITHUB.fullmatch(value.strip().strip('"'))):
                return found["name"]
    return None


def newest_release(checkout: Checkout, processes: Processes) -> Release | None:
    """The release tag with the highest version; None where there is none, or no Git to ask for its commit."""
    program = shutil.which("git")
    if program is None:
        return None
    # The second name is empty unless the tag is an object of its own.
    asked = ["for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags/v*"]
    with TemporaryDirectory() as name:
        out, said = Path(name) / "stdout", Path(name) / "stderr"
        try:
            finished = processes.run(
                [program, "-C", str(checkout.top), *asked],
                cwd=Path(name),
                env={"HOME": name, "PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1"},
                stdout=out,
                stderr=said,
                limits=Limits(seconds=_GIT_SECONDS),
            )
        except StartError:
            return None
        return _newest(_text(out)) if finished.exit_code == 0 else None


def _newest(listed: str) -> Release | None:
    rows = [line.split(" ") for line in listed.splitlines()]
    releases = [Release(name, peeled or commit) for name, commit, peeled in rows if _RELEASE.fullmatch(name)]
    return max(releases, key=lambda each: tuple(map(int, each.name[1:].split("."))), default=None)


def _git_folder(entry: Path) -> Path | None:
    """The folder that `.git` is, or that it names in a worktree or submodule."""
    if entry.is_dir():
        return entry if (entry / "HEAD").exists() else None
    named = _first_line(entry)
    if not named.startswith("gitdir: "):
        return None
    folder = (entry.parent / named.removeprefix("gitdir: ")).resolve()
    return folder if folder.is_dir() else None


def _first_line(path: Path) -> str:
    return _text(path).partition("\n")[0].strip()


def _text(path: Path) -> str:
    """The text of a file of Git's; empty where there is none."""
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
