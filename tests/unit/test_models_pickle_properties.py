"""Any bytes: no crash, no hang; and what our interpreter computes is what Python's unpicklers compute."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.pickle.machine import Machine
from mlsecops.models.pickle.values import Unknown
from support.pickle_streams import ECHO, plain, read, run, text

SCRIPTS = Path(__file__).parents[2] / "scripts"

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
)
KEYS = st.integers() | st.text(max_size=8) | st.tuples(st.integers(), st.text(max_size=3))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.tuples(inner, inner)
        | st.lists(inner, min_size=4, max_size=6).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=25,
)
SETS = st.sets(st.integers() | st.text(max_size=5)) | st.frozensets(st.integers())


@given(VALUES, st.integers(0, 5))
def test_harmless_values_are_computed_as_python_does(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    machine, _ = run(data)
    assert machine.end == len(data)
    assert plain(machine.value) == value


@given(SETS, st.integers(4, 5))
def test_sets_are_computed_as_python_does(value: object, protocol: int) -> None:
    machine, events = run(pickle.dumps(value, protocol))
    assert (plain(machine.value), events) == (value, [])


def small(opcode: bytes, width: int, most: int) -> st.SearchStrategy[bytes]:
    return st.integers(0, most).map(lambda number: opcode + number.to_bytes(width, "little"))


# Opcodes without imports: Python may load what they make.
OPCODES = st.one_of(
    st.sampled_from([bytes([each]) for each in b"(012N)]}\x8f\x88\x89\x85\x86\x87tldaesu\x90\x91\x94b"]),
    st.sampled_from([bytes([each]) for each in b"(]}KN\x8f\x85a0"]).map(
        lambda each: each + b"\x07" * (each == b"K")
    ),
    small(b"K", 1, 255),
    small(b"M", 2, 65535),
    small(b"J", 4, 2**32 - 1),
    small(b"q", 1, 4),
    small(b"h", 1, 4),
    small(b"r", 4, 4),
    small(b"j", 4, 4),
    st.text(max_size=5).map(text),
    st.text(max_size=5).map(
        lambda value: b"\x8c" + bytes([len(value.encode("utf-8", "surrogatepass"))]) + text(value)[5:]
    ),
    st.binary(max_size=5).map(lambda value: b"C" + bytes([len(value)]) + value),
    st.binary(max_size=5).map(lambda value: b"\x96" + struct.pack("<Q", len(value)) + value),
    st.binary(max_size=5).map(lambda value: b"\x8a" + bytes([len(value)]) + value),
    st.sampled_from(
        [b"I12\n", b"I01\n", b"I00\n", b"I 0x1f\n", b"I-1_0\n", b"Ix\n", b"I\n", b"L7L\n", b"L7\n", b"F1e3\n"]
        + [b"F-inf\n", b"Fx\n", b"S'a\\x41\\n\\t\\101\\q'\n", b'S"\\\'"\n', b"Sa\n", b"V\\u0041\\\\u0042b\n"]
        + [
            b"p1\n",
            b"g1\n",
            b"p0\n",
            b"g0\n",
            b"gx\n",
            b"T\x01\x00\x00\x00a",
            b"U\x01a",
            b"\x80\x02",
            b"\x80\x04",
        ]
        + [b"\x95\x01\x00\x00\x00\x00\x00\x00\x00", b"G?\xf0\x00\x00\x00\x00\x00\x00", b"\x80\x09", b"\x98"]
    ),
)


FAILURES = (
    pickle.UnpicklingError,
    LookupError,
    TypeError,
    ValueError,
    EOFError,
    AttributeError,
    struct.error,
)


def loaded(load: Any, data: bytes) -> tuple[bool, object]:
    try:
        return True, load(io.BytesIO(data)).load()
    except FAILURES:
        return False, None


def same(machine: Machine, value: object) -> bool:
    try:
        ours = plain(machine.value)
        return "Unknown(" in repr(ours) or ours == value
    except (RecursionError, TypeError):  # it holds itself, or keys that a set of ours cannot have
        return True


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@settings(max_examples=1500, deadline=None)
@given(st.lists(OPCODES, max_size=25))
def test_what_unpicklers_load_we_read_to_the_same_end(opcodes: list[bytes]) -> None:
    data = b"".join(opcodes) + b"."
    machine, _ = run(data)
    for unpickler in (pickle.Unpickler, pickle._Unpickler):
        whole, value = loaded(unpickler, data)
        if whole:
            assert machine.reason is None
            assert machine.end is not None
            assert same(machine, value)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\x80\x04", b"\x80\x02(", b"(", ECHO[:-1], ECHO]))
def test_any_bytes_end_somewhere(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, before: bytes
) -> None:
    machine, _ = run(before + data)
    assert (machine.end is None) == (machine.reason is not None)
    read(before + data, tmp_path_factory.getbasetemp())


ANY_OPCODES = st.one_of(
    OPCODES,
    st.sampled_from([b"R", b"\x81", b"\x92", b"o", b"\x93", b"Q", b"\x97", b"\x98", b"\x82\x07", b"Pid\n"]),
    st.sampled_from(
        [
            f"c{name}\n".encode()
            for name in ("os\nsystem", "builtins\ngetattr", "builtins\nmap", "operator\nattrgetter")
        ]
        + [
            f"c{name}\n".encode()
            for name in ("functools\npartial", "functools\nreduce", "sys\nmodules", "numpy\ndtype")
        ]
        + [
            b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n",
            b"ios\nsystem\n",
            b"cbuiltins\nstr\n",
            b"c_codecs\nencode\n",
        ]
    ),
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(ANY_OPCODES, max_size=40))
def test_any_opcodes_end_somewhere(opcodes: list[bytes]) -> None:
    machine, events = run(b"".join(opcodes) + b".")
    assert (machine.end is None) == (machine.reason is not None)
    hash(tuple(events))


def test_nothing_is_imported_run_or_opened() -> None:
    program = """
        import pickle, sys, tempfile
        from pathlib import Path
        from corpus.collection import malicious
        from support.pickle_streams import read, source_of, run
        samples = [sample.data for sample in malicious(1)]
        scratch = Path(tempfile.mkdtemp())
        read(b"\\x80\\x04cos\\nsystem\\n(S'echo'\\ntR.", scratch)
        heard = []
        def hear(event, arguments):
            if event == "open" and not str(arguments[0]).startswith(tempfile.gettempdir()):
                heard.append((event, arguments))
            if event.split(".")[0] in ("import", "exec", "compile", "socket", "subprocess", "os", "pickle"):
                heard.append((event, arguments))
        sys.addaudithook(hear)
        for data in samples:
            read(data, scratch)
        allowed = {"os.listdir", "os.remove", "os.truncate", "os.rename"}
        heard = [each for each in heard if each[0] not in allowed]
        print(len(samples), heard[:5])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        env={"PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parent / 'tests'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    count, _, heard = done.stdout.strip().partition(" ")
    assert (done.stderr, heard) == ("", "[]")
    assert int(count) > 250


def test_unknown_values_have_a_reason_or_none() -> None:
    assert Unknown() == Unknown("")
