"""What one file may make us do, however many parts it has, and however often they are the same bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from corpus.formats.zips import Member, tar_of, zip_of
from mlsecops.models.inspect import inspect
from mlsecops.models.pickle.judge import judge
from mlsecops.models.readers import READERS
from mlsecops.models.readers.pickle_behind import PickleBehindReader
from mlsecops.models.readers.zip import Zip
from mlsecops.models.walk import Bounds
from support.pickle_streams import ECHO

SHARED = "its parts share their bytes too often"
SEARCHED = "more of it looks like pickles than can be looked into"
# Each line is an import, and each letter i or c in it may begin one.
FALSE = b"?cccc\niiii\n"


def seen(folder: Path, data: bytes, bounds: Bounds | None = None) -> tuple[str, list[str], list[str]]:
    """The outcome, its rules, and all reasons."""
    (folder / "file").write_bytes(data)
    readers = (Zip(), PickleBehindReader(judge))
    found = inspect(folder / "file", readers=readers, scratch=folder, bounds=bounds)
    facts = [fact.rule for fact in found.found.facts.values()]
    return found.outcome, facts, [each.reason for each in found.found.unread]


def nested(levels: int) -> bytes:
    data = b"weights" * 10_000
    for _ in range(levels):
        data = zip_of({"a.zip": data})
    return data


@pytest.mark.parametrize(("levels", "shared", "reasons"), [(8, 0, []), (12, 4 << 20, ["it is nested more"])])
def test_archives_in_archives_share_their_bytes(
    tmp_path: Path, levels: int, shared: int, reasons: list[str]
) -> None:
    _, _, told = seen(tmp_path, nested(levels), Bounds(shared=shared))
    assert [reason[:17] for reason in told] == reasons


def test_bytes_that_very_many_parts_share_end_the_reading(tmp_path: Path) -> None:
    _, _, reasons = seen(tmp_path, nested(12), Bounds(shared=0, depth=20))
    assert reasons == [SHARED]


@pytest.mark.parametrize(("parts", "told"), [(5, False), (50, True)])
def test_many_parts_that_look_like_pickles_end_the_search(tmp_path: Path, parts: int, told: bool) -> None:
    data = zip_of(Member(name=f"{each}.txt", data=FALSE * 20) for each in range(parts))
    outcome, _, reasons = seen(tmp_path, data, Bounds(searched=2500))
    assert (outcome == "not scanned", SEARCHED in reasons) == (told, told)


def test_what_is_found_before_the_search_ends_stays_found(tmp_path: Path) -> None:
    parts = [b"?\n" + ECHO, *[FALSE * 20] * 50]
    data = zip_of(Member(name=f"{number}.txt", data=part) for number, part in enumerate(parts))
    outcome, facts, reasons = seen(tmp_path, data, Bounds(searched=500))
    assert (outcome, facts, SEARCHED in reasons) == ("dangerous", ["model-runs-code"], True)


def test_two_lines_of_a_text_are_no_pickle(tmp_path: Path) -> None:
    text = b"token\ncache\n__set_name__\ncos\nsystem\nios\nsystem\n"
    (tmp_path / "file").write_bytes(zip_of({"vocab.txt": text}))
    assert inspect(tmp_path / "file", readers=READERS, scratch=tmp_path).outcome == "harmless"


def test_very_many_parts_in_few_bytes_end_the_reading(tmp_path: Path) -> None:
    members = {f"{each}": b"x" for each in range(4_000)}
    (tmp_path / "file").write_bytes(gzip.compress(tar_of(members), 1))
    found = inspect(tmp_path / "file", readers=READERS, scratch=tmp_path)
    assert (found.outcome, "parts" in found.reason) == ("not scanned", True), found.reason
