"""Drive one tool over its targets and prove that it looked: one SARIF run comes out, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlsecops import __version__
from mlsecops.bounds import spellings, without
from mlsecops.job import (
    Context,
    Job,
    NotDueError,
    Parsed,
    Problem,
    Skip,
    Tool,
    ToolError,
    fresh_folder,
    printable,
)
from mlsecops.sarif.build import Json, Status, encode_uri
from mlsecops.sarif.fingerprint import add_fingerprints, split_lines
from mlsecops.sarif.normalise import normalise_run
from mlsecops.settling import has_open
from mlsecops.toolbox import Toolbox, ToolboxError

if TYPE_CHECKING:
    from mlsecops.project import Project

# What output of the wrong shape, or a defect of ours, can raise: it ends as incomplete, not as a traceback.
DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def scan(tool: Tool, targets: Sequence[str], context: Context) -> Json:
    """Run one tool and return its SARIF run with status, counts, canary, notifications and fingerprints.

    The run is `passed` or `findings` only when the tool ended as it should, looked at every unit that was due
    (more than none) and reported its canary; anything else is `incomplete` with a reason, but for a tool that
    is not due after all, which is `skipped` with one.
    """
    started = context.now()
    work = fresh_folder(context.work / f"{context.stage}-{tool.name}")
    job = Job(tool=tool, context=context, targets=tuple(targets), work=work)
    nothing = Parsed(looked_at=frozenset(), rules=[], results=[], canary=frozenset())
    try:
        return _run(job, tool.run(job), "", started)
    except NotDueError as reason:
        return skipped(Skip(tool.name, printable(str(reason)), tool.information_uri), context)
    except ToolError as error:
        return _run(job, replace(nothing, properties=error.properties), str(error), started)
    except DEFECTS as error:
        failure = f"what it found cannot be read ({type(error).__name__}: {printable(str(error))[:200]})"
        return _run(job, nothing, failure, started)


def broken(tool: str, defect: Exception, context: Context) -> Json:
    """The SARIF run of a tool whose scan ended in a defect of ours: incomplete."""
    now = context.now()
    reason = f"{tool}: mlsecops itself failed ({type(defect).__name__}: {printable(str(defect))[:200]})"
    return _shell(tool, "", None, context, status="incomplete", reason=reason, started=now)


def skipped(skip: Skip, context: Context) -> Json:
    """The SARIF run of a tool that was not due."""
    now = context.now()
    return _shell(
        skip.tool, skip.information_uri, None, context, status="skipped", reason=skip.reason, started=now
    )


def _doubts(tool: Tool, due: frozenset[str], parsed: Parsed) -> dict[str, str]:
    """Why the run does not count as complete: kind -> sentence, the most useful to a reader first."""
    doubts: dict[str, str] = {}
    for kind in ("unfinished", "unreadable", "unparsed"):
        problems = [each for each in parsed.problems if each.kind == kind]
        if problems:
            more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
            unread = f"could not read {printable(problems[0].uri)} ({problems[0].message})"
            doubts[kind] = f"{problems[0].message if kind == 'unfinished' else unread}{more}"
    for stale in (each for each in parsed.problems if each.kind == "stale"):
        doubts["stale"] = stale.message
    if not due:
        doubts["nothing due"] = "there was nothing to look at, yet it was due"
    missing = sorted(due - parsed.looked_at - {problem.uri for problem in parsed.problems})
    if missing:
        seen = len(due & parsed.looked_at)
        doubts["missing"] = f"looked at {seen} of {len(due)}, not at {printable(missing[0])}"
    lost = sorted(tool.canary_rules - parsed.canary)
    if lost:
        doubts["canary"] = f"did not find the known-bad canary ({', '.join(lost[:3])}), so it may be blind"
    return doubts


def _run(job: Job, parsed: Parsed, failure: str, started: datetime) -> Json:
    tool, context = job.tool, job.context
    due = frozenset(job.targets) if parsed.due is None else parsed.due
    doubts = {"failure": failure} if failure else _doubts(tool, due, parsed)
    doubt = next(iter(doubts.values()), "")
    status: Status = "incomplete" if doubt else "findings" if has_open(parsed.results) else "passed"
    run = _shell(
        tool.name,
        tool.information_uri,
        parsed.version or _version(tool, context.toolbox),
        context,
        status=status,
        reason=f"{tool.name}: {doubt}" if doubt else "",
        started=started,
    )
    run["tool"]["driver"]["rules"] = parsed.rules
    run["results"] = parsed.results
    run["artifacts"] = [
        {
            "location": {"uri": encode_uri(uri), "uriBaseId": "%SRCROOT%"},
            "hashes": {"sha-256": parsed.hashes.get(uri) or context.project.sha256(uri)},
        }
        for uri in sorted(job.targets)
        if uri in parsed.looked_at or (parsed.due is not None and not doubt)
    ]
    run["invocations"][0]["toolExecutionNotifications"] += [_notification(each) for each in parsed.problems]
    found = "found" if tool.canary_rules <= parsed.canary else "not found"
    run["properties"]["mlsecops"] |= {
        "expected": len(due),
        "scanned": len(due & parsed.looked_at),
        "canary": found if tool.canary_rules else "not needed",
        "suppressed": sum(1 for result in parsed.results if result.get("suppressions")),
        "notes": [printable(note) for note in parsed.notes],
        "doubts": list(doubts),
        "unparsed": [problem.uri for problem in parsed.problems if problem.kind == "unparsed"],
        **parsed.properties,
    }
    hidden = spellings(job.bounds.hidden)
    return finish(without(run, hidden) if hidden else run, context, tool.name)


def finish(run: Json, context: Context, tool: str) -> Json:
    """Normalise a run and fingerprint its results, with the lines of the project's own files."""
    lines: dict[str, list[str] | None] = {}

    def read_lines(uri: str) -> Sequence[str] | None:
        if uri not in lines:
            lines[uri] = _lines(context.project, uri)
        return lines[uri]

    normal = normalise_run(run, stage=context.stage, tool=tool, read_lines=read_lines)
    return add_fingerprints(normal, read_lines)


def _shell(
    name: str,
    information_uri: str,
    version: str | None,
    context: Context,
    *,
    status: Status,
    reason: str,
    started: datetime,
) -> Json:
    ended = context.now()
    driver: Json = {"name": name, "rules": []}
    if information_uri:
        driver["informationUri"] = information_uri
    if version:
        driver["semanticVersion"] = version
    prefix = f"mlsecops/{context.identifier}" if context.identifier else "mlsecops"
    notifications = [{"level": "error", "message": {"text": reason}}] if status == "incomplete" else []
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{prefix}/{context.stage}/{name}/"},
        "invocations": [
            {
                "startTimeUtc": _timestamp(started),
                "endTimeUtc": _timestamp(ended),
                "executionSuccessful": status != "incomplete",
                "toolExecutionNotifications": notifications,
            }
        ],
        "artifacts": [],
        "results": [],
        "columnKind": "utf16CodeUnits",
        "properties": {
            "mlsecops": {
                "stage": context.stage,
                "status": status,
                "reason": reason,
                "expected": 0,
                "scanned": 0,
                "canary": "not needed",
                "seconds": round((ended - started).total_seconds(), 3),
                "suppressed": 0,
                "notes": [],
            }
        },
    }


def _notification(problem: Problem) -> Json:
    if problem.kind == "stale":
        return {"level": "error", "message": {"text": problem.message}}
    region = {"region": {"startLine": problem.line}} if problem.line else {}
    place = {"physicalLocation": {"artifactLocation": {"uri": encode_uri(problem.uri)}, **region}}
    text = f"{printable(problem.uri)}: {problem.message}"
    return {"level": "error", "message": {"text": text}, "locations": [place]}


def _version(tool: Tool, toolbox: Toolbox) -> str | None:
    if tool.environment is None:
        # Somebody else's program that the machine has: which version, only it can say.
        return None if tool.information_uri else __version__
    try:
        return toolbox.environments.version(tool.environment)
    except (ToolboxError, OSError):
        return None


def _lines(project: Project, uri: str) -> list[str] | None:
    try:
        return split_lines(project.read_text(uri))
    except (OSError, ValueError):
        return None


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
