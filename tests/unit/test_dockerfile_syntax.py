"""Dockerfiles are read as BuildKit reads them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops import dockerfiles
from mlsecops.dockerfiles.ignore import leaves_out, patterns
from mlsecops.dockerfiles.instruction import expand, unquote
from mlsecops.dockerfiles.shell import commands, scripts


def shapes(text: str) -> list[tuple[str, str, int, int]]:
    """Keyword, value, first and last line of every instruction."""
    return [
        (each.keyword, each.value, each.line, each.end_line) for each in dockerfiles.parse(text).instructions
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from a\nUser x\n", [("FROM", "a", 1, 1), ("USER", "x", 2, 2)]),
        ("\ufeffFROM a\r\nUSER x\r\n", [("FROM", "a", 1, 1), ("USER", "x", 2, 2)]),
        ("  # c\n\n  RUN  x  \n", [("RUN", "x", 3, 3)]),
        ("FROM a\nRUN x \\\n  y\n", [("FROM", "a", 1, 1), ("RUN", "x   y", 2, 3)]),
        ("RUN x \\\n\n # c\n  y\n", [("RUN", "x   y", 1, 4)]),
        ("RUN x \\ \t\n y\n", [("RUN", "x  y", 1, 2)]),
        ("RUN x \\\\\nUSER y", [("RUN", "x \\\\", 1, 1), ("USER", "y", 2, 2)]),
        ("RUN x \\\n", [("RUN", "x", 1, 1)]),
    ],
)
def test_lines_and_continuations(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert shapes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# escape=`\nRUN x `\n y", [("RUN", "x  y", 2, 3)]),
        ("# syntax=docker/dockerfile:1\n#escape = `\nRUN x `\n y", [("RUN", "x  y", 3, 4)]),
        ("# a comment\n# escape=`\nRUN x `\nUSER y", [("RUN", "x `", 3, 3), ("USER", "y", 4, 4)]),
        ("# escape=x\nRUN x \\\n y", [("RUN", "x  y", 2, 3)]),
    ],
)
def test_the_escape_directive(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert shapes(text) == expected


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("RUN <<EOF\nUSER x\nEOF", 3),
        ("RUN <<EOF bash \\\n -x\nUSER x\nEOF", 4),
        ("COPY <<-'E' /x\n\ta\n\tE", 3),
        ('ADD <<A <<"B" /x/\n1\nA\n2\nB', 5),
        ("ONBUILD RUN <<EOF\nx\nEOF", 3),
        ("RUN 3<<EOF x\nx\nEOF", 3),
        ("RUN echo '<<EOF' \" <<EOF\" \\' <<-'E F'", 1),
        ("RUN a <<<b $((1<<C)) << D x<<E", 1),
        ("ENV A=<<EOF B= <<EOF", 1),
    ],
)
def test_heredocs(text: str, last: int) -> None:
    instruction, after = dockerfiles.parse(f"{text}\nUSER y").instructions
    assert (instruction.line, instruction.end_line, after.line) == (1, last, last + 1)


def test_flags_and_triggers() -> None:
    text = "FROM --platform=$X a\nONBUILD COPY --from=b --chmod=755 . /\nRUN --mount=type=cache,from=c y"
    source, copy, run = dockerfiles.parse(text).instructions
    assert (source.value, source.flag("platform"), source.flag("from")) == ("a", "$X", None)
    assert (copy.keyword, copy.trigger, copy.flag("from"), copy.words()) == ("COPY", True, "b", [".", "/"])
    assert (run.value, run.flags) == ("y", ("--mount=type=cache,from=c",))


def test_lines_within_an_instruction() -> None:
    text = "FROM a\nENV A=1 \\\n  # c\n  B=2 \\\n  C\nRUN x \\\n <<E\nb\nc\nE\n"
    _, env, run = dockerfiles.parse(text).instructions
    assert [(pair.name, pair.value, pair.line) for pair in env.pairs()] == [
        ("A", "1", 2),
        ("B", "2", 4),
        ("C", None, 5),
    ]
    assert [run.line_at(0), run.line_at(run.value.index("<<"))] == [6, 7]
    (heredoc,) = run.heredocs
    assert (heredoc.text, heredoc.line, heredoc.end) == ("b\nc", 8, 10)
    assert heredoc.line_at(heredoc.text.index("c")) == 9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ENV A b  c", [("A", "b  c")]),
        ("ENV A 'b c'", [("A", "b c")]),
        ("ENV A=b\\ c D=\"e f\" G='h'", [("A", "b c"), ("D", "e f"), ("G", "h")]),
        ("ARG A B=", [("A", None), ("B", "")]),
        ('ENV A="open', [("A", '"open')]),
        ("ENV", []),
    ],
)
def test_pairs(text: str, expected: list[tuple[str, str | None]]) -> None:
    (instruction,) = dockerfiles.parse(text).instructions
    assert [(pair.name, pair.value) for pair in instruction.pairs()] == expected


def test_json_form() -> None:
    listed, broken, numbers = dockerfiles.parse('CMD ["a b", "c"]\nCMD ["a b"\nCMD [1]').instructions
    assert listed.words() == ["a b", "c"]
    assert (broken.json(), numbers.json()) == (None, None)


def test_stages() -> None:
    text = """
ARG VERSION=3.13 EMPTY
FROM --platform=$P python:${VERSION}-slim AS Base
ARG VERSION
ENV A=x B=${VERSION:-none}
FROM base
FROM img:${EMPTY}
FROM img:${EMPTY:-y}${VERSION:+z} as last
ONBUILD USER root
"""
    dockerfile = dockerfiles.parse(text)
    assert [(stage.name, stage.base) for stage in dockerfile.stages] == [
        ("Base", "python:3.13-slim"),
        (None, "base"),
        (None, None),
        ("last", "img:yz"),
    ]
    assert dockerfile.stages[0].variables == {"VERSION": "3.13", "A": "x", "B": "3.13"}
    assert dockerfile.stages[3].last("USER") is None
    assert [stage.index for stage in dockerfile.lineage()] == [3]
    named = dockerfile.stage_named("BASE", 1)
    assert named is dockerfile.stages[0]
    assert dockerfile.stage_named("0", 1) is named
    assert dockerfile.stage_named("last", 3) is None
    assert not dockerfile.faults


def test_lineage_follows_stages_of_the_file() -> None:
    text = "FROM a AS one\nUSER x\nFROM one AS two\nFROM b\nFROM two\n"
    assert [stage.index for stage in dockerfiles.parse(text).lineage()] == [3, 1, 0]
    assert dockerfiles.parse("").lineage() == ()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "there is no instruction in it"),
        ("# only a comment\n", 1, "there is no instruction in it"),
        ("FROM a\nRUNN x\n", 2, "unknown instruction RUNN"),
        ("{% if x %}\nFROM a\n", 1, "unknown instruction {%"),
        ("ARG X\nRUN x\n", 2, "there is no FROM in it"),
        ("RUN x\nFROM a\n", 1, "RUN stands before the first FROM"),
        ("FROM a b\n", 1, "FROM takes an image"),
        ("FROM\n", 1, "FROM takes an image"),
        ("FROM a\nRUN <<EOF\nx\n", 2, "its heredoc <<EOF has no end"),
    ],
)
def test_faults(text: str, line: int, message: str) -> None:
    assert any(
        fault.line == line and fault.message.startswith(message) for fault in dockerfiles.parse(text).faults
    )


def test_what_an_instruction_covers() -> None:
    dockerfile = dockerfiles.parse("# c\nFROM a\n\nRUN x \\\n y\n")
    lines = [dockerfile.at(line) for line in range(7)]
    assert [each and each.keyword for each in lines] == [None, None, "FROM", None, "RUN", "RUN", None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A-${A}", "a-a"),
        ("${B:-d}", "d"),
        ("${E-d}", ""),
        ("${E:-d}", "d"),
        ("${A:+y}${B:+n}", "y"),
        ("$B", None),
        ("${A#x}", None),
        ("plain", "plain"),
    ],
)
def test_expand(text: str, expected: str | None) -> None:
    assert expand(text, {"A": "a", "B": None, "E": ""}) == expected


def test_unquote() -> None:
    assert unquote("""a\\ "b \\" c"'d'""") == """a b \\" cd"""


def programs(text: str) -> list[tuple[str, int]]:
    """Programs of all commands of the last instruction, with their lines."""
    script = scripts(dockerfiles.parse(text).instructions[-1])
    return [(command.program, command.line) for each in script for command in commands(each)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a && b; c || d | e & f", ["a", "b", "c", "d", "e", "f"]),
        ("RUN X=1 /usr/bin/a 'b && c' \"d;e\" f\\;g >h 2>&1", ["a"]),
        ("RUN if ! a; then (b); else { c; } fi", ["a", "b", "c"]),
        ('RUN sh -ec "a | b" c', ["sh", "a", "b"]),
        ('RUN x $(a | b) "`c`" <(d)', ["x", "a", "b", "c", "d"]),
        ('CMD ["sh", "-c", "a; b"]', ["sh", "a", "b"]),
        ('CMD ["a", "b;c"]', ["a"]),
        ("RUN (a; b) | c", ["a", "b", "c"]),
        ("RUN sudo -E a", ["a"]),
        ("RUN <<E\n# x\na\nE", ["a"]),
        ("RUN <<E bash\na\nE", ["bash", "a"]),
        ("RUN bash <<E\na\nE", ["bash", "a"]),
        ("RUN python <<E\na\nE", ["python"]),
        ("RUN <<E\n#!/usr/bin/env python3\na\nE", []),
        ("RUN <<E\n#!/bin/sh\na\nE", ["a"]),
        ("RUN cat <<E >/x\na\nE", ["cat"]),
        ("COPY <<E /x\na\nE", ["x"]),
    ],
)
def test_commands(text: str, expected: list[str]) -> None:
    assert [program for program, _ in programs(text)] == expected


def test_lines_of_commands() -> None:
    assert programs("RUN a && \\\n  # c\n  b\n") == [("a", 1), ("b", 3)]
    assert programs("RUN <<E\na\n\nb\nE\n") == [("a", 2), ("b", 4)]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (".git\n", ".git", True),
        (".git/\n", ".git/config", True),
        ("# .git\n\n", ".git", False),
        ("*\n", ".env", True),
        ("*\n!.env\n", ".env", False),
        ("!.env\n*\n", ".env", True),
        ("/.env", ".env", True),
        (".env", "sub/.env", False),
        ("**/.env", "sub/.env", True),
        ("**/.env", ".env", True),
        ("sub/**", "sub/.env", True),
        (".e?v", ".env", True),
        (".[a-f]nv", ".env", True),
        (".[^a-f]nv", ".env", False),
        ("./.env*", ".env.local", True),
        ("\\.env", ".env", True),
        ("env", ".env", False),
    ],
)
def test_dockerignore(text: str, path: str, expected: bool) -> None:
    assert leaves_out(patterns(text), path) is expected


_FRAGMENTS = st.sampled_from(
    [
        "FROM a",
        "RUN ",
        "ENV A=",
        "ONBUILD ",
        "\\",
        "\n",
        "<<E",
        "E",
        "#",
        '"',
        "'",
        "$(",
        ")",
        "`",
        "|",
        "&&",
        "[",
    ]
)


@given(st.lists(_FRAGMENTS | st.text(max_size=5), max_size=30).map("".join))
def test_any_text_is_read(text: str) -> None:
    dockerfile = dockerfiles.parse(text)
    assert bool(dockerfile.stages) or bool(dockerfile.faults)
    last = 0
    for instruction in dockerfile.instructions:
        assert last < instruction.line <= instruction.end_line <= len(dockerfile.lines)
        last = instruction.end_line
        for script in scripts(instruction):
            for command in commands(script):
                assert instruction.line <= command.line <= instruction.end_line


def test_what_is_no_dockerfile_by_its_size() -> None:
    with pytest.raises(dockerfiles.DockerfileError, match="too large"):
        dockerfiles.parse("FROM a\n" + "#" * 300_000)
    with pytest.raises(dockerfiles.DockerfileError, match="too many instructions"):
        dockerfiles.parse("FROM a\n" * 6_000)


@pytest.mark.parametrize(
    "piece", ['"', '\\"', "\"'", "$(", "$(a)", "`", "$((", "a|", "a&", " <<A", "[", "A=1 "]
)
def test_reading_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    dockerfile = dockerfiles.parse("FROM a\nRUN " + piece * (60_000 // len(piece)))
    assert sum(len(commands(script)) for each in dockerfile.instructions[1:] for script in scripts(each)) >= 0
    assert time.process_time() - started < 5.0
