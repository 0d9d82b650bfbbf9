"""Compressed files: what comes out is read, all of it, and as far as it comes out."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.compressed import COMPRESSED
from mlsecops.models.readers.other_archives import OtherArchives
from mlsecops.models.readers.zip import Zip
from mlsecops.models.rules.archives import BOMB, HIDDEN
from mlsecops.models.source import Source
from mlsecops.models.unpack.lz4 import LEGACY, MAGIC, decode
from mlsecops.models.unpack.stream import DAMAGED, DamagedError, Stream
from mlsecops.models.walk import Bounds, UnreadableError, Walk
from support import zstandard
from support.parts import read_with, reasons, rules
from support.witness import MARK, Witness
from support.zips import Piece, zipped

CONTENT = MARK + b"content of a model, " * 5000


def lz4_frame(content: bytes, flags: int = 0x60, *, size: int = 4, block: bytes | None = None) -> bytes:
    """A frame of one block, uncompressed unless a compressed one is given."""
    data = struct.pack("<L", len(content) | 1 << 31) + content if block is None else block
    head = MAGIC + bytes([flags, size << 4])
    head += bytes(8) if flags & 8 else b""
    head += bytes(4) if flags & 1 else b""
    if flags & 16:
        data += bytes(4)
    return head + b"\0" + data + bytes(4) + (bytes(4) if flags & 4 else b"")


def lz4_block(content: bytes, repeat: int = 0) -> bytes:
    """Literals, then the last six bytes of them `repeat` more bytes long, then five literals."""
    assert len(content) < 15
    token = len(content) << 4 | 15
    left = repeat - 19
    length = b"\xff" * (left // 255) + bytes([left % 255])
    packed = bytes([token]) + content + b"\6\0" + length + b"\x50" + b"abcde"
    return struct.pack("<L", len(packed)) + packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
    "zstd": zstandard.compressed,
    "lz4": lambda data: lz4_frame(data[:65_536], 0x7D),
}


def read(folder: Path, data: bytes) -> tuple[Inspection, Witness]:
    witness = Witness()
    return read_with(folder, data, *COMPRESSED, OtherArchives(), witness), witness


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_compressed_is_read(tmp_path: Path, name: str) -> None:
    found, witness = read(tmp_path, PACKERS[name](CONTENT))
    assert (rules(found), reasons(found), found.formats) == ([], [], [name, "marked"])
    assert (witness.seen, found.streams) == (["uncompressed"], 1)
    assert witness.contents[0] == CONTENT[: len(witness.contents[0])]


@pytest.mark.parametrize("name", PACKERS)
def test_streams_one_after_another_are_one_content(tmp_path: Path, name: str) -> None:
    pack = PACKERS[name]
    found, witness = read(tmp_path, pack(MARK) + pack(b"and more"))
    assert (rules(found), reasons(found), witness.contents) == ([], [], [MARK + b"and more"])


@pytest.mark.parametrize("name", PACKERS)
def test_bytes_behind_the_end_are_read_as_well(tmp_path: Path, name: str) -> None:
    found, witness = read(tmp_path, PACKERS[name](MARK) + MARK + b"behind")
    assert rules(found) == [HIDDEN.id]
    assert witness.contents == [MARK, MARK + b"behind"]
    assert read(tmp_path, PACKERS[name](MARK) + bytes(512))[0].facts == {}


@pytest.mark.parametrize("name", [name for name in PACKERS if name != "zstd"])
def test_what_came_out_before_the_cut_is_read(tmp_path: Path, name: str) -> None:
    packed = PACKERS[name](MARK + bytes(range(256)) * 100)
    found, witness = read(tmp_path, packed[:-9] if name != "lz4" else packed[:-900])
    assert reasons(found) == ["it is cut off"]
    assert witness.contents[0].startswith(MARK)


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_what_came_out_before_the_damage_is_read(tmp_path: Path, name: str) -> None:
    # A wrong checksum at the end: unpicklers have long run what they read by then.
    packed = bytearray(PACKERS[name](CONTENT))
    packed[{"gzip": -8, "bzip2": 10, "xz": -36}[name]] ^= 0xFF
    found, witness = read(tmp_path, bytes(packed))
    assert reasons(found) == [DAMAGED]
    assert witness.contents[0] == (CONTENT[:-1] if name == "bzip2" else CONTENT)


def test_damage_within_a_stream_costs_no_more_than_itself(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    packed = packer.compress(CONTENT * 3) + packer.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 9
    found, witness = read(tmp_path, packed)
    assert reasons(found) == [DAMAGED]
    assert len(witness.contents[0]) >= len(CONTENT) * 3 - 1


def test_much_damage_does_not_take_much_time(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(65_000)) + packer.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 9
    members = [Piece(name=f"{number}", method=8, packed=packed) for number in range(1000)]
    start = time.process_time()
    found = read_with(tmp_path, zipped(members), Zip())
    assert time.process_time() - start < 10
    assert len(found.unread) == 1000


@pytest.mark.parametrize("name", PACKERS)
def test_compressed_texts_are_no_models(tmp_path: Path, name: str) -> None:
    found, _ = read(tmp_path, PACKERS[name](b"a,b\n1,2\n"))
    assert (rules(found), reasons(found)) == ([], [])
    found, _ = read(tmp_path, PACKERS[name](b"\xff\0\xfe"))
    assert reasons(found) == ["nothing here knows what is compressed in it"]
    assert read(tmp_path, PACKERS[name](b"\xff\xfe"))[0].unread


def test_layers_of_compressions(tmp_path: Path) -> None:
    data = MARK
    for pack in PACKERS.values():
        data = pack(data)
    assert read(tmp_path, data)[1].contents == [MARK]


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_bombs(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(PACKERS[name](MARK + bytes(3 << 20)) + MARK)
    found, witness = Inspection(), Witness()
    with path.open("rb") as stream:
        bounds = Bounds(always=1 << 20)
        walk = Walk(readers=[*COMPRESSED, witness], found=found, scratch=tmp_path, bounds=bounds)
        walk.read(Source.of(stream))
    assert (rules(found), reasons(found)) == ([BOMB.id], ["it grows beyond 1 MiB when unpacked"])
    assert witness.seen == ["uncompressed"]


def test_all_that_is_packed_in_a_file_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(b"x")
    found = Inspection()
    with path.open("rb") as stream:
        bounds = Bounds(always=10, growth=1)
        walk = Walk(readers=[], found=found, scratch=tmp_path, bounds=bounds)
        walk.read(Source.of(stream))
        for _ in range(4):
            with walk.unpacked([b"12345", b"12345"], "part", 1) as part:
                assert part.size == 10
        with pytest.raises(UnreadableError, match="all that is packed"), walk.unpacked([b"1"], "part", 1):
            pass


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x1f\x9d\x90abc", "it is compressed with compress (.Z), which nothing here can unpack"),
        (b"LZIP\x01\x0c", "it is compressed with lzip, which nothing here can unpack"),
        (b"Rar!\x1a\x07\x01\0", "RAR archives cannot be opened here"),
        (b"MSCF\0\0\0\0", "cabinet archives cannot be opened here"),
        (b"xar!\0\x1c", "xar archives cannot be opened here"),
        (b"hsqs", "squashfs archives cannot be opened here"),
        (b"070701", "cpio archives cannot be opened here"),
        (b"!<arch>\n", "ar archives cannot be opened here"),
    ],
)
def test_what_nothing_here_opens_is_named(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reasons(read(tmp_path, data + bytes(40))[0]) == [reason]


@pytest.mark.parametrize(
    "data",
    [
        b"BZh9 is no stream of it",
        b"\x78\x9c\xff\xff\xff\xff\xff\xff",
        b"x\x01",
        bytes(64),
        b"\x5d\0\0\0\1" + bytes(60),
        b"\x5e\0\0\x80\0" + b"\xff" * 8 + b"\0" + b"\xff" * 40,
        b"\x1f\x8b\x07",
        struct.pack("<8q", *range(8)),
        struct.pack("<16f", *range(16)),
    ],
)
def test_what_only_looks_alike_is_left_alone(tmp_path: Path, data: bytes) -> None:
    assert reasons(read(tmp_path, data)[0]) == ["nobody knows it"]


def test_zlib_of_any_window_and_level_is_known(tmp_path: Path) -> None:
    for bits in range(9, 16):
        for level in (0, 1, 6, 9):
            packer = zlib.compressobj(level, zlib.DEFLATED, bits)
            assert read(tmp_path, packer.compress(CONTENT) + packer.flush())[1].contents[0] == CONTENT


def test_a_dictionary_that_is_too_large_is_not_made(tmp_path: Path) -> None:
    packed = lzma.compress(MARK, lzma.FORMAT_ALONE)
    found, _ = read(tmp_path, packed[:1] + (1 << 30).to_bytes(4, "little") + packed[5:])
    assert reasons(found) == ["unpacking it needs too much memory"]


def test_lz4_repeats_what_was_before(tmp_path: Path) -> None:
    for repeat in (19, 20, 300, 60_000):
        frame = lz4_frame(b"", block=lz4_block(MARK, repeat))
        expected = MARK + (MARK * (repeat // 6 + 1))[:repeat] + b"abcde"
        assert read(tmp_path, frame)[1].contents == [expected]


def test_lz4_blocks_may_build_on_those_before(tmp_path: Path) -> None:
    # No literals, ten bytes from six bytes back, then a literal.
    second = bytes([6]) + b"\6\0" + b"\x10" + b"z"
    blocks = struct.pack("<L", 6 | 1 << 31) + MARK + struct.pack("<L", len(second)) + second
    linked = lz4_frame(b"", 0x40, block=blocks)
    assert read(tmp_path, linked)[1].contents == [MARK + MARK + MARK[:4] + b"z"]
    alone = lz4_frame(b"", 0x60, block=blocks)
    found, witness = read(tmp_path, alone)
    assert (witness.contents, reasons(found)) == ([MARK], [DAMAGED])


def test_lz4_of_old_and_frames_to_pass_over(tmp_path: Path) -> None:
    skipped = b"\x53\x2a\x4d\x18" + struct.pack("<L", 3) + b"any"
    old = LEGACY + lz4_block(MARK, 20)
    assert read(tmp_path, old)[1].contents[0].startswith(MARK)
    data = skipped + old + LEGACY + lz4_block(MARK, 20) + lz4_frame(b"new") + skipped
    found, witness = read(tmp_path, data)
    assert (rules(found), reasons(found)) == ([], [])
    assert witness.contents[0].endswith(b"abcdenew")


@pytest.mark.parametrize(
    "frame",
    [
        MAGIC + b"\xe0\x40\0",
        MAGIC + b"\x60\x10\0" + bytes(4),
        lz4_frame(b"", block=struct.pack("<L", 1 << 20)),
        lz4_frame(b"", block=struct.pack("<L", 3) + b"\x10x\0"),
        lz4_frame(b"", block=struct.pack("<L", 4) + b"\x1fx\1\0"),
        lz4_frame(b"", block=struct.pack("<L", 4) + b"\x10x\0\0"),
        lz4_frame(b"", block=struct.pack("<L", 300) + b"\x1fx\1\0" + b"\xff" * 295 + b"\0"),
        lz4_frame(b"x" * 70_000),
    ],
)
def test_lz4_that_is_broken(tmp_path: Path, frame: bytes) -> None:
    assert DAMAGED in reasons(read(tmp_path, frame)[0])


SKIPPED = b"\x50\x2a\x4d\x18" + struct.pack("<L", 3) + b"any"


def test_frames_that_zstd_passes_over(tmp_path: Path) -> None:
    packed = SKIPPED + zstandard.compressed(CONTENT) + SKIPPED * 2 + zstandard.compressed(b"more") + SKIPPED
    found, witness = read(tmp_path, packed)
    assert (rules(found), reasons(found), witness.contents) == ([], [], [CONTENT + b"more"])


def test_what_comes_out_of_zstd_before_damage_is_read(tmp_path: Path) -> None:
    content = MARK + hashlib.shake_128(b"").digest(400_000)
    packed = bytearray(zstandard.checked(content))
    packed[-1] ^= 1
    found, witness = read(tmp_path, bytes(packed))
    assert (reasons(found), witness.contents) == ([DAMAGED], [content])
    found, witness = read(tmp_path, bytes(packed[:-9]))
    assert reasons(found) == ["it is cut off"]
    assert content[: 384 << 10] in witness.contents[0]
    # The head of the third block says a type that there is not.
    third = 10 + 2 * (3 + (128 << 10))
    packed[third] |= 6
    found, witness = read(tmp_path, bytes(packed))
    assert (reasons(found), witness.contents) == ([DAMAGED], [content[: 256 << 10]])


@pytest.mark.parametrize(
    ("power", "reason"), [(27, "it is cut off"), (28, "unpacking it needs too much memory")]
)
def test_a_window_of_zstd_has_its_bounds(tmp_path: Path, power: int, reason: str) -> None:
    # A frame header (RFC 8878, 3.1.1.1): no size of the content, a window of 2 ** power bytes.
    frame = b"\x28\xb5\x2f\xfd" + bytes([0, power - 10 << 3]) + bytes([2 | 1 << 3, 0, 0]) + b"a"
    assert reasons(read(tmp_path, frame)[0]) == [reason]


class Idle:
    """A decoder that neither wants anything nor gives anything."""

    eof = False
    needs_input = False
    unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return b""


def test_a_decoder_that_stands_still_is_left(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with (tmp_path / "x").open("rb") as file:
        stream = Stream(Source.of(file), Idle, lambda: True)
        assert (b"".join(stream), stream.trouble) == (b"", DAMAGED)


@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(PACKERS)),
    content=st.binary(max_size=300),
    at=st.integers(0, 200),
    patch=st.binary(min_size=1, max_size=6),
    cut=st.integers(4, 400),
)
def test_nothing_that_is_compressed_makes_the_reader_fail(
    tmp_path: Path, name: str, content: bytes, at: int, patch: bytes, cut: int
) -> None:
    data = bytearray(PACKERS[name](content))
    data[at : at + len(patch)] = patch
    found, _ = read(tmp_path, bytes(data[:cut]))
    assert not [reason for reason in reasons(found) if "mlsecops itself" in reason]


@given(block=st.binary(max_size=200))
def test_lz4_blocks_stay_within_their_bounds(block: bytes) -> None:
    out = bytearray()
    try:
        decode(block, out, 1000)
    except DamagedError:
        assert len(out) <= 1000 + len(block)
    else:
        assert len(out) <= 1000
