"""Text of tools and of scanned files carries no control over the place where it is shown."""

from __future__ import annotations

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.sarif.text import clean, first_sentence, printable, scrub, shorten


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1bMy\x1b", "xy"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("nul\x00 bell\x07 del\x7f c1\x9b", "nul bell del c1"),
        ("admin\u202egpj.exe", "admingpj.exe"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("  tab\tstays  ", "tab\tstays"),
        (None, ""),
        (7, ""),
    ],
)
def test_clean(given_text: object, expected: str) -> None:
    assert clean(given_text) == expected


@given(st.text(st.characters(codec=None)), st.integers(min_value=0, max_value=50))
def test_clean_text_is_short_printable_and_can_be_written(text: str, limit: int) -> None:
    cleaned = clean(text, limit)

    assert len(cleaned) <= limit
    assert all(unicodedata.category(each) not in {"Cc", "Cs"} for each in cleaned if each not in "\n\t")
    orjson.dumps(cleaned)


def test_cleaning_twice_is_cleaning_once() -> None:
    text = "\x1b[1m" + "long " * 2_000

    assert clean(clean(text)) == clean(text)


def test_shortened_text_says_how_long_it_was() -> None:
    assert shorten("x" * 100, 40) == "x" * (40 - len(" … [100 characters]")) + " … [100 characters]"
    assert shorten("x" * 40, 40) == "x" * 40


def test_printable_keeps_indentation() -> None:
    assert printable("    return 1\n") == "    return 1\n"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("No end", "No end"),
        ("Line\nnext", "Line"),
        ("v1.2 is old. Go", "v1.2 is old."),
        ("", ""),
    ],
)
def test_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_scrub_cleans_every_string_and_stops_at_depth() -> None:
    deep: object = "\x07end"
    for _ in range(50):
        deep = [deep]

    assert scrub({"a\x00": ["\x1b[1mb", 1, 2.5, True, None], "c": {"d": "e\x07"}, "t": (1,)}) == {
        "a": ["b", 1, 2.5, True, None],
        "c": {"d": "e"},
        "t": "(1,)",
    }
    assert str(scrub(deep)).count("[") == 13
