"""Command lines of ours in Markdown: the command line must know their commands and options (pure)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import click
from click.exceptions import UsageError

from release import markdown
from release.snippets import pages
from release.tree import Place, Tree

PROGRAM = "mlsecops"
_SHELL = frozenset({"", "sh", "bash", "console", "shell", "text"})
_SEPARATORS = re.compile(r"\s(?:&&|\|\|?)\s|;\s")
# In a line of text, `mlsecops (all)` is the name of a check and no command.
_WORD = re.compile(r"-{0,2}[a-z][a-z-]*")
# What stands for something that the reader fills in: NAME, [PATH], <dir>, ...
_PLACEHOLDER = re.compile(r"\[?<?[A-Z][A-Z_-]*>?\]?|<[^>]*>|\[[^\]]*\]|…|\.\.\.")


def command_complaints(tree: Tree, command: click.Command) -> list[str]:
    """Every command line in the Markdown files that the command would not understand, one sentence each."""
    return [
        f"{Place(name, line)}: '{PROGRAM} {shlex.join(words)}' does not work: {complaint}"
        for name in pages(tree)
        for line, words in command_lines(tree.text(name))
        if (complaint := _complaint(command, words))
    ]


def command_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The arguments of every command line of ours on a page, with its line."""
    for code in markdown.code(text):
        if code.language not in _SHELL:
            continue
        for offset, line in _lines(code.text):
            for part in _SEPARATORS.split(line):
                words = _words(part)
                if _is_ours(words) and (code.block or _WORD.fullmatch(words[1])):
                    yield code.line + offset, words[1:]


def _is_ours(words: Sequence[str]) -> bool:
    return len(words) > 1 and PurePosixPath(words[0]).name == PROGRAM


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a script, those that go on after a backslash as one."""
    start, whole = 0, ""
    for number, line in enumerate(text.splitlines()):
        start = start if whole else number
        whole += line.removesuffix("\\")
        if not line.endswith("\\"):
            yield start, whole
            whole = ""
    if whole:
        yield start, whole


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:
        return []
    # Settings of the environment before the command.
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    return words


def _complaint(command: click.Command, words: Sequence[str]) -> str:
    rest = list(words)
    names = [PROGRAM]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if _PLACEHOLDER.fullmatch(name):
            return ""
        if name not in command.commands:
            return f"{' '.join(names)} has no command '{name}'"
        command = command.commands[name]
        names.append(name)
    context = click.Context(command, info_name=" ".join(names))
    try:
        values, unknown, _ = command.make_parser(context).parse_args(
            [word for word in rest if not (_PLACEHOLDER.fullmatch(word) and word.startswith("["))]
        )
    except UsageError as error:
        return error.message.removesuffix(".")
    if unknown:
        return f"'{unknown[0]}' is one argument too many"
    return _wrong_choice(command, context, values)


def _wrong_choice(command: click.Command, context: click.Context, values: dict[str, object]) -> str:
    for parameter in command.params:
        value = values.get(parameter.name or "")
        for each in value if isinstance(value, list | tuple) else [value]:
            choice = isinstance(parameter.type, click.Choice) and isinstance(each, str)
            if not choice or _PLACEHOLDER.fullmatch(str(each)):
                continue
            try:
                parameter.type.convert(each, parameter, context)
            except UsageError as error:
                return error.message.removesuffix(".")
    return ""
