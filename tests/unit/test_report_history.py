"""Earlier reports are read back from what a run leaves; what is none is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlsecops.report.history import HistoryError, before, read_history
from mlsecops.report.machine import machine
from support.reports import NOW, blocked, finding, passed, report


def left(folder: Path, days: int, **changes: Any) -> Path:
    """The `report.json` of a run some days ago."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.json"
    file.write_text(machine(report(generated=NOW - timedelta(days=days), **changes), passed()), "utf-8")
    return file


def test_files_and_folders_are_read_the_oldest_first_and_the_same_run_once(tmp_path: Path) -> None:
    files = [left(tmp_path / name, days) for name, days in (("a", 1), ("b/c", 3), ("d", 2), ("e", 2))]
    past = read_history([tmp_path, files[0]])
    assert [(NOW - each.generated).days for each in past] == [3, 2, 1]


def test_a_run_has_its_verdict_and_its_open_findings(tmp_path: Path) -> None:
    found = [finding(1), finding(2, severity="low"), finding(3, suppressed="nosec")]
    file = tmp_path / "any-name.json"
    file.write_text(machine(report(found), blocked(found[0])), "utf-8")
    (past,) = read_history([file])
    assert (past.project, past.generated, past.word) == ("forecast-api", NOW, "blocked")
    assert past.counts == {"critical": 0, "high": 1, "medium": 0, "low": 1}


def test_a_folder_without_reports_is_the_history_of_a_first_run(tmp_path: Path) -> None:
    assert read_history([tmp_path]) == ()


def test_only_earlier_runs_of_the_same_project_count(tmp_path: Path) -> None:
    left(tmp_path / "a", 1, project="caf\udce9")
    left(tmp_path / "b", 2, project="another")
    (past,) = (each for each in read_history([tmp_path]) if each.project != "another")
    assert before([past, replace(past, generated=NOW)], "caf\udce9", NOW) == (past,)
    assert before([past], "another", NOW) == ()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"generated": "yesterday"}, "Invalid RFC3339 encoded datetime"),
        ({"generated": "2026-11-20T09:30:00"}, "Expected `datetime` with a timezone component"),
        ({"verdict": {"word": "fine"}}, "Invalid enum value 'fine'"),
        ({"counts": {"open": {"critical": -1, "high": 0, "medium": 0, "low": 0}}}, "Expected `int` >= 0"),
        ({"counts": {}}, "missing required field `open`"),
    ],
)
def test_what_is_no_report_is_named_with_what_is_wrong(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    file = left(tmp_path, 1)
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")
    with pytest.raises(HistoryError, match=f"{file} is no report of ours: .*{complaint}"):
        read_history([tmp_path])


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b" " * 16_000_001, b'{"a":' * 100_000])
def test_any_other_file_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "report.json").write_bytes(text)
    with pytest.raises(HistoryError, match=r"report\.json is no report of ours: "):
        read_history([tmp_path])
