"""The `init` command: what was asked for, what is there, what is written, each said in a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlsecops.init import files, git, look, templates
from mlsecops.init.files import Change
from mlsecops.init.git import Checkout
from mlsecops.init.look import Caller, Found, Place
from mlsecops.init.templates import Choice, Draft, Source
from mlsecops.project import ProjectError
from mlsecops.report.escape import terminal
from mlsecops.toolbox import Processes

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_VERSION = re.compile(r"v(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}")
_FALLBACK_BRANCH = "main"

Say = Callable[[str], None]
Ask = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for; what is empty or None is found out."""

    projects: str | None = None
    compact: bool = False
    fork_comment: bool = False
    rescan: bool = False
    export: bool = False
    branch: str | None = None
    source: str | None = None
    ref: str | None = None
    version_name: str | None = None
    force: bool = False
    dry_run: bool = False


def initialise(path: Path, wish: Wish, *, say: Say, ask: Ask | None) -> None:
    """Look at the repository that `path` lies in, say what is there, and write what is asked for.

    A file that differs is replaced when `ask` agrees to it, or with `force`; None asks nobody. Raises
    ProjectError, before anything is written, and OSError, after which nothing is.
    """
    checkout = git.find(path)
    places = look.places(checkout.top, wish.projects) if wish.projects else (Place(look.WHOLE, "default"),)
    found = [look.look(checkout.top, each) for each in places]
    several = wish.projects is not None
    known = look.callers(checkout.top)
    callers = [each for each in known if each.competes and each.file != templates.CALLER]
    source = _completed(_source(wish, templates.FOLDER.parent), known)
    branch, known_by = _branch(wish, checkout)
    _say_found(say, checkout, found, f"{terminal(branch)} ({known_by})", path)
    for caller in callers:
        called = f"calls {terminal(caller.called)} already"
        say(f"  {terminal(caller.file)} {called}: no second caller is written")
    choice = Choice(
        source=source,
        branch=branch,
        compact=wish.compact,
        several=several,
        fork_comment=wish.fork_comment,
        rescan=wish.rescan,
        export=wish.export,
        caller=callers[0].name if callers else None,
    )
    made = templates.drafts(choice, found)
    changes = [files.compare(checkout.top, each) for each in made]
    due = [each.draft for each in changes if _is_due(each, wish, say, ask)]
    if not wish.dry_run:
        files.write(checkout.top, due)
    _say_end(say, due, source, wish)


def _source(wish: Wish, clone: Path) -> Source:
    """Where mlsecops is called from: as asked, else as the clone that runs says."""
    _refuse(wish.source, _REPOSITORY, "--source", "OWNER/NAME")
    _refuse(wish.ref, _COMMIT, "--ref", "a full commit, 40 hexadecimal digits")
    _refuse(wish.version_name, _VERSION, "--version-name", "a release such as v1.2.3")
    if wish.version_name and not wish.ref:
        raise ProjectError("--version-name says the release of --ref; give both")
    try:
        checkout = git.find(clone)
    except ProjectError:
        return Source(wish.source, wish.ref, wish.version_name)
    if checkout.top != clone.resolve():
        return Source(wish.source, wish.ref, wish.version_name)
    origin = git.origin(checkout)
    repository = wish.source or origin
    if wish.ref or repository != origin:
        return Source(repository, wish.ref, wish.version_name)
    release = git.newest_release(checkout, Processes())
    return Source(repository, release.commit, release.name) if release else Source(repository, None, None)


def _completed(source: Source, callers: Sequence[Caller]) -> Source:
    """The source with what it lacks taken from a caller that is there already, the pinned ones first."""
    known = [each for each in callers if each.repository != templates.UNKNOWN_SOURCE]
    if source.repository is None and known:
        source = replace(source, repository=known[0].repository)
    for each in known:
        pinned = _COMMIT.fullmatch(each.ref) and each.ref != templates.UNKNOWN_COMMIT
        if source.commit is None and pinned and each.repository == source.repository:
            return replace(source, commit=each.ref, version=each.version)
    return source


def _refuse(value: str | None, pattern: re.Pattern[str], option: str, takes: str) -> None:
    if value is not None and not pattern.fullmatch(value):
        raise ProjectError(f"{option} is '{terminal(value)}'; it takes {takes}")


def _branch(wish: Wish, checkout: Checkout) -> tuple[str, str]:
    if wish.branch:
        return wish.branch, "as asked"
    known = git.default_branch(checkout)
    return known or (_FALLBACK_BRANCH, "a guess; name it with --branch")


def _say_found(say: Say, checkout: Checkout, found: Sequence[Found], branch: str, path: Path) -> None:
    say(f"looked at {terminal(str(checkout.top))}")
    if path.resolve() != checkout.top:
        below = terminal(path.resolve().relative_to(checkout.top).as_posix())
        say(f"{below} lies within it; to scan that folder alone use --projects {below}")
    say(f"  {'branch':<10} {branch}")
    for each in found:
        if each.place.path != look.WHOLE:
            say(f"  {terminal(each.place.path)}, known as {each.place.identifier}")
        for stage, holds in each.stages.items():
            say(f"  {stage:<10} {terminal(holds)}")
        if each.policy:
            say(f"  {'policy':<10} {terminal(each.policy)}")


def _is_due(change: Change, wish: Wish, say: Say, ask: Ask | None) -> bool:
    """Whether a file is to be written; says why or why not."""
    path = terminal(change.draft.path)
    if change.state == "same":
        say(f"as it is    {path}")
        return False
    if change.state == "new":
        say(f"new         {path}")
        return True
    for line in files.difference(change):
        say(f"    {line}")
    if wish.force:
        say(f"replace     {path}")
        return True
    if not wish.dry_run and ask is not None and ask(f"Replace {path}?"):
        return True
    say(f"left alone  {path}: it differs; --force replaces it")
    return False


def _say_end(say: Say, due: Sequence[Draft], source: Source, wish: Wish) -> None:
    files_due = "1 file" if len(due) == 1 else f"{len(due)} files"
    if not due:
        say("nothing to write")
    elif wish.dry_run:
        say(f"would write {files_due}; wrote none")
    else:
        say(f"wrote {files_due}; commit to the default branch, where alone some of them count")
    if templates.unknown(due):
        missing = [] if source.repository else ["OWNER/mlsecops"]
        missing += [] if source.commit else ["the forty zeros"]
        say(f"fill in {' and '.join(missing)} before you commit: init cannot know it (--source, --ref)")
