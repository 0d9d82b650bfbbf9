"""7z archives: every file is read out of its folder, and a header that lies does not hide any."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from corpus.formats import packings
from corpus.formats.seven_zips import (
    AES,
    COPY,
    DELTA,
    LZMA,
    LZMA2,
    MAGIC,
    PPMD,
    REPARSE_POINT,
    UNIX_LINK,
    X86,
    File,
    Folder,
    coder,
    files_of,
    header_of,
    number,
    of_files,
    packed,
    seven_zip,
    streams_of,
    wrapped,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.seven_zip import SevenZip
from mlsecops.models.rules.archives import AMBIGUOUS, BOMB, CHECKSUM, CODE, ESCAPES, HIDDEN
from mlsecops.models.source import Source
from mlsecops.models.walk import Bounds, Walk
from support import zstandard
from support.parts import Readers, read_with, reasons, rules, subjects
from support.witness import MARK, Witness

CONTENT = MARK + bytes(range(256)) * 40
SECOND = MARK + b"second"
METHODS = ["copy", "lzma", "lzma2", "deflate", "bzip2", "x86", "x86+lzma", "delta"]
CUT_OFF = "it is cut off"
NO_PROGRAM = "its header describes a compression as no program does"


def read(folder: Path, data: bytes) -> tuple[Inspection, Witness]:
    witness = Witness()
    return read_with(folder, data, SevenZip(), witness), witness


def one(*coders: bytes, data: bytes = b"any") -> bytes:
    """An archive of one file that is packed by these coders."""
    return seven_zip([Folder(contents=[b"any"], packs=[data], coders=coders)], [File(name="a.pkl")])


@pytest.mark.parametrize("header", ["", "lzma", "lzma2", "copy"])
@pytest.mark.parametrize("method", METHODS)
def test_every_file_of_a_folder_is_read(tmp_path: Path, method: str, header: str) -> None:
    files = {"a/model.pkl": CONTENT, "notes.txt": b"text", "b.pkl": SECOND}
    found, witness = read(tmp_path, of_files(files, method, header=header))
    assert (rules(found), reasons(found), found.streams) == ([], [], 1)
    assert found.formats == ["7z", "marked", "marked"]
    assert (witness.seen, witness.contents) == (["a/model.pkl", "b.pkl"], [CONTENT, SECOND])


def test_folders_of_different_compressions_and_files_without_content(tmp_path: Path) -> None:
    folders = [packed("lzma2", CONTENT, SECOND), packed("copy"), packed("bzip2", SECOND)]
    files = [
        File(name="sub", kind="folder", attributes=0x10),
        File(name="sub/a.pkl"),
        File(name="empty.txt", kind="empty"),
        File(name="sub/b.pkl"),
        File(name="model.pkl", kind="empty"),
        File(name="c.pkl"),
    ]
    found, witness = read(tmp_path, seven_zip(folders, files, header="lzma"))
    assert witness.seen == ["sub/a.pkl", "sub/b.pkl", "c.pkl"]
    assert [(each.part, each.reason) for each in found.unread] == [("model.pkl", "it is empty")]
    assert rules(found) == []


def test_the_compressions_of_other_programs(tmp_path: Path) -> None:
    frames = zstandard.compressed(CONTENT[:5000]) + zstandard.compressed(CONTENT[5000:])
    for method, data in ((b"\x04\xf7\x11\x01", frames), (b"\x04\xf7\x11\x04", packings.lz4(CONTENT))):
        folder = Folder(contents=[CONTENT], packs=[data], coders=[coder(method, bytes(5))])
        found, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl")]))
        assert (rules(found), reasons(found), witness.contents) == ([], [], [CONTENT])


def test_filters_without_a_compression(tmp_path: Path) -> None:
    # Delta over four bytes: each byte is the difference to the one four before it.
    delta = bytes(byte - (CONTENT[at - 4] if at > 3 else 0) & 0xFF for at, byte in enumerate(CONTENT))
    for coders in (
        [coder(DELTA, b"\3")],
        [coder(DELTA, b"\3"), coder(COPY)],
        [coder(COPY), coder(DELTA, b"\3")],
    ):
        folder = Folder(contents=[CONTENT], packs=[delta], coders=coders)
        found, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl")]))
        assert (rules(found), reasons(found), witness.contents) == ([], [], [CONTENT])


@pytest.mark.parametrize(
    "method", [b"\x04", b"\x05", b"\x06", b"\x07", b"\x08", b"\x09", b"\x03\x03\x05\x01"]
)
def test_branch_filters_over_any_compression(tmp_path: Path, method: bytes) -> None:
    folder = packed("bzip2", CONTENT[: len(MARK)])
    folder = replace(folder, coders=[coder(method, bytes(4)), *folder.coders])
    found, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl")]))
    assert (rules(found), reasons(found), witness.contents) == ([], [], [MARK])


def test_a_dictionary_is_no_larger_than_what_comes_out(tmp_path: Path) -> None:
    folder = packed("lzma2", CONTENT)
    huge = replace(folder, coders=[coder(LZMA2, bytes([40]))])
    assert read(tmp_path, seven_zip([huge], [File(name="a.pkl")]))[1].contents == [CONTENT]
    lying = replace(huge, sizes=[1 << 40], lengths=[1 << 40])
    found, _ = read(tmp_path, seven_zip([lying], [File(name="a.pkl")]))
    assert reasons(found) == ["unpacking it needs too much memory"]


@pytest.mark.parametrize(
    ("coders", "reason"),
    [
        ([coder(PPMD, bytes(5))], "it is compressed with PPMd, which nothing here can unpack"),
        ([coder(b"\x04\x01\x09")], "it is compressed with Deflate64, which nothing here can unpack"),
        ([coder(b"\x0a"), coder(LZMA2, b"\x18")], "the ARM64 filter"),
        ([coder(b"\x21\x22")], "it is compressed with method 2122, which nothing here can unpack"),
        ([coder(AES, bytes(19)), coder(LZMA2, b"\x18")], "it is encrypted"),
        ([coder(PPMD, bytes(5)), coder(AES, bytes(19))], "it is encrypted"),
        ([coder(LZMA2, b"\x18"), coder(LZMA2, b"\x18")], "it is compressed twice, one time over the other"),
        ([coder(DELTA)], "it is compressed twice"),
        ([coder(X86, b"\1\0")], "it is compressed twice"),
        ([coder(b"\x05", b"\1\0\0\0")], NO_PROGRAM),
        ([coder(LZMA2, b"\x29")], NO_PROGRAM),
        ([coder(LZMA2)], NO_PROGRAM),
        ([coder(LZMA, b"\x5d")], NO_PROGRAM),
        ([coder(LZMA, b"\x08" + struct.pack("<L", 1 << 16))], "settings of LZMA"),
    ],
)
def test_what_nothing_here_unpacks_is_named(tmp_path: Path, coders: list[bytes], reason: str) -> None:
    found, _ = read(tmp_path, one(*coders))
    assert len(found.unread) == 1
    assert reason in found.unread[0].reason
    assert found.unread[0].part == "a.pkl"


def test_a_folder_of_several_packed_streams(tmp_path: Path) -> None:
    bcj2 = Folder(
        contents=[CONTENT],
        packs=[CONTENT, b"", b"", bytes(5)],
        coders=[coder(b"\x03\x03\x01\x1b", ins=4)],
    )
    files = [File(name="a.pkl"), File(name="b.pkl")]
    found, witness = read(tmp_path, seven_zip([bcj2, packed("lzma", SECOND)], files))
    assert reasons(found) == ["it is compressed with BCJ2, which nothing here can unpack"]
    assert witness.seen == ["b.pkl"]
    joined = replace(bcj2, coders=[coder(COPY, ins=4)])
    assert reasons(read(tmp_path, seven_zip([joined], files[:1]))[0]) == [
        "its compressions are joined as no program does it"
    ]


def test_an_encrypted_header(tmp_path: Path) -> None:
    folder = Folder(contents=[b"any"], packs=[b"any"], coders=[coder(AES, bytes(19))])
    assert reasons(read(tmp_path, wrapped(b"any", b"\x17" + streams_of([folder])))[0]) == ["it is encrypted"]


def test_a_header_packed_more_than_once(tmp_path: Path) -> None:
    files = [File(name="a.pkl")]
    body, header = CONTENT, header_of([packed("copy", CONTENT)], files)
    for times in range(1, 6):
        folder = packed("lzma2", header)
        header = b"\x17" + streams_of([folder], len(body))
        body += folder.packs[0]
        found, witness = read(tmp_path, wrapped(body, header))
        if times < 4:
            assert (reasons(found), rules(found), witness.seen) == ([], [], ["a.pkl"])
        else:
            assert reasons(found) == ["its header is packed again and again"]


@pytest.mark.parametrize(
    ("name", "how"),
    [("../../x", "climbs"), ("/etc/x", "absolute"), ("C:\\x", "drive"), ("a\\..\\..\\x", "climbs")],
)
def test_names_that_lead_out(tmp_path: Path, name: str, how: str) -> None:
    files = [File(name=name), File(name=f"{name}/", kind="folder")]
    found, witness = read(tmp_path, seven_zip([packed("lzma2", CONTENT)], files))
    assert (rules(found), len(witness.seen)) == ([ESCAPES.id], 1)
    assert all(how in fact.message for fact in found.facts.values())
    assert len(found.facts) == 2


def reparse(tag: int, before: int, target: str) -> bytes:
    path = target.encode("utf-16-le")
    return struct.pack("<LHH", tag, len(path) + before, 0) + bytes(before) + path


@pytest.mark.parametrize(
    ("attributes", "target", "leads_out"),
    [
        (UNIX_LINK, b"../model.pkl", False),
        (UNIX_LINK, b"../../x", True),
        (UNIX_LINK, b"/etc/passwd", True),
        (REPARSE_POINT, b"../../x", True),
        (REPARSE_POINT, reparse(0xA000000C, 12, "..\\..\\x"), True),
        (REPARSE_POINT, reparse(0xA000000C, 12, "x"), False),
        (REPARSE_POINT, reparse(0xA0000003, 8, "\\??\\C:\\x"), True),
        (0x8000 | 0o100644 << 16, b"../../x", False),
    ],
)
def test_links_that_lead_out(tmp_path: Path, attributes: int, target: bytes, leads_out: bool) -> None:
    files = [File(name="a/b.txt"), File(name="a/link", attributes=attributes)]
    found, _ = read(tmp_path, seven_zip([packed("lzma", b"text", target)], files))
    assert rules(found) == ([ESCAPES.id] if leads_out else [])


def test_names_that_are_there_twice(tmp_path: Path) -> None:
    folders = [packed("copy", CONTENT, SECOND)]
    found, witness = read(tmp_path, seven_zip(folders, [File(name="a.pkl"), File(name="a.pkl")]))
    assert witness.contents == [CONTENT, SECOND]
    assert [(fact.rule, fact.severity) for fact in found.facts.values()] == [(AMBIGUOUS.id, None)]
    found, _ = read(tmp_path, seven_zip(folders, [File(name="a.pkl"), File(name="A.pkl")]))
    assert {(fact.rule, fact.severity) for fact in found.facts.values()} == {(AMBIGUOUS.id, 5.0)}
    twice = [File(name="sub", kind="folder")] * 2
    assert rules(read(tmp_path, seven_zip([], [*twice, File(name="x", kind="empty")]))[0]) == []


def test_what_unpacking_deletes(tmp_path: Path) -> None:
    found, _ = read(
        tmp_path, seven_zip([packed("copy", b"x")], [File(name="a"), File(name="b", kind="anti")])
    )
    assert [fact.message for fact in found.facts.values()] == ["Unpacking it deletes `b`."]


def test_code_in_an_archive(tmp_path: Path) -> None:
    found, _ = read(tmp_path, of_files({"setup.py": b"import os", "weights": b"\0" * 9}))
    assert rules(found) == [CODE.id]


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_checksum(tmp_path: Path, method: str) -> None:
    folder = replace(packed(method, CONTENT, SECOND), crcs=[zlib.crc32(CONTENT), 1])
    found, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl"), File(name="b.pkl")]))
    assert (subjects(found, CHECKSUM.id), reasons(found)) == (["b.pkl"], [])
    assert witness.seen == ["a.pkl", "b.pkl"]
    folder = replace(folder, crcs=[None, None])
    assert rules(read(tmp_path, seven_zip([folder], [File(name="a"), File(name="b")]))[0]) == []


@pytest.mark.parametrize("method", ["lzma", "lzma2", "deflate", "bzip2", "x86+lzma"])
def test_what_comes_out_before_the_damage_is_read(tmp_path: Path, method: str) -> None:
    folder = packed(method, CONTENT, MARK + zlib.compress(CONTENT * 9)[:200], SECOND)
    data = bytearray(folder.packs[0])
    data[-len(data) // 3] ^= 0xFF
    broken = replace(folder, packs=[bytes(data)])
    files = [File(name=name) for name in ("a.pkl", "b.pkl", "c.pkl")]
    found, witness = read(tmp_path, seven_zip([broken], files))
    assert found.unread or CHECKSUM.id in rules(found)
    if method != "bzip2":  # whose one block is lost as a whole
        assert witness.contents[0] == CONTENT


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_belong_to_nothing(tmp_path: Path, method: str) -> None:
    folder = packed(method, CONTENT)
    archive = seven_zip([folder], [File(name="a.pkl")], header="lzma")
    behind, witness = read(tmp_path, archive + MARK)
    assert (rules(behind), witness.seen) == ([HIDDEN.id], ["a.pkl", "(after it)"])
    between, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl")], gap=SECOND))
    assert (rules(between), witness.contents) == ([HIDDEN.id], [CONTENT, SECOND])
    within = replace(folder, packs=[folder.packs[0] + SECOND])
    found, witness = read(tmp_path, seven_zip([within], [File(name="a.pkl")]))
    assert (rules(found), witness.contents) == ([HIDDEN.id], [CONTENT, SECOND])
    assert read(tmp_path, archive + bytes(512))[0].facts == {}


@pytest.mark.parametrize("method", METHODS)
def test_more_comes_out_than_the_header_says(tmp_path: Path, method: str) -> None:
    folder = packed(method, CONTENT, SECOND)
    short = replace(
        folder, sizes=[*[folder.unpacked[0]] * (len(folder.coders) - 1), len(CONTENT)], lengths=[1]
    )
    short = replace(short, sizes=[len(CONTENT), *folder.unpacked[1:]], lengths=[len(CONTENT)], crcs=[None])
    found, witness = read(tmp_path, seven_zip([short], [File(name="a.pkl")]))
    if method != "lzma":  # of which nothing comes out beyond what it is told
        assert (rules(found), witness.contents) == ([HIDDEN.id], [CONTENT, SECOND])
    assert witness.contents[0] == CONTENT


@pytest.mark.parametrize("method", METHODS)
def test_less_comes_out_than_the_header_says(tmp_path: Path, method: str) -> None:
    folder = packed(method, CONTENT, SECOND)
    long = replace(folder, sizes=[99_999] * len(folder.coders), lengths=[len(CONTENT), 1])
    found, witness = read(tmp_path, seven_zip([long], [File(name="a.pkl"), File(name="b.pkl")]))
    assert found.unread[0].part == "b.pkl"
    assert witness.contents[0] == CONTENT


def test_names_and_contents_of_different_number(tmp_path: Path) -> None:
    folder = packed("lzma2", CONTENT, SECOND)
    found, witness = read(tmp_path, seven_zip([folder], [File(name="a.pkl")]))
    assert (rules(found), witness.contents) == ([AMBIGUOUS.id], [CONTENT, SECOND])
    found, witness = read(tmp_path, seven_zip([folder], [File(name=f"{at}.pkl") for at in range(3)]))
    assert (reasons(found), len(witness.seen)) == (["its header lists files that are not there"], 2)


def test_packed_bytes_that_reach_into_the_header_or_behind_the_end(tmp_path: Path) -> None:
    folder = packed("copy", CONTENT)
    for longer in (9, 1 << 20):
        size = len(CONTENT) + longer
        header = header_of([replace(folder, packs=[bytes(size)], sizes=[size])], [File(name="a.pkl")])
        found, witness = read(tmp_path, wrapped(CONTENT, header))
        assert (AMBIGUOUS.id in rules(found), witness.seen) == (True, ["a.pkl"])
        assert (CUT_OFF in reasons(found)) == (longer > 9)


def test_a_bomb(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.7z"
    folders = [packed("lzma2", bytes(1 << 16), SECOND), packed("copy", SECOND)]
    archive.write_bytes(seven_zip(folders, [File(name=name) for name in ("a.bin", "b.pkl", "c.pkl")]))
    found, witness = Inspection(), Witness()
    with archive.open("rb", buffering=0) as stream:
        bounds = Bounds(always=1000, growth=1)
        readers: Readers = [SevenZip(), witness]
        Walk(readers=readers, found=found, scratch=tmp_path, bounds=bounds).read(Source.of(stream))
    assert (rules(found), witness.seen) == ([BOMB.id], ["c.pkl"])
    assert reasons(found) == ["it grows beyond 0 MiB when unpacked"]


def test_many_parts_that_cannot_be_unpacked(tmp_path: Path) -> None:
    locked = Folder(contents=[b"x"], packs=[b"x"], coders=[coder(AES, bytes(19))])
    files = [File(name="a.pkl")] * 1100
    found, _ = read(tmp_path, seven_zip([locked] * 1100, files, header="lzma"))
    assert len(found.unread) == 1002
    assert reasons(found)[-1] == "more than 1,000 parts of it cannot be unpacked"


GOOD = header_of([packed("copy", CONTENT)], [File(name="a.pkl")])


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", CUT_OFF),
        (wrapped(CONTENT, GOOD)[:-1], CUT_OFF),
        (wrapped(CONTENT, b""), "it is an archive without content"),
        (wrapped(CONTENT, GOOD, crc=1), "the checksum of its header is wrong"),
        (wrapped(CONTENT, GOOD, start_crc=1), "the checksum of its beginning is wrong"),
        (wrapped(CONTENT, GOOD + b"\0"), "there is more in its header than it says"),
        (wrapped(CONTENT, GOOD[:-1]), "its header says more than there is"),
        (wrapped(CONTENT, b"\2"), "its header has a record that is not known here (0x2)"),
        (wrapped(CONTENT, b"\1\3"), "its header has a record that is not known here (0x3)"),
        (wrapped(CONTENT, b"\1\5" + number(1 << 40)), "it has more than 50,000 entries"),
        (wrapped(CONTENT, b"\1\5\1\x11\1\1\0\0"), "a part of its header lies somewhere else"),
        (wrapped(CONTENT, b"\1\5\1\x1a\1\0\0\0"), "its header has a record that is not known here (0x1a)"),
        (
            wrapped(CONTENT, b"\1\5\1" + b"\x11\1\0" * 2 + b"\0\0"),
            "its header says the same thing twice",
        ),
        (wrapped(CONTENT, b"\1\5\2\x11\5\0a\0\0\0\0\0"), "its header has more or fewer names than files"),
        (wrapped(CONTENT, b"\1\4\6\0\1\0\0\0"), "its header does not say how long its packed bytes are"),
        (wrapped(b"", b"\1\4\7\x0b\1\0\1\1\0\x0c\0\0\0\0"), "does not say where its packed bytes are"),
        (wrapped(b"", b"\1\4\7\x0b\1\0\0"), "its header names 0 compressions one after the other"),
        (wrapped(b"", b"\1\4\7\x0b\1\0\1\x81\0"), NO_PROGRAM),
        (wrapped(b"", b"\1\4\7\x0b\1\0\1\x11\0\1\2"), NO_PROGRAM),
        (wrapped(b"", b"\1\4\7\x0b\1\0\2\1\0\1\0\2\0"), "its header joins compressions that are not there"),
        (wrapped(b"", b"\x17\0"), "its header is packed as no program does it"),
    ],
)
def test_headers_that_lie(tmp_path: Path, archive: bytes, reason: str) -> None:
    found, _ = read(tmp_path, archive)
    assert any(reason in each for each in reasons(found)), reasons(found)


def test_a_wrong_checksum_of_the_header_keeps_nobody_from_reading_on(tmp_path: Path) -> None:
    assert read(tmp_path, wrapped(CONTENT, GOOD, crc=1, start_crc=1))[1].contents == [CONTENT]


def test_lengths_of_files_that_are_more_than_their_folder(tmp_path: Path) -> None:
    folder = replace(packed("copy", CONTENT, SECOND), lengths=[1 << 30, 1])
    found, _ = read(tmp_path, seven_zip([folder], [File(name="a"), File(name="b")]))
    assert reasons(found) == ["its files are longer than what they are packed in"]


def test_a_folder_without_its_files_lengths(tmp_path: Path) -> None:
    record = streams_of([packed("copy", CONTENT)])
    plain = record[: record.index(b"\x08\x0d")]
    files = files_of([File(name="a.pkl")])
    assert read(tmp_path, wrapped(CONTENT, b"\1\4" + plain + b"\0" + files + b"\0"))[1].contents == [CONTENT]
    found, _ = read(tmp_path, wrapped(CONTENT, b"\1\4" + plain + b"\x08\x0d\2\0\0" + files + b"\0"))
    assert reasons(found) == ["its header does not say how long its files are"]
    found, _ = read(tmp_path, wrapped(CONTENT, b"\1\4" + plain + b"\x08\x0d" + number(1 << 30) + b"\0\0"))
    assert reasons(found) == ["it has more than 50,000 entries"]


def test_checksums_of_packed_bytes_and_folders_and_properties_of_the_archive(tmp_path: Path) -> None:
    crc = struct.pack("<L", zlib.crc32(CONTENT))
    size = number(len(CONTENT))
    packs = b"\6\0\1\x09" + size + b"\x0a\1" + crc + b"\0"
    for told, expected in ((crc, []), (b"wrong"[:4], [CHECKSUM.id])):
        folder = b"\7\x0b\1\0\1\1\0\x0c" + size + b"\x0a\1" + told + b"\0"
        header = b"\1\2\x19\1x\0\4" + packs + folder + b"\x08\0\0" + files_of([File(name="a.pkl")]) + b"\0"
        found, witness = read(tmp_path, wrapped(CONTENT, header))
        assert (rules(found), reasons(found), witness.contents) == (expected, [], [CONTENT])


def test_large_headers_are_not_unpacked(tmp_path: Path) -> None:
    folder = replace(packed("lzma2", b"x"), sizes=[1 << 30])
    found, _ = read(tmp_path, wrapped(folder.packs[0], b"\x17" + streams_of([folder])))
    assert reasons(found) == ["its header is larger than 32 MiB"]
    found, _ = read(tmp_path, wrapped(b"", b"\x17" + streams_of([replace(folder, packs=[b""], sizes=[99])])))
    assert CUT_OFF in reasons(found)[0]


def test_large_headers_are_not_read(tmp_path: Path) -> None:
    size = 33 << 20
    told = struct.pack("<QQL", 0, size, 0)
    archive = tmp_path / "large.7z"
    with archive.open("wb") as file:
        file.write(MAGIC + b"\0\4" + struct.pack("<L", zlib.crc32(told)) + told)
        file.truncate(32 + size)
    found = Inspection()
    with archive.open("rb", buffering=0) as stream:
        Walk(readers=[SevenZip()], found=found, scratch=tmp_path).read(Source.of(stream))
    assert reasons(found) == ["its header is larger than 32 MiB"]


def test_names_without_a_record_and_numbers_of_every_length(tmp_path: Path) -> None:
    header = b"\1\4" + streams_of([packed("copy", CONTENT)]) + b"\5\1\0\0"
    assert read(tmp_path, wrapped(CONTENT, header))[1].contents == [CONTENT]
    for power in range(0, 64, 7):
        found, _ = read(tmp_path, wrapped(b"", b"\1\4\6" + number((1 << power) - 1) + b"\0\x09\0\0\0"))
        assert reasons(found) == ["it is an archive without content"]


SEEDS = (
    seven_zip([packed("lzma2", CONTENT), packed("copy", SECOND)], [File(name="a"), File(name="b")]),
    of_files({"a.pkl": CONTENT, "../b": SECOND}, "x86+lzma", header="lzma"),
    seven_zip(
        [packed("deflate", SECOND)], [File(name="a", attributes=UNIX_LINK), File(name="b", kind="anti")]
    ),
)


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 40),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_breaks_the_reader(
    tmp_path: Path, seed: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    # The last bytes are the header, whose checksums are made to fit.
    offset, size = struct.unpack_from("<QQ", seed, 12)
    header = bytearray(seed[32 + offset : 32 + offset + size])
    for at, value in changes:
        header[at % len(header)] = value
    found, _ = read(tmp_path, wrapped(seed[32 : 32 + offset], bytes(header[: len(header) - cut // 10])))
    assert "7z" in found.formats
    assert not [each for each in reasons(found) if "mlsecops itself" in each]


@given(data=st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_reader(tmp_path: Path, data: bytes) -> None:
    found, _ = read(tmp_path, wrapped(data[:20], b"\1" + data))
    assert not [each for each in reasons(found) if "mlsecops itself" in each]
    packed_header = b"\x17" + data
    assert not [each for each in reasons(read(tmp_path, wrapped(b"", packed_header))[0]) if "itself" in each]
