"""What we write passes Microsoft's validator with the GitHub rules on, and that validator is not blind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mlsecops.sarif.build import Json, Location, Result, Rule
from mlsecops.sarif.check import check
from mlsecops.sarif.files import read, write
from mlsecops.sarif.limits import GITHUB
from mlsecops.sarif.merge import merge
from support.multitool import MultitoolUnavailableError, errors, program, validate
from support.sarif_in_memory import enforce
from support.sarif_samples import REPOSITORY, all_tools, log, normal, place, simple_run


@pytest.fixture(scope="module", autouse=True)
def _multitool() -> None:
    try:
        program()
    except MultitoolUnavailableError as error:
        pytest.skip(str(error))


def our_own_run() -> Json:
    """A run made with build.py, with everything that it can say."""
    rule = Rule(
        id="model-runs-code",
        name="ModelRunsCode",
        summary="The model file runs code when it is loaded.",
        help="A pickle can call any function.",
        fix="Store the model as safetensors or ONNX.",
        severity=9.5,
        help_uri="https://example.org/pickle",
        tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    )
    result = Result(
        rule_id=rule.id,
        message="The file calls os.system.",
        location=Location(uri="src/load model.py", start_line=5, start_column=12, logical="load"),
        related=(("loaded here", Location(uri="Dockerfile", start_line=2)),),
        severity=5.0,
        identity=("model", "os.system"),
        properties={"package": "flask"},
        suppression="only in tests",
    )
    elsewhere = {"ruleId": "zip-slip", "message": {"text": "leaves its folder"}}
    return normal(
        {
            "tool": {"driver": {"name": "model-files", "rules": [rule.to_sarif()]}},
            "invocations": [
                {
                    "executionSuccessful": False,
                    "toolExecutionNotifications": [
                        {"level": "error", "message": {"text": "unreadable"}, "locations": [place("a b.bin")]}
                    ],
                }
            ],
            "artifacts": [
                {"location": {"uri": name}, "hashes": {"sha-256": "0" * 64}} for name in REPOSITORY
            ],
            "results": [result.to_sarif(), {**elsewhere, "locations": [place("https://host/a")]}, elsewhere],
            "properties": {"mlsecops": {"status": "findings", "notes": ["a note"]}},
        },
        "model-files",
        "model",
    )


def test_everything_we_write_has_no_error_and_no_warning(tmp_path: Path) -> None:
    sarif = all_tools()
    sarif["runs"].append(our_own_run())
    write(tmp_path / "log.sarif", sarif)

    defects = [defect for defect in validate(tmp_path / "log.sarif") if defect["level"] != "note"]

    # The address of a tool is the caller's to give: these samples come from tools that do not say it.
    assert [defect for defect in defects if defect["ruleId"] != "SARIF2005"] == []
    assert check(sarif) == []


def test_merged_and_cut_logs_have_no_error(tmp_path: Path) -> None:
    write(tmp_path / "a.sarif", log(*all_tools()["runs"], our_own_run()))
    write(tmp_path / "b.sarif", log(simple_run("big", "mlsecops/sast/big/", [9.0, 5.0, 2.0] * 20)))
    write(tmp_path / "c.sarif", log(simple_run("big", "mlsecops/sast/big/", [7.0] * 5)))
    paths = [tmp_path / name for name in ("a.sarif", "b.sarif", "c.sarif")]

    merge(paths, tmp_path / "merged.sarif", limits=GITHUB)
    cut, _ = enforce(read(tmp_path / "merged.sarif"))
    write(tmp_path / "cut.sarif", cut)

    assert errors(tmp_path / "merged.sarif") == []
    assert errors(tmp_path / "cut.sarif") == []
    assert check(cut) == []


def _set_uri(uri: str) -> Callable[[Json], None]:
    def change(result: Json) -> None:
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = uri

    return change


def _no_region(result: Json) -> None:
    del result["locations"][0]["physicalLocation"]["region"]


def _no_location(result: Json) -> None:
    result["locations"] = []


def _no_message(result: Json) -> None:
    result["message"] = {"id": "default"}


def _wrong_rule(result: Json) -> None:
    result["ruleIndex"] = 7


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_set_uri("https://example.org/a.py"), "GH1005"),
        (_set_uri("file:///src/a.py"), "GH1006"),
        (_set_uri("a b.py"), "SARIF1002"),
        (_no_region, "GH1003"),
        (_no_location, "GH1001"),
        (_no_message, "GH1007"),
        (_wrong_rule, "SARIF1009"),
    ],
)
def test_the_validator_sees_what_it_should(tmp_path: Path, change: Callable[[Json], None], rule: str) -> None:
    sarif = all_tools()
    change(sarif["runs"][1]["results"][0])
    write(tmp_path / "log.sarif", sarif)

    found = errors(tmp_path / "log.sarif")

    assert rule in {defect["ruleId"] for defect in found}
    assert any(defect["level"] == "error" for defect in found)
