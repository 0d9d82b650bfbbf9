"""safetensors files (https://github.com/huggingface/safetensors#format): a header, then tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.json_text import parse, parse_bytes
from mlsecops.models.named import JudgeName
from mlsecops.models.readers.configs import check
from mlsecops.models.rules.numpy import SAFETENSORS
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_LONGEST_HEADER = 100_000_000  # the format's own limit
_LARGEST_METADATA = 4 << 20
_METADATA = "__metadata__"
_MOST_REPORTED = 20
_FAR = 1 << 40  # beyond what a download that broke off explains
# Bits of a value of each type (safetensors/src/tensor.rs).
_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


class _Tensor(NamedTuple):
    begin: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class SafetensorsReader:
    """Checks the header against itself and against the file; weights are not read."""

    judge_name: JudgeName | None = None
    format: str = "safetensors"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a length and an opening brace; a length beyond the file too if a header of tensors begins."""
        if len(head) < 10 or head[8:9] != b"{":
            return False
        length = int.from_bytes(head[:8], "little")
        fits = 2 <= length <= min(source.size - 8, _LONGEST_HEADER)
        return (fits and head[9:].lstrip()[:1] in (b'"', b"}", b"")) or b'"data_offsets"' in head

    def read(self, source: Source, walk: Walk) -> None:
        """Look at all tensors and at the metadata."""
        length = int.from_bytes(source.at(0, 8), "little")
        if length > _LONGEST_HEADER:
            _fact(
                walk,
                source,
                "length",
                f"It says that its header has {length:,} bytes; the format allows fewer.",
            )
            raise UnreadableError("its header is longer than the format allows")
        if length > source.size - 8:
            raise UnreadableError("it is cut off within its header")
        header = parse(source, 8, length)
        if not isinstance(header.value, dict):
            raise UnreadableError("its header does not describe tensors")
        for name in sorted(header.repeated)[:_MOST_REPORTED]:
            _fact(
                walk,
                source,
                f"{name} twice",
                f"`{name}` stands there twice: readers differ in which counts.",
            )
        self._metadata(header.value.pop(_METADATA, {}), source, walk)
        tensors = sorted(
            each
            for name, entry in header.value.items()
            if (each := _tensor(name, entry, source, walk)) is not None
        )
        _lie(tensors, source.size - 8 - length, source, walk)

    def _metadata(self, metadata: Any, source: Source, walk: Walk) -> None:
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            _fact(walk, source, _METADATA, "Its metadata are not texts, as the format has them.", 5.0)
            return
        if sum(len(name) + len(value) for name, value in metadata.items()) > _LARGEST_METADATA:
            _fact(walk, source, _METADATA, "Its metadata hold more than 4 MiB; no description does.", 5.0)
        for value in metadata.values():
            add_text(value, source, walk)
            if self.judge_name is not None and value.lstrip()[:1] in ("{", "["):
                _settings(value, source, walk, self.judge_name)
        walk.found.details.update(
            {f"metadata {name}"[:100]: value[:200] for name, value in list(metadata.items())[:_MOST_REPORTED]}
        )


def _settings(text: str, source: Source, walk: Walk, judge_name: JudgeName) -> None:
    """Metadata that hold the settings of a model as JSON, as some trainers write them."""
    try:
        value = parse_bytes(text.encode()).value
    except UnreadableError:
        return
    check(value, source, walk, judge_name)


def _tensor(name: str, entry: Any, source: Source, walk: Walk) -> _Tensor | None:
    try:
        begin, end = entry["data_offsets"]
        kind, shape = entry["dtype"], entry["shape"]
        numbers = [begin, end, *shape]
    except (LookupError, TypeError, ValueError) as error:
        raise UnreadableError("its header does not describe tensors") from error
    shown = name[:200]
    if not all(type(each) is int and 0 <= each < 1 << 64 for each in numbers):
        _fact(walk, source, shown, f"Tensor `{shown}` has a size or place that is no whole number.")
        return None
    if begin > end:
        _fact(walk, source, shown, f"Tensor `{shown}` ends before it begins.")
        return None
    if not isinstance(kind, str) or kind not in _BITS:
        walk.found.not_read(source.name, f"tensor {shown!r} has a type that is not known")
    elif prod(shape) * _BITS[kind] != (end - begin) * 8:
        _fact(
            walk,
            source,
            shown,
            f"Tensor `{shown}` has {end - begin:,} bytes, which do not fit its shape.",
        )
    return _Tensor(begin, end, name)


def _lie(tensors: list[_Tensor], size: int, source: Source, walk: Walk) -> None:
    """Compare where tensors lie with each other and with how much there is."""
    end = tensors[-1].end if tensors else 0
    if tensors and tensors[0].begin != 0:
        _fact(walk, source, "hole", f"{tensors[0].begin:,} bytes before the first tensor belong to nothing.")
    for first, second in pairwise(tensors):
        shown = second.name[:200]
        if second.begin < first.end:
            _fact(walk, source, "overlap", f"Tensor `{shown}` overlaps the one before it.")
        elif second.begin > first.end:
            _fact(walk, source, "hole", f"Bytes before tensor `{shown}` belong to nothing.")
        end = max(end, first.end)
    if end < size:
        _fact(walk, source, "rest", f"{size - end:,} bytes behind the last tensor belong to nothing.")
        walk.read(source.part(source.size - size + end, size - end, ""))
    elif end > size:
        if end > 2 * source.size + _FAR:
            _fact(walk, source, "range", "A tensor lies further away than any file is long.")
        raise UnreadableError(f"it is cut off: {end - size:,} bytes are missing")


def _fact(walk: Walk, source: Source, subject: str, message: str, severity: float | None = None) -> None:
    walk.found.add(
        Fact(
            rule=SAFETENSORS.id,
            subject=subject,
            message=message,
            part=source.name,
            offset=8,
            severity=severity,
        )
    )
