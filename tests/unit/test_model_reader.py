"""The tool that reads model files: what it asks its processes for, and what it makes of their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import Context, Job, ToolError
from mlsecops.model_scanning.entries import describe
from mlsecops.model_scanning.processes import Crew, Readings
from mlsecops.model_scanning.readings import CANARY
from mlsecops.models.inspection import Fact, Inspection, Unread
from mlsecops.models.outcome import Inspected
from mlsecops.policy import ModelSettings, Policy
from mlsecops.scan import scan
from mlsecops.tools.model_reader import ModelReader
from support import pickles
from support.contexts import context, toolbox

SYSTEM = Fact(
    rule="model-runs-code", subject="posix.system", message="Loading it calls `posix.system`.", severity=9.8
)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"


def inspected(*facts: Fact, unread: str = "", sha256: str = "5" * 64) -> Inspected:
    found = Inspection(formats=["pickle"], imports={"posix.system", "builtins.getattr"})
    for fact in facts:
        found.add(fact)
    if unread:
        found.not_read("", unread)
    return Inspected(found=found, size=9, sha256=sha256)


@dataclass
class Answers:
    """What the processes answer, by the names of files."""

    canaries: list[Inspected]
    read: dict[str, Inspected] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


@pytest.fixture(name="answers")
def _answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers([inspected(SYSTEM)])

    def read(crew: Crew[Any], paths: Sequence[str], canary: str) -> Readings[Any]:
        assert Path(canary).read_bytes() == CANARY
        known = {Path(path).name: path for path in paths}

        def line(name: str, seen: Inspected) -> Any:
            return crew.parse({"mark": answers.marks.get(name, ""), **seen.to_json()})

        return Readings(
            read={known[name]: line(name, seen) for name, seen in answers.read.items() if name in known},
            lost={known[name]: why for name, why in answers.lost.items() if name in known},
            canaries=[line("", seen) for seen in answers.canaries],
        )

    monkeypatch.setattr(Crew, "read", read)
    return answers


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    root = tmp_path / "project"
    root.mkdir()

    def run(files: dict[str, bytes], policy: Policy | None = None) -> dict[str, Any]:
        for name, content in files.items():
            (root / name).write_bytes(content)
        shared: Context = context("model", root, tmp_path, policy=policy, tools=toolbox(tmp_path / "cache"))
        models = (*shared.project.models, *shared.project.model_configs)
        return scan(ModelReader(), [model.uri for model in models], shared)

    return run


def own(run: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


Run = Callable[..., dict[str, Any]]


def test_what_was_read_is_looked_at_by_its_hash(run: Run, answers: Answers) -> None:
    answers.read = {"a.pkl": inspected(), "b.pkl": inspected(SYSTEM)}
    result = run({"a.pkl": pickles.harmless(), "b.pkl": pickles.echo()})
    assert own(result)["status"] == "findings"
    assert (own(result)["expected"], own(result)["scanned"], own(result)["canary"]) == (2, 2, "found")
    assert {each["hashes"]["sha-256"] for each in result["artifacts"]} == {"5" * 64}
    [finding] = result["results"]
    assert finding["ruleId"] == "model-runs-code"
    assert finding["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b.pkl"
    assert own(result)["view"] == {
        "imports": [
            ["model-import", "a.pkl", "builtins.getattr"],
            ["model-import", "a.pkl", "os.system"],
            ["model-import", "b.pkl", "builtins.getattr"],
        ],
        "harmless": ["a.pkl"],
        "dangerous": [["b.pkl", "model-import", "b.pkl", "os.system"]],
    }


def test_a_file_that_was_not_read_to_its_end_is_named_and_its_findings_stay(
    run: Run, answers: Answers
) -> None:
    answers.read = {"a.pkl": inspected(SYSTEM, unread="it is cut off")}
    result = run({"a.pkl": pickles.echo()})
    assert own(result)["status"] == "incomplete"
    assert own(result)["reason"] == "mlsecops-models: could not read a.pkl (not scanned: it is cut off)"
    assert len(result["results"]) == 1
    assert result["artifacts"] == []
    dangerous = [["a.pkl", "model-import", "a.pkl", "os.system"]]
    assert own(result)["view"] == {"imports": [], "harmless": [], "dangerous": dangerous}


def test_a_file_that_was_lost_is_named(run: Run, answers: Answers) -> None:
    answers.read = {"a.pkl": inspected()}
    answers.lost = {"b.pkl": "it broke the reader: it was ended by signal 11"}
    result = run({"a.pkl": pickles.harmless(), "b.pkl": pickles.harmless()})
    assert "could not read b.pkl (not scanned: it broke the reader: it was" in own(result)["reason"]


def test_a_pointer_is_not_handed_to_a_reader(run: Run, answers: Answers) -> None:
    result = run({"a.pkl": LFS})
    assert (
        "a.pkl (not scanned: it is a Git LFS pointer, the model itself is not here)" in own(result)["reason"]
    )


@pytest.mark.parametrize("canaries", [[], [inspected()], [inspected(SYSTEM), inspected()]])
def test_every_process_has_to_find_the_canary(run: Run, answers: Answers, canaries: list[Inspected]) -> None:
    answers.read, answers.canaries = {"a.pkl": inspected()}, canaries
    assert "did not find the known-bad canary" in own(run({"a.pkl": pickles.harmless()}))["reason"]


def test_a_second_run_asks_for_what_is_new_only(run: Run, answers: Answers, tmp_path: Path) -> None:
    from mlsecops.models.cache import identity

    first = run({"a.pkl": pickles.harmless()})
    assert own(first)["status"] == "incomplete"  # nobody answered
    answers.read = {"a.pkl": inspected(SYSTEM)}
    answers.marks = {"a.pkl": identity(tmp_path / "project" / "a.pkl")}
    run({})
    answers.read = {}
    again = run({})
    assert [each["ruleId"] for each in again["results"]] == ["model-runs-code"]
    assert own(again)["scanned"] == 1


def test_the_policy_counts(run: Run, answers: Answers) -> None:
    config = Inspected(found=Inspection(formats=["configuration"]))
    answers.read = {"a.pkl": inspected(), "tokenizer_config.json": config}
    policy = Policy(models=ModelSettings(formats=frozenset({"onnx"})))
    result = run({"a.pkl": pickles.harmless(), "tokenizer_config.json": b"{}"}, policy)
    assert [each["ruleId"] for each in result["results"]] == ["model-format-not-allowed"]
    assert own(result)["scanned"] == 2


def test_a_file_with_the_same_content_is_only_hashed(run: Run, answers: Answers, tmp_path: Path) -> None:
    from mlsecops.models.cache import identity

    run({"a.pkl": pickles.echo()})
    answers.read = {"a.pkl": inspected(SYSTEM)}
    answers.marks = {"a.pkl": identity(tmp_path / "project" / "a.pkl")}
    run({})
    answers.read = {
        "b.pkl": replace(inspected(), known=True),
        "c.pkl": replace(inspected(sha256="6" * 64), known=True),
    }
    result = run({"b.pkl": pickles.echo(), "c.pkl": pickles.echo()})
    places = [each["locations"][0]["physicalLocation"] for each in result["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == ["a.pkl", "b.pkl"]
    assert "c.pkl (not scanned: an earlier run knew it" in own(result)["reason"]


def test_what_a_model_needs_beside_it_is_looked_for_in_every_run(
    run: Run, answers: Answers, tmp_path: Path
) -> None:
    from mlsecops.models.cache import identity

    weights = tmp_path / "project" / "weights.bin"
    run({"a.onnx": b"model"})
    needy = inspected(sha256="7" * 64)
    needy.found.details["needs weights.bin"] = ""
    answers.read, answers.marks = {"a.onnx": needy}, {"a.onnx": identity(tmp_path / "project" / "a.onnx")}
    missing = "its weights are said to lie in 'weights.bin', which is not there"
    assert f"a.onnx (not scanned: {missing})" in own(run({}))["reason"]
    answers.read = {"weights.bin": inspected(unread="its format is not known", sha256="8" * 64)}
    assert f"a.onnx (not scanned: {missing})" in own(run({}))["reason"]
    weights.write_bytes(bytes(9))
    assert own(run({}))["status"] == "passed"
    answers.read = {"weights.bin": inspected(unread="it is cut off", sha256="8" * 64)}
    assert own(run({}))["status"] == "incomplete"
    weights.unlink()
    (tmp_path / "elsewhere").write_bytes(b"secret")
    weights.symlink_to(tmp_path / "elsewhere")
    answers.read = {}
    assert [each["ruleId"] for each in run({})["results"]] == ["onnx-external-data-escapes"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("config.json", b'{"debug": true}', "passed"),
        ("config.json", b'{"debug": "' + b"x" * 9000 + b'", "auto_map": {"broken"', "incomplete"),
        ("model.cbm", b"{}", "incomplete"),
    ],
)
def test_a_configuration_that_no_reader_knows_says_nothing_or_is_not_scanned(
    run: Run, answers: Answers, name: str, content: bytes, status: str
) -> None:
    answers.read = {"a.pkl": inspected(), name: inspected(unread="its format is not known")}
    assert own(run({"a.pkl": pickles.harmless(), name: content}))["status"] == status


def test_who_loads_a_file_is_said(run: Run, answers: Answers) -> None:
    answers.read = {"a.pkl": inspected(SYSTEM)}
    result = run({"a.pkl": pickles.echo(), "app.py": b"import joblib\njoblib.load('a.pkl')\n"})
    assert result["results"][0]["message"]["text"].endswith("It is loaded by `joblib.load` in app.py:2.")


def test_reasons_are_printable_and_short() -> None:
    assert Inspected(found=Inspection(unread=[Unread("a\nb", "x")])).reason == "a b: x"


def test_nothing_is_said_of_models_by_readers_that_may_be_blind(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickles.echo())
    answers.read, answers.canaries = {"a.pkl": inspected()}, [inspected()]
    shared = context("model", tmp_path, tmp_path, tools=toolbox(tmp_path / "cache"))
    job = Job(tool=ModelReader(), context=shared, targets=(), work=tmp_path)
    with pytest.raises(ToolError, match="canary"):
        describe(job, signers={})


def test_a_link_that_leads_nowhere_is_named_as_one(run: Run, answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "project" / "a.pkl").symlink_to("nowhere.pkl")
    reason = "could not read a.pkl (not scanned: it is a link to something that is not in the project)"
    assert own(run({}))["reason"] == f"mlsecops-models: {reason}"
