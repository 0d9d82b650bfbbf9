"""Pickle bytes that call a function when they are loaded, put together opcode by opcode.

Nothing here unpickles anything, and no file with such bytes is committed: tests make them when they run.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Compression = Literal["zlib", "gzip", "bz2", "lzma"]


def calls(module: str, name: str, *args: str | int | bytes | None, protocol: int = 2) -> bytes:
    """A pickle of a protocol from 0 to 5 that calls `module.name(*args)` when it is loaded."""
    if protocol < 2:
        items = b"".join(_text_item(arg) for arg in args)
        return f"c{module}\n{name}\n".encode() + b"(" + items + b"tR."
    items = b"".join(_item(arg) for arg in args)
    if protocol < 4:
        imported = f"c{module}\n{name}\n".encode()
        return b"\x80" + bytes([protocol]) + imported + b"(" + items + b"tR."
    body = _short_text(module) + _short_text(name) + b"\x93(" + items + b"tR."
    return b"\x80" + bytes([protocol]) + b"\x95" + struct.pack("<Q", len(body)) + body


def echo(marker: str = "mlsecops", protocol: int = 2) -> bytes:
    """A pickle that would run a harmless shell command."""
    return calls("os", "system", f"echo {marker}", protocol=protocol)


def harmless(protocol: int = 2) -> bytes:
    """A pickle of plain data."""
    return pickle.dumps({"weights": [0.25, -1.5, 3.0], "name": "seasonal", "horizon": 4}, protocol)


def compressed(data: bytes, how: Compression) -> bytes:
    """Data as joblib compresses it."""
    if how == "zlib":
        return zlib.compress(data)
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    return bz2.compress(data) if how == "bz2" else lzma.compress(data)


def joblib_with_array(payload: bytes = b"") -> bytes:
    """What joblib writes for an uncompressed array: raw numbers in the middle of the opcodes.

    `payload` is a whole pickle that follows after it.
    """
    wrapper = (
        b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00"
        + _short_text("joblib.numpy_pickle")
        + _short_text("NumpyArrayWrapper")
        + b"\x93)\x81}"
        + _short_text("shape")
        + b"K\x04\x85sb"
    )
    return wrapper + struct.pack("<4d", 0.5, 1.5, 2.5, 3.5) + b"." + payload


def torch_zip(payload: bytes, root: str = "archive", extra: Mapping[str, bytes] | None = None) -> bytes:
    """A zip as `torch.save` writes it, with `payload` as its pickle."""
    members = {
        f"{root}/data.pkl": payload,
        f"{root}/byteorder": b"little",
        f"{root}/data/0": bytes(16),
        f"{root}/version": b"3\n",
        **(extra or {}),
    }
    return zipped(members)


def torch_legacy(payload: bytes) -> bytes:
    """The older format of `torch.save`: several pickles one after the other, `payload` among them."""
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    version = b"\x80\x02M\xe9\x03."
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, 2)
    return magic + version + system + payload + pickle.dumps([], 2)


def numpy_object(payload: bytes) -> bytes:
    """A `.npy` file whose array holds objects, and so a pickle."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + payload


def numpy_plain() -> bytes:
    """A `.npy` file of three numbers."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack("<3d", 1.0, 2.0, 3.0)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip with these members, the same bytes each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def _text_item(arg: str | bytes | int | None) -> bytes:
    if arg is None:
        return b"N"
    if isinstance(arg, int):
        return f"I{arg}\n".encode()
    text = arg.decode("latin-1") if isinstance(arg, bytes) else arg
    return f"S{text!r}\n".encode()


def _item(arg: str | bytes | int | None) -> bytes:
    if arg is None:
        return b"N"
    if isinstance(arg, int):
        return b"J" + struct.pack("<i", arg)
    if isinstance(arg, bytes):
        return b"B" + struct.pack("<I", len(arg)) + arg
    data = arg.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _short_text(text: str) -> bytes:
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data
