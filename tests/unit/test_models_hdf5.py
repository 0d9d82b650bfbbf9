"""HDF5 files: attributes, links, and what lies in other files."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from corpus.formats.hdf5 import Group
from corpus.formats.hdf5 import hdf5 as older
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models import hdf5
from mlsecops.models.hdf5 import Attribute, Dataset, Elsewhere, Problem, Rows
from mlsecops.models.hdf5.dense import Heap
from mlsecops.models.pickle.judge import judge
from mlsecops.models.readers.keras_h5 import Hdf5Reader
from mlsecops.models.readers.pickle import PickleReader
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError
from support import hdf5 as make
from support.hdf5 import Builder
from support.parts import read_with, reasons, rules, subjects
from support.witness import MARK, Witness

Item = Attribute | Dataset | Elsewhere | Problem | Rows


def items(data: bytes) -> list[Item]:
    with tempfile.TemporaryFile(buffering=0) as stream:
        stream.write(data)
        return list(hdf5.walk(hdf5.File.of(Source.of(stream))))


def texts(data: bytes) -> dict[tuple[str, str], tuple[bytes, ...]]:
    return {(item.owner, item.name): item.values for item in items(data) if isinstance(item, Attribute)}


def problems(data: bytes) -> list[str]:
    return [item.reason for item in items(data) if isinstance(item, Problem)]


def rooted(*messages: make.Message, builder: Builder | None = None) -> bytes:
    builder = builder or Builder()
    return builder.file(builder.object(messages))


@pytest.mark.parametrize("data", [older(Group({"n": "x"})), rooted()])
def test_bytes_behind_its_end_are_odd_and_read(tmp_path: Path, data: bytes) -> None:
    witness = Witness()
    assert read_with(tmp_path, data + bytes(40), Hdf5Reader(), witness).facts == {}
    found = read_with(tmp_path, data + MARK, Hdf5Reader(), witness)
    assert (rules(found), witness.contents) == (["archive-hidden-bytes"], [MARK])


@pytest.mark.parametrize("variable", [False, True])
def test_older_groups_and_their_attributes(variable: bool) -> None:
    below = {f"g{number}": Group({"n": f"text {number}"}, variable=variable) for number in range(6)}
    data = older(Group({"top": "é", "other": "x" * 300}, {"a": Group(groups=below)}, variable))

    assert texts(data) == {
        ("/", "top"): ("é".encode(),),
        ("/", "other"): (b"x" * 300,),
        **{(f"/a/g{number}", "n"): (f"text {number}".encode(),) for number in range(6)},
    }
    assert problems(data) == []


def test_newer_groups_with_continuations_and_a_user_block() -> None:
    builder = Builder(user_block=1024)
    inner = builder.object([make.attribute("a", b"in")])
    first, rest = [make.attribute("b", b"out"), make.hard("inner", inner)], [make.attribute("c", b"on")]
    root = builder.object([*first, make.soft("again", "/inner")], rest)

    assert texts(builder.file(root)) == {
        ("/", "b"): (b"out",),
        ("/", "c"): (b"on",),
        ("/inner", "a"): (b"in",),
    }


def test_attributes_of_every_kind_of_type() -> None:
    builder = Builder()
    heap = builder.heap(b"one", b"three")
    named = builder.object([(0x03, make.string(4))])
    variable = struct.pack("<B3sI", 0x19, b"\x01\0\0", 16) + make.string(1)
    elements = b"".join(struct.pack("<IQI", size, heap, number) for size, number in ((3, 1), (2, 2), (0, 9)))
    shared = struct.pack("<BBQ", 3, 2, named)
    data = rooted(
        make.attribute("number", bytes(8), kind=struct.pack("<B3sI", 0x10, bytes(3), 8)),
        make.attribute("fixed", b"abcdef", kind=make.string(2), space=make.shape(3)),
        make.attribute("variable", elements, kind=variable, space=make.shape(3)),
        make.attribute("nothing", b"", kind=make.string(2), space=struct.pack("<BBBB", 2, 0, 0, 2)),
        make.attribute("opaque", b"\1\2", kind=struct.pack("<B3sI", 0x15, bytes(3), 2)),
        (0x0C, make.attribute_body("named", b"four", kind=shared, flags=1)),
        (0x0C, make.attribute_body("again", b"more", kind=shared, flags=1)),
        builder=builder,
    )

    assert {name: values for (_, name), values in texts(data).items()} == {
        "number": (),
        "fixed": (b"ab", b"cd", b"ef"),
        "variable": (b"one", b"th"),
        "nothing": (),
        "opaque": (b"\1\2",),
        "named": (b"four",),
        "again": (b"more",),
    }
    assert problems(data) == []


@pytest.mark.parametrize("depth", [0, 1])
def test_many_attributes_and_links_lie_in_heaps_with_trees(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Builder()
    plain = builder.tree
    monkeypatch.setattr(
        builder, "tree", lambda kind, records: plain(kind, records, depth if kind != 1 else 0)
    )
    target = builder.object([make.attribute("below", b"b")])
    links = [make.hard(f"l{number}", target)[1] for number in range(12)] + [make.external("e", "away.h5")[1]]
    bodies = [make.attribute_body(f"a{number}", b"v%d" % number) for number in range(20)]
    large = make.attribute_body("large", b"x" * 60_000)
    attributes, named = builder.dense(bodies, kind=8, huge=[large]), builder.dense(links, kind=5)
    data = rooted(
        (0x15, struct.pack("<BBHQQ", 0, 1, 20, *attributes)),
        (0x02, struct.pack("<BBQQQ", 0, 1, 0, *named)),
        builder=builder,
    )

    found = texts(data)
    assert [found["/", f"a{number}"] for number in range(20)] == [(b"v%d" % number,) for number in range(20)]
    assert found["/", "large"] == (b"x" * 60_000,)
    assert [item.file for item in items(data) if isinstance(item, Elsewhere)] == ["away.h5"]
    assert sum(owner.startswith("/l") for owner, _ in found) == 1


def test_heaps_may_have_blocks_of_blocks() -> None:
    builder = Builder()
    bodies = [make.attribute_body(f"a{number}", b"v%d" % number) for number in range(13)]
    heap, identities = make.spread_heap(builder, bodies)
    tree = builder.tree(8, [each + bytes(9) for each in identities])
    data = rooted((0x15, struct.pack("<BBQQ", 0, 0, heap, tree)), builder=builder)

    assert [texts(data)["/", f"a{number}"] for number in range(13)] == [
        (b"v%d" % number,) for number in range(13)
    ]
    assert problems(data) == []


def damaged_heap(place: int, damage: bytes, *, huge: bool = False) -> bytes:
    builder = Builder()
    body = make.attribute_body("a", b"x")
    heap, tree = builder.dense([body], kind=8, huge=[body] if huge else [])
    builder.data[heap + place : heap + place + len(damage)] = damage
    return rooted((0x15, struct.pack("<BBQQ", 0, 0, heap, tree)), builder=builder)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (damaged_heap(7, b"\x05"), "attributes or links in it are compressed"),
        (damaged_heap(110, b"\xff\xff"), "a heap of its HDF5 structure is broken"),
        (damaged_heap(140, b"\x41"), "a heap of its HDF5 structure is broken"),
        (damaged_heap(22, b"\xff" * 8, huge=True), "end of the file|cut off"),
    ],
)
def test_broken_heaps_are_said(data: bytes, reason: str) -> None:
    assert any(re.search(reason, each) for each in problems(data)), problems(data)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (b"\x30" + bytes(7), "heap of its HDF5 structure is broken"),
        (b"\x00" + b"\xff" * 7, "end of the file"),
        (b"\x10" + b"\x07" * 7, "tree|should be|cut off|end of the file"),
    ],
)
def test_records_of_a_tree_that_point_nowhere_are_said(identity: bytes, reason: str) -> None:
    builder = Builder()
    heap, _ = builder.dense([b"x"], kind=8)
    tree = builder.tree(8, [identity + bytes(9)])
    shared = builder.tree(8, [bytes(8) + b"\2" + bytes(8)])
    attributes = [(0x15, struct.pack("<BBQQ", 0, 0, heap, each)) for each in (tree, shared)]
    found = problems(rooted(*attributes, builder=builder))

    assert re.search(reason, found[0])
    assert found[1] == "an attribute in it lies in a table of shared messages"


def test_large_objects_may_be_named_by_their_place() -> None:
    builder = Builder()
    place = builder.put(b"large")
    heap, _ = builder.dense([b"x"], kind=8, huge=[b"other"])
    with tempfile.TemporaryFile(buffering=0) as stream:
        stream.write(builder.file(builder.object([])))
        file = hdf5.File.of(Source.of(stream))
        fractal = Heap.of(file, heap)
        with pytest.raises(UnreadableError, match="missing"):
            fractal.object(b"\x10" + bytes(7))
        fractal.direct = True

        assert fractal.object(b"\x10" + struct.pack("<QQ", place, 5)) == (place, b"large")
        with pytest.raises(UnreadableError, match="larger than 32 MiB"):
            fractal.object(b"\x10" + struct.pack("<QQ", place, 1 << 40))


def view(builder: Builder, *files: str) -> make.Message:
    """A layout of version 4 that is a view of other files."""
    everything = struct.pack("<IIQ", 3, 1, 0)
    pieces = [
        struct.pack("<IIIIII", 2, 1, 0, 8, 1, 0),
        struct.pack("<IIBI", 2, 2, 1, 4) + bytes(4),
        everything,
    ]
    pieces.append(struct.pack("<IIBBI", 2, 3, 1, 4, 1) + bytes(16))
    pieces.append(struct.pack("<IIBBI", 2, 3, 0, 4, 1) + struct.pack("<I", 1) + bytes(8))
    block = struct.pack("<BQ", 0, len(files))
    for number, name in enumerate(files):
        block += name.encode() + b"\0data\0" + pieces[number % 5] + everything
    return 0x08, struct.pack("<BBQI", 4, 3, builder.heap(block), 1)


def test_content_of_other_files_is_named() -> None:
    builder = Builder()
    heap, offsets = builder.names("/etc/passwd", "b.bin")
    slots = b"".join(struct.pack("<QQQ", offset, 0, 10) for offset in offsets)
    outside = (0x07, struct.pack("<B3xHHQ", 1, 2, 2, heap) + slots)
    files = ("a.h5", "b.h5", ".", "d.h5", "e.h5", "f.h5")
    data = rooted(outside, view(builder, *files), make.external("z", "/root/secret.h5"), builder=builder)

    assert [(item.kind, item.file) for item in items(data) if isinstance(item, Elsewhere)] == [
        ("numbers", "/etc/passwd"),
        ("numbers", "b.bin"),
        *[("view", name) for name in files if name != "."],
        ("link", "/root/secret.h5"),
    ]
    assert problems(data) == []


def dataset(*dimensions: int, filters: bytes = b"") -> list[make.Message]:
    found = [
        (0x01, make.shape(*dimensions)),
        (0x03, struct.pack("<B3sI", 0x11, bytes(3), 4)),
        (0x08, struct.pack("<BBQQ", 3, 1, make.NOWHERE, 0)),
    ]
    return [*found, (0x0B, filters)] if filters else found


def test_datasets_say_how_large_they_are_and_what_they_were_packed_with() -> None:
    older_filters = struct.pack("<BB6x", 1, 2) + struct.pack("<HHHH8sII", 1, 8, 1, 1, b"deflate", 6, 0)
    older_filters += struct.pack("<HHHH", 2, 0, 0, 0)
    newer_filters = struct.pack("<BB", 2, 2) + struct.pack("<HHHI", 1, 0, 1, 6)
    newer_filters += struct.pack("<HHHH", 40_000, 3, 0, 0) + b"own"
    builder = Builder()
    objects = [builder.object(dataset(10, 3, filters=each)) for each in (older_filters, newer_filters, b"")]
    data = rooted(*[make.hard(f"d{number}", each) for number, each in enumerate(objects)], builder=builder)

    found = {item.owner: item for item in items(data) if isinstance(item, Dataset)}
    assert [found[f"/d{number}"].filters for number in range(3)] == [(1, 2), (1, 40_000), ()]
    assert {item.size for item in found.values()} == {120}


OBJECT = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R."
BYTES = struct.pack("<B3sI", 0x19, bytes(3), 16) + struct.pack("<B3sI", 0x10, bytes(3), 1)


def rows_of(builder: Builder, heap: int, count: int, *, depth: int = 0, kind: int = 1) -> bytes:
    """A layout in one chunk of references to a heap."""
    references = b"".join(struct.pack("<IQI", len(OBJECT), heap, number) for number in range(1, count + 1))
    chunk = builder.put(references + bytes(16))
    for level in range(depth + 1):
        key = struct.pack("<II", len(references) + 16, 0) + bytes(16)
        head = b"TREE" + struct.pack("<BBHQQ", kind, level, 1, make.NOWHERE, make.NOWHERE)
        chunk = builder.put(head + key + struct.pack("<Q", chunk) + bytes(24))
    return struct.pack("<BBBQII", 3, 2, 2, chunk, 4, 16)


def objects(layout: bytes, *, datatype: bytes = BYTES, filters: bytes = b"") -> list[make.Message]:
    """A dataset as PyTables stores objects."""
    mark = make.attribute("PSEUDOATOM", b"object")
    found = [mark, (0x01, make.shape(1)), (0x03, datatype), (0x08, layout)]
    return [*found, (0x0B, filters)] if filters else found


@pytest.mark.parametrize("depth", [0, 2])
def test_rows_of_objects_are_read_one_by_one(tmp_path: Path, depth: int) -> None:
    builder = Builder(user_block=512)
    layout = rows_of(builder, builder.heap(OBJECT, OBJECT), 2, depth=depth)
    data = builder.file(builder.object(objects(layout)))
    found = read_with(tmp_path, data, Hdf5Reader(), PickleReader(judge))

    assert rules(found) == ["model-runs-code"]
    assert found.formats == ["HDF5", "pickle", "pickle"]


@pytest.mark.parametrize("case", range(8))
def test_rows_that_cannot_be_judged_are_a_finding_of_their_own(tmp_path: Path, case: int) -> None:
    builder = Builder()
    heap = builder.heap(b"no pickle", OBJECT)
    plain = rows_of(builder, heap, 1)
    many = rows_of(builder, builder.heap(*[OBJECT] * 1001), 1001)
    layouts = [plain, plain, b"\x03\x01" + plain[2:], plain[:2] + b"\x09" + plain[3:], plain]
    layouts += [rows_of(builder, heap, 2, kind=0), rows_of(builder, heap, 2, depth=9), many]
    filters = struct.pack("<BBHHHH", 2, 1, 1, 0, 0, 0) if case == 1 else b""
    wide = BYTES[:8] + struct.pack("<B3sI", 0x10, bytes(3), 4)
    messages = objects(layouts[case], datatype=wide if case == 4 else BYTES, filters=filters)
    found = read_with(tmp_path, rooted(*messages, builder=builder), Hdf5Reader(), PickleReader(judge))

    assert rules(found) == ["hdf5-pickled-rows"]


def test_no_rows_are_no_finding(tmp_path: Path) -> None:
    layout = struct.pack("<BBBQII", 3, 2, 2, make.NOWHERE, 4, 16)
    assert read_with(tmp_path, rooted(*objects(layout)), Hdf5Reader()).facts == {}


Wrong = Callable[[Builder], list[make.Message]]
WRONG: dict[str, tuple[Wrong, str]] = {
    "shared message": (
        lambda b: [(0x0C, make.attribute_body("a", b"", flags=2))],
        "table of shared messages",
    ),
    "shared type": (
        lambda b: [(0x0C, make.attribute_body("a", b"", kind=struct.pack("<BBQ", 3, 1, 1), flags=1))],
        "table of shared messages",
    ),
    "missing type": (
        lambda b: [
            (0x0C, make.attribute_body("a", b"", kind=struct.pack("<BBQ", 2, 0, b.object([])), flags=1))
        ],
        "type of an attribute is missing",
    ),
    "attribute version": (lambda b: [(0x0C, b"\x09" + bytes(40))], "unknown version"),
    "too many texts": (
        lambda b: [make.attribute("a", b"", kind=make.string(1), space=make.shape(1 << 40))],
        "more texts than",
    ),
    "text cut off": (lambda b: [make.attribute("a", b"abc", kind=make.string(9))], "cut off"),
    "shape": (lambda b: [make.attribute("a", b"abc", space=b"\x09\0\0\0")], "shape of something"),
    "heap": (
        lambda b: [
            make.attribute(
                "a", struct.pack("<IQI", 3, 48, 1), kind=struct.pack("<B3sI", 0x19, b"\x01\0\0", 16)
            )
        ],
        "not what it should be|end of the file",
    ),
    "missing text": (
        lambda b: [
            make.attribute(
                "a", struct.pack("<IQI", 3, b.heap(b"x"), 7), kind=struct.pack("<B3sI", 0x19, b"\x01\0\0", 16)
            )
        ],
        "text of its HDF5 structure is missing",
    ),
    "unknown link": (
        lambda b: [(0x06, b"\x01\x08\x50\x01a" + struct.pack("<H", 1) + b"x")],
        "unknown kind 80",
    ),
    "link behind the end": (lambda b: [make.hard("a", 1 << 40)], "cut off"),
    "link to no object": (lambda b: [make.hard("a", b.put(b"no header" * 10))], "has no header"),
    "header version": (lambda b: [make.hard("a", b.put(b"OHDR\x07" + bytes(64)))], "unknown version"),
    "huge continuation": (lambda b: [(0x10, struct.pack("<QQ", b.put(b"OCHK"), 1 << 30))], "larger than any"),
    "no tree": (lambda b: [(0x11, struct.pack("<QQ", 0, b.names("a")[0]))], "tree .* is broken"),
    "no heap": (lambda b: [(0x11, struct.pack("<QQ", 0, 0))], "not what it should be"),
    "dense tree": (
        lambda b: [(0x15, struct.pack("<BBQQ", 0, 0, b.dense([b"x"], kind=8)[0], 0))],
        "should be",
    ),
    "another tree": (
        lambda b: [
            (0x15, struct.pack("<BBQQ", 0, 0, b.dense([b"x"], kind=8)[0], b.dense([b"x"], kind=5)[1]))
        ],
        "tree .* is broken",
    ),
    "view": (
        lambda b: [
            (0x08, struct.pack("<BBQI", 4, 3, b.heap(struct.pack("<BQ", 0, 1) + b"a\0b\0" + bytes(20)), 1))
        ],
        "in an unknown way",
    ),
    "view version": (
        lambda b: [(0x08, struct.pack("<BBQI", 4, 3, b.heap(struct.pack("<BQ", 9, 1)), 1))],
        "in an unknown way",
    ),
    "outside names": (
        lambda b: [(0x07, struct.pack("<B3xHHQQQQ", 1, 1, 1, b.names("a")[0], 99, 0, 0))],
        "outside of its heap",
    ),
    "name without end": (lambda b: [(0x06, b"\x01\x08\x40\x01a\x02\0\0y")], "has no end"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_followed_is_said_and_the_rest_is_read(what: str) -> None:
    wrong, reason = WRONG[what]
    builder = Builder()
    data = rooted(*wrong(builder), make.attribute("z", b"end"), builder=builder)

    assert any(re.search(reason, each) for each in problems(data)), problems(data)
    if what != "huge continuation":
        assert texts(data)["/", "z"] == (b"end",)


def test_circles_end() -> None:
    builder = Builder()
    root = len(builder.data)
    assert builder.object([make.hard("self", root), make.attribute("a", b"x")]) == root
    assert len(texts(builder.file(root))) == 1

    builder = Builder()
    start = len(builder.data)
    again = builder.put(b"OCHK" + struct.pack("<BHB", 0x10, 16, 0) + struct.pack("<QQ", start, 28) + bytes(4))
    root = builder.object([(0x10, struct.pack("<QQ", again, 28))])
    assert problems(builder.file(root)) == ["its HDF5 structure runs in a circle"]


def superblock(version: int, tail: bytes) -> bytes:
    return hdf5.SIGNATURE + bytes([version]) + tail


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nothing", "it is no HDF5 file"),
        (superblock(9, bytes(100)), "unknown version 9"),
        (superblock(2, b"\x05\x08\0" + bytes(100)), "broken"),
        (superblock(0, bytes(4) + b"\x08\x08\0" + bytes(120)), "over several files"),
        (superblock(2, b"\x08\x08"), "cut off"),
    ],
)
def test_broken_superblocks(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        items(data)


def test_the_reader_names_files_elsewhere_and_datasets_that_are_too_large(tmp_path: Path) -> None:
    builder = Builder()
    big = builder.object(dataset(1 << 20, 1 << 20, filters=struct.pack("<BBHHHH", 2, 1, 41_000, 0, 0, 0)))
    rows = builder.object([make.attribute("PSEUDOATOM", b"object")])
    data = rooted(
        make.hard("big", big), make.hard("rows", rows), make.external("l", "/etc/x.h5"), builder=builder
    )
    found = read_with(tmp_path, data, Hdf5Reader())

    assert rules(found) == ["hdf5-outside-file", "hdf5-oversized", "hdf5-pickled-rows", "hdf5-unknown-filter"]
    assert subjects(found, "hdf5-outside-file") == ["/etc/x.h5"]
    assert reasons(found) == []


def test_ten_thousand_external_links_are_told_a_hundred_times(tmp_path: Path) -> None:
    links = [make.external(f"l{number}", f"/f{number}") for number in range(2000)]
    assert len(read_with(tmp_path, rooted(*links), Hdf5Reader()).facts) == 100


SAMPLE = older(Group({"a": "b" * 50}, {"g": Group({"c": "d"}, variable=True), "h": Group()}))


def _dense_sample() -> bytes:
    builder = Builder()
    heap, tree = builder.dense(
        [make.attribute_body("a", b"x")], kind=8, huge=[make.attribute_body("b", b"y")]
    )
    return rooted((0x15, struct.pack("<BBQQ", 0, 0, heap, tree)), view(builder, "f"), builder=builder)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([SAMPLE, _dense_sample()]),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=9)), max_size=8),
    st.integers(0, 6000),
)
def test_damaged_files_end_in_items_or_a_reason(
    sample: bytes, damages: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(sample)
    for place, damage in damages:
        start = 16 + place % (len(data) - 16)
        data[start : start + len(damage)] = damage
    with suppress(UnreadableError):
        items(bytes(data[: max(cut, 64)] if cut % 2 else data))
