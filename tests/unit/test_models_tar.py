"""Tars: every member is read, wherever it stands, and names and links that lead out are told."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.readers.tar import Tar
from mlsecops.models.rules.archives import AMBIGUOUS, ESCAPES, HIDDEN
from mlsecops.models.tar_headers import number
from mlsecops.models.walk import UnreadableError
from support.parts import read_with, reasons, rules, subjects
from support.witness import MARK, Witness

CONTENT = MARK + b"x" * 600
LONG = "folder/" * 30 + "model.pkl"


def read(folder: Path, data: bytes) -> tuple[Inspection, Witness]:
    witness = Witness()
    return read_with(folder, data, Tar(), witness), witness


def header(
    name: bytes,
    size: int | bytes,
    kind: bytes = b"0",
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    signed: bool = False,
) -> bytes:
    length = size if isinstance(size, bytes) else b"%011o\0" % size
    block = name.ljust(100, b"\0") + b"0000644\0" * 3 + length + b"00000000000\0" + b" " * 8 + kind
    block = (block + link.ljust(100, b"\0") + magic.ljust(88, b"\0") + prefix).ljust(512, b"\0")
    total = sum(block) - (256 * sum(byte >= 128 for byte in block) if signed else 0)
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def member(name: bytes, content: bytes = CONTENT, kind: bytes = b"0", link: bytes = b"") -> bytes:
    return header(name, len(content), kind, link) + padded(content)


def pax(kind: bytes = b"x", **records: str) -> bytes:
    text = b""
    for key, value in records.items():
        line = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(line) + 1
        while length != len(line) + len(str(length)):
            length = len(line) + len(str(length))
        text += str(length).encode() + line
    return member(b"pax", text, kind)


END = bytes(1024)


def made(form: int, name: str = "model.pkl") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for each, content in ((name, CONTENT), ("empty.txt", b""), ("weights", bytes(3000))):
            info = tarfile.TarInfo(each)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["model.pkl", LONG[7 * 10 :], "mödel.pkl"])
def test_what_python_writes_is_read(tmp_path: Path, form: int, name: str) -> None:
    found, witness = read(tmp_path, made(form, name))
    assert (rules(found), reasons(found), found.streams) == ([], [], 1)
    assert witness.contents == [CONTENT]
    assert witness.seen[0].startswith(name[:100])


def test_long_names_are_whole(tmp_path: Path) -> None:
    name = "a/" * 150 + "../" * 151 + "x.pkl"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found, _ = read(tmp_path, made(form, name))
        assert rules(found) == [ESCAPES.id]


def test_old_headers_and_other_numbers(tmp_path: Path) -> None:
    old = header(b"a.pkl", len(CONTENT), b"\0", magic=b"") + padded(CONTENT)
    binary = header(b"b.pkl", b"\x80" + len(CONTENT).to_bytes(11, "big")) + padded(CONTENT)
    spaced = header(b"c.pkl", b"%11o " % len(CONTENT)) + padded(CONTENT)
    signed = header(b"d\xe4.pkl", len(CONTENT), signed=True) + padded(CONTENT)
    prefixed = header(b"e.pkl", len(CONTENT), prefix=b"folder") + padded(CONTENT)
    found, witness = read(tmp_path, old + binary + spaced + signed + prefixed + END)
    assert (rules(found), reasons(found)) == ([], [])
    assert witness.seen == ["a.pkl", "b.pkl", "c.pkl", "dä.pkl", "folder/e.pkl"]


def test_extended_headers_count(tmp_path: Path) -> None:
    data = pax(b"g", comment="x") + pax(path="../up.pkl", size=str(len(CONTENT))) + member(b"plain.pkl") + END
    found, witness = read(tmp_path, data)
    assert witness.seen == ["../up.pkl"]
    assert rules(found) == [ESCAPES.id]


def test_a_size_that_two_headers_disagree_about_is_read_both_ways(tmp_path: Path) -> None:
    inner = member(b"inner.pkl")
    data = pax(size="0") + header(b"outer", len(inner)) + inner + END
    found, witness = read(tmp_path, data)
    assert sorted(witness.seen) == ["inner.pkl", "outer/inner.pkl"]
    assert AMBIGUOUS.id in rules(found)
    hidden = pax(size=str(len(inner))) + header(b"outer", 0) + inner + END
    assert read(tmp_path, hidden)[1].seen == ["outer/inner.pkl"]


def test_the_torch_of_old_is_known(tmp_path: Path) -> None:
    data = b"".join(member(name) for name in (b"sys_info", b"pickle", b"storages", b"tensors"))
    found, witness = read(tmp_path, data + END)
    assert (found.producer, len(witness.seen)) == ("torch", 4)


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        (member(b"../x"), "../x"),
        (member(b"/etc/x"), "/etc/x"),
        (header(b"a/link", 0, b"2", b"../../x"), "a/link"),
        (header(b"link", 0, b"2", b"/etc/passwd"), "link"),
        (header(b"hard", 0, b"1", b"../x"), "../x"),
        (header(b"null", 0, b"3"), "null"),
        (header(b"pipe", 0, b"6"), "pipe"),
    ],
)
def test_what_leads_out(tmp_path: Path, data: bytes, subject: str) -> None:
    found, _ = read(tmp_path, data + END)
    assert subjects(found, ESCAPES.id) == [subject]


@pytest.mark.parametrize(
    "data",
    [
        header(b"snapshots/1/m", 0, b"2", b"../../blobs/x"),
        header(b"hard", 0, b"1", b"other"),
        header(b"link", len(CONTENT), b"2", b"other"),
        member(b"./model.pkl") + header(b"./", 0, b"5"),
    ],
)
def test_what_stays(tmp_path: Path, data: bytes) -> None:
    found, _ = read(tmp_path, data + member(b"other") + END)
    assert (rules(found), reasons(found)) == ([], [])


def test_hard_links_with_content_are_read(tmp_path: Path) -> None:
    found, witness = read(tmp_path, member(b"hard", CONTENT, b"1", b"other") + member(b"other", b"o") + END)
    assert (witness.seen, reasons(found)) == (["hard"], [])


def test_the_same_name_twice(tmp_path: Path) -> None:
    found, witness = read(tmp_path, member(b"a.pkl") + member(b"./a.pkl") + END)
    assert (witness.seen, subjects(found, AMBIGUOUS.id)) == (["a.pkl", "./a.pkl"], ["./a.pkl"])


def test_members_behind_the_end(tmp_path: Path) -> None:
    found, witness = read(tmp_path, member(b"a.pkl") + END + member(b"b.pkl") + END)
    assert (witness.seen, subjects(found, AMBIGUOUS.id)) == (["a.pkl", "b.pkl"], ["b.pkl"])


def test_bytes_behind_the_end(tmp_path: Path) -> None:
    found, witness = read(tmp_path, member(b"a.pkl") + END + MARK + b"behind")
    assert (witness.seen, rules(found)) == (["a.pkl", "(after its end)"], [HIDDEN.id])


def test_a_header_that_is_broken(tmp_path: Path) -> None:
    found, witness = read(tmp_path, member(b"a.pkl") + MARK + b"?" * 600)
    assert reasons(found) == ["its header at byte 1,536 is broken"]
    assert witness.seen == ["a.pkl", "(behind a header that is broken)"]


@pytest.mark.parametrize("size", [b"\xff" * 12, b"9" * 12, b"12x4\0\0\0\0\0\0\0\0"])
def test_numbers_that_are_none(tmp_path: Path, size: bytes) -> None:
    with pytest.raises(UnreadableError):
        number(size)
    found, _ = read(tmp_path, header(b"a", size) + END)
    assert reasons(found)


def test_a_tar_that_is_cut_off(tmp_path: Path) -> None:
    whole = member(b"a.pkl") + member(b"b.pkl")
    assert reasons(read(tmp_path, whole)[0]) == ["it is cut off"]
    found, witness = read(tmp_path, whole[:-600])
    assert (witness.seen, reasons(found)) == (["a.pkl", "b.pkl"], ["it is cut off"])


def test_sparse_members_are_not_read(tmp_path: Path) -> None:
    old = bytearray(header(b"s.pkl", 512, b"S"))
    old[482] = 1
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 8 * 32 + sum(old[156:]))
    more = bytes(504) + b"\1" + bytes(7)
    data = bytes(old) + more + bytes(512) + padded(MARK)
    data += pax(GNU__sparse__major="1", GNU__sparse__name="t.pkl") + member(b"u") + member(b"v.pkl") + END
    found, witness = read(tmp_path, data)
    assert [(each.part, each.reason) for each in found.unread] == [
        ("s.pkl", "it is stored with holes (sparse)"),
        ("t.pkl", "it is stored with holes (sparse)"),
    ]
    assert witness.seen == ["v.pkl"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header(b"x", 2 << 20, b"x"), "it has a name that is longer than 1 MiB"),
        (member(b"x", b"99 path=x\n", b"x"), "its extended header is broken"),
        (member(b"x", b"0 path=x\n", b"x"), "its extended header is broken"),
        (member(b"x", b"3 path=x\n", b"x"), "its extended header is broken"),
        (member(b"x", b"path", b"x"), "its extended header is broken"),
        (b"ustar".rjust(262, b"?") + b"\x0000" + bytes(247), "its header at byte 0 is broken"),
        (pax(), "it is an archive without content"),
    ],
)
def test_broken_tars(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in reasons(read(tmp_path, data + END)[0])


def test_members_that_claim_the_same_bytes_end_the_reading(tmp_path: Path) -> None:
    body = b"".join(pax(size="0") + header(b"a%d" % each, 400_000) for each in range(60))
    found, _ = read(tmp_path, body + bytes(100_000) + END)
    assert "its members share their bytes too often" in reasons(found)


BASE = pax(path="ü/model.pkl") + member(b"a.pkl") + header(b"l", 0, b"2", b"../x") + member(b"b") + END


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(BASE) - 12), st.binary(min_size=1, max_size=12)), max_size=5
    ),
    mended=st.booleans(),
    cut=st.integers(300, len(BASE)),
)
def test_nothing_in_a_tar_makes_the_reader_fail(
    tmp_path: Path, changes: list[tuple[int, bytes]], mended: bool, cut: int
) -> None:
    data = bytearray(BASE)
    for at, patch in changes:
        data[at : at + len(patch)] = patch
    for at in range(0, len(data), 512) if mended else ():
        if any(data[at : at + 512]):
            rest = sum(data[at : at + 148]) + 8 * 32 + sum(data[at + 156 : at + 512])
            data[at + 148 : at + 156] = b"%06o\0 " % rest
    found, _ = read(tmp_path, bytes(data[:cut]))
    assert not [reason for reason in reasons(found) if "mlsecops itself" in reason]
