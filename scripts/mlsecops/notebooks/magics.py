"""IPython's own syntax -> plain Python that does the same, line for line.

What runs stays visible to a scanner: a shell command becomes a call with the command as a string, and the
statement behind `%time` or `%%capture` becomes the statement itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsecops.project.apps import parse


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHELLS = _words("bash sh zsh ksh fish system sx ! !! cmd powershell pwsh")
_STATEMENT_MAGICS = _words("time timeit prun memit mprun lprun debug python py")
_PYTHON_CELLS = _STATEMENT_MAGICS | _words("capture python2 python3 pypy snakeviz pyinstrument")
_MOST_MAGICS = 20  # one behind the other; nobody writes as many
_FILE_CELLS = _words("writefile file")
_OTHER_CELLS = _words("javascript js html svg latex markdown perl ruby r sql bigquery cython julia node")
_AUTOMAGIC = re.compile(
    r"(pip3?|conda|mamba|cd|ls|ll|cat|cp|mv|rm|rmdir|mkdir|pwd|who|whos|load|run|matplotlib)\b(.*)"
)

_CELL_MAGIC = re.compile(r"%%([\w!]+)[ \t]*(.*)")
_LINE_MAGIC = re.compile(r"%{1,2}([A-Za-z_][\w.]*)[ \t]*(.*)")
_HELP_NAME = re.compile(r"%{0,2}[A-Za-z_][\w.*\[\]]*")
_AUTOCALL = re.compile(r"([,;/])[ \t]*([A-Za-z_][\w.]*)[ \t]*(.*)")
_OPTIONS = re.compile(r"(?:-\w+(?:[ \t]+\d+)?[ \t]+)*")

_TOKEN = re.compile(
    r"""(?P<triple>'''|\"\"\")
    |(?P<string>"(?:\\.|[^"\\])*+["\\]?|'(?:\\.|[^'\\])*+['\\]?)
    |(?P<comment>\#.*)
    |(?P<bracket>[()\[\]{}])""",
    re.VERBOSE,
)
_TRIPLE_END = {mark: re.compile(rf"(?:\\.|[^\\])*?{mark}", re.DOTALL) for mark in ("'''", '"""')}


@dataclass(frozen=True, slots=True)
class PythonCell:
    """A cell as Python, as many lines as it had; `language` is what it is really in.

    `problem` says why it is no Python, with the line of the cell; its lines are then comments.
    """

    lines: tuple[str, ...]
    language: str = "python"
    problem: tuple[str, int] | None = None


def to_python(lines: tuple[str, ...]) -> PythonCell:
    """Convert a code cell."""
    converted, language = _cell(list(lines))
    if language != "python":
        return PythonCell(_commented(lines), language)
    problem = _problem(converted)
    if problem and (magic := _automagic(lines)):
        return PythonCell(tuple(magic))
    if problem:
        return PythonCell(_commented(lines), problem=problem)
    return PythonCell(tuple(converted))


def _cell(lines: list[str]) -> tuple[list[str], str]:
    """A cell's lines converted, and the language of what is in it."""
    head: list[str] = []
    unknown = ""
    while match := _CELL_MAGIC.match(next((line for line in lines[len(head) :] if line.strip()), "")):
        name, arguments = match[1].lower(), match[2].strip()
        program = _program(name, arguments)
        while not lines[len(head)].strip():
            head.append("")
        head.append(f"get_ipython().run_cell_magic({match[1]!r}, {arguments!r}, '')")
        if program in _SHELLS:
            return head + _shell(lines[len(head) :]), "python"
        if program in _OTHER_CELLS or (name in _FILE_CELLS and not arguments.endswith(".py")):
            return lines, program
        if program not in _PYTHON_CELLS | _FILE_CELLS:
            unknown = unknown or program
        if len(head) > _MOST_MAGICS:
            break
    converted = head + _python(lines[len(head) :])
    return (lines, unknown) if unknown and _problem(converted) else (converted, "python")


def _program(name: str, arguments: str) -> str:
    """What runs a cell: its magic, or the program that `%%script` names."""
    if name != "script":
        return name
    words = [word for word in arguments.split() if not word.startswith("-")]
    program = words[0].rpartition("/")[2].lower() if words else "script"
    return "python" if program.startswith(("python", "pypy")) else program


def _shell(lines: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(lines):
        command, taken = _continued(lines, at)
        is_command = command.strip() and not command.lstrip().startswith("#")
        out.append(f"get_ipython().system({command.strip()!r})" if is_command else "")
        out += [""] * (taken - 1)
        at += taken
    return out


def _python(lines: list[str]) -> list[str]:
    lines = _dedented(lines)
    out: list[str] = []
    state = _State()
    at = 0
    while at < len(lines):
        converted: str | None = None
        taken = 1
        if state.at_start:
            line, taken = _continued(lines, at)
            converted = _line(line, depth=0)
        if converted is None:
            taken = 1
            converted = lines[at]
        state.advance(converted)
        out += [converted] + [""] * (taken - 1)
        at += taken
    return out


def _line(line: str, depth: int) -> str | None:
    """One logical line that begins a statement, converted; None when it is plain Python.

    `depth` counts the magics that it stands behind, as in `%time %prun f()`.
    """
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    if body.startswith("!"):
        kind = "getoutput" if body.startswith("!!") else "system"
        return f"{indent}get_ipython().{kind}({body.lstrip('!').strip()!r})"
    if name := _asks_help(body):
        return f"{indent}get_ipython().run_line_magic('pinfo', {name!r})"
    if match := _LINE_MAGIC.match(body):
        return indent + _magic_call(match[1], match[2].strip(), depth)
    if match := _AUTOCALL.match(body):
        return indent + _auto_call(match[1], match[2], match[3].strip())
    assigned = _assigned(body, depth)
    return None if assigned is None else indent + assigned


def _asks_help(body: str) -> str | None:
    """The name that `name?` or `?name` asks about."""
    question = body.partition("#")[0].strip()
    name = question.strip("?").strip()
    return name if name != question and _HELP_NAME.fullmatch(name) else None


def _assigned(body: str, depth: int) -> str | None:
    """`x = !command` and `x = %magic`, converted; None for anything else."""
    target, equals, value = body.partition("=")
    value = value.strip()
    if not equals or set("!%#") & set(target) or not value.startswith(("!", "%")):
        return None
    if value.startswith("!"):
        return f"{target.rstrip()} = get_ipython().getoutput({value.lstrip('!').strip()!r})"
    magic = _LINE_MAGIC.match(value)
    return f"{target.rstrip()} = {_magic_call(magic[1], magic[2].strip(), depth)}" if magic else None


def _magic_call(name: str, arguments: str, depth: int) -> str:
    call = f"get_ipython().run_line_magic({name!r}, {arguments!r})"
    if name not in _STATEMENT_MAGICS or depth > _MOST_MAGICS:
        return call
    options = _OPTIONS.match(arguments)
    statement = arguments[options.end() :] if options else arguments
    statement = _line(statement, depth + 1) or statement
    return statement if statement.strip() and _problem([statement]) is None else call


def _auto_call(mark: str, name: str, arguments: str) -> str:
    if mark == "/":
        return f"{name}({arguments})"
    words = arguments.split() if mark == "," else [arguments]
    return f"{name}({', '.join(repr(word) for word in words)})"


def _automagic(lines: tuple[str, ...]) -> list[str] | None:
    """A cell of one line such as `pip install x`, which IPython takes for a magic without its mark."""
    written = [line for line in lines if line.strip()]
    match = _AUTOMAGIC.match(written[0].strip()) if len(written) == 1 else None
    if match is None:
        return None
    call = f"get_ipython().run_line_magic({match[1]!r}, {match[2].strip()!r})"
    return [call if line.strip() else line for line in lines]


def _continued(lines: list[str], at: int) -> tuple[str, int]:
    """The line at an index joined with those that backslashes continue it with, and how many they are."""
    end = at
    while end + 1 < len(lines) and lines[end].endswith("\\"):
        end += 1
    if end == at:
        return lines[at], 1
    return " ".join([line.removesuffix("\\").rstrip() for line in lines[at : end + 1]]), end - at + 1


def _dedented(lines: list[str]) -> list[str]:
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return [line.removeprefix(indent) for line in lines] if indent else lines


def _problem(lines: list[str]) -> tuple[str, int] | None:
    """Why lines are no Python, and the line; None when they are."""
    try:
        parse("\n".join(lines))
    except SyntaxError as error:
        return error.msg or "invalid syntax", error.lineno or 1
    return None


def _commented(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"# {line}" if line.strip() else "" for line in lines)


class _State:
    """Whether the next line begins a statement: not inside a string, brackets or a continued line."""

    def __init__(self) -> None:
        self._triple = ""
        self._depth = 0
        self._continued = False

    @property
    def at_start(self) -> bool:
        return not (self._triple or self._depth or self._continued)

    def advance(self, line: str) -> None:
        """Take a line into account."""
        at = 0
        code_end = len(line)
        while True:
            if self._triple:
                end = _TRIPLE_END[self._triple].match(line, at)
                if end is None:
                    return
                self._triple = ""
                at = end.end()
            token = _TOKEN.search(line, at)
            if token is None:
                break
            at = token.end()
            if token["triple"]:
                self._triple = token["triple"]
            elif token["comment"]:
                code_end = token.start()
                break
            elif token["bracket"]:
                self._depth = max(0, self._depth + (1 if token["bracket"] in "([{" else -1))
        self._continued = line[:code_end].endswith("\\")
