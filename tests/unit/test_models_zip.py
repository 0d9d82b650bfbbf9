"""Zips: every member that some loader could read is read, and what loaders differ about is said."""

from __future__ import annotations

import bz2
import io
import lzma
import resource
import struct
import sys
import time
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.zip import Zip
from mlsecops.models.rules.archives import AMBIGUOUS, BOMB, CHECKSUM, CODE, ESCAPES, HIDDEN
from mlsecops.models.source import Source
from mlsecops.models.walk import Bounds, Walk
from support.parts import read_with, reasons, rules, subjects
from support.witness import MARK, Witness
from support.zips import LINK, Piece, central_of, deflated, end64_of, end_of, local_of, zipped

A = Piece(name="a/data.pkl", content=MARK + b"first")
B = Piece(name="a/data/0", content=bytes(range(200)))


def read(folder: Path, data: bytes) -> tuple[Inspection, Witness]:
    witness = Witness()
    return read_with(folder, data, Zip(), witness), witness


def odd(folder: Path, data: bytes) -> tuple[list[str], list[str]]:
    found, witness = read(folder, data)
    assert AMBIGUOUS.id in rules(found)
    return witness.seen, subjects(found, AMBIGUOUS.id)


@pytest.mark.parametrize(
    "data",
    [
        zipped([A, B]),
        zipped([replace(A, method=8), B]),
        zipped([A, B], comment=b"made by hand"),
        zipped([A, B], zip64=True),
        zipped([replace(A, zip64=True), replace(B, zip64=True)], zip64=True),
        zipped([replace(A, described=16), replace(B, described=12)]),
        zipped([replace(A, described=24), replace(B, described=20)]),
        zipped([replace(A, method=8, described=16), B]),
        zipped([replace(A, extra=b"FB\x10\x00" + b"Z" * 16), B]),
        zipped([Piece(name="a/"), A, B], between=bytes(64)),
        b"PK\x07\x08" + zipped([A, B], before=b"PK\x07\x08")[4:],
        zipped([A, B], before=b"PK00"),
    ],
)
def test_a_sound_archive_says_nothing_and_its_members_are_read(tmp_path: Path, data: bytes) -> None:
    found, witness = read(tmp_path, data)
    assert (rules(found), reasons(found)) == ([], [])
    assert witness.seen == ["a/data.pkl"]
    assert witness.contents == [A.content]
    assert found.streams == 1


@pytest.mark.parametrize("method", [0, 8, 12, 14])
def test_what_python_writes_is_read(tmp_path: Path, method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("model.pkl", MARK + b"x" * 100_000)
        with archive.open("b", "w", force_zip64=True) as member:
            member.write(b"y" * 1000)
    found, witness = read(tmp_path, file.getvalue())
    assert (rules(found), reasons(found), witness.seen) == ([], [], ["model.pkl"])
    assert witness.contents[0] == MARK + b"x" * 100_000


@dataclass
class Pipe:
    """Takes bytes one after the other, and cannot go back."""

    data: bytes = b""

    def write(self, piece: bytes) -> int:
        self.data += piece
        return len(piece)

    def flush(self) -> None:
        """Everything is there at once."""

    def close(self) -> None:
        """Nothing is open."""


def test_what_python_writes_to_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.pkl", MARK)
    found, witness = read(tmp_path, pipe.data)
    assert (rules(found), reasons(found), witness.seen) == ([], [], ["model.pkl"])


@pytest.mark.parametrize(
    ("method", "packed"),
    [
        (12, bz2.compress(A.content)),
        (95, lzma.compress(A.content)),
        (
            14,
            b"\x09\x14\x05\x00"
            + lzma.compress(A.content, lzma.FORMAT_ALONE)[:5]
            + lzma.compress(A.content, lzma.FORMAT_ALONE)[13:],
        ),
    ],
)
def test_rarer_compressions_are_unpacked(tmp_path: Path, method: int, packed: bytes) -> None:
    flags = 2 if method == 14 else 0
    found, witness = read(tmp_path, zipped([replace(A, method=method, packed=packed, flags=flags)]))
    assert (rules(found), reasons(found), witness.contents) == ([], [], [A.content])


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (9, "it is compressed with deflate64, which nothing here can unpack"),
        (77, "it is compressed with method 77, which nothing here can unpack"),
        (99, "it is encrypted"),
    ],
)
def test_a_compression_that_nobody_knows_is_not_read(tmp_path: Path, method: int, reason: str) -> None:
    found, witness = read(tmp_path, zipped([replace(A, method=method), B]))
    assert (reasons(found), witness.seen) == ([reason], [])
    assert found.unread[0].part == "a/data.pkl"


def test_a_record_at_the_end_is_enough(tmp_path: Path) -> None:
    found, witness = read(tmp_path, zipped([A, B], before=b"\x80\x04K\x01."))
    assert witness.seen == ["a/data.pkl"]
    assert rules(found) == [HIDDEN.id]
    assert subjects(found, HIDDEN.id) == ["before it"]


def test_bytes_before_an_archive_whose_places_do_not_count_them(tmp_path: Path) -> None:
    found, witness = read(tmp_path, b"shift" + MARK + zipped([A, B]))
    assert (witness.seen, rules(found)) == (["a/data.pkl"], [HIDDEN.id])


def test_of_a_zip_within_another_format_only_its_members_are_spoken_of(tmp_path: Path) -> None:
    other = replace(A, name="b/data.pkl")
    found, witness = read(tmp_path, MARK + zipped([A, B]) + b"between" + zipped([other, B]) + b"after")
    assert (sorted(witness.seen), rules(found)) == (["", "b/data.pkl"], [])


def test_the_same_with_sixty_four_bits(tmp_path: Path) -> None:
    found, witness = read(tmp_path, b"prefix" + zipped([A, B], zip64=True))
    assert (witness.seen, rules(found)) == (["a/data.pkl"], [HIDDEN.id])


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (zipped([A, B]) + MARK, "after it"),
        (zipped([A, B], between=MARK + b"loose"), "between its members"),
        (zipped([A, B], between=b"PK\x07\x08" + bytes(20) + b"loose"), "between its members"),
        (zipped([A, B], between=b"PK\1\2" + b"no member"), "between its members"),
    ],
)
def test_bytes_that_belong_to_nothing_are_told_and_read(tmp_path: Path, data: bytes, where: str) -> None:
    found, witness = read(tmp_path, data)
    assert subjects(found, HIDDEN.id) == [where]
    assert ([f"({where})"] if MARK in data.replace(A.content, b"") else []) == witness.seen[1:]


def test_zeros_between_members_are_alignment(tmp_path: Path) -> None:
    found, _ = read(tmp_path, zipped([A, B], between=bytes(3 << 20)))
    assert rules(found) == []


def test_a_member_that_the_directory_does_not_list(tmp_path: Path) -> None:
    hidden = Piece(name="a/hidden.pkl", content=MARK + b"2", listed=False)
    for extra in (
        hidden,
        replace(hidden, method=8),
        replace(hidden, described=16),
        replace(hidden, method=8, described=16),
    ):
        seen, about = odd(tmp_path, zipped([A, extra, B]))
        assert sorted(seen) == ["a/data.pkl", "a/hidden.pkl"]
        assert about == ["a/hidden.pkl"]


def test_a_member_that_is_listed_nowhere_and_only_seems_to_be_one(tmp_path: Path) -> None:
    found, witness = read(tmp_path, zipped([A], between=b"PK\3\4" + b"\xff" * 40 + b"PK\3\4"))
    assert (witness.seen, rules(found)) == (["a/data.pkl"], [HIDDEN.id])


def test_an_archive_before_the_archive(tmp_path: Path) -> None:
    seen, about = odd(tmp_path, zipped([replace(A, name="first.pkl")]) + zipped([replace(A, name="b.pkl")]))
    assert sorted(seen) == ["b.pkl", "first.pkl"]
    assert about == ["first.pkl"]


def test_the_same_name_twice(tmp_path: Path) -> None:
    seen, about = odd(tmp_path, zipped([A, replace(A, content=MARK + b"second")]))
    assert (seen, about) == (["a/data.pkl"] * 2, ["a/data.pkl"])


def test_the_same_name_in_other_letters(tmp_path: Path) -> None:
    seen, about = odd(tmp_path, zipped([A, replace(A, name="A/Data.pkl")]))
    assert about == ["A/Data.pkl", "a/data.pkl"]
    assert len(seen) == 2


@pytest.mark.parametrize(
    "piece",
    [
        replace(A, local_method=8),
        replace(A, local_flags=1),
        replace(A, local_size=7),
        replace(A, local_packed_size=7),
        replace(A, name=b"a/data.pkl\0.txt"),
        replace(A, extra=struct.pack("<2HBL", 0x7075, 15, 1, 0) + b"b/data.pkl"),
        replace(A, size=3),
        replace(A, method=8, size=3),
    ],
)
def test_places_that_disagree_about_a_member(tmp_path: Path, piece: Piece) -> None:
    seen, about = odd(tmp_path, zipped([piece, B]))
    assert seen
    assert about == ["a/data.pkl\\x00.txt" if isinstance(piece.name, bytes) else "a/data.pkl"]


def test_names_that_disagree(tmp_path: Path) -> None:
    found, witness = read(tmp_path, zipped([replace(A, local_name="../data.pkl")]))
    assert (rules(found), witness.seen) == ([AMBIGUOUS.id, ESCAPES.id], ["a/data.pkl"])


def test_a_member_is_read_the_other_way_as_well(tmp_path: Path) -> None:
    piece = replace(A, name="a", content=b"z" * 60, packed=deflated(MARK + b"inside"), method=0)
    piece = replace(
        piece, size=len(piece.bytes_packed()), crc=zlib.crc32(piece.bytes_packed()), local_method=8
    )
    seen, _ = odd(tmp_path, zipped([piece]))
    assert seen == ["a"]
    longer = replace(A, packed_size=3, size=3, crc=zlib.crc32(MARK[:3]), local_packed_size=11, local_size=11)
    assert odd(tmp_path, zipped([longer]))[0] == ["a/data.pkl"]


def test_a_checksum_that_only_one_place_has_wrong_is_no_danger(tmp_path: Path) -> None:
    found, _ = read(tmp_path, zipped([replace(A, local_crc=5)]))
    assert [fact.severity for fact in found.facts.values()] == [5.0]


def test_a_wrong_checksum_is_told_and_the_member_read(tmp_path: Path) -> None:
    for method in (0, 8):
        found, witness = read(tmp_path, zipped([replace(A, crc=1, method=method), B]))
        assert (rules(found), witness.seen) == ([CHECKSUM.id], ["a/data.pkl"])
        assert reasons(found) == []


@pytest.mark.parametrize("flag", [0x1, 0x20, 0x40, 0x2000])
def test_a_member_that_is_only_said_to_be_encrypted_is_read(tmp_path: Path, flag: int) -> None:
    for method in (0, 8):
        seen, _ = odd(tmp_path, zipped([replace(A, flags=flag, method=method)]))
        assert seen == ["a/data.pkl"]


def test_an_encrypted_member_is_not_read(tmp_path: Path) -> None:
    for method in (0, 8):
        secret = replace(A, flags=1, packed=bytes(range(100, 140)), method=method)
        found, witness = read(tmp_path, zipped([secret]))
        assert (reasons(found), witness.seen) == (["it is encrypted"], [])
        assert rules(found) == []


def test_an_encryption_mark_and_a_wrong_checksum_together_do_not_hide_anything(tmp_path: Path) -> None:
    found, witness = read(tmp_path, zipped([replace(A, flags=1, crc=1)]))
    assert (reasons(found), witness.seen) == (["it is encrypted"], ["a/data.pkl"])


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/x", "C:\\x", "..\\x", "a\\..\\..\\x", "\\\\host\\x", "./../x"],
)
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    found, _ = read(tmp_path, zipped([Piece(name=name, content=b"x")]))
    assert rules(found) == [ESCAPES.id]


@pytest.mark.parametrize("name", ["a..b", "a/../b", "./a", "a\\b", "...", "a/..b/c", "ä.txt", b"\x84.txt"])
def test_names_that_stay(tmp_path: Path, name: str | bytes) -> None:
    found, _ = read(tmp_path, zipped([Piece(name=name, content=b"x")]))
    assert rules(found) == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [("../../etc/passwd", [ESCAPES.id]), ("/etc/passwd", [ESCAPES.id]), ("../b/c", []), ("c", [])],
)
def test_links(tmp_path: Path, target: str, expected: list[str]) -> None:
    link = Piece(name="a/link", content=target.encode(), attributes=LINK)
    found, _ = read(tmp_path, zipped([link]))
    assert rules(found) == expected


def test_members_that_share_bytes(tmp_path: Path) -> None:
    inner = local_of(replace(A, name="inner"))
    outer = Piece(name="outer", content=b"x" + inner)
    at = len(local_of(outer)) - len(inner)
    seen, about = odd(tmp_path, zipped([outer, replace(A, name="inner", offset=at)]))
    assert (seen, about) == (["inner"], ["inner"])


def test_members_that_share_all_their_bytes_end_the_reading(tmp_path: Path) -> None:
    many = [replace(B, name=f"{number}", content=bytes(200_000), offset=0) for number in range(12)]
    pieces = [
        replace(each, packed_size=200_000 - number, size=200_000 - number) for number, each in enumerate(many)
    ]
    first = replace(pieces[0], offset=None)
    found, _ = read(tmp_path, zipped([first, *pieces[1:]]))
    assert "its members share their bytes too often" in reasons(found)


def test_a_member_that_reaches_into_the_directory(tmp_path: Path) -> None:
    long = replace(A, packed_size=40, size=40, crc=0)
    found, witness = read(tmp_path, zipped([long]))
    assert witness.seen == ["a/data.pkl"]
    assert subjects(found, AMBIGUOUS.id) == ["a/data.pkl"]


def test_a_member_beyond_the_end_is_cut_off(tmp_path: Path) -> None:
    found, witness = read(tmp_path, zipped([replace(A, packed_size=4000, size=4000)]))
    assert "a/data.pkl" in witness.seen
    assert "it is cut off" in reasons(found)


def test_a_directory_of_another_length_than_said(tmp_path: Path) -> None:
    for count in (0, 1, 3):
        seen, about = odd(tmp_path, zipped([A, replace(A, name="b.pkl")], count=count))
        assert len(seen) == 2
        assert about == ["directory"]
    data = zipped([A])
    entry = central_of(A, 0)
    body = data[: len(local_of(A))]
    wrong = body + entry + end_of(1, len(entry) - 1, len(body))
    assert odd(tmp_path, wrong)[1] == ["directory"]


def test_two_directories(tmp_path: Path) -> None:
    one, two = local_of(A), local_of(replace(A, name="b.pkl"))
    first = central_of(A, 0)
    second = central_of(replace(A, name="b.pkl"), len(one))
    # Python takes the one before the end, PyTorch the one at the place that is named.
    data = one + two + first + second + end_of(1, len(second), len(one + two))
    seen, about = odd(tmp_path, data)
    assert sorted(seen) == ["a/data.pkl", "b.pkl"]
    assert "directory" in about


def test_records_at_the_end_that_disagree(tmp_path: Path) -> None:
    body, entry = local_of(A), central_of(A, 0)
    record = end64_of(1, len(entry), len(body), len(body + entry))
    data = body + entry + record + end_of(7, len(entry), len(body))
    assert "directory" in odd(tmp_path, data)[1]
    inside = end_of(1, len(entry), len(body))
    assert read(tmp_path, body + entry + end_of(1, len(entry), len(body), inside))[1].seen == ["a/data.pkl"]


def test_an_archive_of_several_files(tmp_path: Path) -> None:
    for data in (zipped([A], disk=1), zipped([replace(A, disk=2)])):
        found, witness = read(tmp_path, data)
        assert reasons(found) == ["it is one part of an archive of several files"]
        assert witness.seen == ["a/data.pkl"]


def test_an_archive_that_is_cut_off(tmp_path: Path) -> None:
    whole = zipped([A, B])
    found, witness = read(tmp_path, whole[:-30])
    assert (reasons(found), witness.seen) == (["its directory is missing: it is cut off"], ["a/data.pkl"])


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    data = local_of(A) + end_of(1, 50, 9999)
    found, witness = read(tmp_path, data)
    assert reasons(found) == ["its directory is not where the end of the file says"]
    assert witness.seen == ["a/data.pkl"]


def test_a_member_that_is_listed_and_not_there(tmp_path: Path) -> None:
    found, _ = read(tmp_path, zipped([A, replace(A, name="gone.pkl", offset=5)]))
    assert "a member that its directory lists is not there" in reasons(found)
    assert subjects(found, AMBIGUOUS.id) == ["gone.pkl"]


def test_an_archive_without_content(tmp_path: Path) -> None:
    found, _ = read(tmp_path, end_of(0, 0, 0))
    assert reasons(found) == ["it is an archive without content"]


def test_a_damaged_member_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    broken = packer.compress(A.content) + packer.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 8
    found, witness = read(tmp_path, zipped([replace(A, method=8, packed=broken)]))
    assert witness.contents[0] in (A.content, A.content[:-1])
    assert reasons(found) == ["it is damaged and cannot be unpacked to its end"]


def test_bytes_behind_the_content_of_a_member(tmp_path: Path) -> None:
    piece = replace(A, method=8, packed=deflated(A.content) + MARK + b"behind")
    found, witness = read(tmp_path, zipped([piece]))
    assert rules(found) == [HIDDEN.id]
    assert witness.contents == [A.content, MARK + b"behind"]


def test_a_bomb(tmp_path: Path) -> None:
    data = zipped([Piece(name="weights.npy", content=MARK + bytes(5 << 20), method=8)])
    path = tmp_path / "bomb"
    path.write_bytes(data)
    witness, found = Witness(), Inspection()
    with path.open("rb") as stream:
        bounds = Bounds(always=1 << 20)
        walk = Walk(readers=[Zip(), witness], found=found, scratch=tmp_path, bounds=bounds)
        walk.read(Source.of(stream))
    assert rules(found) == [BOMB.id]
    assert reasons(found) == ["it grows beyond 1 MiB when unpacked"]
    assert witness.seen == ["weights.npy"]


def test_archives_in_archives_are_read(tmp_path: Path) -> None:
    data = zipped([replace(A, name="deep.pkl")])
    for level in range(7):
        data = zipped([Piece(name=f"{level}.zip", content=data, method=8 * (level % 2))])
    found, witness = read(tmp_path, data)
    assert witness.seen == ["6.zip/5.zip/4.zip/3.zip/2.zip/1.zip/0.zip/deep.pkl"]
    found, witness = read(tmp_path, zipped([Piece(name="x.zip", content=data)]))
    assert reasons(found) == ["it is nested more than 8 levels deep"]


PE = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0\x64\x86" + bytes(60)


@pytest.mark.parametrize(
    ("name", "content", "severity"),
    [
        ("handler.py", b"import os\n", None),
        ("run.sh", b"#!/bin/sh\necho x\n", None),
        ("weights", b"#!/bin/sh\necho x\n", 7.5),
        ("libop.so.1", b"not really", None),
        ("weights.bin", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0\x3e\0" + bytes(40), 7.5),
        ("data/0", PE, 7.5),
    ],
)
def test_programs_in_archives(tmp_path: Path, name: str, content: bytes, severity: float | None) -> None:
    found, _ = read(tmp_path, zipped([Piece(name=name, content=content)]))
    assert [(fact.rule, fact.severity) for fact in found.facts.values()] == [(CODE.id, severity)]


@pytest.mark.parametrize("name", ["README.md", "data/0", "config.json", "vocab.txt", "weights.bin", "x.csv"])
def test_weights_and_texts_need_no_reader(tmp_path: Path, name: str) -> None:
    found, _ = read(tmp_path, zipped([Piece(name=name, content=b"MZ\x7fEL 1 2 3"), Piece(name="empty")]))
    assert (rules(found), reasons(found)) == ([], [])


@pytest.mark.parametrize("name", ["model.pkl", "x/model.joblib", "net.onnx", "graph.pb", "m.h5"])
def test_what_is_named_like_a_model_and_nobody_knows_is_not_read(tmp_path: Path, name: str) -> None:
    for content, reason in ((b"\xff\xfe", "nothing here knows its format"), (b"", "it is empty")):
        found, _ = read(tmp_path, zipped([Piece(name=name, content=content)]))
        assert reasons(found) == [reason]


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsecops.models.zip.structure.MAX_ENTRIES", 3)
    found, _ = read(tmp_path, zipped([replace(B, name=f"{number}") for number in range(5)]))
    assert "its directory has more than 3 entries" in reasons(found)


def test_facts_are_few_however_odd_the_archive(tmp_path: Path) -> None:
    pieces = [replace(B, name=f"n{number}", local_name=f"m{number}") for number in range(200)]
    found, _ = read(tmp_path, zipped(pieces))
    assert len(found.facts) == 40


def test_a_gigabyte_of_weights_is_read_in_constant_memory(tmp_path: Path) -> None:
    quarter = 1 << 28
    zeros, crc = bytes(1 << 20), 0
    for _ in range(256):
        crc = zlib.crc32(zeros, crc)
    directory = b""
    path = tmp_path / "large.pt"
    with path.open("wb") as file:
        for number in range(4):
            piece = Piece(name=f"a/data/{number}", crc=crc, size=quarter, packed_size=quarter)
            directory += central_of(piece, file.tell())
            file.write(local_of(piece))
            file.seek(quarter, io.SEEK_CUR)
        directory += central_of(A, file.tell())
        file.write(local_of(A))
        file.write(directory + end_of(5, len(directory), file.tell()))
    found, witness = Inspection(), Witness()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with path.open("rb") as stream:
        Walk(readers=[Zip(), witness], found=found, scratch=tmp_path).read(Source.of(stream))
    assert time.process_time() - start < 8
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    assert (rules(found), reasons(found), witness.seen) == ([], [], ["a/data.pkl"])


BASES = [
    zipped([A, replace(B, method=8), replace(A, name="../x", described=16)], comment=b"c"),
    zipped([replace(A, zip64=True), B], zip64=True),
    zipped([A, replace(B, listed=False)], before=b"12", between=b"345"),
]


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from(BASES),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    cut=st.floats(0.2, 1),
)
def test_nothing_in_a_zip_makes_the_reader_fail(
    tmp_path: Path, base: bytes, changes: list[tuple[float, bytes]], cut: float
) -> None:
    data = bytearray(base)
    for place, patch in changes:
        at = int(place * (len(data) - len(patch)))
        data[at : at + len(patch)] = patch
    found, _ = read(tmp_path, bytes(data[: int(len(data) * cut)]))
    assert not [reason for reason in reasons(found) if "mlsecops itself" in reason]


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(0, 0xFFFFFFFF), min_size=4, max_size=4),
    flags=st.integers(0, 0xFFFF),
    method=st.sampled_from([0, 8, 12, 14, 93, 95]),
    offset=st.integers(0, 400),
    count=st.integers(0, 0xFFFF),
)
def test_numbers_without_sense_do_no_harm(
    tmp_path: Path, sizes: list[int], flags: int, method: int, offset: int, count: int
) -> None:
    size, packed, local_size, local_packed = sizes
    piece = replace(A, size=size, packed_size=packed, local_size=local_size, local_packed_size=local_packed)
    piece = replace(piece, flags=flags, method=method, packed=b"\x5d\0\0\x05\0" * 20)
    data = zipped([piece, replace(B, offset=offset, name="b", zip64=True)], count=count)
    found, _ = read(tmp_path, data)
    assert found.facts or found.unread
    assert not [reason for reason in reasons(found) if "mlsecops itself" in reason]
