"""The text of a Dockerfile -> instructions and build stages, as BuildKit reads them.

Source of the grammar: the Dockerfile reference and BuildKit's own parser. Lines end with LF or CRLF and count
from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mlsecops.dockerfiles.instruction import Heredoc, Instruction, expand

_KEYWORDS = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
        *("MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    }
)
_MOST_CHARACTERS = 256 * 1024
_MOST_INSTRUCTIONS = 5_000
_WITH_HEREDOC = frozenset({"ADD", "COPY", "RUN"})
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(\S.*)")
_HEAD = re.compile(r"\s*(\S+)\s*")
_FLAG = re.compile(r"(--[a-z][\w-]*(?:=\S*)?)(?:\s+|$)")
_QUOTED = re.compile(r"""\\.|(<<-?)?("(?:\\.|[^"\\])*"|'[^']*')""", re.DOTALL)
_HEREDOC = re.compile(r"""(?:^|(?<=\s))\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One FROM and what follows it.

    `base` is its image with the variables filled in, None when one is not known. `variables` are the values
    of ARG and ENV at the end of the stage, None for what the build gives.
    """

    index: int
    name: str | None
    base: str | None
    source: Instruction
    instructions: tuple[Instruction, ...]
    variables: Mapping[str, str | None]

    def last(self, keyword: str) -> Instruction | None:
        """The last instruction of a kind, which is the one that counts; triggers are for other builds."""
        found = [each for each in self.instructions if each.keyword == keyword and not each.trigger]
        return found[-1] if found else None


class DockerfileError(ValueError):
    """A text that is not worth reading as a Dockerfile; the text of the error says why, in a few words."""


class Fault(NamedTuple):
    """What BuildKit would refuse."""

    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A whole file. `comments` are the texts behind `#` by line, without those in heredocs."""

    lines: tuple[str, ...]
    escape: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    comments: Mapping[int, str]
    faults: tuple[Fault, ...]

    def at(self, line: int) -> Instruction | None:
        """The instruction that a line belongs to."""
        index = bisect_right(self.instructions, line, key=lambda each: each.line) - 1
        return self.instructions[index] if index >= 0 and line <= self.instructions[index].end_line else None

    def stage_named(self, name: str | None, before: int) -> Stage | None:
        """The earlier stage that a FROM or `--from` names, by name or number."""
        for stage in reversed(self.stages[:before]):
            if name is not None and name.lower() in ((stage.name or "").lower(), str(stage.index)):
                return stage
        return None

    def lineage(self) -> tuple[Stage, ...]:
        """The final stage, the stage that it builds on, and so on; empty without a FROM."""
        chain: list[Stage] = []
        stage = self.stages[-1] if self.stages else None
        while stage is not None:
            chain.append(stage)
            stage = self.stage_named(stage.base, stage.index)
        return tuple(chain)


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile; what BuildKit would refuse is among its `faults`.

    Raises DockerfileError for a text beyond all measure.
    """
    if len(text) > _MOST_CHARACTERS:
        raise DockerfileError("it is too large for a Dockerfile")
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape(lines)
    comments: dict[int, str] = {}
    faults: list[Fault] = []
    instructions = tuple(_instructions(lines, escape, comments, faults))
    if len(instructions) > _MOST_INSTRUCTIONS:
        raise DockerfileError("it has too many instructions for a Dockerfile")
    if not instructions:
        faults.append(Fault(1, "there is no instruction in it"))
    return Dockerfile(
        lines=tuple(lines),
        escape=escape,
        instructions=instructions,
        stages=tuple(_stages(instructions, faults)),
        comments=comments,
        faults=tuple(sorted(faults)),
    )


def _escape(lines: Sequence[str]) -> str:
    """The escape character that a directive in the first lines names."""
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.rstrip())
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _instructions(
    lines: Sequence[str], escape: str, comments: dict[int, str], faults: list[Fault]
) -> Iterator[Instruction]:
    continued = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*$")
    index = 0
    while index < len(lines):
        line = lines[index].strip()
        if line and not line.startswith("#"):
            parts, end, unfinished = _joined(lines, index, continued, comments)
            instruction = _instruction(parts, end, unfinished, lines, faults)
            index = instruction.end_line
            yield instruction
            continue
        if line:
            comments[index + 1] = line[1:]
        index += 1


def _joined(
    lines: Sequence[str], index: int, continued: re.Pattern[str], comments: dict[int, str]
) -> tuple[list[tuple[int, str]], int, bool]:
    """The lines of one instruction with their numbers, the last number, and whether one more is missing."""
    parts: list[tuple[int, str]] = []
    for number in range(index + 1, len(lines) + 1):
        line = lines[number - 1]
        # Within an instruction, empty lines and comments do not end it.
        if parts and line.lstrip().startswith("#"):
            comments[number] = line.strip()[1:]
        elif line.strip() or not parts:
            mark = continued.search(line)
            parts.append((number, line[: mark.start()] if mark else line))
            if mark is None:
                return parts, number, False
    return parts, parts[-1][0], True


def _instruction(
    parts: list[tuple[int, str]], end: int, unfinished: bool, lines: Sequence[str], faults: list[Fault]
) -> Instruction:
    text = "".join(part for _, part in parts)
    first = parts[0][0]
    keyword, position = _keyword(text, 0)
    trigger = keyword == "ONBUILD"
    if trigger:
        keyword, position = _keyword(text, position)
    flags = []
    while flag := _FLAG.match(text, position):
        flags.append(flag[1])
        position = flag.end()
    starts, offset = [], -position
    for number, part in parts:
        starts.append((offset, number))
        offset += len(part)
    value = text[position:].rstrip()
    if keyword not in _KEYWORDS:
        faults.append(Fault(first, f"unknown instruction {keyword[:40]}"))
    heredocs = _heredocs(value, lines, end, first, faults) if keyword in _WITH_HEREDOC else ()
    return Instruction(
        keyword=keyword,
        value=value,
        line=first,
        end_line=heredocs[-1].end if heredocs else end,
        starts=tuple(starts),
        flags=tuple(flags),
        heredocs=heredocs,
        trigger=trigger,
        unfinished=unfinished,
    )


def _keyword(text: str, position: int) -> tuple[str, int]:
    match = _HEAD.match(text, position)
    return (match[1].upper(), match.end()) if match else ("", len(text))


def _heredocs(
    value: str, lines: Sequence[str], end: int, first: int, faults: list[Fault]
) -> tuple[Heredoc, ...]:
    # `<<` in quotes is text, unless the quotes are around the name alone.
    bare = _QUOTED.sub(lambda match: " " * len(match[0]) if match[2] and not match[1] else match[0], value)
    heredocs = []
    for match in _HEREDOC.finditer(bare):
        name, dash, start = match[3], bool(match[1]), end
        body = iter(lines[start:])
        text = []
        for line in body:
            end += 1
            plain = line.lstrip("\t") if dash else line
            if plain == name:
                break
            text.append(plain)
        else:
            faults.append(Fault(first, f"its heredoc <<{name[:40]} has no end"))
            break
        heredocs.append(Heredoc(name, "\n".join(text), start + 1, end, dash))
    return tuple(heredocs)


def _stages(instructions: tuple[Instruction, ...], faults: list[Fault]) -> Iterator[Stage]:
    froms = [index for index, each in enumerate(instructions) if each.keyword == "FROM" and not each.trigger]
    before = instructions[: froms[0]] if froms else instructions
    faults += [
        Fault(each.line, f"{each.keyword[:40]} stands before the first FROM")
        for each in before
        if each.keyword != "ARG"
    ]
    if instructions and not froms:
        faults.append(Fault(instructions[-1].line, "there is no FROM in it"))
    outer: dict[str, str | None] = {}
    for each in before:
        _assign(each, outer, {})
    for index, (start, stop) in enumerate(pairwise([*froms, len(instructions)])):
        source, inner = instructions[start], instructions[start + 1 : stop]
        image, *rest = source.value.split() or [""]
        named = len(rest) == 2 and rest[0].upper() == "AS"
        if not image or (rest and not named):
            faults.append(Fault(source.line, "FROM takes an image, or an image AS a name"))
        variables: dict[str, str | None] = {}
        for each in inner:
            _assign(each, variables, outer)
        yield Stage(
            index=index,
            name=rest[1] if named else None,
            base=expand(image, outer) or None,
            source=source,
            instructions=inner,
            variables=variables,
        )


def _assign(
    instruction: Instruction, variables: dict[str, str | None], outer: Mapping[str, str | None]
) -> None:
    if instruction.keyword not in ("ARG", "ENV") or instruction.trigger:
        return
    for name, value, _ in instruction.pairs():
        if value is None:
            variables[name] = outer.get(name)
        else:
            variables[name] = expand(value, variables)
