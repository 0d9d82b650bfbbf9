"""The action that exports, executed: the report of a run goes to both products."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlsecops.toolbox import ToolboxError
from support.acting.chain import Chain
from support.acting.staging import OURS, SHA
from support.export_services.description import descriptions
from support.export_services.folders import bill, report_folder
from support.export_services.products import DefectDojo, DependencyTrack
from support.export_services.server import KEY, ExportServer
from support.sarif_logs import result, run

UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"


@pytest.fixture
def products() -> Iterator[tuple[ExportServer, ExportServer]]:
    """A DefectDojo and a Dependency-Track."""
    try:
        described = descriptions()
    except ToolboxError as error:
        pytest.skip(f"the generated clients cannot be had: {error}")
    dojo = ExportServer(DefectDojo(described["defectdojo"]))
    track = ExportServer(DependencyTrack(described["dependency-track"]))
    with dojo.running(), track.running():
        yield dojo, track
    assert dojo.violations == track.violations == []


def export(**inputs: str) -> dict[str, object]:
    """A step that exports the report of this run."""
    given = {"run-id": "${{ github.run_id }}", "branch": "main", "commit": "c0ffee"}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    return {"uses": f"{OURS}/actions/export@{SHA}", "with": given, "if": "always()"}


def test_a_report_is_sent_and_what_one_product_refuses_keeps_nothing_from_the_other(
    chain: Chain, products: tuple[ExportServer, ExportServer], tmp_path: Path
) -> None:
    dojo, track = products
    kept = report_folder(tmp_path / "r", run("sca", "cyclonedx-bom"), run("sast", "bandit", [result("eval")]))
    bill(kept)
    both = {"defectdojo_url": dojo.url, "dependency_track_url": track.url, "dependency_track_api_key": KEY}
    steps = [
        {"uses": CHECKOUT, "with": {"persist-credentials": False}},
        {"uses": UPLOAD, "with": {"name": "mlsecops-report", "path": "kept"}},
        export(**both, defectdojo_api_key=KEY),
        export(**both, defectdojo_api_key="wrong", name="other"),
    ]
    jobs = {"export": {"runs-on": "ubuntu-24.04", "steps": steps}}
    files = {f"kept/{path.name}": path.read_bytes() for path in kept.iterdir() if path.is_file()}

    ran = chain.push(json.dumps({"name": "export", "on": "push", "jobs": jobs}), files)

    taken = [form.fields for form in dojo.forms[:2]]
    assert [(each["test_title"], each["product_name"]) for each in taken] == [
        ("sca", "forecast-api"),
        ("sast", "forecast-api"),
    ]
    assert {(each["branch_tag"], each["commit_hash"]) for each in taken} == {("main", "c0ffee")}
    assert ran.exit_code != 0
    assert "does not accept the key in DEFECTDOJO_API_KEY" in ran.text
    assert [(form.fields["projectName"], form.fields["projectVersion"]) for form in track.forms] == [
        ("forecast-api", "main"),
        ("other", "main"),
    ]
