"""Discovery looks under compressions and into archives for names of models, within bounds."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus.formats.packings import lz4
from corpus.formats.seven_zips import (
    AES,
    File,
    Folder,
    coder,
    of_files,
    packed,
    seven_zip,
    streams_of,
    wrapped,
)
from mlsecops.project import discover
from mlsecops.project.unpacked import Unpacked
from support import pickles, zstandard
from support.shapes import write

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "lzma": lzma.compress,
    "zstd": zstandard.compressed,
    "lz4": lz4,
}
UNLISTED = "the names in the archive cannot be listed"


def models(root: Path, files: dict[str, bytes]) -> list[tuple[str, str, str | None]]:
    """Path, format and compression of what is found."""
    write(root, files)
    return [(model.uri, model.format, model.compression) for model in discover(root).models]


def tarred(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def noise(length: int) -> bytes:
    return hashlib.shake_128(b"").digest(length)


@pytest.mark.parametrize("name", PACKERS)
def test_a_pickle_under_any_compression(tmp_path: Path, name: str) -> None:
    pack = PACKERS[name]
    files = {"a.x": pack(pickles.echo()), "text.x": pack(b"any text\n" * 99), "noise.x": pack(noise(3000))}
    assert models(tmp_path, files) == [("a.x", "pickle", name)]


@pytest.mark.parametrize("name", PACKERS)
def test_a_model_far_into_a_packed_tar(tmp_path: Path, name: str) -> None:
    members = {"big.csv": noise(60_000), "small.csv": b"1", "sub/model.pt": b"x"}
    files = {"a.x": PACKERS[name](tarred(members)), "b.x": PACKERS[name](tarred({"a.csv": noise(60_000)}))}
    assert models(tmp_path, files) == [("a.x", "archive", name)]


def test_a_packed_tar_that_is_too_large_to_be_listed(tmp_path: Path) -> None:
    zeros = bytes(40 << 20)
    write(tmp_path, {"a.tgz": gzip.compress(tarred({"big": zeros, "model.pt": b"x"}), 1)})
    began = time.process_time()
    project = discover(tmp_path)
    assert time.process_time() - began < 1.0
    assert [(each.path, each.reason) for each in project.left_out] == [("a.tgz", UNLISTED)]


def test_7z_archives_by_the_names_in_them(tmp_path: Path) -> None:
    files = {
        "a.7z": of_files({"README.md": b"x", "sub/model.pkl": b"x"}, "lzma2", header="lzma"),
        "b": of_files({"a.npy": b"x"}),
        "photos.7z": of_files({"a.png": b"x", "b.csv": b"x"}, "lzma", header="lzma2"),
    }
    assert models(tmp_path, files) == [("a.7z", "archive", None), ("b", "npz", None)]


def test_archives_whose_names_cannot_be_listed(tmp_path: Path) -> None:
    locked = Folder(contents=[b"any"], packs=[b"any"], coders=[coder(AES, bytes(19))])
    files = {
        "a.7z": wrapped(b"any", b"\x17" + streams_of([locked])),
        "b.7z": seven_zip([packed("copy", b"x" * 99)], [File(name="a.pkl")])[:-5],
        "c.rar": b"Rar!\x1a\x07\x01\0\x81\x82",
        "d.cab": b"MSCF\0\0\0\0\x81\x82",
    }
    write(tmp_path, files)
    project = discover(tmp_path)
    assert [(each.path, each.reason) for each in project.left_out] == [(name, UNLISTED) for name in files]
    assert models(tmp_path, {"models/e.rar": files["c.rar"]}) == [("models/e.rar", "unknown", None)]


def test_skops_with_bytes_in_files_of_their_own(tmp_path: Path) -> None:
    members = {"schema.json": b"{}", "140.bin": b"any"}
    assert models(tmp_path, {"a.thing": pickles.zipped(members)}) == [("a.thing", "skops", None)]


def test_bytes_under_a_compression_are_read_forwards(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(range(250))))
    with path.open("rb") as file:
        unpacked = Unpacked(file, path.read_bytes())
        assert unpacked.peek(3) == unpacked.read(3) == b"\0\1\2"
        unpacked.seek(7, 1)
        assert unpacked.read(2) == b"\x0a\x0b"
        unpacked.seek(1000, 1)
        assert (unpacked.read(5), unpacked.cut) == (b"", False)
        short = Unpacked(file, path.read_bytes(), most=100)
        assert len(short.read(1000)) >= 100
        assert short.cut
