"""TensorFlow's checkpoints: the index, which says where in the files beside it each tensor lies.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto
"""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models.protobuf import Span, Wire
from mlsecops.models.source import Source
from mlsecops.models.tensorflow.table import is_table, values
from mlsecops.models.walk import UnreadableError, Walk

_KNOWN = (range(1, 4), range(1, 8))  # fields of the header, which comes first, and of a tensor
_TYPE = 1
_OBJECTS = frozenset([20, 21])  # types.proto: DT_RESOURCE, DT_VARIANT
_NO_CHECKPOINT = "it is a table of LevelDB, and no checkpoint of TensorFlow"


@dataclass(frozen=True, slots=True)
class CheckpointReader:
    """Makes sure that an index has nothing but tensors of numbers and texts, which no loader calls."""

    format: str = "TensorFlow checkpoint"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the end of the table that it is."""
        del head
        return is_table(source)

    def read(self, source: Source, walk: Walk) -> None:
        """Look at every entry. Raises UnreadableError."""
        tensors = -1
        for length, span in values(source):
            tensors += 1
            fields = _fields(source, span)
            if (length == 0) != (tensors == 0) or not all(
                number in _KNOWN[tensors > 0] for number, _ in fields
            ):
                raise UnreadableError(_NO_CHECKPOINT)
            if tensors and any(number == _TYPE and value in _OBJECTS for number, value in fields):
                raise UnreadableError("it holds objects of TensorFlow, which nothing here can read")
        if tensors < 0:
            raise UnreadableError(_NO_CHECKPOINT)
        walk.found.producer = walk.found.producer or "tensorflow"
        walk.found.details["tensors"] = f"{tensors}, in files beside it that are not read"
        walk.found.streams += 1


def _fields(source: Source, span: Span) -> list[tuple[int, int | Span]]:
    try:
        return list(Wire(source.part(span.start, span.size, "")).fields())
    except UnreadableError:
        return [(0, 0)]
