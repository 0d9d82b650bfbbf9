from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlsecops.project.opcodes import is_pickle, walk
from support import pickles

DATA = {
    "weights": [0.25, -1.5],
    "names": ("a", "b"),
    "none": None,
    "text": "ä" * 50,
    "big": 2**70,
    "raw": b"\0",
}


def judged(data: bytes, head: int = 8192) -> bool:
    return is_pickle(data[:head], len(data), data[-16:])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("make", [pickles.harmless, lambda protocol: pickle.dumps(DATA, protocol)])
def test_plain_data_of_every_protocol(protocol: int, make: Callable[[int], bytes]) -> None:
    assert judged(make(protocol))


@pytest.mark.parametrize("protocol", range(6))
def test_calls_of_every_protocol(protocol: int) -> None:
    data = pickles.calls("os", "system", "echo x", 7, b"raw", None, protocol=protocol)
    pickletools.dis(data, out=io.StringIO())  # the builder's own proof: a true pickle
    assert judged(data)
    assert walk(data, len(data)).called


@pytest.mark.parametrize("protocol", range(6))
def test_long_pickles_of_which_only_the_head_is_at_hand(protocol: int) -> None:
    data = pickle.dumps([{"n": number, "s": f"text {number}"} for number in range(5000)], protocol)
    assert judged(data)
    assert walk(data[:8192], len(data)).end is None


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'echo'\ntR and then no pickle at all",
        b"(S'echo'\nios\nsystem\n.",
        b"(0cos\nsystem\n(S'echo'\ntR.",
        b"(cos\nsystem\nS'echo'\no.",
        b"\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",
        b"I0\n." + pickles.echo(protocol=4),
        b"N." + pickles.echo(protocol=2),
        pickles.echo(protocol=4) + b"trailing garbage" * 100,
        pickles.echo(protocol=0) + b"\n",
        b"cos\nsystem\n(X\x00\x40\x00\x00" + b"x" * 0x4000 + b"tR.",
        b"cos\nsystem\n(S'" + b"x" * 20_000 + b"'\ntR.",
        b"\x80\x00" + pickles.echo(protocol=0),
        pickles.echo(protocol=4)[:20],
    ],
)
def test_hand_made_and_broken_streams(data: bytes) -> None:
    assert judged(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\x04.",
        b"\x80\x07",
        b"\x80\x01\xcf\x15\x00\x00%!PS-AdobeFont-1.0",
        b"import os\nimport sys\n",
        b"import binding2\n",
        b"cat\ndog\nemu\n",
        b"cat\ndog\n",
        b"cat\ndog\nXaaaa" + b"x" * 10_000,
        b"build\ncython_debug\n.venv\n",
        b"class Foo:\n    pass\n",
        b"(see the manual).",
        b"I am a text.\n",
        b"I1\n.",
        b"Nope.",
        b"...",
        b"a.",
        b"0.",
        b"00000000000000.",
        b"tR.",
        b"x,y\n1,2\n",
        b"]}).\n",
        b"S'quoted'\nbut not a pickle",
        b"G" * 20_000,
        b"N" * 20_000,
    ],
)
def test_what_is_no_pickle(data: bytes) -> None:
    assert not judged(data)


def test_a_length_beyond_the_file_is_no_argument() -> None:
    data = b"(lp0\nX\xff\xff\xff\x7fabc"
    assert not walk(data, len(data)).valid


@given(st.binary(max_size=300))
@example(b"(" * 300)
def test_any_bytes_are_judged_without_an_error(data: bytes) -> None:
    found = walk(data, len(data))
    assert found.count <= len(data)
    assert judged(data) in (True, False)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=200))
def test_the_walk_agrees_with_pickletools_on_where_a_stream_ends(text: str) -> None:
    data = pickle.dumps(text, 2)
    assert walk(data, len(data)).end == len(data)
