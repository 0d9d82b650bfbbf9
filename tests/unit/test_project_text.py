from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.project.text import decode, is_text, split_lines

TEXT = "flask==3.1.2\r\nname = 'Zürich €'\n"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
    ],
)
def test_marks_and_utf8(mark: bytes, encoding: str) -> None:
    data = mark + TEXT.encode(encoding)
    assert decode(data) == TEXT
    assert is_text(data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding: str) -> None:
    data = "flask==3.1.2\r\n".encode(encoding)
    assert decode(data) == "flask==3.1.2\r\n"
    assert is_text(data)


def test_half_a_character_after_a_mark_is_no_error() -> None:
    assert decode(codecs.BOM_UTF16_LE + b"a\0b") == "a\ufffd"


def test_latin1_is_what_remains() -> None:
    assert decode("Größe".encode("latin-1")) == "Größe"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"# -*- coding: cp1252 -*-\nx = '\x80'\n", "€"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", "€"),
        (b"\n# coding: cp1252\nx = '\x80'\n", "€"),
        (b"# coding: utf-7\nx = '+AGE-'\n", "'a'"),
        (b"# coding: nonsense\nx = '\x80'\n", "\x80"),
        (b"# coding: zlib\nx = '\x80'\n", "\x80"),
        (b"# coding: rot13\nx = 'abc'\n", "abc"),
        (b"# coding: ascii\nx = '\x80'\n", "\x80"),
        (b"x = 1\n# coding: cp1252\ny = '\x80'\n", "\x80"),
        (b"#\n#\n# coding: cp1252\ny = '\x80'\n", "\x80"),
    ],
)
def test_pythons_coding_line(data: bytes, expected: str) -> None:
    assert expected in decode(data, python=True)


def test_the_coding_line_means_nothing_outside_python() -> None:
    assert decode(b"# coding: cp1252\n\x80") == "# coding: cp1252\n\x80"


@pytest.mark.parametrize(
    "data", [b"\x00\x01\x02", b"text\0text", b"\0", bytes(100), b"a\0\x01\0" * 9, b"ELF\0\0\0"]
)
def test_binary(data: bytes) -> None:
    assert not is_text(data)


def test_an_empty_file_is_text() -> None:
    assert is_text(b"")


def test_lines_are_split_as_editors_do() -> None:
    assert split_lines("a\nb\r\nc\rd\x0ce\u2028f\x85g\n") == ["a", "b", "c", "d\x0ce\u2028f\x85g"]
    assert split_lines("") == []
    assert split_lines("\n") == [""]
    assert split_lines("a\n\n") == ["a", ""]


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_decode(data: bytes, python: bool) -> None:
    assert isinstance(decode(data, python=python), str)
    assert is_text(data) in (True, False)
