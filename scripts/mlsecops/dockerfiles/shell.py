"""The commands in a RUN, CMD or ENTRYPOINT, as far as checks need them: not a shell, and it runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from posixpath import basename

from mlsecops.dockerfiles.instruction import WORD, Heredoc, Instruction, unquote

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "fish"})
_DEPTH = 3
# One token: text, the end of a command, or a pipe; a closing bracket hands on what the commands in it print.
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'[^']*'|\\.|[<>]&|&>|[^"'\\|&;\n<>()]+)"""
    r"""|(?P<end>\|\||&&|[;\n&(])|(?P<pipe>[|)])|(?P<other>.)""",
    re.DOTALL,
)
_SUBSTITUTION = re.compile(r"[$<]\(([^()]*(?:\([^()]*\)[^()]*)*)\)|`([^`]*)`")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(\S+)")
_BEFORE_A_COMMAND = frozenset(
    {
        *("!", "{", "}", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac"),
        *("time", "exec", "command", "nohup", "env"),
    }
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command: `words` without quotes, the program first; `text` as written, from `line` on.

    Commands of one `pipeline` feed each other, in order. `sudo` says that it was started through sudo.
    """

    words: tuple[str, ...]
    text: str
    line: int
    pipeline: int
    sudo: bool = False

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return basename(self.words[0]) if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the program."""
        return self.words[1:]


@dataclass(frozen=True, slots=True)
class Script:
    """Shell text and the way from its offsets to lines of the file."""

    text: str
    line_at: Callable[[int], int]


def scripts(instruction: Instruction) -> Iterator[Script]:
    """The shell texts of an instruction: what follows it, and the heredocs that a shell reads."""
    words = instruction.json()
    if words is None:
        yield Script(instruction.value, instruction.line_at)
    else:
        # The exec form has no shell of its own: its words are quoted as one command.
        quoted = " ".join(f"'{word}'" if re.search(r"[\s;&|<>]", word) else word for word in words)
        yield Script(quoted, lambda _: instruction.line)
    shell = instruction.keyword == "RUN" and _reads_script(instruction.value)
    for heredoc in instruction.heredocs:
        if _is_script(heredoc, shell):
            yield Script(_COMMENT.sub(_blank, heredoc.text), heredoc.line_at)


def commands(script: Script) -> list[Command]:
    """The commands of a script in order, each followed by those in its `sh -c '...'` and its `$(...)`."""
    return list(_commands(script, count(), _DEPTH))


def _commands(script: Script, numbers: Iterator[int], depth: int) -> Iterator[Command]:
    # What is substituted is looked at on its own: its pipes and ends are not those of its surroundings.
    bare = _SUBSTITUTION.sub(lambda match: "$" + "_" * (len(match[0]) - 1), script.text)
    pipeline = next(numbers)
    for start, end, ends in _pieces(bare):
        offset = end - len(bare[start:end].lstrip())
        line = script.line_at(offset)
        command = _command(bare[start:end], script.text[start:end].strip(), line, pipeline)
        if command.words or command.sudo:
            yield command
        inner = _inner(command)
        if inner is not None and depth:
            yield from _commands(Script(inner, partial(_same, line)), numbers, depth - 1)
        if ends:
            pipeline = next(numbers)
    if depth:
        for match in _SUBSTITUTION.finditer(script.text):
            place = partial(_same, script.line_at(match.start()))
            yield from _commands(Script(match[1] or match[2] or "", place), numbers, depth - 1)


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each command, and whether its pipeline ends there."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup in ("end", "pipe"):
            yield start, token.start(), token.lastgroup == "end"
            start = token.end()
    yield start, len(text), True


def _command(bare: str, text: str, line: int, pipeline: int) -> Command:
    words = [word[0] for word in WORD.finditer(bare)]
    sudo = False
    while words:
        first = words[0]
        if basename(first) == "sudo":
            sudo = True
            words.pop(0)
            while words and words[0].startswith("-"):
                words.pop(0)
        elif first in _BEFORE_A_COMMAND or first.startswith("<<") or _ASSIGNMENT.match(first):
            words.pop(0)
        else:
            break
    plain = tuple(unquote(word) for word in words)
    return Command(words=plain, text=text, line=line, pipeline=pipeline, sudo=sudo)


def _inner(command: Command) -> str | None:
    """The script that `sh -c` is given."""
    if command.program in SHELLS:
        for option, script in zip(command.arguments, command.arguments[1:], strict=False):
            if re.fullmatch(r"-[a-z]*c", option):
                return script
    return None


def _reads_script(value: str) -> bool:
    """Whether a shell, or BuildKit itself, reads the heredocs of a RUN."""
    before, _, after = value.partition("<<")
    programs = (_command(text, "", 0, 0).program for text in (before, after.partition(" ")[2]))
    return next((program for program in programs if program), "sh") in SHELLS


def _is_script(heredoc: Heredoc, shell: bool) -> bool:
    shebang = _SHEBANG.match(heredoc.text)
    return basename(shebang[1]) in SHELLS if shebang and shell else shell


def _same(line: int, _: int) -> int:
    return line


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
