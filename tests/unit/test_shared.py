"""Things that several tools share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from mlsecops.shared import Shared


@contextmanager
def _noted(log: list[str], name: str) -> Iterator[str]:
    log.append(f"make {name}")
    try:
        yield name
    finally:
        log.append(f"undo {name}")


def test_it_is_made_once_however_many_ask_at_once() -> None:
    log: list[str] = []
    together = Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return shared.once("image", lambda: _noted(log, "image"))

    with Shared() as shared, ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"image"}
        assert log == ["make image"]
    assert log == ["make image", "undo image"]


def test_the_youngest_is_undone_first_also_after_an_error() -> None:
    log: list[str] = []

    def interrupted() -> None:
        with Shared() as shared:
            shared.once("image", lambda: _noted(log, "image"))
            shared.once("service", lambda: _noted(log, "service"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert log[2:] == ["undo service", "undo image"]


def test_one_failure_is_everybodys_and_not_tried_again() -> None:
    tried: list[str] = []

    @contextmanager
    def failing() -> Iterator[str]:
        tried.append("once")
        raise ValueError("no engine")
        yield ""

    with Shared() as shared:
        for _ in range(2):
            with pytest.raises(ValueError, match="no engine"):
                shared.once("image", failing)
    assert tried == ["once"]


def test_what_fails_to_be_undone_does_not_keep_the_others() -> None:
    log: list[str] = []

    @contextmanager
    def stubborn() -> Iterator[None]:
        yield
        raise OSError("still in use")

    def use() -> None:
        with Shared() as shared:
            shared.once("image", lambda: _noted(log, "image"))
            shared.once("network", stubborn)

    with pytest.raises(OSError, match="still in use"):
        use()
    assert log == ["make image", "undo image"]
