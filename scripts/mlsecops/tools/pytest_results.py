"""What the runs of pytest say: failing tests on their lines, what was due, whether the canaries failed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from mlsecops.job import Parsed, Problem, printable
from mlsecops.project import Project
from mlsecops.sarif.build import Json, Location, Result, Rule

FAILED = Rule(
    id="test-failed",
    name="TestFailed",
    summary="A test of the project fails.",
    help="The project's own test does not hold on this commit, so what it guards is not known to work.",
    fix="Run the test locally, then mend the code or the test.",
    severity=7.5,
    tags=("test",),
    precision="very-high",
)
BROKEN = Rule(
    id="test-error",
    name="TestError",
    summary="A test of the project cannot be run to its end.",
    help="A fixture, or the set-up or tear-down of the test, raises an error.",
    fix="Mend the fixture or the set-up that the message names.",
    severity=7.5,
    tags=("test",),
    precision="very-high",
)
RUN_FAILED = Rule(
    id="test-run-failed",
    name="TestRunFailed",
    summary="The run of the tests fails though no test does.",
    help="The command ends with an error after the tests, for example as they cover less than is asked for.",
    fix="Run the tests locally and read the last lines that they print.",
    severity=7.5,
    tags=("test",),
    precision="high",
)
RULES = (FAILED, BROKEN, RUN_FAILED)


def parse_runs(runs: Sequence[Json], project: Project, source: Path, canaries: Mapping[str, str]) -> Parsed:
    """The plugin's evidence of one or more runs of pytest -> results, units due and seen, canary, notes.

    `source` is the copy of the project that was tested, `canaries` maps each planted file to the folder that
    it stands for, both as real paths. Raises LookupError, TypeError or ValueError for another shape.
    """
    results: list[Json] = []
    problems: list[Problem] = []
    due: set[str] = set()
    ended: set[str] = set()
    skipped: set[str] = set()
    deselected: set[str] = set()
    for run in runs:
        own = {nodeid for nodeid, path in run["items"].items() if path not in canaries}
        left_out = own & set(run["deselected"])
        deselected |= left_out
        due |= own - left_out
        ended |= own & set(run["ended"])
        skipped |= own & set(run["skipped"])
        results += [_result(each, run, source) for each in run["troubles"] if each["nodeid"] in own]
        problems += [
            Problem(_uri(each["path"], source), f"it cannot be collected: {printable(each['message'])[:200]}")
            for each in run["uncollected"]
        ]
    notes = []
    if deselected - due:
        notes.append(f"{_tests(len(deselected - due))} left out by the project's own settings or command")
    if skipped:
        notes.append(f"{len(skipped)} of {len(due)} tests were skipped")
    seen = {_uri(path, source) for run in runs for path in run["items"].values()}
    empty = sorted(set(project.tests.files) - seen - {problem.uri for problem in problems})
    if empty:
        more = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
        notes.append(f"pytest collected nothing from {empty[0]}{more}")
    return Parsed(
        looked_at=frozenset(ended),
        due=frozenset(due),
        rules=[rule.to_sarif() for rule in RULES],
        results=results,
        canary=frozenset({FAILED.id})
        if runs and all(canaries_failed(run, canaries) for run in runs)
        else frozenset(),
        problems=problems,
        notes=notes,
        version=", ".join(sorted({str(run["pytest"]) for run in runs})),
    )


def canaries_failed(run: Json, canaries: Mapping[str, str]) -> bool:
    """Whether each folder that tests were collected from has its canaries, and all of these failed."""
    items: dict[str, str] = run["items"]
    planted = {nodeid: path for nodeid, path in items.items() if path in canaries}
    failed = {each["nodeid"] for each in run["troubles"] if each["when"] == "call"}
    folders = {str(Path(path).parent) for path in items.values() if path not in canaries}
    guarded = {canaries[path] for path in planted.values()}
    return bool(planted) and planted.keys() <= failed and not (folders & set(canaries.values())) - guarded


def run_failed(words: str, project: Project) -> Json:
    """The result for a command that fails although no test does."""
    uri = project.tests.configured_by or next(iter(project.tests.files), ".")
    return Result(
        rule_id=RUN_FAILED.id,
        message=printable(f"The run of the tests fails though no test does: {words or 'it gives no reason'}"),
        location=Location(uri=uri, start_line=1),
        identity=("test", RUN_FAILED.id),
    ).to_sarif()


def joined_junit(suites: Sequence[Element], tokens: Sequence[str]) -> bytes:
    """One JUnit file of all runs' test suites, without the test cases whose names hold one of the tokens."""
    root = Element("testsuites", name="pytest tests")
    for suite in (each for document in suites for each in document.iter("testsuite")):
        for case in list(suite.findall("testcase")):
            name = f"{case.get('classname')} {case.get('name')}"
            if any(token in name for token in tokens):
                suite.remove(case)
        cases = suite.findall("testcase")
        counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        suite.set("tests", str(len(cases)))
        for attribute, kind in counts.items():
            suite.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
        suite.attrib.pop("hostname", None)
        root.append(suite)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def line_share(report: Any, is_counted: Sequence[str]) -> float | None:
    """Per cent of statements that ran in the named files, from coverage's JSON; None without statements."""
    counted = set(is_counted)
    summaries = [
        file["summary"] for path, file in report["files"].items() if Path(path).as_posix() in counted
    ]
    statements = sum(each["num_statements"] for each in summaries)
    covered = sum(each["covered_lines"] for each in summaries)
    return round(100 * covered / statements, 1) if statements else None


def _result(trouble: Json, run: Json, source: Path) -> Json:
    nodeid = str(trouble["nodeid"])
    uri = _uri(run["items"][nodeid], source)
    rule = FAILED if trouble["when"] == "call" else BROKEN
    name = nodeid.partition("::")[2] or nodeid
    verb = "fails" if rule is FAILED else "cannot be run to its end"
    return Result(
        rule_id=rule.id,
        message=printable(f"The test {name} {verb}: {trouble['message'] or 'it gives no reason'}"),
        location=Location(uri=uri, start_line=max(1, int(trouble["line"])), logical=printable(name)),
        identity=("test", rule.id, uri, name),
    ).to_sarif()


def _uri(path: str, source: Path) -> str:
    """A real path below the copy of the project as the project's own."""
    if not Path(path).is_absolute():
        return path
    return Path(os.path.relpath(path, source)).as_posix()


def _tests(number: int) -> str:
    return "1 test was" if number == 1 else f"{number} tests were"
