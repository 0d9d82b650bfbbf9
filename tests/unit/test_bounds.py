"""What must not come out, in all its spellings; a time that several jobs share."""

from __future__ import annotations

import base64
import html
import json
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from mlsecops.bounds import Bounds, blanked, spellings, without
from mlsecops.dast.service.running import Start
from mlsecops.dast.turns import Turns
from mlsecops.job import ToolError
from mlsecops.policy import DastSettings
from support import services

SECRET = 'p&ss/w"rd <ü>\\+='


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
        quote_plus(SECRET),
        json.dumps({"key": SECRET}),
        json.dumps([SECRET], ensure_ascii=False),
        repr(SECRET),
        html.escape(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_blanked_however_it_is_written(written: str) -> None:
    text = blanked(f"before {written} after", spellings([SECRET]))
    assert "***" in text
    assert "p&ss" not in text
    assert quote(SECRET)[:6] not in text
    assert text.startswith("before ")


def test_each_line_of_a_long_secret_is_one_and_a_short_text_is_none() -> None:
    key = "-----BEGIN-----\n  MIIEvAIBADANBg\nx\n-----END-----"
    assert blanked("log: MIIEvAIBADANBg", spellings([key])) == "log: ***"
    assert spellings(["short"]) == ()


def test_the_longest_goes_first() -> None:
    assert blanked("Bearer abcdef", spellings(["abcdef", "Bearer abcdef"])) == "***"


def test_names_of_things_stay_in_a_report() -> None:
    run = {"uri": "secret.py", "ruleId": "secret", "message": {"text": "a secret"}, "notes": ["secret", 7]}
    expected = {"uri": "secret.py", "ruleId": "secret", "message": {"text": "a ***"}, "notes": ["***", 7]}
    assert without(run, spellings(["secret"])) == expected


class TestTurns:
    def test_what_one_job_used_up_the_next_one_lacks(self, tmp_path: Path) -> None:
        settings = DastSettings(timeout=60.0)
        first = services.job(services.make(tmp_path / "p"), tmp_path, settings)
        turns = Turns.of(first)
        assert Turns.of(first) is turns
        with turns.taken_by(first):
            assert 59 < first.bounds.left() <= 60
            turns.left = 0.0
        assert first.bounds.left() > 60
        late = r"no time left for it: .* stage 60 s \(dast\.timeout\)"
        with pytest.raises(ToolError, match=late), turns.taken_by(first):
            pass

    def test_what_is_hidden_is_hidden_from_every_job(self, tmp_path: Path) -> None:
        job = services.job(services.make(tmp_path / "p"), tmp_path)
        turns = Turns.of(job)
        with turns.taken_by(job):
            turns.hidden.append("a key made up")
        assert job.bounds.hidden == ["a key made up"]


class TestExecute:
    def test_a_program_ends_with_the_time_of_its_job(self, tmp_path: Path) -> None:
        job = services.job(services.make(tmp_path / "p"), tmp_path)
        job.bounds.until, job.bounds.why = time.monotonic() + 0.2, "it was stopped: the time is over"
        with pytest.raises(ToolError, match="the time is over"):
            job.execute(["/bin/sleep", "20"], exit_codes=(0,))
        with pytest.raises(ToolError, match="the time is over"):
            job.execute(["/bin/true"], exit_codes=(0,))
        assert Bounds().left() > 10**9

    def test_what_a_private_program_prints_is_not_repeated(self, tmp_path: Path) -> None:
        job = services.job(services.make(tmp_path / "p"), tmp_path)
        argv = ["/bin/sh", "-c", "echo password >&2; exit 3"]
        with pytest.raises(ToolError, match="exit code 3: password"):
            job.execute(argv, exit_codes=(0,))
        with pytest.raises(ToolError, match=r"exit code 3$"):
            job.execute(argv, exit_codes=(0,), private=True)


def test_a_start_hides_nothing_by_itself(tmp_path: Path) -> None:
    start = Start(argv=("a",), folder=tmp_path, env={}, port=None, health=None, seconds=1, memory=1)
    assert start.hidden == []
