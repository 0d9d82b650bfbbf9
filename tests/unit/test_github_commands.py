from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.github.commands import (
    MOST_CHARACTERS,
    MOST_SUMMARY_BYTES,
    Annotation,
    Level,
    Runner,
    new_token,
)
from support.hostile_text import hostile

# How the runner reads a command: at the start of a line, or the old way anywhere in it.
COMMAND = re.compile(r"\s*::|.*##\[")


class Step:
    """The files and the log of one step."""

    def __init__(self, folder: Path, tokens: Iterator[str] | None = None) -> None:
        self.outputs, self.summary_file = folder / "outputs", folder / "summary"
        self.outputs.write_bytes(b"")
        self.summary_file.write_bytes(b"")
        self.log = io.StringIO()
        environ = {"GITHUB_OUTPUT": str(self.outputs), "GITHUB_STEP_SUMMARY": str(self.summary_file)}
        names = tokens or (f"token{number}" for number in count())
        self.runner = Runner(environ, self.log, token=lambda: next(names))

    @property
    def lines(self) -> list[str]:
        return self.log.getvalue().splitlines()

    @property
    def summary(self) -> str:
        return self.summary_file.read_text()

    def read_outputs(self) -> dict[str, str]:
        """As the runner reads them: a name, `<<`, a delimiter, and all lines until it stands alone."""
        found, lines = {}, iter(self.outputs.read_bytes().decode().split("\n"))
        for line in lines:
            if line:
                name, end = line.split("<<", 1)
                value = []
                while (each := next(lines)) != end:
                    value.append(each)
                found[name] = "\n".join(value)
        return found


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path)


class TestOutput:
    def test_is_written_between_delimiters(self, step: Step) -> None:
        step.runner.output("verdict", "passed")
        step.runner.output("report-artifact", "")

        assert step.outputs.read_text() == (
            "verdict<<token0\npassed\ntoken0\nreport-artifact<<token1\n\ntoken1\n"
        )
        assert step.lines == []

    def test_never_uses_a_delimiter_that_is_in_the_value(self, tmp_path: Path) -> None:
        step = Step(tmp_path, iter(["one", "two", "three"]))
        step.runner.output("reason", "x\none\nsha256=evil\ntwo")

        assert step.read_outputs() == {"reason": "x\none\nsha256=evil\ntwo"}

    @given(values=st.lists(hostile, min_size=1, max_size=3))
    def test_no_value_becomes_another_output(
        self, tmp_path_factory: pytest.TempPathFactory, values: list[str]
    ) -> None:
        step = Step(tmp_path_factory.getbasetemp())
        for number, value in enumerate(values):
            step.runner.output(f"o{number}", value)

        said = {f"o{number}": value.encode(errors="replace") for number, value in enumerate(values)}
        assert {name: value.encode() for name, value in step.read_outputs().items()} == said

    @pytest.mark.parametrize("name", ["", "a b", "a=b", "a<<b", "1a", "a\nb", "a\n"])
    def test_has_a_name_that_is_one(self, step: Step, name: str) -> None:
        with pytest.raises(ValueError, match="not the name of an output"):
            step.runner.output(name, "x")

    def test_is_printed_where_there_is_no_runner(self) -> None:
        log = io.StringIO()
        Runner({}, log).output("reason", "a\n::error::b")

        assert log.getvalue() == "reason=a :\u200b:error:\u200b:b\n"

    def test_delimiters_differ_each_time_and_are_long(self) -> None:
        tokens = {new_token() for _ in range(100)}

        assert len(tokens) == 100
        assert all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens)


class TestSummary:
    def test_is_added_to_what_is_there(self, step: Step) -> None:
        step.runner.summary("# one\n")
        step.runner.summary("two")

        assert step.summary == "# one\n\ntwo\n\n"

    def test_is_dropped_where_there_is_no_runner(self) -> None:
        log = io.StringIO()
        Runner({}, log).summary("# one")

        assert log.getvalue() == ""

    def test_makes_its_file_where_the_runner_made_none(self, step: Step) -> None:
        step.summary_file.unlink()
        step.runner.summary("one")

        assert step.summary == "one\n\n"

    def test_is_taken_whole_up_to_the_last_byte(self, step: Step) -> None:
        text = "ä" * ((MOST_SUMMARY_BYTES - 2) // 2)
        step.runner.summary(text)

        assert step.summary == f"{text}\n\n"
        assert step.summary_file.stat().st_size == MOST_SUMMARY_BYTES

    def test_is_cut_at_the_end_of_a_line_and_says_so_first(self, step: Step) -> None:
        step.runner.summary("before")
        step.runner.summary("| ä | ö |\n" * 200_000)

        assert step.summary_file.stat().st_size <= MOST_SUMMARY_BYTES
        assert step.summary_file.stat().st_size > MOST_SUMMARY_BYTES - 1100
        before, notice, rest = step.summary.split("\n\n", 2)
        assert before == "before"
        assert notice.startswith("> The end of this summary is left out, because GitHub takes at most 1 MiB;")
        assert set(rest.splitlines()) == {"| ä | ö |"}
        assert rest.endswith("|\n")

    def test_of_one_endless_line_is_only_the_sentence(self, step: Step) -> None:
        step.runner.summary("x" * (2 * MOST_SUMMARY_BYTES))

        assert step.summary.startswith("> The end of this summary is left out")
        assert "xx" not in step.summary

    def test_never_exceeds_its_limit_however_often_it_is_called(self, step: Step) -> None:
        for _ in range(20):
            step.runner.summary("x\n" * 400_000)

        assert step.summary_file.stat().st_size <= MOST_SUMMARY_BYTES


class TestAnnotations:
    def test_are_commands_of_the_runner(self, step: Step) -> None:
        step.runner.notice("all well")
        step.runner.warning("careful", title="Code scanning: off, sorry")
        step.runner.error("100 % broken", file="src/a:b.py", line=12)
        step.runner.error("no place", line=12)

        assert step.lines == [
            "::notice::all well",
            "::warning title=Code scanning%3A off%2C sorry::careful",
            "::error file=src/a%3Ab.py,line=12::100 %25 broken",
            "::error::no place",
        ]

    @given(message=hostile, title=hostile, file=hostile)
    def test_no_text_becomes_another_command(self, message: str, title: str, file: str) -> None:
        log = io.StringIO()
        runner = Runner({}, log)
        for _ in range(11):
            runner.error(message, title=title, file=file, line=3)
        lines = log.getvalue().split("\n")[:-1]

        assert len(lines) == 11
        assert all(line.startswith("::error") and line.isprintable() for line in lines[:10])
        assert not COMMAND.match(lines[10])

    def test_are_cut_at_what_github_shows(self, step: Step) -> None:
        step.runner.error("%" * 10_000)
        step.runner.error("\x1b" * 4000)

        percents, escapes = (line.removeprefix("::error::").replace("%25", "%") for line in step.lines)
        assert len(percents) == MOST_CHARACTERS
        assert percents.endswith("%…")
        assert len(escapes) == MOST_CHARACTERS

    def test_beyond_ten_of_a_level_go_into_the_log(self, step: Step) -> None:
        for number in range(12):
            step.runner.error(f"error {number}", file="a.py" if number == 11 else "", line=4)
        step.runner.warning("still shown")

        assert step.lines[9] == "::error::error 9"
        assert step.lines[10:] == ["error: error 10", "error: a.py:4: error 11", "::warning::still shown"]

    def test_in_a_list_end_with_how_many_more_there_are(self, step: Step) -> None:
        step.runner.annotate("warning", [Annotation(message=f"m{number}") for number in range(25)])

        assert step.lines[:10] == [
            *(f"::warning::m{number}" for number in range(9)),
            "::warning::and 16 more, see the log of this step",
        ]
        assert step.lines[10:] == [f"warning: m{number}" for number in range(9, 25)]

    @pytest.mark.parametrize("level", ["notice", "warning", "error"])
    def test_a_list_of_ten_is_shown_whole(self, step: Step, level: Level) -> None:
        step.runner.annotate(level, [Annotation(message="m")] * 10)
        step.runner.annotate(level, [Annotation(message="m")] * 2)

        assert step.lines == [f"::{level}::m"] * 10 + [f"{level}: m"] * 2

    def test_an_empty_list_says_nothing(self, step: Step) -> None:
        step.runner.annotate("error", [])

        assert step.lines == []


class TestMuted:
    def test_stops_commands_until_its_end(self, step: Step) -> None:
        with step.runner.muted():
            step.log.write("::error::not ours")
        step.runner.notice("ours")

        assert step.lines == ["::stop-commands::token0", "::error::not ours", "::token0::", "::notice::ours"]

    def test_ends_with_an_exception(self, step: Step) -> None:
        with pytest.raises(KeyboardInterrupt), step.runner.muted():
            raise KeyboardInterrupt

        assert step.lines[-1] == "::token0::"

    def test_is_out_before_another_process_writes(self, tmp_path: Path) -> None:
        file = tmp_path / "log"
        with file.open("w") as stream, file.open("a") as other:
            with Runner({}, stream, token=lambda: "t").muted():
                other.write("theirs")
                other.flush()
                stream.seek(0, io.SEEK_END)
            assert file.read_text() == "::stop-commands::t\ntheirs\n::t::\n"

    def test_has_a_token_that_nobody_knows(self) -> None:
        log = io.StringIO()
        with Runner({}, log).muted():
            pass

        assert re.fullmatch(r"::stop-commands::([0-9a-f]{32})\n\n::\1::\n", log.getvalue())
