"""An environment that is older than the code says so, before something that it lacks is imported."""

from __future__ import annotations

import hashlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import mlsecops.__main__
import pytest
from mlsecops.environment import STAMP, outdated


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def test_an_environment_is_held_to_the_lock_that_it_was_made_from(tmp_path: Path) -> None:
    for name in ("mlsecops.txt", "dev.txt"):
        (tmp_path / name).write_text(f"of {name}\n", encoding="utf-8")
    stamp = tmp_path / STAMP
    assert not outdated(tmp_path, tmp_path), "somebody else made it"
    for name in ("mlsecops.txt", "dev.txt"):
        digest = hashlib.sha256(f"of {name}\n".encode()).hexdigest()
        stamp.write_text(f"{digest}\n3.11.2\n", encoding="utf-8")
        assert not outdated(tmp_path, tmp_path)
    stamp.write_text(f"{'0' * 64}\n3.11.2\n", encoding="utf-8")
    assert outdated(tmp_path, tmp_path)


def test_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / STAMP).write_text("older\n", encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        mlsecops.__main__.main()
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "run python3" in said
    assert Path(said.split()[-1]).is_file()
