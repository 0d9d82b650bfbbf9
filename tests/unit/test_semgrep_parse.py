"""semgrep's report -> findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import ToolError
from mlsecops.python_sources import PythonSources
from mlsecops.tools.semgrep import SAYS_UNPARSED, parse, suppression, to_rule

RULE: dict[str, Any] = {
    "id": "mlsecops-x",
    "message": "Do not.\n",
    "metadata": {
        "title": "A title",
        "cwe": ["CWE-502: Deserialization of Untrusted Data"],
        "owasp-ml": "ML06:2023 AI Supply Chain Attacks",
        "mitre-atlas": ["AML.T0010.003"],
        "security-severity": "7.8",
        "fix": "Do\n  this.",
        "help": "Because.",
        "references": ["https://docs.example/x"],
    },
}


@pytest.fixture(name="sources")
def _sources(tmp_path: Path) -> PythonSources:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "000000.py").write_text("x = load(f)  # nosemgrep: mlsecops-x\ny = load(g)\n", encoding="utf-8")
    return PythonSources(folder, {"000000.py": "app.py"}, {})


def result(path: Path, line: int, check: str = "some.prefix.mlsecops-x") -> dict[str, Any]:
    return {
        "check_id": check,
        "path": str(path),
        "start": {"line": line, "col": 5},
        "end": {"line": line, "col": 9},
        "extra": {"message": "Do not.", "lines": "SECRET"},
    }


def report(sources: PythonSources, *results: Any, errors: Any = ()) -> dict[str, Any]:
    scanned = [str(sources.folder / "000000.py")]
    return {"results": list(results), "errors": list(errors), "paths": {"scanned": scanned}}


def test_findings_suppressions_and_canary(sources: PythonSources, tmp_path: Path) -> None:
    file, canary = sources.folder / "000000.py", tmp_path / "canary"
    broken = {"type": ["PartialParsing", []], "path": str(canary / "broken.py"), "message": "m"}
    found = report(
        sources, result(file, 1), result(file, 2), result(canary / "canary.py", 1), errors=[broken]
    )
    parsed = parse(found, sources, canary, [to_rule(RULE)])
    assert parsed.canary == {"mlsecops-x", SAYS_UNPARSED}
    assert parsed.looked_at == {"app.py"}
    assert not parsed.problems
    hidden, open_ = parsed.results
    assert hidden["suppressions"][0]["justification"] == "# nosemgrep: mlsecops-x"
    assert "suppressions" not in open_
    assert open_["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 5,
        "endLine": 2,
        "endColumn": 9,
    }
    assert "SECRET" not in repr(parsed)


def test_a_syntax_that_semgrep_does_not_know(sources: PythonSources, tmp_path: Path) -> None:
    path = str(sources.folder / "000000.py")
    error = {
        "type": ["PartialParsing", []],
        "path": path,
        "message": "`token` was unexpected",
        "spans": [{"start": {"line": 4}}],
    }
    parsed = parse(report(sources, errors=[error]), sources, tmp_path, [])
    assert [(each.uri, each.line, each.kind) for each in parsed.problems] == [("app.py", 4, "unparsed")]
    assert parsed.looked_at == frozenset()
    assert "token" not in parsed.problems[0].message


@pytest.mark.parametrize("kind", ["Timeout", "Out of memory", "Fixpoint timeout"])
def test_a_file_that_semgrep_gave_up_on_is_for_nobody_to_settle(
    sources: PythonSources, tmp_path: Path, kind: str
) -> None:
    error = {"type": kind, "path": str(sources.folder / "000000.py"), "message": "m"}
    parsed = parse(report(sources, errors=[error]), sources, tmp_path, [])
    assert [(each.uri, each.kind) for each in parsed.problems] == [("app.py", "unreadable")]


def test_an_error_without_a_file_is_an_error_of_the_run(sources: PythonSources, tmp_path: Path) -> None:
    error = {"type": "PatternParseError", "message": "Invalid pattern\nin x"}
    with pytest.raises(ToolError, match="Invalid pattern"):
        parse(report(sources, errors=[error]), sources, tmp_path, [])


def test_a_finding_in_an_unknown_file_is_an_error(sources: PythonSources, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not given"):
        parse(report(sources, result(Path("/other.py"), 1)), sources, tmp_path, [])


def test_the_probe_is_no_finding(sources: PythonSources, tmp_path: Path) -> None:
    probe = result(sources.folder / "000000.py", 1, "mlsecops-parse-every-file")
    assert not parse(report(sources, probe), sources, tmp_path, []).results


def test_rule_metadata() -> None:
    rule = to_rule(RULE)
    assert (rule.id, rule.summary, rule.fix, rule.severity) == ("mlsecops-x", "A title", "Do this.", 7.8)
    assert rule.help == "Do not. Because."
    assert rule.help_uri == "https://docs.example/x"
    assert rule.tags == ("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003")
    assert rule.precision == "high"


@pytest.mark.parametrize(
    ("lines", "line", "expected"),
    [
        (["f()  # nosem"], 1, "# nosem"),
        (["f()  # nosemgrep"], 1, "# nosemgrep"),
        (["f()  # NoSem: mlsecops-x"], 1, "# NoSem: mlsecops-x"),
        (["f()  # nosem: other, pack.mlsecops-x"], 1, "# nosem: other, pack.mlsecops-x"),
        (["f()  # nosem: other"], 1, None),
        (["# nosemgrep: mlsecops-x", "f()"], 2, "# nosemgrep: mlsecops-x"),
        (["g()  # nosemgrep", "f()"], 2, None),
        (["f(", " a)  # nosem"], 1, None),
        (["f('nosem')"], 1, None),
        ([], 1, None),
    ],
)
def test_suppression_comments(lines: list[str], line: int, expected: str | None) -> None:
    assert suppression("mlsecops-x", lines, line) == expected
