"""Pickles as files: recognised whatever they are called, one after another, with other things behind them."""

from __future__ import annotations

import base64
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.pickle import findings as findings_module
from mlsecops.models.pickle.findings import Findings
from mlsecops.models.pickle.storages import MAGIC, Storages
from mlsecops.models.pickle.values import (
    Call,
    Constant,
    Cut,
    External,
    Global,
    Import,
    Mapping,
    Result,
    Value,
)
from mlsecops.models.pickle.values import Sequence as Items
from mlsecops.models.readers import pickle as reader_module
from mlsecops.models.readers.pickle import PickleReader
from mlsecops.models.rules.pickle_stream import RULES
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk
from support.parts import reasons
from support.pickle_streams import ECHO, Verdict, judge, read, text

GOOD = pickle.dumps({"weights": [0.5, 1.5], "name": "good"}, 4)
OLD = pickle.dumps({"weights": [0.5, 1.5], "name": "good"}, 0)


def facts(found: Inspection) -> list[tuple[str, str]]:
    return sorted((fact.rule, fact.subject) for fact in found.facts.values())


RUNS = [("model-runs-code", "os.system")]


@dataclass(frozen=True)
class Zip:
    """Stands in for the reader of another format."""

    format: str = "zip"

    def recognises(self, head: bytes, source: Source) -> bool:
        return head.startswith(b"PK")

    def read(self, source: Source, walk: Walk) -> None:
        walk.found.add(Fact(rule="zip", subject=source.name, message="A zip."))
        if source.at(2, 2) == b"??":
            raise UnreadableError("it is not what it seemed")


KEEPS = b"\x80\x04ctorch.storage\n_load_from_bytes\n"


def kept(data: bytes, stream: bool) -> bytes:
    """A pickle that keeps a model, as bytes or as a stream of them."""
    constant = b"B" + struct.pack("<I", len(data)) + data
    content = b"c_io\nBytesIO\n)\x81(" + constant + b"K\x00Ntb" if stream else constant
    return KEEPS + content + b"\x85R."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("room", [b"", b"0]" * 50_000])
def test_a_model_that_is_kept_is_read(tmp_path: Path, room: bytes, stream: bool) -> None:
    good, bad = b"\x80\x04]" + room + b".", b"\x80\x04]" + room + ECHO
    assert RUNS[0] not in facts(read(kept(good, stream), tmp_path)[1])
    assert RUNS[0] in facts(read(kept(bad, stream), tmp_path)[1])
    assert reasons(read(kept(good, stream), tmp_path)[1]) == []
    assert reasons(read(kept(room + b"?", stream), tmp_path)[1]) == ["nothing here knows its format"]


def test_more_kept_models_than_fit_are_not_all_read(tmp_path: Path) -> None:
    data = KEEPS + b"".join(b"2C\x05\x80\x04K" + bytes([n]) + b".\x85R0" for n in range(60)) + b"."
    assert reasons(read(data, tmp_path)[1]) == ["it keeps more than 34 models in it"]


def test_a_name_that_is_an_object_ends_what_may_be_no_pickle() -> None:
    findings = Findings(Inspection(), "", judge)
    shell = Call("os.system", (Constant("echo"),), 9, "REDUCE")
    for owner, goes_on in (("sklearn.svm.SVC", False), ("mypackage.SVC", True), ("numpy.str", True)):
        names = External("name", Items("tuple", (Result(owner), Constant("x")), 2), 0)
        assert findings.add_doubtful([names, shell], "Here") is goes_on


@pytest.mark.parametrize(
    "data", [GOOD, OLD, *(pickle.dumps([1, 2.5, "x"], protocol) for protocol in range(6))]
)
def test_harmless_pickles_give_no_fact(tmp_path: Path, data: bytes) -> None:
    known, found = read(data, tmp_path)
    assert known
    assert (found.facts, found.unread, found.formats, found.streams) == ({}, [], ["pickle"], 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\x04",
        b"\x80\x04.",
        b"N.",
        b"I1\n.",
        b"hello world, this is text\n" * 300,
        b"import os\nclass A:\n    pass\n",
        b"from x import y\n",
        b"catboost\nmodel\n\nmore text\n",
        b"(i am\na list\n of words)\n",
        b"common\nwords\nNN\n",
        b"a,b,c\n1,2,3\n",
        b'{"a": 1}',
        b"]\n",
        b"NNNNNNNNNN\nACGT\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        b"GGUF\x03\x00\x00\x00" + bytes(100),
        b"\x00\x01\x02\x03" * 100,
        b"\x80\x04\xff\xff",
    ],
)
def test_what_is_no_pickle_is_not_recognised(tmp_path: Path, data: bytes) -> None:
    known, found = read(data, tmp_path)
    assert not known
    assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize(
    "data",
    [
        ECHO,
        ECHO[:-1],
        ECHO[:-1] + b"\xff",
        b"N0" * 3000 + ECHO,
        b"(" + b"S'" + b"a" * 5000 + b"'\n0" + ECHO,
        b"S'x'\np0\n0" * 3000 + ECHO,
        b"(S'echo'\nios\nsystem\n\xff",
        b"\x80\x00" + ECHO,
        b"\x80\x01" + ECHO,
        b"\x80\x04" + ECHO,
    ],
)
def test_streams_with_and_without_a_header(tmp_path: Path, data: bytes) -> None:
    known, found = read(data, tmp_path)
    assert known
    assert facts(found) == RUNS
    assert found.imports == {"os.system"}


def test_calls_of_unknown_names_without_a_header(tmp_path: Path) -> None:
    known, found = read(b"cmine\nmodel\n(tRp0\n.", tmp_path)
    assert known
    assert facts(found) == [("model-unknown-import", "mine.model")]
    assert found.producer == "mine"
    assert read(b"N0" * 110_000, tmp_path)[0]


def test_a_broken_stream_is_not_read_to_its_end(tmp_path: Path) -> None:
    _, found = read(b"\x80\x04" + ECHO[:-1] + b"h\x09.", tmp_path)
    assert facts(found) == RUNS
    assert reasons(found) == ["it is broken at byte 30: it remembers nothing under the number 9"]


@pytest.mark.parametrize(
    ("data", "streams"),
    [
        (GOOD + b"\x80\x04" + ECHO, 2),
        (GOOD * 60 + b"\x80\x04" + ECHO, 61),
        (ECHO + GOOD, 2),
        (GOOD + ECHO, 2),
    ],
)
def test_several_pickles_in_one_file(tmp_path: Path, data: bytes, streams: int) -> None:
    _, found = read(data, tmp_path)
    assert facts(found) == RUNS
    assert (found.streams, found.unread) == (streams, [])


def test_too_many_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_STREAMS", 5)
    _, found = read(GOOD * 7, tmp_path)
    assert reasons(found) == ["it has more than 5 pickles in it"]


@pytest.mark.parametrize("tail", [b"\n", b"\r\n", bytes(10_000)])
def test_padding_behind_a_pickle_is_nothing(tmp_path: Path, tail: bytes) -> None:
    _, found = read(GOOD + tail, tmp_path)
    assert (found.facts, found.unread) == ({}, [])


@pytest.mark.parametrize("between", [bytes(37), b"\n\n\t\n", b"any other bytes", b"\xff" * 100])
@pytest.mark.parametrize("bad", [ECHO, b"\x80\x04" + ECHO, ECHO[:-1]])
def test_a_pickle_behind_a_pickle_and_other_bytes(tmp_path: Path, between: bytes, bad: bytes) -> None:
    _, found = read(GOOD + between + bad, tmp_path)
    assert ("model-runs-code", "os.system") in facts(found)


def test_bytes_behind_that_nobody_knows(tmp_path: Path) -> None:
    _, found = read(GOOD + b"\xfe\xff\xfe" * 20, tmp_path)
    assert facts(found) == [("pickle-trailing-bytes", "rest")]
    assert next(iter(found.facts.values())).message == "60 bytes follow the pickle that no reader knows."


def test_bytes_behind_that_somebody_knows(tmp_path: Path) -> None:
    _, found = read(GOOD + b"PK\x03\x04", tmp_path, Zip())
    assert facts(found) == [("zip", f"bytes from {len(GOOD)}")]


@pytest.mark.parametrize(
    "before", [b"MODEL\0\x01\0", b"# model v1.2\n", bytes(200_000), b"\x89PNG\r\n\x1a\n" + bytes(500)]
)
@pytest.mark.parametrize("bad", [ECHO, b"\x80\x04" + ECHO])
def test_a_pickle_behind_other_bytes(tmp_path: Path, before: bytes, bad: bytes) -> None:
    known, found = read(before + bad, tmp_path)
    assert known
    assert ("model-runs-code", "os.system") in facts(found)
    assert reasons(found) == ["a pickle begins in it, what is before that is of no known format"]


def test_a_pickle_in_what_somebody_else_knows_is_theirs_to_tell(tmp_path: Path) -> None:
    _, found = read(b"PK\x03\x04" + ECHO, tmp_path, Zip())
    assert (facts(found), found.formats, found.unread) == ([("zip", "")], ["zip"], [])


def test_a_pickle_in_what_somebody_else_fails_on_is_told(tmp_path: Path) -> None:
    _, found = read(b"PK??" + ECHO, tmp_path, Zip())
    assert ("model-runs-code", "os.system") in facts(found)
    assert reasons(found) == ["it is not what it seemed"]


def test_very_many_false_beginnings_end_somewhere(tmp_path: Path) -> None:
    assert not read(b"\xff" + b"\x80\x04N" * 200_000, tmp_path)[0]


def test_a_frame_longer_than_the_file_is_not_clean(tmp_path: Path) -> None:
    _, found = read(b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", tmp_path)
    assert reasons(found) == ["a frame of it is longer than the file"]


@pytest.mark.parametrize("loader", [b"cpickle\nloads\n", b"c_pickle\nloads\n"])
@pytest.mark.parametrize("size", [0, 10_000])
def test_a_pickle_that_is_handed_to_an_unpickler(tmp_path: Path, loader: bytes, size: int) -> None:
    inner = b"\x80\x04C" + bytes([5]) + b"abcde0" + ECHO[:-1] + b"0" + text("x" * size) + b"."
    data = b"\x80\x04" + loader + b"(B" + struct.pack("<I", len(inner)) + inner + b"tR."
    _, found = read(data, tmp_path)
    parts = {fact.part for fact in found.facts.values() if fact.subject == "os.system"}
    assert "inner pickle 1" in parts


@pytest.mark.parametrize("encode", [bytes, base64.b64encode, lambda data: base64.b64encode(data).decode()])
@pytest.mark.parametrize("depth", [1, 3])
def test_constants_that_are_a_harmful_pickle_themselves(
    tmp_path: Path, encode: Callable[[bytes], bytes | str], depth: int
) -> None:
    inner = b"\x80\x04" + ECHO
    for _ in range(depth):
        inner = pickle.dumps({"state": encode(inner), "other": GOOD, "cut": inner[:-1], "text": "gAR="}, 4)
    _, found = read(inner, tmp_path)
    assert facts(found) == RUNS
    assert next(iter(found.facts.values())).message == (
        "A pickle within the pickle: Loading calls os.system."
    )


def torch_file(kind: bytes = b"FloatStorage", count: int = 4, *, data: bytes = bytes(24)) -> bytes:
    number = b"J" + struct.pack("<i", count)
    one = b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text("0") + text("cpu") + number + b"NtQ"
    state = b"\x80\x02" + b"}" + text("w") + one + b"s."
    start = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return start + state + pickle.dumps(["0"], 2) + data


def test_storages_of_an_old_torch_file(tmp_path: Path) -> None:
    _, found = read(torch_file(), tmp_path)
    assert (found.facts, found.unread, found.streams) == ({}, [], 5)
    assert found.details["torch"] == "the format before 1.6"
    assert found.producer == "torch"


def test_what_is_behind_the_storages(tmp_path: Path) -> None:
    _, found = read(torch_file() + ECHO, tmp_path)
    assert facts(found) == RUNS


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (torch_file(data=bytes(23)), "its storages are cut off"),
        (torch_file(b"OtherStorage"), "how long its storages are cannot be known"),
        (torch_file(count=-1), "how long its storages are cannot be known"),
    ],
)
def test_storages_that_are_not_as_said(tmp_path: Path, data: bytes, reason: str) -> None:
    _, found = read(data, tmp_path)
    assert reasons(found) == [reason]


def test_storages_of_others_are_objects_from_outside(tmp_path: Path) -> None:
    one = b"\x80\x02(" + text("storage") + b"cother\nFloatStorage\n" + text("0") + text("cpu") + b"K\x01tQ."
    _, found = read(one, tmp_path)
    assert ("pickle-outside-objects", "persistent id") in facts(found)


def test_very_many_storages_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsecops.models.pickle.storages._MOST", 2)
    storages = Storages()
    for number in range(3):
        parts: tuple[Value, ...] = (
            Constant("storage"),
            Global("torch.HalfStorage"),
            Constant(str(number)),
            Constant("cpu"),
            Constant(3),
        )
        assert storages.size == number * 14
        assert storages.add(Items("tuple", parts, 5))
    assert storages.size is None


EXTERNALS: Sequence[tuple[External, tuple[str, str]]] = (
    (External("persistent-id", Constant("abc"), 0), ("pickle-outside-objects", "persistent id")),
    (External("persistent-id", Result("x"), 0), ("pickle-outside-objects", "persistent id")),
    (External("buffer", Constant(None), 0), ("pickle-outside-objects", "buffer")),
    (External("file", Constant("../x.npy"), 0), ("pickle-outside-objects", "../x.npy")),
    (External("file", Constant("C:x"), 0), ("pickle-outside-objects", "C:x")),
    (External("file", Global("x.y"), 0), ("pickle-outside-objects", "x.y")),
    (External("file", Cut("a" * 200, 5000, 0), 0), ("pickle-outside-objects", "a" * 119 + "…")),
    (External("file", Mapping((), 0), 0), ("pickle-outside-objects", "something that cannot be known")),
    (External("memory", Constant(1 << 60), 0), ("pickle-memory-bomb", "memory")),
    (External("extension", Constant(7), 0), ("model-unknown-import", "extension 7")),
    (
        External("name", Items("tuple", (Constant("os"), Result("x")), 2), 0),
        ("model-unknown-import", "computed name"),
    ),
)


@pytest.mark.parametrize(("event", "fact"), EXTERNALS)
def test_what_is_taken_from_outside(event: External, fact: tuple[str, str]) -> None:
    found = Inspection()
    Findings(found, "", judge).add([event])
    assert facts(found) == [fact]


def test_arrays_in_files_beside_are_a_detail() -> None:
    found = Inspection()
    findings = Findings(found, "", judge)
    findings.add([External("file", Constant("model.pkl_01.npy"), 0)])
    assert (found.facts, found.details) == ({}, {"arrays in other files": "model.pkl_01.npy"})
    assert not findings.add_doubtful([External("buffer", Constant(None), 0)], "Here")


@pytest.mark.parametrize(("severity", "told"), [(7.5, False), (8.0, False), (8.2, True)])
def test_what_is_merely_unusual_says_nothing_of_what_may_be_no_pickle(severity: float, told: bool) -> None:
    findings = Findings(Inspection(), "", lambda _: Verdict("dangerous", "x", "Loading calls.", severity))
    assert findings.add_doubtful([Call("x.y", (), 0, "REDUCE")], "Here") is told


def test_what_is_said_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings_module, "_FACTS", 3)
    monkeypatch.setattr(findings_module, "_IMPORTS", 4)
    monkeypatch.setattr(findings_module, "_REMEMBERED", 1)
    found = Inspection()
    findings = Findings(found, "", judge)
    findings.add(Import(f"mine.f{number}", 0) for number in range(10))
    assert (len(found.facts), len(found.imports)) == (3, 4)
    findings.add(Call(f"os.f{number}", (), 0, "REDUCE") for number in range(10))
    assert len(found.facts) == 6


def test_the_producer_is_who_makes_models(tmp_path: Path) -> None:
    for data, producer in (
        (b"\x80\x02cnumpy\ndtype\ncsklearn.svm\nSVC\n\x86.", "sklearn"),
        (b"\x80\x02cjoblib.numpy_pickle\nX\ncnumpy\ndtype\n\x86.", "joblib"),
        (b"\x80\x02ccollections\nOrderedDict\n.", ""),
        (b"\x80\x02cposix\nsystem\ncshutil\nrmtree\n\x86.", ""),
    ):
        assert read(data, tmp_path)[1].producer == producer


def test_rules_say_what_to_do() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) == 3
    assert all(rule.fix and rule.help for rule in RULES)
    assert PickleReader(judge).format == "pickle"
