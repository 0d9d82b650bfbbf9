"""What `torch.save` writes (torch/serialization.py, caffe2/serialize)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from corpus.assembler import Call, Global, Raw, Style, code_of, pickled
from corpus.formats.zips import zip_of

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
RAW_STORAGE = struct.pack("<q4f", 4, 0.5, 1.5, 2.5, 3.5)


def tensor(key: str = "0", size: int = 4, kind: str = "FloatStorage") -> Call:
    """A tensor by the opcodes of a state dict: its storage is a persistent id."""
    place = ("storage", Global("torch", kind), key, "cpu", size)
    storage = Raw(code_of(place, Style(2)) + b"Q")
    hooks = Call(Global("collections", "OrderedDict"), ())
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), (storage, 0, (size,), (1,), False, hooks))


def state_dict(names: tuple[str, ...] = ("layer.weight", "layer.bias")) -> bytes:
    """The pickle of a plain state dict."""
    return pickled({name: tensor(str(number)) for number, name in enumerate(names)}, Style(2))


def archive(payload: bytes, root: str = "archive", extra: Mapping[str, bytes] | None = None) -> bytes:
    """A zip around a pickle, its storages beside it."""
    members = {
        f"{root}/data.pkl": payload,
        f"{root}/byteorder": b"little",
        f"{root}/data/0": bytes(16),
        f"{root}/data/1": bytes(16),
        f"{root}/version": b"3\n",
        **(extra or {}),
    }
    return zip_of(members)


def legacy(
    payload: bytes,
    *,
    magic: bytes | None = None,
    version: bytes | None = None,
    system: bytes | None = None,
    keys: bytes | None = None,
    storages: bytes | None = None,
) -> bytes:
    """The older form: five pickles, then raw storages."""
    sizes = {"short": 2, "int": 4, "long": 4}
    info = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": sizes}
    return b"".join(
        (
            magic or pickled(MAGIC, Style(2)),
            version or pickled(PROTOCOL, Style(2)),
            system or pickled(info, Style(2)),
            payload,
            keys or pickled(["0", "1"], Style(2)),
            RAW_STORAGE * 2 if storages is None else storages,
        )
    )
