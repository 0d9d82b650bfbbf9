"""Evidence -> status: a run is complete only when everything speaks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mlsecops.findings import build_report
from mlsecops.job import Job, NotDueError, Parsed, Problem, Skip, ToolError, fresh_folder, printable
from mlsecops.policy import Policy
from mlsecops.sarif.build import Json, Location, Result, Rule
from mlsecops.scan import broken, scan, skipped
from mlsecops.settling import let_stand_in
from support.contexts import NOW, context

RULE = Rule(id="bad", name="Bad", summary="It is bad.", help="Bad.", fix="Mend it.", severity=8.0)


def result(uri: str = "a.py", suppression: str | None = None) -> Json:
    return Result(
        rule_id="bad", message="Bad.", location=Location(uri=uri), suppression=suppression
    ).to_sarif()


def parsed(**changes: Any) -> Parsed:
    """What a sound tool says about `a.py` and `b.py`."""
    sound: dict[str, Any] = {
        "looked_at": frozenset({"a.py", "b.py"}),
        "rules": [RULE.to_sarif()],
        "results": [],
        "canary": frozenset({"bad"}),
    }
    return Parsed(**{**sound, **changes})


@dataclass(frozen=True)
class Fake:
    """A tool whose answer the test chooses."""

    answer: Callable[[Job], Parsed]
    name: str = "fake"
    environment: str | None = None
    information_uri: str = "https://example.org"
    canary_rules: frozenset[str] = field(default_factory=lambda: frozenset({"bad"}))
    weight: float = 1.0
    timeout: float = 20.0

    def run(self, job: Job) -> Parsed:
        return self.answer(job)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    for name in ("a.py", "b.py"):
        (root / name).write_text("x = 1\n", encoding="utf-8")
    return root


def run(root: Path, tmp_path: Path, answer: Callable[[Job], Parsed]) -> Json:
    return scan(Fake(answer), ("a.py", "b.py"), context("sast", root, tmp_path))


def own(run: Json) -> Json:
    properties: Json = run["properties"]["mlsecops"]
    return properties


def test_a_tool_can_find_out_that_it_is_not_due(root: Path, tmp_path: Path) -> None:
    def not_due(_: Job) -> Parsed:
        raise NotDueError("there is no engine\n")

    done = run(root, tmp_path, not_due)
    assert (own(done)["status"], own(done)["reason"]) == ("skipped", "there is no engine\\n")


def test_all_evidence_is_a_pass(root: Path, tmp_path: Path) -> None:
    done = run(root, tmp_path, lambda _: parsed())
    assert own(done)["status"] == "passed"
    assert own(done)["reason"] == ""
    assert (own(done)["scanned"], own(done)["expected"]) == (2, 2)
    assert own(done)["canary"] == "found"
    assert done["automationDetails"]["id"] == "mlsecops/sast/fake/"
    assert [each["location"]["uri"] for each in done["artifacts"]] == ["a.py", "b.py"]
    assert all(len(each["hashes"]["sha-256"]) == 64 for each in done["artifacts"])
    assert done["invocations"][0]["executionSuccessful"] is True


def test_results_are_findings_unless_all_are_suppressed(root: Path, tmp_path: Path) -> None:
    assert own(run(root, tmp_path, lambda _: parsed(results=[result()])))["status"] == "findings"
    hidden = own(run(root, tmp_path, lambda _: parsed(results=[result(suppression="nosec")])))
    assert (hidden["status"], hidden["suppressed"]) == ("passed", 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"canary": frozenset()}, "fake: did not find the known-bad canary (bad), so it may be blind"),
        ({"looked_at": frozenset({"a.py"})}, "fake: looked at 1 of 2, not at b.py"),
        ({"looked_at": frozenset()}, "fake: looked at 0 of 2, not at a.py"),
        ({"due": frozenset()}, "fake: there was nothing to look at, yet it was due"),
        ({"due": frozenset({"x==1"})}, "fake: looked at 0 of 1, not at x==1"),
        ({"problems": [Problem("a.py", "bad syntax")]}, "fake: could not read a.py (bad syntax)"),
        (
            {"problems": [Problem("a.py", "bad syntax"), Problem("b.py", "bad")]},
            "fake: could not read a.py (bad syntax) and 1 more",
        ),
        ({"problems": [Problem("data", "its data is old", kind="stale")]}, "fake: its data is old"),
    ],
)
def test_any_doubt_is_incomplete(changes: dict[str, Any], reason: str, root: Path, tmp_path: Path) -> None:
    done = run(root, tmp_path, lambda _: parsed(results=[result()], **changes))
    assert own(done)["status"] == "incomplete"
    assert own(done)["reason"] == reason
    assert done["invocations"][0]["executionSuccessful"] is False
    assert done["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == reason
    assert len(done["results"]) == 1, "what was found is kept"


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), OSError("x"), RecursionError("x")])
def test_a_defect_is_incomplete(error: Exception, root: Path, tmp_path: Path) -> None:
    def answer(job: Job) -> Parsed:
        raise error

    done = own(run(root, tmp_path, answer))
    assert done["status"] == "incomplete"
    assert type(error).__name__ in done["reason"]


def test_output_of_the_wrong_shape_is_incomplete(root: Path, tmp_path: Path) -> None:
    done = own(run(root, tmp_path, lambda _: parsed(results=[{"ruleId": 3, "locations": "nowhere"}])))
    assert done["status"] != "passed"


def test_a_program_gets_a_clean_environment(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("SSL_CERT_FILE", "/ca.pem")

    def answer(job: Job) -> Parsed:
        code = "import json, os; print(json.dumps(dict(os.environ)))"
        seen = job.execute_json([sys.executable, "-c", code], exit_codes=(0,))
        assert "HF_TOKEN" not in seen
        assert "PYTHONPATH" not in seen
        assert seen["SSL_CERT_FILE"] == "/ca.pem"
        assert Path(seen["HOME"]).is_relative_to(job.work)
        assert Path(seen["TMPDIR"]).is_relative_to(job.work)
        assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
        return parsed()

    assert own(run(root, tmp_path, answer))["status"] == "passed"


def test_an_output_file_of_before_is_not_taken_for_a_new_one(root: Path, tmp_path: Path) -> None:
    def answer(job: Job) -> Parsed:
        old = job.work / "report.json"
        old.write_text("{}")
        with pytest.raises(ToolError, match="wrote no output"):
            job.execute_json([sys.executable, "-c", ""], exit_codes=(0,), output=old)
        return parsed()

    assert own(run(root, tmp_path, answer))["status"] == "passed"


def test_copies_bring_nothing_else_along(root: Path, tmp_path: Path) -> None:
    (root / ".semgrepignore").write_text("*")

    def answer(job: Job) -> Parsed:
        folder = job.copy(["a.py"], "sources")
        assert [path.name for path in folder.iterdir()] == ["a.py"]
        assert job.no_exec is False
        job.keep("sbom.json", b"{}")
        assert (job.context.keep / "sbom.json").read_bytes() == b"{}"
        return parsed()

    assert own(run(root, tmp_path, answer))["status"] == "passed"


def test_a_tool_without_an_environment_cannot_run_programs_by_name(root: Path, tmp_path: Path) -> None:
    def answer(job: Job) -> Parsed:
        job.execute(["tool"], exit_codes=(0,))
        return parsed()

    assert own(run(root, tmp_path, answer))["reason"] == "fake: it has no environment to run programs from"


def test_skipped_and_broken_say_why(root: Path, tmp_path: Path) -> None:
    given = context("sast", root, tmp_path)
    assert own(skipped(Skip("fake", "no Python"), given))["status"] == "skipped"
    failed = own(broken("fake", ValueError("oh"), given))
    assert failed["status"] == "incomplete"
    assert failed["reason"] == "fake: mlsecops itself failed (ValueError: oh)"


def unparsed(name: str, read: frozenset[str], missed: tuple[str, ...], root: Path, tmp_path: Path) -> Json:
    problems = [Problem(uri, "unknown syntax", kind="unparsed") for uri in missed]
    tool = Fake(lambda _: parsed(looked_at=read, problems=problems), name=name)
    return scan(tool, ("a.py", "b.py"), context("sast", root, tmp_path))


def test_a_reader_stands_in_for_another(root: Path, tmp_path: Path) -> None:
    one = unparsed("one", frozenset({"a.py"}), ("b.py",), root, tmp_path)
    two = unparsed("two", frozenset({"a.py", "b.py"}), (), root, tmp_path)
    settled = let_stand_in([one, two], {"one": "two", "two": "one"})
    assert [own(each)["status"] for each in settled] == ["passed", "passed"]
    assert own(settled[0])["notes"] == ["one could not read b.py, two did"]
    log = {"version": "2.1.0", "runs": settled}
    report = build_report(log, policy=Policy(), expected=["sast"], generated=NOW)
    assert [tool.status for stage in report.stages for tool in stage.tools] == ["passed", "passed"]
    assert settled[0]["invocations"][0]["executionSuccessful"] is True
    levels = {each["level"] for each in settled[0]["invocations"][0]["toolExecutionNotifications"]}
    assert levels == {"note"}


def test_nobody_stands_in_for_a_file_that_both_could_not_read(root: Path, tmp_path: Path) -> None:
    one = unparsed("one", frozenset({"a.py"}), ("b.py",), root, tmp_path)
    two = unparsed("two", frozenset({"a.py"}), ("b.py",), root, tmp_path)
    other = unparsed("other", frozenset({"a.py", "b.py"}), (), root, tmp_path)
    settled = let_stand_in([one, two, other], {"one": "two", "two": "one"})
    assert [own(each)["status"] for each in settled] == ["incomplete", "incomplete", "passed"]


def test_a_reader_names_only_what_nobody_read(root: Path, tmp_path: Path) -> None:
    names = ("a.py", "b.py", "a.py: b.py")
    one = unparsed("one", frozenset(), names, root, tmp_path)
    two = unparsed("two", frozenset({"a.py"}), names[1:], root, tmp_path)
    settled = let_stand_in([one, two], {"one": "two"})[0]
    assert own(settled)["status"] == "incomplete"
    assert own(settled)["reason"] == "one: could not read b.py: unknown syntax and 1 more"
    assert own(settled)["notes"] == ["one could not read a.py, two did"]
    told = settled["invocations"][0]["toolExecutionNotifications"]
    assert [(each["level"], each["message"]["text"]) for each in told] == [
        ("error", own(settled)["reason"]),
        ("note", "a.py: unknown syntax"),
        ("error", "b.py: unknown syntax"),
        ("error", "a.py: b.py: unknown syntax"),
    ]
    assert settled["invocations"][0]["executionSuccessful"] is False


def test_a_reader_with_further_doubts_stays_incomplete(root: Path, tmp_path: Path) -> None:
    one = unparsed("one", frozenset(), ("b.py",), root, tmp_path)
    two = unparsed("two", frozenset({"a.py", "b.py"}), (), root, tmp_path)
    assert own(let_stand_in([one, two], {"one": "two", "two": "one"})[0])["status"] == "incomplete"


def test_strangers_text_is_one_printable_line() -> None:
    assert printable("a\nb\x1b[31m\udcff") == "a\\nb\\x1b[31m\\udcff"


def test_a_folder_is_always_a_new_one(tmp_path: Path) -> None:
    names = [fresh_folder(tmp_path / "run").name for _ in range(3)]
    assert names == ["run", "run-1", "run-2"]
