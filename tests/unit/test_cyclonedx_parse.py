"""Which packages an SBOM lists, and that it does not pass for whole when something is missing in it."""

from __future__ import annotations

from typing import Any

import pytest
from mlsecops.dependencies import Unaudited
from mlsecops.job import Problem, ToolError
from mlsecops.resolution import Resolution
from mlsecops.tools.cyclonedx import parse, without_canary
from mlsecops.uv_output import Package

CANARY = "mlsecops-canary==0.0.0"
FLASK = Package("flask", "2.0.1", "requirements.txt", 1)


def bom(*units: str) -> dict[str, Any]:
    """An SBOM of these packages."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"name": unit.split("==")[0], "version": unit.split("==")[1], "bom-ref": unit} for unit in units
        ],
        "dependencies": [{"ref": unit} for unit in units],
    }


def test_every_package_due_must_be_listed() -> None:
    resolution = Resolution((FLASK, Package("six", "1.16.0", "requirements.txt", 2)))
    parsed = parse(bom("flask==2.0.1", CANARY), resolution, ["requirements.txt"])
    assert parsed.due == frozenset({"flask==2.0.1", "six==1.16.0"})
    assert parsed.looked_at == {"flask==2.0.1"}
    assert parsed.canary == {CANARY}


def test_manifests_that_name_nothing_were_looked_at_themselves() -> None:
    parsed = parse(bom(CANARY), Resolution(), ["setup.py"])
    assert parsed.due == parsed.looked_at == frozenset({"setup.py"})


def test_a_lost_canary_is_not_found() -> None:
    assert parse(bom("flask==2.0.1"), Resolution((FLASK,)), ["r.txt"]).canary == frozenset()


def test_what_could_not_be_resolved_is_missing_here_too() -> None:
    problem = Problem("requirements.txt", "its dependencies cannot be resolved")
    unaudited = (("requirements.txt", Unaudited("forked", 3, "it comes from an address")),)
    parsed = parse(bom(CANARY), Resolution(problems=(problem,), unaudited=unaudited), ["requirements.txt"])
    assert parsed.problems == [problem]
    assert any("forked" in note for note in parsed.notes)


@pytest.mark.parametrize("document", [{}, {"bomFormat": "SPDX"}, {"bomFormat": "CycloneDX"}])
def test_another_document_is_no_sbom(document: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="no CycloneDX document"):
        parse(document, Resolution((FLASK,)), ["requirements.txt"])


def test_the_canary_is_taken_out_of_what_is_kept() -> None:
    assert without_canary(bom("flask==2.0.1", CANARY)) == bom("flask==2.0.1")
