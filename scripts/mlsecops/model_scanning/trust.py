"""What `mlsecops models lock` and `bom` do, and what all of `mlsecops models` works with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from mlsecops import policy
from mlsecops.job import Context, Job
from mlsecops.model_scanning.entries import describe
from mlsecops.models.trust.bom import About, build
from mlsecops.models.trust.cards import MAX_CARD, cards_of
from mlsecops.models.trust.files import has_lock, read_lock, write
from mlsecops.models.trust.gather import gather
from mlsecops.models.trust.lock import LOCK_FILE, Entry, Lock, LockError, check_lock, render
from mlsecops.policy import Policy
from mlsecops.project import Project, ProjectError, discover
from mlsecops.scanning import scratch_folder
from mlsecops.toolbox import Toolbox
from mlsecops.tools.model_signatures import ModelSignatures, Verifier, check, files


@dataclass(frozen=True, slots=True)
class Session:
    """One call: the project, its policy, and the way to start programs."""

    project: Project
    policy: Policy
    job: Job

    @property
    def root(self) -> Path:
        """Folder of the project."""
        return self.project.root

    @classmethod
    @contextmanager
    def opened(cls, root: Path, policy_file: Path | None = None) -> Iterator[Session]:
        """Over the project in a folder. Raises PolicyError and ProjectError."""
        rules = policy.load(policy_file or policy.find(root))
        with _job(discover(root, excludes=rules.exclude), rules) as job:
            yield cls(job.project, rules, job)

    @classmethod
    @contextmanager
    def bare(cls, policy_file: Path | None = None, *, with_policy: bool = False) -> Iterator[Session]:
        """Over no files; `with_policy` takes the policy of the working folder. Raises PolicyError."""
        here = Path.cwd()
        rules = policy.load(policy_file or policy.find(here)) if with_policy else Policy()
        with _job(Project(root=here), rules) as job:
            yield cls(job.project, rules, job)


@contextmanager
def _job(project: Project, rules: Policy) -> Iterator[Job]:
    toolbox = Toolbox.default()
    with scratch_folder(toolbox.cache) as work:
        context = Context(stage="model", project=project, policy=rules, toolbox=toolbox, work=work, keep=work)
        yield Job(
            tool=ModelSignatures(rules.models.require_signature), context=context, targets=(), work=work
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What was done in a few words that a file's name ends, what changed, and what could not be looked at.

    Changes are a sign (`+` new, `~` other content, `-` gone) and a path; `dangerous` are paths of models that
    would do harm when they are loaded.
    """

    summary: str
    changes: tuple[tuple[str, str], ...]
    problems: Mapping[str, str]
    dangerous: tuple[str, ...] = ()


def lock(session: Session) -> Done:
    """Write the lock anew, also where the one that is there cannot be read. Raises ToolError and OSError."""
    described = describe(session.job, _signers(session))
    before = Lock()
    if has_lock(session.root):
        try:
            before = read_lock(session.root)
        except LockError:
            before = Lock()
    written = write(session.root / LOCK_FILE, render(described.entries))
    said = f"{_count(len(described.entries))} locked in" if written else "unchanged:"
    dangerous = tuple(each.path for each in described.entries if each.verdict == "dangerous")
    return Done(said, _changes(before.entries, described.entries), described.problems, dangerous)


def _changes(before: Mapping[str, Entry], now: tuple[Entry, ...]) -> tuple[tuple[str, str], ...]:
    after = {each.path: each for each in now}
    signs = dict.fromkeys(before.keys() - after.keys(), "-")
    for path, entry in after.items():
        old = before.get(path)
        if old is None:
            signs[path] = "+"
        elif (old.sha256, old.md5) != (entry.sha256, entry.md5):
            signs[path] = "~"
    return tuple((signs[path], path) for path in sorted(signs))


def compare(session: Session) -> Done:
    """Compare the models with the lock and write nothing. Raises LockError."""
    there = has_lock(session.root)
    locked = read_lock(session.root) if there else Lock()
    found = gather(session.project, [path for path, each in locked.entries.items() if each.md5])
    differences = check_lock(locked, found.seen)
    seen = {each.entry.path for each in found.seen}
    changes = tuple(
        ("+" if each.rule == "model-not-locked" else "~" if each.path in seen else "-", each.path)
        for each in differences
        if each.path not in found.problems
    )
    said = "as locked:" if not changes else f"{_count(len(changes))} not as locked:"
    return Done(said if there else "there is no", changes, found.problems)


def bill(session: Session, about: About, out: Path) -> Done:
    """Write the bill of materials. Raises ProjectError when another kind of file is there, ToolError
    and OSError."""
    if out.exists() and not _is_bill(out):
        raise ProjectError(f"{out} is there and is no CycloneDX document; it is not overwritten")
    described = describe(session.job, _signers(session))
    cards, unread = cards_of(
        [each.path for each in described.entries],
        [file.uri for file in session.project.files],
        lambda uri: session.project.read_bytes(uri, MAX_CARD + 1),
    )
    written = write(out, build(about, described.entries, cards))
    said = f"{_count(len(described.entries))} listed in" if written else "unchanged:"
    return Done(said, (), {**described.problems, **unread})


def _is_bill(out: Path) -> bool:
    if out.is_dir():
        return False
    try:
        found = orjson.loads(out.read_bytes())
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and found.get("bomFormat") == "CycloneDX"


def _signers(session: Session) -> Mapping[str, str]:
    """Who signed the models, where the policy says whose signatures count."""
    required = session.policy.models.require_signature
    if not required:
        return {}
    verifier = Verifier(session.job, required)
    return check(session.project, files(session.project), verifier).signed


def _count(number: int) -> str:
    return f"{number} model file{'' if number == 1 else 's'}"
