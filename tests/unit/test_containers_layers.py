"""Layers put on each other: what a container sees, and what is hidden below."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from mlsecops.containers.archive import ImageError
from mlsecops.containers.canary import Made, layer
from mlsecops.containers.layers import Entry, Filesystem, merged
from mlsecops.models.source import Source


def files(folder: Path, *layers: Sequence[Made] | bytes) -> Filesystem:
    sources = []
    for number, each in enumerate(layers):
        path = folder / f"{number}.tar"
        path.write_bytes(each if isinstance(each, bytes) else layer(each))
        sources.append(Source.of(path.open("rb")))
    try:
        return merged(sources)
    finally:
        for source in sources:
            source.stream.close()


def hidden(seen: Filesystem) -> list[tuple[str, int]]:
    return sorted((each.path, each.layer) for each in seen.hidden)


def test_a_later_layer_replaces_and_deletes(tmp_path: Path) -> None:
    seen = files(
        tmp_path,
        [Made("a", b"1"), Made("b", b"1"), Made("d", None), Made("d/x", b"1"), Made("d/y/z", b"1")],
        [Made("a", b"2"), Made(".wh.b"), Made(".wh.d")],
    )
    assert {path: each.layer for path, each in seen.entries.items()} == {"a": 1}
    assert hidden(seen) == [("a", 0), ("b", 0), ("d/x", 0), ("d/y/z", 0)]


def test_an_opaque_folder_hides_what_is_below_it_and_nothing_of_its_own_layer(tmp_path: Path) -> None:
    own = [Made("d", None), Made("d/new", b"2"), Made("d/.wh..wh..opq")]
    seen = files(tmp_path, [Made("d", None), Made("d/old", b"1"), Made("e", b"1")], own)
    assert sorted(seen.entries) == ["d", "d/new", "e"]
    assert hidden(seen) == [("d/old", 0)]


def test_a_folder_stays_under_a_folder_and_goes_under_a_file(tmp_path: Path) -> None:
    seen = files(tmp_path, [Made("d", None), Made("d/x", b"1")], [Made("d", None, 0o700)], [Made("d", b"3")])
    assert {path: each.kind for path, each in seen.entries.items()} == {"d": "file"}
    assert hidden(seen) == [("d/x", 0)]


def test_what_was_deleted_can_come_back(tmp_path: Path) -> None:
    seen = files(tmp_path, [Made("d/x", b"1")], [Made(".wh.d")], [Made("d/x", b"3")], [Made(".wh.d")])
    assert seen.entries == {}
    assert hidden(seen) == [("d/x", 0), ("d/x", 2)]


@pytest.mark.parametrize(
    ("name", "path"),
    [("./a", "a"), ("/a", "a"), ("../../a", "a"), ("a/../../b/./c", "b/c"), ("a//b", "a/b")],
)
def test_no_name_leads_out_of_the_image(name: str, path: str, tmp_path: Path) -> None:
    assert list(files(tmp_path, [Made(name, b"1")]).entries) == [path]


def test_the_root_itself_is_no_entry(tmp_path: Path) -> None:
    assert files(tmp_path, [Made("./", None)]).entries == {}


def test_links_are_followed_within_the_image(tmp_path: Path) -> None:
    seen = files(
        tmp_path,
        [
            Made("real/file", b"content"),
            Made("link", kind=tarfile.SYMTYPE, target="/real"),
            Made("deep/up", kind=tarfile.SYMTYPE, target="../link/file"),
            Made("out", kind=tarfile.SYMTYPE, target="../../../real/file"),
            Made("loop", kind=tarfile.SYMTYPE, target="loop"),
            Made("gone", kind=tarfile.SYMTYPE, target="nowhere"),
            Made("hard", kind=tarfile.LNKTYPE, target="real/file"),
            Made("broken", kind=tarfile.LNKTYPE, target="nowhere"),
            Made("pipe", kind=tarfile.FIFOTYPE),
        ],
    )
    found = {path: seen.resolve(path) for path in ("link/file", "deep/up", "out", "hard")}
    assert {path: each and each.size for path, each in found.items()} == dict.fromkeys(found, 7)
    assert [seen.resolve(path) for path in ("loop", "gone", "loop/x", "nothing")] == [None] * 4
    assert (seen.entries["broken"].kind, seen.entries["pipe"].kind) == ("other", "other")
    assert seen.text("nothing") == ""


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [(0o644, 5, False), (0o666, 5, True), (0o644, 1, True), (0o446, 1, False), (0o664, 7, True)],
)
def test_who_may_write(mode: int, user: int, expected: bool) -> None:
    entry = Entry(path="a", kind="file", layer=0, mode=mode, user=1, group=2)
    assert entry.may_write(user, frozenset({2} if user == 7 else {3})) is expected


def test_a_link_is_nobodys_to_write() -> None:
    assert not Entry(path="a", kind="link", layer=0, mode=0o777).may_write(1, frozenset())


def _broken_header() -> bytes:
    whole = bytearray(layer([Made("a", b"x"), Made("b", b"y"), Made("c", b"z")]))
    whole[1024 + 148] ^= 1
    return bytes(whole)


def _too_long() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("a")
        member.size = 10_000
        archive.addfile(member, io.BytesIO(bytes(10_000)))
    return packed.getvalue()[:2048]


@pytest.mark.parametrize("content", [_broken_header(), _too_long(), b"x" * 2000])
def test_a_layer_that_cannot_be_read_to_its_end_is_not_believed(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="layer 1 cannot be read"):
        files(tmp_path, content)
