"""Raw arrays of joblib between opcodes, and its compressed files of before 0.10."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from mlsecops.models.pickle.arrays import Kind, count_of, kind_of
from mlsecops.models.pickle.objects import Built, Pairs
from mlsecops.models.pickle.values import Call, External, Unknown
from mlsecops.models.pickle.window import BrokenError
from mlsecops.models.readers.joblib import JoblibReader
from support.parts import read_with, reasons
from support.pickle_streams import ECHO, read, run, text

WRAPPER = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n"
HARM = ECHO[:-1]


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def shape_of(lengths: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, lengths)) + b"t"


def dtype(code: str, state: bytes = b"") -> bytes:
    return b"cnumpy\ndtype\n(" + text(code) + b"I00\nI01\ntR" + state


def plain_state(flags: int = 0) -> bytes:
    return b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + bytes([flags]) + b"tb"


def sized_state(
    size: int, fields: bytes = b"N", names: bytes = b"N", base: bytes = b"N", flags: int = 16
) -> bytes:
    return (
        b"(K\x03"
        + text("|")
        + base
        + names
        + fields
        + number(size)
        + number(1)
        + b"K"
        + bytes([flags])
        + b"tb"
    )


def wrapper(
    kind: bytes,
    lengths: tuple[int, ...],
    payload: bytes,
    *,
    aligned: bool | None = True,
    made: bytes = WRAPPER,
) -> bytes:
    """What joblib writes for an array; with `aligned` None, as joblib before 1.2 did."""
    state = b"}(" + text("subclass") + b"cnumpy\nndarray\n" + text("shape") + shape_of(lengths)
    state += text("order") + text("C") + text("dtype") + kind + text("allow_mmap") + b"I01\n"
    if aligned is not None:
        state += text("numpy_array_alignment_bytes") + (b"K\x10" if aligned else b"N")
    padding = b"\x03\xff\xff\xff" if aligned else b""
    return made + b")\x81" + state + b"ub" + padding + payload


def targets(data: bytes) -> list[str | None]:
    return [event.target for event in run(data)[1] if isinstance(event, Call)]


FLOATS = dtype("f8", plain_state())
FIELD = b"}" + text("a") + FLOATS + b"K\x00\x86s"
OBJECT_FIELD = b"}" + text("a") + dtype("O8", plain_state(63)) + b"K\x00\x86s"


@pytest.mark.parametrize(
    ("kind", "lengths", "size"),
    [
        (FLOATS, (3, 5), 120),
        (FLOATS, (), 8),
        (FLOATS, (0,), 0),
        (FLOATS, (0, 5), 0),
        (FLOATS, (2**32, 2**32), 0),
        (dtype("<i4", plain_state()), (7,), 28),
        (dtype("b1"), (7,), 7),
        (dtype("?"), (7,), 7),
        (dtype("M8[ns]"), (2,), 16),
        (dtype("c16"), (2,), 32),
        (dtype("U5", sized_state(20, flags=8)), (2,), 40),
        (dtype("U5"), (2,), 40),
        (dtype("S3", sized_state(3, flags=0)), (2,), 6),
        (dtype("V16", sized_state(16, FIELD, text("a") + b"\x85")), (2,), 32),
        (dtype("V16", sized_state(16, base=b"(" + FLOATS + b"K\x02\x85t")), (1,), 16),
    ],
)
@pytest.mark.parametrize("aligned", [True, False, None])
def test_a_payload_behind_a_raw_array(
    kind: bytes, lengths: tuple[int, ...], size: int, aligned: bool | None
) -> None:
    array = wrapper(kind, lengths, b"\x2e" * size, aligned=aligned)
    data = b"\x80\x04]" + array + b"a" + array + b"a" + HARM + b"0."
    machine, events = run(data)
    assert machine.reason is None
    assert (machine.end, machine.arrays) == (len(data), 2)
    assert "os.system" in [event.target for event in events if isinstance(event, Call)]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (wrapper(FLOATS, (3,), b""), "an array in it is longer than the file"),
        (wrapper(FLOATS, (-3,), b""), "an array in it has a negative length"),
        (wrapper(b"N", (3,), b""), "an array in it has a type that cannot be known"),
        (wrapper(dtype("nonsense"), (3,), b""), "an array in it has a type that cannot be known"),
        (wrapper(dtype("V0"), (3,), b""), "an array in it has items of no size"),
        (wrapper(dtype("f8", plain_state(1)), (3,), b""), "an array in it says two things of its type"),
        (wrapper(dtype("O8", plain_state(0)), (3,), b""), "an array in it says two things of its type"),
        (
            wrapper(dtype("V8", sized_state(8, b"}" + text("a") + b"Ns")), (3,), b""),
            "an array in it has a type that cannot be known",
        ),
        (
            wrapper(FLOATS, (), b"").replace(shape_of(()), b"N"),
            "an array in it has a shape that cannot be known",
        ),
        (
            wrapper(FLOATS, (1,), b"").replace(shape_of((1,)), b"(Nt"),
            "an array in it has a shape that cannot be known",
        ),
        (WRAPPER + b")\x81K\x01b", "an array in it has a state that cannot be known"),
    ],
)
def test_arrays_that_are_not_what_they_say(array: bytes, reason: str) -> None:
    machine, _ = run(b"\x80\x04" + HARM + b"0" + array + b".")
    assert machine.reason == reason
    assert "os.system" in targets(b"\x80\x04" + HARM + b"0" + array + b".")


def test_an_array_of_objects_is_a_pickle_in_the_pickle() -> None:
    objects = dtype("O8", plain_state(63))
    for kind in (objects, dtype("V16", sized_state(16, OBJECT_FIELD, text("a") + b"\x85", flags=27))):
        inner = b"\x80\x02" + HARM + b"."
        data = b"\x80\x04]" + wrapper(kind, (1,), inner, aligned=False) + b"acx\ny\n)R0."
        machine, _ = run(data)
        assert machine.end == len(data)
        assert targets(data)[-2:] == ["os.system", "x.y"]
    texts = b"cnumpy._core._internal\n_convert_to_stringdtype_kwargs\n)R"
    assert targets(b"\x80\x04]" + wrapper(texts, (1,), ECHO, aligned=False) + b"a.")[-1] == "os.system"
    broken, _ = run(b"\x80\x04]" + wrapper(objects, (1,), b"\x80\x02" + HARM + b"\xff", aligned=False))
    assert broken.reason == "the byte 0xff is no instruction"


def test_loaded_without_joblib_other_opcodes_run(tmp_path: Path) -> None:
    """Bytes that joblib takes for an array are opcodes to everybody else."""
    hidden = HARM + b"."
    data = b"\x80\x04" + wrapper(dtype("i1"), (len(hidden),), hidden, aligned=None) + b"."
    assert "os.system" not in targets(data)
    _, found = read(data, tmp_path)
    assert [fact.subject for fact in found.facts.values()] == ["os.system"]
    assert next(iter(found.facts.values())).message.startswith("Loaded without joblib: ")
    assert found.details["arrays"] == "joblib"


def test_a_wrapper_that_is_made_by_its_constructor() -> None:
    made = WRAPPER + b"(cnumpy\nndarray\n" + shape_of((2,)) + text("C") + FLOATS + b"tR"
    data = b"\x80\x04" + made + b"}b" + b"\x00" + b"\xff" * 16 + HARM + b"."
    assert run(data)[0].reason is None
    assert targets(data)[-1] == "os.system"


def test_a_wrapper_of_old_protocols_and_of_scikit_learn() -> None:
    old = b"copyreg\n_reconstructor\n(csklearn.externals.joblib.numpy_pickle\nNumpyArrayWrapper\n"
    made = b"c" + old + b"cbuiltins\nobject\nNtR"
    array = wrapper(FLOATS, (2,), bytes(16), aligned=None).replace(WRAPPER + b")\x81", made)
    assert run(array + b"0" + HARM + b".")[0].reason is None
    assert targets(array + b"0" + HARM + b".")[-1] == "os.system"


def test_state_in_slots() -> None:
    array = wrapper(FLOATS, (2,), bytes(16), aligned=None)
    in_slots = array.removesuffix(b"b" + bytes(16)) + b"N\x86b" + bytes(16)
    assert targets(b"\x80\x04" + in_slots + HARM + b".")[-1] == "os.system"


def test_arrays_in_other_files() -> None:
    wrapped = (
        b"cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81}" + text("filename") + text("../x.npy") + b"sb."
    )
    _, events = run(wrapped)
    assert [event.kind for event in events if isinstance(event, External)] == ["file"]


def test_very_nested_types_end_somewhere() -> None:
    kind = Built("numpy.dtype", ["f8"])
    for _ in range(20):
        kind = Built("numpy.dtype", ["V8"], (3, "|", None, (), Pairs([("a", (kind, 0))], 1), 8, 1, 0))
    with pytest.raises(BrokenError, match="type that cannot be known"):
        kind_of(kind)
    many = Built("numpy.dtype", ["V8"], (3, "|", None, (), Pairs([], 9), 8, 1, 0))
    with pytest.raises(BrokenError, match="too many fields"):
        kind_of(many)
    assert kind_of(Built("numpy.dtype", ["O"])) == Kind(0, objects=True)
    with pytest.raises(BrokenError):
        count_of(Unknown())


SPARSE = """
import re, sys
from pathlib import Path
from mlsecops.models.pickle.opcodes import interpret
from mlsecops.models.source import Source
with open(sys.argv[1], "rb", buffering=0) as stream:
    machine = interpret(Source.of(stream))
    calls = [event.target for event in machine.steps() if hasattr(event, "target")]
kilobytes = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
print(calls[-1], kilobytes < 60_000)
"""


def test_a_payload_at_the_end_of_a_gigabyte_in_constant_memory(tmp_path: Path) -> None:
    size = 1 << 30
    head = b"\x80\x04]" + wrapper(FLOATS, (size // 8,), b"")
    path = tmp_path / "model.joblib"
    with path.open("wb") as stream:
        stream.write(head)
        stream.seek(size, 1)
        stream.write(b"a" + HARM + b"0.")
    scripts = Path(__file__).parents[2] / "scripts"
    done = subprocess.run(
        [sys.executable, "-c", SPARSE, str(path)],
        env={"PYTHONPATH": str(scripts)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["os.system", "True"]


def zfile(data: bytes, length: int | None = None, *, space: bytes = b"") -> bytes:
    said = hex(len(data) if length is None else length)
    return b"ZF" + said.ljust(19).encode() + space + zlib.compress(data)


@pytest.mark.parametrize("space", [b"", b" "])
def test_compressed_files_of_old(tmp_path: Path, space: bytes) -> None:
    _, found = read(zfile(b"\x80\x02" + ECHO, space=space), tmp_path)
    assert [fact.subject for fact in found.facts.values()] == ["os.system"]
    assert (found.unread, found.formats) == ([], ["joblib", "pickle"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zfile(b"\x80\x02" + ECHO, 5), "it says another length than what comes out of its compression"),
        (zfile(b"\x80\x02" + ECHO)[:-2], "its compression is damaged or cut off"),
        (zfile(b"\x80\x02" + ECHO)[:-20] + b"\xff" * 20, "its compression is damaged or cut off"),
        (zfile(b"\xff\xfe"), "nothing that a reader knows comes out of its compression"),
    ],
)
def test_compressed_files_that_are_broken(tmp_path: Path, data: bytes, reason: str) -> None:
    _, found = read(data, tmp_path)
    assert reason in reasons(found)


def test_what_only_begins_like_one(tmp_path: Path) -> None:
    assert reasons(read_with(tmp_path, b"ZF is a company" + bytes(30), JoblibReader())) == ["nobody knows it"]
