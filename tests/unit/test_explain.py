"""`mlsecops explain` and `mlsecops waive`, on reports with real fingerprints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mlsecops.cli import command
from mlsecops.explain.catalogue import own_rules
from support.sarif_logs import advisory, log, result, rule, run

Command = Callable[..., Result]
LATER = "2999-01-01"
REASON = "nobody can reach it"


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the report of a run: a package, a weakness that two tools see, one in two files."""
    flask = advisory("CVE-2023-30861", aliases=["GHSA-m2qf-hxjv-5gpq"])
    loads = [rule("unsafe-load", severity=9.1, help_uri="https://docs.example/load")]
    curl = {"reproduce": "curl -X POST http://127.0.0.1:8000/predict"}
    merged = log(
        run("sca", "pip-audit", [flask]),
        run("sast", "semgrep", [result("unsafe-load", line=7), result("eval", "b.py", 3)], loads),
        run("sast", "bandit", [result("B301", line=7)], [rule("B301", severity=9.1)]),
        run("dast", "service-attacks", [result("error-text", "c.py", 5, properties=curl)]),
    )
    (tmp_path / "mlsecops-report").mkdir()
    (tmp_path / "mlsecops-report" / "report.sarif").write_text(json.dumps(merged))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="mlsecops")
def _mlsecops() -> Command:
    runner = CliRunner()

    def invoke(*arguments: str) -> Result:
        return runner.invoke(command, arguments, env={"COLUMNS": "160"}, catch_exceptions=False)

    return invoke


@pytest.mark.usefixtures("project")
class TestExplain:
    @pytest.mark.parametrize(
        "word", ["CVE-2023-30861", "ghsa-M2QF-hxjv-5gpq", "requirements.txt", "requirements.txt:1"]
    )
    def test_a_finding_is_known_by_many_names(self, mlsecops: Command, word: str) -> None:
        said = mlsecops("explain", word).output
        assert "upgrade `flask` to `2.2.5`" in said
        assert "GHSA-m2qf-hxjv-5gpq" in said
        assert "mlsecops run . --stage sca" in said

    def test_everything_about_one(self, mlsecops: Command) -> None:
        said = mlsecops("explain", "app.py:7").output
        for part in (
            "critical About",
            "Do not",
            "CWE-502, ML06",
            "bandit, semgrep (stage sast)",
            "https://docs.example/load",
            "B301, unsafe-load",
        ):
            assert part in said
        identifier = said.partition("mlsecops waive ")[2].split()[0]
        assert mlsecops("explain", identifier[:8]).output == said

    def test_a_request_shows_what_a_running_service_does(self, mlsecops: Command) -> None:
        assert (
            "See it again  curl -X POST http://127.0.0.1:8000/predict"
            in mlsecops("explain", "error-text").output
        )

    def test_a_rule_of_ours_needs_no_finding(self, mlsecops: Command) -> None:
        said = mlsecops("explain", "dockerfile-root-user")
        assert said.exit_code == 0
        assert "Fix" in said.output
        assert "Accept it" not in said.output

    def test_what_nobody_knows_is_wrong_usage(self, mlsecops: Command, project: Path) -> None:
        said = mlsecops("explain", "no\x1b[31m")
        assert (said.exit_code, said.stderr) == (
            2,
            "mlsecops: neither a finding of the report nor a rule is called no\\x1b[31m\n",
        )
        (project / "mlsecops-report" / "report.sarif").unlink()
        assert "no report" in mlsecops("explain", "CVE-2023-30861").stderr
        assert mlsecops("waive", "x", "--reason", REASON, "--until", LATER).exit_code == 2

    def test_many_are_counted(self, mlsecops: Command, project: Path) -> None:
        many = [result("eval", "b.py", number) for number in range(1, 31)]
        report = project / "other.sarif"
        report.write_text(json.dumps(log(run("sast", "semgrep", many))))
        said = mlsecops("explain", "eval", "--report", str(report)).output
        assert said.count("About eval") == 20
        assert said.endswith("and 10 more\n")


class TestWaive:
    def test_every_rule_that_sees_it_is_accepted(self, mlsecops: Command, project: Path) -> None:
        done = mlsecops("waive", "app.py:7", "--reason", REASON, "--until", LATER)
        assert done.output.endswith(
            f"B301 in app.py, unsafe-load in app.py accepted until {LATER}; that covers 1 finding\n"
        )
        assert (project / ".github" / "mlsecops.yml").read_text().count("  - rule: ") == 2
        assert f"waived until {LATER}: {REASON}" in mlsecops("explain", "app.py:7").output

    def test_an_advisory_is_accepted_for_its_package(self, mlsecops: Command, project: Path) -> None:
        mlsecops("waive", "requirements.txt", "--reason", REASON, "--until", LATER)
        written = (project / ".github" / "mlsecops.yml").read_text()
        assert "  - advisory: CVE-2023-30861\n    package: flask\n    path: requirements.txt\n" in written

    def test_the_policy_keeps_what_it_says(self, mlsecops: Command, project: Path) -> None:
        policy = project / "mine.yml"
        policy.write_text("version: 1 # ours\nfail-on: low # strict\n")
        again = mlsecops(
            "waive", "eval", "--reason", REASON, "--until", LATER, "--policy", str(policy), "--dry-run"
        )
        assert policy.read_text() == "version: 1 # ours\nfail-on: low # strict\n"
        mlsecops("waive", "eval", "--reason", REASON, "--until", LATER, "--policy", str(policy))
        assert policy.read_text() == again.output
        assert again.output.startswith("version: 1 # ours\nfail-on: low # strict\nwaivers:\n  - rule: eval\n")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("eval", "--reason", REASON, "--until", "2020-01-01"), "2020-01-01 is in the past"),
            (("eval", "--reason", "so", "--until", LATER), "must say in at least 10 characters why"),
            (("nothing", "--reason", REASON, "--until", LATER), "neither a finding"),
        ],
    )
    def test_what_cannot_be_waived(
        self, mlsecops: Command, project: Path, arguments: tuple[str, ...], said: str
    ) -> None:
        done = mlsecops("waive", *arguments)
        assert done.exit_code == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (project / ".github").exists()

    def test_one_at_a_time(self, mlsecops: Command, project: Path) -> None:
        many = [result("eval", "b.py", number) for number in range(1, 10)]
        report = project / "other.sarif"
        report.write_text(json.dumps(log(run("sast", "semgrep", many))))
        done = mlsecops("waive", "eval", "--report", str(report), "--reason", REASON, "--until", LATER)
        assert done.exit_code == 2
        assert "eval names several findings: " in done.stderr
        assert "(b.py:5) and 4 more" in done.stderr


def test_every_rule_of_ours_can_be_explained() -> None:
    rules = list(own_rules())
    assert len({each.id for each in rules}) == len(rules) > 200
    assert all(each.title and each.help and each.fix and each.score is not None for each in rules)
