"""A variant of the example with a flaw per family of checks: all are found on their lines; else none is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops import policy
from mlsecops.dast.attacks.rules import RULES
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.shared import Shared
from mlsecops.tools.service_attacks import ServiceAttacks
from support import planted
from support.contexts import context

# Werkzeug and waitress refuse a line break in a header, whatever the application does; the canary has it.
NOT_PLANTED = {"dast-header-injection"}


def attacked(root: Path, work: Path) -> Json:
    """The run of our own attacks on the service of a project, started for it."""
    settings = policy.load(root / ".github" / "mlsecops.yml")
    with Shared() as shared:
        around = replace(context("dast", root, work, policy=settings), shared=shared)
        return scan(ServiceAttacks(), ("openapi.yaml", "loadforecast/app.py"), around)


def results(run: Json) -> set[tuple[str, str, int]]:
    """Rule, file and line of each finding."""
    found: set[tuple[str, str, int]] = set()
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        uri, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
        found.add((result["ruleId"], uri, line))
    return found


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, Path]:
    folder = tmp_path_factory.mktemp("planted")
    root = planted.plant(folder / "project")
    return attacked(root, folder), root


def test_every_planted_flaw_is_found_on_its_line_and_nothing_else(run: tuple[Json, Path]) -> None:
    sarif, root = run
    marks = planted.marked(root)
    assert {rule.id for rule in RULES} - {rule for rule, _, _ in marks} == NOT_PLANTED
    assert results(sarif) == marks
    own = sarif["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] > 35


def test_every_finding_shows_how_to_see_it_again_without_secrets(run: tuple[Json, Path]) -> None:
    for result in run[0]["results"]:
        shown = result["properties"]["mlsecops"]["reproduce"]
        assert '"$SERVICE"' in shown
        assert not re.search(r"Bearer [0-9a-f]{40}", shown)
        assert "http" not in result["ruleId"]


def test_the_clean_example_has_none(tmp_path: Path) -> None:
    root = planted.copy_example(tmp_path / "project")
    (root / ".github" / "mlsecops.yml").write_text(planted.POLICY, encoding="utf-8")
    run = attacked(root, tmp_path)
    assert results(run) == set()
    own = run["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("passed", "found"), own["reason"]
    assert own["scanned"] == own["expected"] == 3
