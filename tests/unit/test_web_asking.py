"""Another try, an answer within its limits, and why there is none."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
import requests
from mlsecops.web.asking import (
    PassingError,
    TooLargeError,
    TooSlowError,
    Tries,
    chunks,
    patiently,
    reason,
    retry_after,
)

NOW = 1_800_000_000.0


class Failing:
    """Something that fails a number of times, and asks for pauses."""

    def __init__(self, times: int, pause: float = 0.0) -> None:
        self.times, self.pause, self.asked = times, pause, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked > self.times:
            return "done"
        raise PassingError(ValueError("over"), self.pause)


def tried(failing: Failing, tries: Tries, *, each: float = 0.0) -> list[float]:
    """The pauses; `each` is how long a try takes."""
    slept: list[float] = []
    assert patiently(failing, tries, slept.append, lambda: failing.asked * each) == "done"
    return slept


def test_pauses_double_and_a_service_may_ask_for_longer_ones() -> None:
    assert tried(Failing(3), Tries(most=4, pause=0.5)) == [0.5, 1.0, 2.0]
    assert tried(Failing(2, pause=3.0), Tries(most=4, pause=2.0)) == [3.0, 4.0]
    assert tried(Failing(2, pause=99.0), Tries(most=4, pause=2.0, longest=5.0)) == [5.0, 5.0]


@pytest.mark.parametrize(
    ("failing", "tries", "each", "asked"),
    [
        (Failing(9), Tries(most=3, pause=1.0), 0.0, 3),
        (Failing(9, pause=10.0), Tries(most=9, pause=1.0, waits=25.0), 0.0, 3),
        (Failing(9), Tries(most=9, pause=1.0, waits=25.0), 20.0, 2),
    ],
)
def test_there_is_an_end_to_it(failing: Failing, tries: Tries, each: float, asked: int) -> None:
    with pytest.raises(ValueError, match="over") as caught:
        tried(failing, tries, each=each)
    assert failing.asked == asked
    assert caught.value.__cause__ is None


class Response(requests.Response):
    """An answer in pieces."""

    def iter_content(self, *_: Any, **__: Any) -> Any:
        return iter([b"12345", b"67890"])


def test_an_answer_is_read_within_its_limits() -> None:
    assert b"".join(chunks(Response(), 10, 1.0, lambda: 0.0)) == b"1234567890"
    with pytest.raises(TooLargeError):
        list(chunks(Response(), 9, 1.0, lambda: 0.0))
    moments = iter(range(10))
    with pytest.raises(TooSlowError):
        list(chunks(Response(), 10, 1.0, lambda: float(next(moments))))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        (" 17 ", 17.0),
        (formatdate(NOW + 40, usegmt=True), 40.0),
        (formatdate(NOW - 40, usegmt=True), 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_a_wait_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.exceptions.SSLError("x"), "its TLS certificate is not trusted"),
        (requests.exceptions.ProxyError("x"), "the proxy does not let the request through"),
        (requests.ConnectTimeout("x"), "no connection within 3 s"),
        (requests.ReadTimeout("x"), "no answer within 20 s"),
        (requests.ConnectionError("Read timed out."), "no answer within 20 s"),
        (requests.ConnectionError("NameResolutionError"), "its name cannot be resolved"),
        (requests.ConnectionError("Connection refused"), "the connection is refused"),
        (requests.ConnectionError("https://u:secret@x"), "the connection breaks"),
    ],
)
def test_why_there_is_no_answer_is_said_in_our_words(error: requests.RequestException, said: str) -> None:
    assert reason(error, connect=3.0, read=20.0) == said
