"""What is in a repository already: what each stage would scan, who calls mlsecops, what its policy is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlsecops import policy
from mlsecops.chain import STAGES
from mlsecops.job import Options, Scan
from mlsecops.policy import Policy, PolicyError
from mlsecops.policy.document import DocumentError, read
from mlsecops.project import ProjectError, discover
from mlsecops.report.comment import is_identifier

WORKFLOWS = ".github/workflows"
WHOLE = "."
_MOST_BYTES = 1_000_000
_CALL = re.compile(
    r"^\s*-?\s*[\"']?uses[\"']?:\s*[\"']?"
    r"(?P<called>(?P<repository>[\w.-]+/[\w.-]+)/\.github/workflows/secure-ml(?:-compact)?\.yml@(?P<ref>[\w./-]+))"
    r"(?:[\"']?[ \t]+#[ \t]*(?P<version>v\d+\.\d+\.\d+)\b)?",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A project of the repository: its folder from the top with `/`, and the name it is known by."""

    path: str
    identifier: str

    @property
    def policy_file(self) -> str:
        """Where its policy lies."""
        return (PurePosixPath(self.path) / policy.DEFAULT_FILE).as_posix()


@dataclass(frozen=True, slots=True)
class Found:
    """What a project holds: for each stage what it would scan, or why nothing.

    `due` are the stages that have something to scan; `policy` says what is wrong with or known of its policy
    file, and is empty where there is none.
    """

    place: Place
    stages: Mapping[str, str]
    due: tuple[str, ...]
    policy: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A workflow that calls mlsecops already: its file, its name as GitHub shows it, and what it calls.

    `called` is `repository`, a path and `ref`; `version` is what stands behind it. `competes` says that it
    runs on pull requests, where a second caller would get in its way.
    """

    file: str
    name: str
    called: str
    repository: str
    ref: str
    version: str | None
    competes: bool


def place(top: Path, given: str) -> Place:
    """The project that `folder` or `name=folder` means.

    Raises ProjectError when it is no folder of the repository, or has a name that cannot be used.
    """
    name, _, folder = given.rpartition("=")
    path = PurePosixPath(folder.strip() or WHOLE)
    if path.is_absolute() or ".." in path.parts:
        raise ProjectError(f"{path} is not a folder below the repository's top; name it as services/api")
    if "${{" in given or not given.isprintable():
        raise ProjectError("--projects names a folder whose name a workflow cannot hold")
    real = (top / path).resolve()
    if not real.is_dir() or not real.is_relative_to(top):
        raise ProjectError(f"{path} is not a folder of the repository")
    identifier = name.strip() or re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).strip("-._") or "root"
    if not is_identifier(identifier):
        raise ProjectError(
            f"'{identifier}' cannot name a project: take letters, digits, '.', '_' and '-', at most 64"
        )
    return Place(path.as_posix(), identifier)


def places(top: Path, given: str) -> tuple[Place, ...]:
    """The projects of a list `a,b`. Raises ProjectError, also when two of them are known by one name."""
    found = tuple(place(top, each) for each in given.split(",") if each.strip())
    if not found:
        raise ProjectError("--projects names no folder; name them as services/api,training")
    for number, each in enumerate(found):
        for other in found[:number]:
            if each.path == other.path:
                raise ProjectError(f"--projects names {each.path} twice")
            if each.identifier.lower() == other.identifier.lower():
                raise ProjectError(
                    f"{other.path} and {each.path} would both be '{each.identifier}'; "
                    f"give one a name, as name={each.path}"
                )
    return found


def look(top: Path, at: Place) -> Found:
    """What a project holds and what its policy is. Raises ProjectError."""
    rules, remark = _policy(top, at)
    project = discover(top / at.path, excludes=rules.exclude)
    stages, due = {}, []
    for stage, made in STAGES.items():
        plan = made.plan(project, rules, Options())
        targets = {target for each in plan if isinstance(each, Scan) for target in each.targets}
        if any(isinstance(each, Scan) for each in plan):
            due.append(stage)
            stages[stage] = "1 file" if len(targets) == 1 else f"{len(targets)} files"
        else:
            stages[stage] = next((each.reason for each in plan if not isinstance(each, Scan)), "nothing")
    return Found(at, stages, tuple(stage for stage in due if rules.enabled(stage)), remark)


def callers(top: Path) -> list[Caller]:
    """The workflows that call mlsecops, by the names of their files. Raises OSError."""
    found = []
    folder = top / WORKFLOWS
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
        call = _CALL.search(content.decode("utf-8", "replace"))
        if call:
            file = f"{WORKFLOWS}/{path.name}"
            name, competes = _head(content)
            found.append(Caller(file, name or file, competes=competes, **call.groupdict()))
    return found


def _head(content: bytes) -> tuple[str, bool]:
    """The name of a workflow, and whether it runs on pull requests; what cannot be read is taken to."""
    try:
        data = read(content).data
    except DocumentError:
        return "", True
    if not isinstance(data, dict):
        return "", True
    name, on = data.get("name"), data.get("on")
    events = [on] if isinstance(on, str) else on
    return name if isinstance(name, str) else "", not events or "pull_request" in events


def _policy(top: Path, at: Place) -> tuple[Policy, str]:
    """The policy that counts for a project, its own or else the top's, and what there is to say of it."""
    for folder in dict.fromkeys((top / at.path, top)):
        try:
            file = policy.find(folder)
            if file is not None:
                name = file.relative_to(top).as_posix()
                return policy.load(file, name=name), f"{name} is yours, and stays as it is"
        except PolicyError as error:
            return Policy(), str(error).replace(f"{folder}/", "")
    return Policy(), ""
