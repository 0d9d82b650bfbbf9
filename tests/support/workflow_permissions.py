"""Which permissions a workflow's jobs ask of the token, as GitHub reckons them before any job runs.

A job that declares permissions gets those, or the run is refused where the caller granted less. A job that
declares none takes those of its file, else what the caller granted, and is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlsecops.chain import STAGES
from support.workflow_files import Json, Source, own_path, used

Permissions = Mapping[str, str]
Asked = dict[str, dict[str, dict[str, str] | None]]

_LEVELS = ("none", "read", "write")
# What a token may do where nothing is declared, in a repository with the restricted default.
RESTRICTED: Permissions = {"contents": "read", "packages": "read"}
_EVERYTHING = (
    *("actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues"),
    *("packages", "pages", "pull-requests", "security-events", "statuses"),
)
_READ: Permissions = {"contents": "read"}
_REPORT: Permissions = {
    "contents": "read",
    "actions": "read",
    "security-events": "write",
    "pull-requests": "write",
}
# What each action does with the token it is given.
_ACTIONS: Mapping[str, Permissions] = {
    **dict.fromkeys((*STAGES, "scan"), _READ),
    "report": _REPORT,
    "comment": {"contents": "read", "actions": "read", "pull-requests": "write"},
    "tracking-issue": {"issues": "write"},
    "export": {"actions": "read"},
}
# A permission that is not needed where the caller switches off what it is for.
_SWITCHES = (("comment", False, "pull-requests"), ("upload", "never", "security-events"))


def declared(holder: Mapping[str, Any]) -> dict[str, str] | None:
    """The permissions that a job or a workflow declares, None where it declares none."""
    given = holder.get("permissions")
    if isinstance(given, str):
        return dict.fromkeys(_EVERYTHING, given.removesuffix("-all"))
    return None if given is None else dict(given)


def is_more(asked: str, granted: str) -> bool:
    """Whether a level goes beyond another one."""
    return _LEVELS.index(asked) > _LEVELS.index(granted)


def beyond(asked: Permissions, granted: Permissions) -> list[str]:
    """What is asked for in excess of what is granted: `contents: write`."""
    return [f"{name}: {level}" for name, level in asked.items() if is_more(level, granted.get(name, "none"))]


def union(*several: Permissions) -> dict[str, str]:
    """The least that grants all of them."""
    all_of_them: dict[str, str] = {}
    for each in several:
        for name, level in each.items():
            if is_more(level, all_of_them.get(name, "none")):
                all_of_them[name] = level
    return all_of_them


def refused(files: Mapping[str, Source], source: Source) -> Iterator[str]:
    """The requests for which GitHub refuses to start a workflow that calls one of ours."""
    root = declared(source.document)
    for name, job in source.jobs.items():
        grant = declared(job)
        if grant is None:
            grant = dict(RESTRICTED) if root is None else root
        yield from (f"{source.name}: {name}: {each}" for each in _excess(files, job, grant))


def wanted(files: Mapping[str, Source], job: Json) -> dict[str, str]:
    """What a job makes use of, itself or in what it calls, with the inputs that it gives."""
    given = job.get("with") or {}
    unused = {permission for name, value, permission in _SWITCHES if given.get(name) == value}
    return {name: level for name, level in _reached(files, job).items() if name not in unused}


def asked_by(source: Source) -> dict[str, dict[str, str] | None]:
    """What each job of a workflow declares."""
    return {name: declared(job) for name, job in source.jobs.items()}


def asks_for_more(released: Asked, now: Asked) -> Iterator[str]:
    """Where a job asks callers for more than the release did: their runs would be refused.

    A new job may ask for what others of its workflow asked for already; a new workflow for anything.
    """
    for workflow, before in released.items():
        granted = union(*(each or {} for each in before.values()))
        for job, asked in now.get(workflow, {}).items():
            limit = before.get(job) or {} if job in before else granted
            for each in beyond(asked or {}, limit):
                yield f"{workflow}: {job} asks for {each}"
        for job in before.keys() - now.get(workflow, {}).keys():
            yield f"{workflow}: {job} is gone, and with it the check that people require"


def _excess(files: Mapping[str, Source], job: Json, grant: Permissions) -> Iterator[str]:
    callee = used(files, job.get("uses", ""))
    if callee is None:
        return
    root = declared(callee.document)
    yield from (f"{callee.name} as a whole asks for {each}" for each in beyond(root or {}, grant))
    for name, nested in callee.jobs.items():
        asked = declared(nested)
        if asked is not None:
            yield from (f"{callee.name}: {name} asks for {each}" for each in beyond(asked, grant))
        effective = asked if asked is not None else root if root is not None else grant
        yield from _excess(files, nested, effective)


def _reached(files: Mapping[str, Source], job: Json) -> dict[str, str]:
    callee = used(files, job.get("uses", ""))
    if callee is not None:
        return union(*(_reached(files, nested) for nested in callee.jobs.values()))
    return union(*(_of_action(step["uses"]) for step in job.get("steps", []) if "uses" in step))


def _of_action(uses: str) -> Permissions:
    path = own_path(uses)
    if path is not None:
        return _ACTIONS[path.removeprefix("actions/")]
    return _READ if uses.startswith("actions/checkout@") else {}
