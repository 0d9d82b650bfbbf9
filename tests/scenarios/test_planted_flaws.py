"""A variant of the example with a flaw per family of checks: all are found on their lines; else none is."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops import policy
from mlsecops.dast.attacks.rules import RULES
from mlsecops.job import Tool
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.shared import Shared
from mlsecops.tools.schemathesis import Schemathesis
from mlsecops.tools.service_attacks import ServiceAttacks
from mlsecops.tools.wapiti import Wapiti
from support import planted
from support.contexts import context

# Werkzeug and waitress refuse a line break in a header, whatever the application does; the canary has it.
NOT_PLANTED = {"dast-header-injection"}


BY_SCHEMATHESIS = {
    "dast-any-credential",
    "dast-auth-ignored",
    "dast-code-injection",
    "dast-command-injection",
    "dast-library-in-error",
    "dast-open-redirect",
    "dast-path-traversal",
    "dast-reflected-xss",
    "dast-sql-injection",
    "dast-template-injection",
    "dast-traceback",
    "dast-unhandled-input",
}
BY_WAPITI = {
    "dast-command-injection",
    "dast-open-redirect",
    "dast-path-traversal",
    "dast-reflected-xss",
    "dast-sql-injection",
}
# An address that nobody answers breaks it; our own attacks and schemathesis send one that somebody does.
ONLY_WAPITI = "GET /fetch"


def attacked(root: Path, work: Path) -> dict[str, Json]:
    """The runs of our own attacks, and of other engines, on the service of a project, started for them."""
    settings = policy.load(root / ".github" / "mlsecops.yml")
    tools: list[Tool] = [ServiceAttacks(), Schemathesis(), Wapiti()]
    with Shared() as shared:
        around = replace(context("dast", root, work, policy=settings), shared=shared)
        # As in a run: while one attacks the service, another one is at its canary.
        with ThreadPoolExecutor(2) as pool:
            runs = pool.map(lambda tool: scan(tool, ("openapi.yaml", "loadforecast/app.py"), around), tools)
            return {tool.name: run for tool, run in zip(tools, runs, strict=True)}


def results(run: Json) -> set[tuple[str, str, int]]:
    """Rule, file and line of each finding."""
    found: set[tuple[str, str, int]] = set()
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        uri, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
        found.add((result["ruleId"], uri, line))
    return found


def identity(result: Json) -> tuple[str, ...]:
    """What makes a finding the same one, whoever reports it."""
    return tuple(result["properties"]["mlsecops"]["identity"])


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Json], Path]:
    folder = tmp_path_factory.mktemp("planted")
    root = planted.plant(folder / "project")
    return attacked(root, folder), root


def test_every_planted_flaw_is_found_on_its_line_and_nothing_else(run: tuple[dict[str, Json], Path]) -> None:
    runs, root = run
    sarif = runs["service-attacks"]
    marks = planted.marked(root)
    assert {rule.id for rule in RULES} - {rule for rule, _, _ in marks} == NOT_PLANTED
    assert results(sarif) == marks
    own = sarif["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] > 35


def test_other_engines_find_what_they_look_for_and_nothing_else(run: tuple[dict[str, Json], Path]) -> None:
    runs, root = run
    schemathesis, wapiti = runs["schemathesis"], runs["wapiti"]
    own = schemathesis["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] > 35
    assert results(schemathesis) <= planted.marked(root)
    assert {rule for rule, _, _ in results(schemathesis)} >= BY_SCHEMATHESIS
    own = wapiti["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    marked = [each for each in wapiti["results"] if identity(each)[2] != ONLY_WAPITI]
    assert results({"results": marked}) <= planted.marked(root)
    assert {rule for rule, _, _ in results(wapiti)} >= BY_WAPITI


def test_one_flaw_is_one_finding_whoever_shows_it(run: tuple[dict[str, Json], Path]) -> None:
    known, *others = [set(map(identity, each["results"])) for each in run[0].values()]
    for found in others:
        assert {each for each in found - known if each[2] != ONLY_WAPITI} == set()


def test_every_finding_shows_how_to_see_it_again_without_secrets(run: tuple[dict[str, Json], Path]) -> None:
    for result in [each for sarif in run[0].values() for each in sarif["results"]]:
        shown = result["properties"]["mlsecops"]["reproduce"]
        assert '"$SERVICE"' in shown
        assert not re.search(r"Bearer [0-9a-f]{40}", shown)
        assert "http" not in result["ruleId"]


def test_the_clean_example_has_none(tmp_path: Path) -> None:
    root = planted.copy_example(tmp_path / "project")
    (root / ".github" / "mlsecops.yml").write_text(planted.POLICY, encoding="utf-8")
    runs = attacked(root, tmp_path)
    assert [results(run) for run in runs.values()] == [set(), set(), set()]
    statuses = [run["properties"]["mlsecops"]["status"] for run in runs.values()]
    assert statuses == ["passed", "passed", "skipped"], [run["properties"] for run in runs.values()]
    for run in (runs["service-attacks"], runs["schemathesis"]):
        own = run["properties"]["mlsecops"]
        assert own["canary"] == "found"
        assert own["scanned"] == own["expected"] == 3
