"""How long the raw storages are that follow the pickles of old torch files.

Follows `_legacy_load` and `_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py:
each storage is its number of items in eight bytes, then the items.
"""

from __future__ import annotations

from mlsecops.models.pickle.values import Constant, Global, Sequence, Value

MAGIC = 0x1950A86A20F9469CFC6C  # torch.serialization.MAGIC_NUMBER
STREAMS = 5  # magic number, protocol, system, object, keys of storages; then the storages
_MOST = 200_000
_COUNT = 8  # bytes
_SIZES = {
    "Double": 8,
    "Float": 4,
    "Half": 2,
    "BFloat16": 2,
    "Long": 8,
    "Int": 4,
    "Short": 2,
    "Char": 1,
    "Byte": 1,
    "Bool": 1,
    "ComplexDouble": 16,
    "ComplexFloat": 8,
    "QInt8": 1,
    "QUInt8": 1,
    "QInt32": 4,
    "QUInt4x2": 1,
    "QUInt2x4": 1,
    "Untyped": 1,
}


class Storages:
    """The storages that a pickle refers to, by their keys."""

    def __init__(self) -> None:
        self._sizes: dict[object, int | None] = {}

    def add(self, identity: Value) -> bool:
        """Take a persistent id; return whether it is torch's.

        These are ("storage", type, key, device, number of items, ...).
        """
        match identity:
            case Sequence("tuple", (Constant("storage"), Global(name), key, _, Constant(count), *_)):
                if not name.startswith("torch."):
                    return False
                self._add(name, key, count)
                return True
        return False

    def _add(self, name: str, key: Value, count: object) -> None:
        item = _SIZES.get(name.rpartition(".")[2].removesuffix("Storage"))
        known = item is not None and isinstance(count, int) and count >= 0
        if len(self._sizes) < _MOST:
            self._sizes[key] = item * count if known and item is not None and isinstance(count, int) else None
        else:
            self._sizes[None] = None

    @property
    def size(self) -> int | None:
        """Bytes that they take in the file, None where that is not known."""
        total = 0
        for size in self._sizes.values():
            if size is None:
                return None
            total += _COUNT + size
        return total
