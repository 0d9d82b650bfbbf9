"""What a service's refusal means, and how long it asks to wait."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.export.errors import ExportError, ExportUsageError, partly
from mlsecops.export.refusals import refusal
from mlsecops.web.asking import PassingError
from support.hostile_text import hostile

NOW = 1_800_000_000.0


def refused(status: int, body: Any = b"", method: str = "POST", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal("It at https://x", "IT_KEY", method, status, named, content, NOW)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "Invalid token."}, ": Invalid token."),
        ({"message": "no", "errors": [{"detail": "x"}], "pro": ["buy this"]}, ": no; x"),
        ({"product_name": ["too long", "and empty"]}, ": product_name: too long; product_name: and empty"),
        ({"a": {"b": {"c": {"d": "deep"}}}}, ": a: b: c: d: deep"),
        ({"a": {"b": {"c": {"d": {"e": "too deep"}}}}}, ""),
        ([["x"], "x", 7, None], ": x"),
        (b"<html>secret</html>", ""),
        ({"detail": "x" * 1000}, f": {'x' * 299}…"),
    ],
)
def test_the_words_of_the_service_are_on_one_line(body: Any, words: str) -> None:
    assert str(refused(400, body)) == f"It at https://x refuses what was sent (HTTP 400{words})"


def test_plain_text_is_shown_and_a_web_page_is_not() -> None:
    assert "(HTTP 404: Not here.)" in str(refused(404, b"Not here.", content_type="text/plain"))
    assert "(HTTP 404)" in str(refused(404, b"<h1>Not here", content_type="text/html"))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://login.example/sso?key=secret", "login.example"),
        ("/relative", "another address"),
        ("https://[broken", "another address"),
        ("", "another address"),
    ],
)
def test_a_redirect_is_named_by_its_host_only(location: str, host: str) -> None:
    said = str(refused(302, location=location))
    assert f"sends to {host} (HTTP 302)" in said
    assert "secret" not in said


@pytest.mark.parametrize(("status", "wait"), [(429, "17"), (503, "17"), (500, "")])
def test_what_may_pass_says_how_long_it_takes(status: int, wait: str) -> None:
    error = refused(status, retry_after=wait)
    assert isinstance(error, PassingError)
    assert error.pause == float(wait or 0)


def test_a_gateway_that_gave_up_is_asked_again_only_where_nothing_was_sent() -> None:
    assert isinstance(refused(504, method="GET"), PassingError)
    assert "may still be at work" in str(refused(504))


@settings(max_examples=50)
@given(st.dictionaries(hostile, hostile, max_size=3), st.sampled_from([302, 400, 401, 404, 500]))
def test_no_answer_reaches_the_terminal_as_more_than_text(body: dict[str, str], status: int) -> None:
    said = str(refused(status, body, location=next(iter(body.values()), "")))
    assert said.isprintable() or "\u200b" in said
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 700


def test_a_failure_in_the_middle_keeps_its_kind() -> None:
    assert str(partly(ExportError("no"), [], ["a"])) == "no (nothing was sent; not sent: a)"
    assert str(partly(ExportError("no"), ["a"], [])) == "no (sent: a)"
    assert isinstance(partly(ExportUsageError("no"), [], ["a"]), ExportUsageError)
