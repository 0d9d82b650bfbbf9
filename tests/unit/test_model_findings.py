"""Facts of a model file become findings: a sentence, where, who loads it, and what the policy says."""

from __future__ import annotations

from typing import Any

import pytest
from mlsecops.model_scanning.files import import_identity
from mlsecops.model_scanning.findings import Findings, findings, where
from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.outcome import Inspected
from mlsecops.policy import ModelSettings
from mlsecops.project import ModelFile
from mlsecops.reach import Load

MODEL = ModelFile("models/m.pkl", "pickle", "both", None, 1000)
SYSTEM = Fact(
    rule="model-runs-code",
    subject="posix.system",
    message="Loading this file calls `posix.system`.",
    severity=9.8,
    part="archive/data.pkl",
    offset=1234,
)
UNKNOWN = Fact(
    rule="model-unknown-import", subject="ours.Scaler", message="It needs `ours.Scaler`.", severity=6.5
)
SERVED = Load("app.py", 18, "joblib.load", ("POST /forecast", "PUT /forecast"))


def found(
    *facts: Fact, policy: ModelSettings | None = None, loads: tuple[Load, ...] = (), **more: Any
) -> Findings:
    inspection = Inspection(imports={"posix.system", "ours.Scaler", "numpy.ndarray"}, **more)
    for fact in facts:
        inspection.add(fact)
    seen = Inspected(found=inspection)
    return findings(MODEL, seen, policy or ModelSettings(), lambda uri: loads)


def text(result: dict[str, Any]) -> str:
    return str(result["message"]["text"])


def own(result: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = result["properties"]["mlsecops"]
    return properties


def test_a_fact_is_a_finding_of_one_sentence_and_its_place() -> None:
    [result] = found(SYSTEM).results
    assert result["ruleId"] == "model-runs-code"
    assert text(result) == "Loading this file calls `posix.system` (in `archive/data.pkl`, at byte 1,234)."
    assert own(result) == {
        "whole-file": True,
        "identity": ["model-import", "models/m.pkl", "os.system"],
        "severity": 9.8,
    }
    assert "relatedLocations" not in result


def test_a_call_in_a_pickle_that_stands_behind_other_bytes_is_the_same_whoever_finds_it() -> None:
    inspection = Inspection()
    inspection.add(SYSTEM)
    [result] = findings(MODEL, Inspected(found=inspection), ModelSettings(), lambda uri: ()).results
    assert own(result)["identity"] == ["model-import", "models/m.pkl", "os.system"]


def test_a_fact_that_is_no_import_has_an_identity_of_its_own() -> None:
    [result] = found(
        Fact(rule="gguf-template", subject="chat", message="It reads files.", severity=8)
    ).results
    assert text(result) == "It reads files."
    assert own(result)["identity"] == ["model", "gguf-template", "models/m.pkl", "chat"]


def test_the_same_in_several_parts_is_one_finding() -> None:
    others = [
        Fact(rule=SYSTEM.rule, subject=SYSTEM.subject, message="Again.", severity=7.0, part=part)
        for part in ("b", "c")
    ]
    [result] = found(SYSTEM, *others).results
    assert "in `archive/data.pkl`, at byte 1,234 and in 2 more parts" in text(result)
    assert own(result)["severity"] == 9.8


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([Fact(rule="r", subject="s", message="m")], ""),
        ([Fact(rule="r", subject="s", message="m", offset=0)], "at byte 0"),
        ([Fact(rule="r", subject="s", message="m", part="a\n")], "in `a\\n`"),
        ([Fact(rule="r", subject="s", message="m", part=part) for part in "ba"], "in `a` and in 1 more part"),
    ],
)
def test_the_place_of_a_fact(facts: list[Fact], expected: str) -> None:
    assert where(facts) == expected


def test_who_loads_the_file_is_said_and_linked() -> None:
    [result] = found(SYSTEM, loads=(SERVED, Load("train.py", 3, "pickle.load"))).results
    assert text(result).endswith(
        " It is loaded by `joblib.load` in app.py:18, which the route POST /forecast and 1 more reaches."
    )
    assert [each["physicalLocation"]["region"]["startLine"] for each in result["relatedLocations"]] == [18, 3]
    [result] = found(SYSTEM, loads=(Load("train.py", 3, "pickle.load"),)).results
    assert text(result).endswith(" It is loaded by `pickle.load` in train.py:3.")


def test_unknown_code_is_graver_where_a_request_reaches_it() -> None:
    assert own(found(UNKNOWN).results[0])["severity"] == 6.5
    assert own(found(UNKNOWN, loads=(Load("a.py", 1, "joblib.load"),)).results[0])["severity"] == 6.5
    assert own(found(UNKNOWN, loads=(SERVED,)).results[0])["severity"] == 7.5
    assert own(found(SYSTEM, loads=(SERVED,)).results[0])["severity"] == 9.8


@pytest.mark.parametrize("rule", ["keras-custom-object", "tensorflow-custom-operator"])
def test_a_policy_vouches_for_custom_layers_and_operators_too(rule: str) -> None:
    fact = Fact(rule=rule, subject="ours.layers.Mine", message="Loading this model needs it.")

    assert found(fact, policy=ModelSettings(imports=("ours.*",))).results == []
    assert len(found(fact).results) == 1


def test_the_policy_vouches_for_unknown_code_only() -> None:
    policy = ModelSettings(imports=("ours.*", "posix.*"))
    seen = found(UNKNOWN, SYSTEM, policy=policy)
    assert [result["ruleId"] for result in seen.results] == ["model-runs-code"]
    assert seen.harmless == ("numpy.ndarray", "ours.Scaler")


def test_text_of_a_stranger_is_one_printable_line_within_bounds() -> None:
    fact = Fact(rule="r", subject="s\x1b[31m" * 100, message="It\nis " + "x" * 5000, severity=9.0)
    [result] = found(fact).results
    assert text(result).startswith("It\\nis xxx")
    assert len(text(result)) < 700
    assert all(str(part).isprintable() and len(part) <= 200 for part in own(result)["identity"])


class TestPolicy:
    def test_a_format_that_is_not_allowed(self) -> None:
        [result] = found(policy=ModelSettings(formats=frozenset({"onnx", "safetensors"}))).results
        assert result["ruleId"] == "model-format-not-allowed"
        assert text(result) == "It is pickle, and the policy allows onnx, safetensors only."

    def test_a_format_that_is_allowed(self) -> None:
        assert found(policy=ModelSettings(formats=frozenset({"pickle"}))).results == []

    @pytest.mark.parametrize(("allowed", "count"), [("npz", 1), ("torch", 0)])
    def test_a_pickle_inside_is_another_format_unless_the_format_is_made_of_it(
        self, allowed: str, count: int
    ) -> None:
        model = ModelFile("m", "npz" if allowed == "npz" else "torch", "both", None, 9)
        seen = Inspected(found=Inspection(formats=["NumPy", "pickle"]))
        policy = ModelSettings(formats=frozenset({allowed}))
        results = findings(model, seen, policy, lambda uri: ()).results
        assert [text(each) for each in results] == ["It is pickle, and the policy allows npz only."][:count]

    def test_a_file_that_is_too_large(self) -> None:
        [result] = found(policy=ModelSettings(max_size=999)).results
        assert (result["ruleId"], text(result)) == (
            "model-too-large",
            "It has 1,000 bytes, and the policy allows 999.",
        )
        assert found(policy=ModelSettings(max_size=1000)).results == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("posix.system", "os.system"),
        ("nt.system", "os.system"),
        ("__builtin__.eval", "builtins.eval"),
        ("commands.getoutput", "subprocess.getoutput"),
        ("numpy.load", "numpy.load"),
        ("nothing", "nothing"),
    ],
)
def test_one_import_has_one_identity(name: str, expected: str) -> None:
    assert import_identity("m.pkl", name) == ("model-import", "m.pkl", expected)
