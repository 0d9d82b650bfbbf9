"""What joblib writes: pickles with raw arrays between their opcodes (joblib/numpy_pickle.py)."""

from __future__ import annotations

import struct

from corpus.assembler import Build, Call, Global, Raw, Style, code_of


def dtype(kind: str = "f8") -> Build:
    """A `numpy.dtype` as it is pickled."""
    made = Call(Global("numpy", "dtype"), (kind, False, True))
    state = (3, "|" if kind == "O8" else "<", None, None, None, -1, -1, 63 if kind == "O8" else 0)
    return Build(made, state)


def array(
    values: tuple[float, ...] = (0.5, 1.5, 2.5), *, aligned: bool = True, shape: int | None = None
) -> Raw:
    """A wrapper and, behind the BUILD that completes it, padding and the raw numbers."""
    raw = struct.pack(f"<{len(values)}d", *values)
    padding = b"\x05" + b"\xff" * 5 if aligned else b""
    return Raw(wrapper("f8", len(values) if shape is None else shape, aligned=aligned) + padding + raw)


def objects(stream: bytes) -> Raw:
    """An array of objects: a whole pickle between the opcodes."""
    return Raw(wrapper("O8", 1, aligned=True) + stream)


def wrapper(kind: str, size: int, *, aligned: bool) -> bytes:
    """The opcodes of a NumpyArrayWrapper."""
    state: dict[str, object] = {
        "subclass": Global("numpy", "ndarray"),
        "shape": (size,),
        "order": "C",
        "dtype": dtype(kind),
        "allow_mmap": kind != "O8",
    }
    if aligned:
        state["numpy_array_alignment_bytes"] = 16
    made = Call(Global("joblib.numpy_pickle", "NumpyArrayWrapper"), (), "NEWOBJ")
    return code_of(Build(made, state), Style(4))


def zfile(packed: bytes, size: int) -> bytes:
    """The container of joblib before 0.10: a length in hexadecimal, then zlib (numpy_pickle_compat.py)."""
    return b"ZF" + hex(size).encode().ljust(19) + packed
