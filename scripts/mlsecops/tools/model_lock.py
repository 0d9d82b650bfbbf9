"""Our own check of the model lock: whether every model file is the one that was locked."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.job import Job, Parsed, Problem, Scan, Skip, ToolError, printable
from mlsecops.models.rules.trust import LOCK_RULES
from mlsecops.models.trust.files import has_lock, read_lock
from mlsecops.models.trust.gather import gather
from mlsecops.models.trust.lock import LOCK_FILE, Difference, Entry, Lock, LockError, Seen, check_lock
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json, Location, Result

_NO_HASH = "0" * 64


@dataclass(frozen=True)
class ModelLock:
    """Compares the project's model files with `.github/mlsecops-models.lock`."""

    name: str = "mlsecops-model-lock"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset(rule.id for rule in LOCK_RULES)
    weight: float = 0.3
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Compare every model and every line of the lock, then the known-bad ones."""
        try:
            lock = read_lock(job.root) if has_lock(job.root) else Lock()
        except LockError as error:
            raise ToolError(f"{LOCK_FILE} cannot be read: {error}") from error
        found = gather(job.project, [path for path, each in lock.entries.items() if each.md5])
        paths = {each.entry.path for each in found.seen}
        unread = {path: reason for path, reason in found.problems.items() if path not in paths}
        seen = frozenset({LOCK_FILE} | paths)
        differences = [each for each in check_lock(lock, found.seen) if each.path not in unread]
        return Parsed(
            looked_at=seen,
            due=seen | unread.keys(),
            rules=[rule.to_sarif() for rule in LOCK_RULES],
            results=[_result(each) for each in differences],
            canary=canary(),
            problems=[Problem(path, printable(f"not compared: {unread[path]}")) for path in sorted(unread)],
        )


def due(project: Project, policy: Policy) -> Scan | Skip:
    """The check, where there is a lock, or there are models and the policy asks for one."""
    tool = ModelLock()
    if not has_lock(project.root) and not (policy.models.require_lock and project.models):
        return Skip(tool.name, f"no {LOCK_FILE} (`mlsecops models lock` writes it)")
    uris = {file.uri for file in project.files}
    return Scan(
        tool, tuple(uri for uri in (LOCK_FILE, *(model.uri for model in project.models)) if uri in uris)
    )


def canary() -> frozenset[str]:
    """The rules that a changed model and one without a line set off."""
    locked = Entry(path="changed", sha256=_NO_HASH)
    models = [Seen(Entry(path=path, sha256="1" * 64), path) for path in ("changed", "new")]
    return frozenset(each.rule for each in check_lock(Lock({"changed": locked}, {"changed": 2}), models))


def _result(found: Difference) -> Json:
    return Result(
        rule_id=found.rule,
        message=printable(found.message),
        location=Location(uri=found.place, start_line=found.line),
        # Another content is another finding: it counts as new, whatever the baseline has of this file.
        identity=("model-lock", found.rule, found.path, found.content),
    ).to_sarif()
