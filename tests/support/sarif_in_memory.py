"""What the merge does file by file, done to a log in memory: plainly, to hold the merge to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of, objects
from mlsecops.sarif.limits import GITHUB, gzip_size, with_notes
from mlsecops.sarif.rules import severity_of
from mlsecops.sarif.selection import Limits, Selection, Tally
from mlsecops.sarif.text import plural
from mlsecops.sarif.trim import drop_unused_rules, trim_run
from mlsecops.sarif.union import Category, category_of, renumber, unite


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


def combine(runs: Sequence[Json]) -> list[Json]:
    """One run per category, in the order in which they come; a result that is there twice stays once."""
    combined: dict[Category, Json] = {}
    for run in runs:
        key = category_of(run)
        if key not in combined:
            combined[key] = run
            continue
        base = combined[key]
        head, moved = unite(_without_results(base), _without_results(run))
        results = list(objects(base.get("results")))
        known = {_identity(result) for result in results}
        for result in objects(run.get("results")):
            if _identity(result) not in known:
                known.add(_identity(result))
                results.append(renumber(result, moved))
        combined[key] = {**head, "results": results}
    return list(combined.values())


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


def _without_results(run: Json) -> Json:
    return {key: value for key, value in run.items() if key != "results"}


def _identity(result: Json) -> str:
    """What makes a result the same as another: its rule, level, message, places and fingerprints."""
    keys = ("ruleId", "level", "message", "locations", "partialFingerprints", "suppressions")
    return repr([_sorted(result.get(key)) for key in keys])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
