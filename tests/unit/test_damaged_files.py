"""Whatever becomes of a file that a report is made of: one plain line, and never a greener verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from corpus.chance import Chance
from mlsecops.cli import command
from mlsecops.conclude import joined
from mlsecops.findings import build_report
from mlsecops.policy import Policy
from mlsecops.sarif.build import Json
from mlsecops.verdict import judge
from support.sarif_logs import log, result, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
VERSION = b'"version":"2.1.0"'
POLICY = b"""version: 1
fail-on: {default: low}
exclude: [/data, '*.md']
waivers:
  - {rule: B999, path: app.py, reason: because it is known to us, expires: 2026-12-31}
"""
WRONG: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**63, 1e308, "", "x\n\x1b[31m", "0001-01-01T00:00:00+14:00"),
    *([], [[]], [None], {}, {"text": 5}, [{}], {"a": [1]}),
)


def sound() -> Json:
    """A result of a stage that blocks by one finding alone."""
    made = run("sast", "bandit", [result("B301", severity=9.8)])
    made["results"][0] |= {"ruleIndex": 0, "kind": "fail"}
    return log(made)


def damaged(content: bytes) -> Iterator[bytes]:
    """The content cut off, changed in a bit, in other encodings, nested, and with what JSON does not know."""
    chance, size = Chance("damage"), len(content)
    yield from (content[:cut] for cut in (0, 1, size // 2, size - 1))
    for _ in range(8):
        place, bit = chance.below(size), chance.below(8)
        yield content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
    text = content.decode()
    yield from (text.encode("utf-16"), text.encode("utf-32"), b"\xef\xbb\xbf" * 2 + content)
    yield from (content + b"\0", content * 2, content + b"\xff", b"[" * 100_000, b'{"a":' * 100_000)
    yield from (
        content.replace(VERSION, VERSION + b',"x":' + value, 1)
        for value in (b"[" * 900 + b"]" * 900, b"[" * 5000 + b"]" * 5000, b"NaN", b"1e999", b"9" * 5000)
    )
    yield content.replace(b" is here", b"\\ud800")
    yield content[:-1] + b"," + VERSION + b"}"


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of a value."""
    inner: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, each in inner:
        yield (*above, key)
        yield from places(each, (*above, key))


def wrong(sound: Json) -> Iterator[Json]:
    """The document with a value of another type in each place."""
    for *way, last in places(sound):
        for value in WRONG:
            if (
                last in {"severity", "security-severity"}
                and isinstance(value, int | float)
                and value is not True
            ):
                continue  # as good as any other
            made = deepcopy(sound)
            holder: Any = made
            for key in way:
                holder = holder[key]
            holder[last] = value
            yield made


def report(folder: Path, *arguments: str | Path) -> tuple[int, str]:
    """How `mlsecops report` ends, and what it says of an error."""
    given = ["report", str(folder), "--stage", "sast", *map(str, arguments)]
    ended = CliRunner().invoke(command, given)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.stderr


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    """A folder with a stage's sound result."""
    (tmp_path / "sast.sarif").write_bytes(orjson.dumps(sound()))
    return tmp_path


def test_a_result_is_read_or_its_stage_is_incomplete(stages: Path) -> None:
    codes = set()
    for content in damaged(orjson.dumps(sound())):
        (stages / "sast.sarif").write_bytes(content)
        code, error = report(stages)
        codes.add(code)
        assert error == ""
    assert codes == {1, 3}


def test_a_value_of_another_type_makes_nothing_greener() -> None:
    for made in wrong(sound()["runs"][0]):
        whole = build_report(joined([log(made)]), policy=Policy(), expected=["sast"], generated=NOW)
        assert judge(whole, Policy()).word in {"blocked", "incomplete"}, made


@pytest.mark.parametrize("option", ["--baseline", "--history", "--policy"])
def test_another_file_is_read_or_refused_in_one_line(stages: Path, option: str) -> None:
    report(stages)
    sound = {
        "--baseline": (stages / "report.sarif").read_bytes(),
        "--history": (stages / "report.json").read_bytes(),
        "--policy": POLICY,
    }[option]
    file, out = stages / "given", stages / "out"
    codes = set()
    for content in damaged(sound):
        file.write_bytes(content)
        code, error = report(stages, option, file, "--out", out)
        codes.add(code)
        assert (code == 2) == (error != "")
        assert code in {2} | ({0, 1} if option == "--baseline" else {1})
        assert error.removesuffix("\n").isprintable()
    assert codes >= {1, 2} or codes == {0, 2}


def test_the_name_of_a_file_stays_a_name(stages: Path) -> None:
    file = stages / "a\n::error::\x1b[31m\u202e"
    file.write_bytes(b"{")
    code, error = report(stages, "--history", file)
    assert code == 2
    assert error.count("\n") == 1
    assert "::" not in error
    assert error.removesuffix("\n").replace("\u200b", "").isprintable()


def test_a_history_of_other_types_is_read_or_refused_in_one_line(stages: Path) -> None:
    report(stages)
    file, chance = stages / "given.json", Chance("history")
    for made in wrong(json.loads((stages / "report.json").read_bytes())):
        if chance.below(20) == 0:
            file.write_text(json.dumps(made))
            code, error = report(stages, "--history", file)
            assert (code == 2) == (error != "")
            assert error.removesuffix("\n").isprintable()
