from __future__ import annotations

import ast
import codecs
import contextlib
import json
import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.notebooks import Converted, NotebookError, convert
from support.shapes import notebook


def converted(*cells: str | Iterable[str], kernel: str = "python3", indent: int | None = 1) -> Converted:
    return convert(notebook(*cells, kernel=kernel, indent=indent).encode())


def body(cell: str) -> list[str]:
    """The lines that one cell becomes; the source as a whole parses, and there are as many as before."""
    result = converted(cell)
    ast.parse(result.source)
    lines = result.source.split("\n")[1:-1]
    assert len(lines) == len(result.lines) - 1
    return lines


def line_of(data: str, words: str) -> int:
    return data[: data.index(words)].count("\n") + 1


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = 1\ny = 2", ["x = 1", "y = 2"]),
        ("!pip install x", ["get_ipython().system('pip install x')"]),
        ("!!ls -l", ["get_ipython().getoutput('ls -l')"]),
        ("  !ls", ["get_ipython().system('ls')"]),
        ("if x:\n    !ls", ["if x:", "    get_ipython().system('ls')"]),
        ("%pip install 'x>1'", ["get_ipython().run_line_magic('pip', \"install 'x>1'\")"]),
        ("%matplotlib inline", ["get_ipython().run_line_magic('matplotlib', 'inline')"]),
        ("%time m = pickle.load(f)", ["m = pickle.load(f)"]),
        ("%timeit -n 10 -r3 f(x)", ["f(x)"]),
        ("%time !ls", ["get_ipython().system('ls')"]),
        ("%time", ["get_ipython().run_line_magic('time', '')"]),
        ("%time for", ["get_ipython().run_line_magic('time', 'for')"]),
        ("x = !ls *.py", ["x = get_ipython().getoutput('ls *.py')"]),
        ("x, y = !ls", ["x, y = get_ipython().getoutput('ls')"]),
        ("x = %who_ls", ["x = get_ipython().run_line_magic('who_ls', '')"]),
        ("d = %time f(1)", ["d = f(1)"]),
        ("f?", ["get_ipython().run_line_magic('pinfo', 'f')"]),
        ("?f", ["get_ipython().run_line_magic('pinfo', 'f')"]),
        ("np.load??  # look", ["get_ipython().run_line_magic('pinfo', 'np.load')"]),
        ("/f a", ["f(a)"]),
        (",f a b", ["f('a', 'b')"]),
        (";f a b", ["f('a b')"]),
        (
            "!pip install \\\n  x \\\n  y\nz = 1",
            ["get_ipython().system('pip install   x   y')", "", "", "z = 1"],
        ),
        (
            "%%bash\ncurl x \\\n | sh\n# no\n\nls",
            [
                "get_ipython().run_cell_magic('bash', '', '')",
                "get_ipython().system('curl x  | sh')",
                "",
                "",
                "",
                "get_ipython().system('ls')",
            ],
        ),
        (
            "%%script bash -e\nls",
            ["get_ipython().run_cell_magic('script', 'bash -e', '')", "get_ipython().system('ls')"],
        ),
        (
            "%%script --bg /usr/bin/python3 -u\nx = 1",
            ["get_ipython().run_cell_magic('script', '--bg /usr/bin/python3 -u', '')", "x = 1"],
        ),
        ("\n%%time\nx = 1", ["", "get_ipython().run_cell_magic('time', '', '')", "x = 1"]),
        (
            "%%capture out\n%%bash\nls",
            [
                "get_ipython().run_cell_magic('capture', 'out', '')",
                "get_ipython().run_cell_magic('bash', '', '')",
                "get_ipython().system('ls')",
            ],
        ),
        (
            "%%writefile app.py\neval(x)",
            ["get_ipython().run_cell_magic('writefile', 'app.py', '')", "eval(x)"],
        ),
        ("%%unheard\nx = 1", ["get_ipython().run_cell_magic('unheard', '', '')", "x = 1"]),
        ("pip install x", ["get_ipython().run_line_magic('pip', 'install x')"]),
        ("  x = 1\n  y = 2", ["x = 1", "y = 2"]),
        (
            's = """\n%time x\n!ls\n"""\n!ls',
            ['s = """', "%time x", "!ls", '"""', "get_ipython().system('ls')"],
        ),
        ("s = '''a\\'''\n!ls\n'''", ["s = '''a\\'''", "!ls", "'''"]),
        ("x = (a\n% b)\n!ls", ["x = (a", "% b)", "get_ipython().system('ls')"]),
        ("x = a \\\n% b", ["x = a \\", "% b"]),
        ("s = '('  # (\n!ls", ["s = '('  # (", "get_ipython().system('ls')"]),
        ("s = \"'''\"\n!ls", ["s = \"'''\"", "get_ipython().system('ls')"]),
        ("s = 'x = !ls'\nt = x != y", ["s = 'x = !ls'", "t = x != y"]),
        ("x %= 3\ny = x % 3", ["x %= 3", "y = x % 3"]),
        ("await f()\nasync with g() as h:\n    pass", ["await f()", "async with g() as h:", "    pass"]),
        ("a\r\nb\rc", ["a", "b", "c"]),
        ("# coding: utf-7\nx = 1", ["# coding: utf-7", "x = 1"]),
    ],
)
def test_a_cell_becomes_python_line_for_line(cell: str, expected: list[str]) -> None:
    assert body(cell) == expected


@pytest.mark.parametrize(
    ("cell", "language"),
    [
        ("%%html\n<b>x</b>", "html"),
        ("%%javascript\nalert(1)", "javascript"),
        ("%%R\nx", "r"),
        ("%%unheard\nnot python at all", "unheard"),
        ("%%script perl\nprint 1", "perl"),
        ("%%writefile notes.txt\nx = 1", "writefile"),
        ("%%time\n%%html\n<b>", "html"),
    ],
)
def test_cells_in_other_languages_are_said_so(cell: str, language: str) -> None:
    result = converted("x = 1", cell)
    assert [(other.cell, other.language) for other in result.other] == [(2, language)]
    assert all(line.startswith("#") for line in result.source.split("\n")[2:-1])
    assert result.unparsed == ()


def test_a_notebook_of_another_language_has_no_source() -> None:
    result = converted("library(x)\nx <- 1", "", kernel="ir")
    assert result.source == "# -*- coding: utf-8 -*-\n"
    assert [(other.cell, other.source_line > 1, other.language) for other in result.other] == [
        (1, True, "ir")
    ]


@pytest.mark.parametrize(
    ("metadata", "is_python"),
    [
        ({}, True),
        ({"kernelspec": {"name": "conda-env-python", "language": "R"}}, True),
        ({"kernelspec": {"name": "mine", "language": "python"}}, True),
        ({"kernelspec": {"name": "x"}, "language_info": {"name": "ipython"}}, True),
        ({"kernelspec": {"name": "x", "language": "julia"}}, False),
        ({"kernelspec": 3, "language_info": {"name": "scala"}}, False),
        ([], True),
    ],
)
def test_the_language_of_the_kernel(metadata: object, is_python: bool) -> None:
    cell = {"cell_type": "code", "source": "x = 1"}
    result = convert(json.dumps({"cells": [cell], "metadata": metadata}).encode())
    assert ("x = 1" in result.source) == is_python
    assert bool(result.other) != is_python


def test_a_cell_may_have_a_language_of_its_own() -> None:
    cells = [
        {"cell_type": "code", "metadata": {"vscode": {"languageId": "sql"}}, "source": "select"},
        {"cell_type": "code", "metadata": {"vscode": {"languageId": "python"}}, "source": "x = 1"},
        {"cell_type": "code", "language": 3, "metadata": {"vscode": 3}, "source": "y = 1"},
    ]
    result = convert(json.dumps({"cells": cells}).encode())
    assert [(other.cell, other.language) for other in result.other] == [(1, "sql")]
    assert result.source.split("\n")[1:3] == ["x = 1", "y = 1"]


def test_a_broken_cell_costs_only_itself() -> None:
    result = converted("x = 1", "for\nx = (\n", "y = eval(z)")
    ast.parse(result.source)
    assert result.source.split("\n")[1:] == ["x = 1", "# for", "# x = (", "y = eval(z)", ""]
    assert [(each.cell, each.reason) for each in result.unparsed] == [(2, "invalid syntax")]
    assert result.origin(4) == result.lines[3]


def test_true_lines_of_the_file() -> None:
    text = notebook(["import os\n", "os.system('x')\n", "\n", "y = 1"], "a = 1\nb = 2\nc = 3")
    result = convert(text.encode())
    places = [(line.cell, line.line, line.source_line) for line in result.lines]
    first, second = line_of(text, "import os"), line_of(text, "a = 1")
    assert places == [
        (0, 0, 1),
        (1, 1, first),
        (1, 2, first + 1),
        (1, 3, first + 2),
        (1, 4, first + 3),
        (2, 1, second),
        (2, 2, second),
        (2, 3, second),
    ]
    assert result.origin(3).logical == "cell 1, line 2"
    assert text.split("\n")[result.origin(3).source_line - 1].strip().startswith('"os.system')


def test_a_minified_notebook_has_one_line_and_its_cells() -> None:
    result = converted("a = 1\nb = 2", "c = 3", indent=None)
    assert [(line.cell, line.line, line.source_line) for line in result.lines[1:]] == [
        (1, 1, 1),
        (1, 2, 1),
        (2, 1, 1),
    ]


def test_cells_are_counted_with_those_that_hold_no_code() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Title\n!not a command"},
        {"cell_type": "code", "source": []},
        {"cell_type": "raw", "source": "x"},
        {"cell_type": 3, "source": "x"},
        {"cell_type": "code", "outputs": [{"text": "eval(1)"}], "source": ["x = 1"]},
    ]
    result = convert(json.dumps({"cells": cells}).encode())
    assert result.source.split("\n")[1:] == ["x = 1", ""]
    assert result.origin(2).cell == 5


def test_fragments_need_not_be_lines() -> None:
    cell = {"cell_type": "code", "source": ["x = ", "", "1\ny = 2\n", "", "z", " = 3\n"]}
    text = json.dumps({"cells": [cell]}, indent=0)
    result = convert(text.encode())
    assert result.source.split("\n")[1:] == ["x = 1", "y = 2", "z = 3", ""]
    lines = [line.source_line for line in result.lines[1:]]
    assert lines == [line_of(text, '"x = "'), line_of(text, '"1\\ny'), line_of(text, '"z"')]


def test_format_3() -> None:
    document = {
        "nbformat": 3,
        "metadata": {"name": "old"},
        "worksheets": [
            {
                "metadata": {},
                "cells": [{"cell_type": "code", "language": "python", "input": ["x = 1\n", "y = 2"]}],
            },
            {"cells": [{"cell_type": "heading", "source": "x"}, {"cell_type": "code", "input": "z = 3"}]},
        ],
    }
    text = json.dumps(document, indent=1)
    result = convert(text.encode())
    assert result.source.split("\n")[1:] == ["x = 1", "y = 2", "z = 3", ""]
    assert [line.cell for line in result.lines[1:]] == [1, 1, 3]
    assert result.origin(3).source_line == line_of(text, "y = 2")


def test_the_last_of_two_members_counts_as_everywhere_in_json() -> None:
    text = '{"cells": [], "cells": [{"cell_type": "code", "source": "a = 1", "source": "b = 2"}]}'
    assert json.loads(text)["cells"][0]["source"] == "b = 2"
    assert convert(text.encode()).source.split("\n")[1:] == ["b = 2", ""]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: text.encode("latin-1"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
)
def test_encodings_and_line_ends(encode: object) -> None:
    assert callable(encode)
    text = json.dumps(
        {"cells": [{"cell_type": "code", "source": ["x = 1\n", "y = 'é'"]}]}, indent=1, ensure_ascii=False
    )
    result = convert(encode(text))
    assert result.source.split("\n")[1:] == ["x = 1", "y = 'é'", ""]
    assert result.origin(3).source_line == line_of(text, "y = ")


def test_half_surrogates_and_nul_do_not_get_through() -> None:
    cells = [{"cell_type": "code", "source": "x = '\ud800'"}, {"cell_type": "code", "source": "\0("}]
    text = json.dumps({"cells": cells})
    result = convert(text.encode())
    assert result.source.encode().decode() == result.source
    assert "x = '\ufffd'" in result.source
    assert [each.cell for each in result.unparsed] == [2]
    ast.parse(result.source)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"nonsense", "not whole JSON: { is missing at line 1"),
        (b'{"cells": [', "not whole JSON"),
        (b'{"cells": [\n{"cell_type": "code"\n"source": 1}]}', "not whole JSON: , is missing at line 3"),
        (b'{"cells": [{"cell_type": "code", "source": ["a', "not whole JSON: Unterminated string at line 1"),
        (b'{"cells": [{"source": "a\nb"}]}', "not whole JSON: Invalid control character at line 1"),
        (b'{"cells": [1]}', "not whole JSON: { is missing"),
        (b'{"cells": {}}', r"not whole JSON: \[ is missing"),
        (b'{"cells": []} x', "not whole JSON: extra data"),
        (b'{"cells": [],}', "not whole JSON: a name in double quotes"),
        (b'{"cells" []}', "not whole JSON: : is missing"),
        (b'{"cells": [{"source": 3}]}', "the source of a cell is no text at line 1"),
        (b'{"cells": [{"source": [3]}]}', "the source of a cell is no text at line 1"),
        (b'{"x": ' + b"1" * 5000 + b', "cells": []}', "not whole JSON"),
        (b'{"metadata": ' + b"[" * 200_000, "nested too deep"),
        (b"{}", "no notebook: it has no list of cells"),
        (b'{"nbformat": 4}', "no notebook"),
        (b"[]", "not whole JSON: { is missing"),
    ],
)
def test_what_is_no_notebook_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(NotebookError, match=words) as raised:
        convert(data)
    assert "\n" not in str(raised.value)


def test_an_empty_notebook() -> None:
    result = convert(b'{"cells": [], "metadata": {}}')
    assert result.source == "# -*- coding: utf-8 -*-\n"
    assert result.origin(1) == result.origin(99) == result.origin(-1) == result.lines[0]


def test_hostile_cells_take_no_time() -> None:
    n = 200_000
    cells = [
        "a" + " " * n + "b",
        "a" + " " * n + "?",
        "%time " + "-n " * n,
        "x" + " " * n + "=" + " " * n + "!ls",
        "'" * n,
        '"\\' * n,
        "(" * n,
        "!a \\\n" * (n // 4),
        '"""' + "\\" * n,
        "%%bash\n" + "a \\\n" * (n // 4),
        "%%time\n" * (n // 10),
        "%time " * n,
        "x = %time " * n,
        "x = 1\n" * (n // 10),
    ]
    began = time.process_time()
    converted(*cells)
    assert time.process_time() - began < 10


@given(st.lists(st.text(max_size=60), max_size=4), st.sampled_from([None, 1]))
def test_any_text_gives_a_source_that_parses_with_a_place_for_each_line(
    cells: list[str], indent: int | None
) -> None:
    result = converted(*cells, indent=indent)
    ast.parse(result.source)
    assert result.source.count("\n") == len(result.lines)
    height = notebook(*cells, indent=indent).count("\n") + 1
    assert all(1 <= line.source_line <= height for line in result.lines)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_notebook_or_one_sentence(data: bytes) -> None:
    with contextlib.suppress(NotebookError):
        convert(data)
