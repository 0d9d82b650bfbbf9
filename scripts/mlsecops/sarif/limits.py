"""GitHub's limits for SARIF uploads: what is too much is cut by severity, and every cut is said."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.rules import severity_of
from mlsecops.sarif.selection import Limits, Selection, Tally
from mlsecops.sarif.text import plural
from mlsecops.sarif.trim import drop_unused_rules, trim_run
from mlsecops.sarif.union import category_of, combine, renumber

GITHUB = Limits()
# For what stays with us: every run is needed to compare with, whatever GitHub takes in one file.
EVERY_RUN = replace(GITHUB, runs=1_000)


def enforce(log: Json, limits: Limits = GITHUB) -> tuple[Json, list[str]]:
    """The log within the limits, and one sentence with counts for everything that was left out.

    The gravest results stay. The sentences are also in `properties.mlsecops.notes` of the run they are about.
    Raises SarifError when the log is too large even without any result.
    """
    given = objects(log.get("runs"))
    runs = combine(given)
    notices = []
    if len(runs) < len(given):
        joined = plural(len(given) - len(runs), "run")
        notices.append(f"Joined with others: {joined}, for GitHub takes one of each tool and category.")
    trimmed = []
    for run in runs:
        smaller, notes = trim_run(run, limits)
        notices += notes
        trimmed.append(with_notes(smaller, notes))
    selection = Selection.of([_tally(run) for run in trimmed], limits)
    while True:
        selected = [_selected(trimmed[number], number, selection) for number in selection.runs]
        smaller_log = {**log, "runs": [run for run, _ in selected]}
        size = gzip_size([orjson.dumps(smaller_log)])
        if size <= limits.gzip_bytes:
            return smaller_log, notices + list(dict.fromkeys(note for _, notes in selected for note in notes))
        selection = selection.smaller(size)


def gzip_size(chunks: Iterable[bytes]) -> int:
    """How many bytes gzip makes of some bytes, compressed as GitHub's upload action does."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return sum(len(packer.compress(chunk)) for chunk in chunks) + len(packer.flush())


def with_notes(run: Json, notes: Sequence[str]) -> Json:
    """The run with more sentences in `properties.mlsecops.notes`."""
    if not notes:
        return run
    properties = object_of(run, "properties")
    own = object_of(properties, "mlsecops")
    known = own["notes"] if isinstance(own.get("notes"), list) else []
    added = [*known, *(note for note in notes if note not in known)]
    return {**run, "properties": {**properties, "mlsecops": {**own, "notes": added}}}


def _tally(run: Json) -> Tally:
    rules = objects(object_of(object_of(run, "tool"), "driver").get("rules"))
    known = {str(rule.get("id")): rule for rule in rules}
    results = objects(run.get("results"))
    return Tally(
        category=category_of(run),
        severities=[severity_of(each, known.get(str(each.get("ruleId")))) for each in results],
        sizes=[len(orjson.dumps(each)) for each in results],
        artifacts=len(objects(run.get("artifacts"))),
    )


def _selected(run: Json, number: int, selection: Selection) -> tuple[Json, list[str]]:
    """What stays of one run, and what is said of what does not."""
    flags = selection.flags[number]
    results = [each for each, flag in zip(objects(run.get("results")), flags, strict=True) if flag]
    used = {str(each.get("ruleId")) for each in results}
    selected, moved, notes = drop_unused_rules(run, used, selection.limits)
    selected = {**selected, "results": [renumber(each, moved) for each in results]}
    notes += selection.notes(number)
    if not selection.artifacts:
        selected.pop("artifacts", None)
    return with_notes(selected, notes), notes
