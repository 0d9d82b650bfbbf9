"""What is settled when all tools of a stage have run: who speaks for whom, and which results stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlsecops.job import printable
from mlsecops.sarif.build import Json, Status, decode_uri


def let_stand_in(runs: list[Json], speakers: Mapping[str, str]) -> list[Json]:
    """Settle files that one tool could not parse and its speaker could: they were looked at.

    `speakers` maps a tool to the one that may speak for it. A run whose only doubt are files that it could
    not parse counts those as scanned that the other read, with a note that names them; it is complete when
    that leaves none.
    """
    seen = {run["tool"]["driver"]["name"]: _looked_at(run) for run in runs}
    return [_settled(run, speakers, seen) for run in runs]


def with_results(run: Json, results: list[Json], notes: Sequence[str]) -> Json:
    """A finished run with fewer results than it had, and notes that say why."""
    own = run["properties"]["mlsecops"]
    status = own["status"]
    if status == "findings" and not has_open(results):
        status = "passed"
    own = {**own, "status": status, "notes": [*own["notes"], *map(printable, notes)]}
    return {**run, "results": results, "properties": {**run["properties"], "mlsecops": own}}


def has_open(results: list[Json]) -> bool:
    """Whether there is a result that nothing in the file suppresses."""
    return any(not result.get("suppressions") for result in results)


def _settled(run: Json, speakers: Mapping[str, str], seen: dict[str, set[str]]) -> Json:
    own, name = run["properties"]["mlsecops"], run["tool"]["driver"]["name"]
    if name not in speakers or own.get("doubts") != ["unparsed"]:
        return run
    other = speakers[name]
    vouched = set(own["unparsed"]) & seen.get(other, set())
    if not vouched:
        return run
    told, *each_file = run["invocations"][0]["toolExecutionNotifications"]
    rest = [each for each in each_file if _file_of(each) not in vouched]
    status: Status = "incomplete" if rest else "findings" if has_open(run["results"]) else "passed"
    reason = f"{name}: could not read {_few([each['message']['text'] for each in rest])}" if rest else ""
    note = f"{name} could not read {_few(sorted(map(printable, vouched)))}, {other} did"
    settled = {
        **own,
        "status": status,
        "reason": reason,
        "doubts": ["unparsed"] if rest else [],
        "scanned": own.get("scanned", 0) + len(vouched),
        "notes": [*own["notes"], note],
    }
    # The note says it for people; the file by file stays for whoever reads the log.
    first = {**told, "message": {"text": reason}} if rest else {**told, "level": "note"}
    quiet = [{**each, "level": "note"} if _file_of(each) in vouched else each for each in each_file]
    invocation = {
        **run["invocations"][0],
        "executionSuccessful": not rest,
        "toolExecutionNotifications": [first, *quiet],
    }
    return {**run, "invocations": [invocation], "properties": {**run["properties"], "mlsecops": settled}}


def _few(texts: Sequence[str]) -> str:
    return f"{texts[0]} and {len(texts) - 1} more" if len(texts) > 1 else texts[0]


def _file_of(notification: Json) -> str | None:
    """The file that a notification is about."""
    places = [
        each["physicalLocation"]["artifactLocation"]["uri"] for each in notification.get("locations", ())
    ]
    return decode_uri(places[0]) if places else None


def _looked_at(run: Json) -> set[str]:
    return {decode_uri(each["location"]["uri"]) for each in run.get("artifacts", [])}
