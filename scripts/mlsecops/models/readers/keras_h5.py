"""HDF5 files: Keras models and weights, and whatever else is stored in them."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models import hdf5
from mlsecops.models.inspection import Fact
from mlsecops.models.readers.keras_zip import note_version, read_config
from mlsecops.models.rules import keras as rules
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_CONFIGS = ("model_config", "training_config")
_NAMES = ("keras_version", "backend")
_MOST_FACTS = 200
_ALWAYS_HARMLESS, _MOST_GROWTH = 4 << 30, 100
# Registered filters (https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md):
# those of the library itself, and of the plug-ins that scientific Python packages carry.
_FILTERS = frozenset(
    [1, 2, 3, 4, 5, 6, 305, 307, 32000, 32001, 32004, 32008, 32013, 32015, 32017, 32018, 32019, 32022, 32024]
    + [32026, 32028]
)


@dataclass(frozen=True, slots=True)
class Hdf5Reader:
    """Reads attributes and links; the numbers themselves do nothing."""

    format: str = "HDF5"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether it has HDF5's signature, at the start or behind a user block."""
        return head.startswith(hdf5.SIGNATURE) or hdf5.signature(source) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Walk through all objects."""
        file = hdf5.File.of(source)
        problems: dict[str, str] = {}
        for item in hdf5.walk(file):
            match item:
                case hdf5.Attribute():
                    _attribute(item, source, walk)
                case hdf5.Elsewhere():
                    _elsewhere(item, source, walk)
                case hdf5.Dataset():
                    _dataset(item, source, walk)
                case hdf5.Problem():
                    problems.setdefault(item.reason, item.owner)
        walk.found.streams += 1
        for reason in problems:
            walk.found.not_read(source.name, reason)


def _attribute(item: hdf5.Attribute, source: Source, walk: Walk) -> None:
    if item.owner == "/" and item.name in _NAMES and item.values:
        text = item.values[0].rstrip(b"\0").decode("utf-8", "replace")[:40]
        walk.found.details[item.name] = text
        if item.name == "keras_version":
            note_version(text, walk)
    if item.name == "PSEUDOATOM" and b"object" in item.values:
        message = f"Reading `{item.owner[:100]}` unpickles every row of it."
        walk.found.add(_fact(rules.PICKLED_ROWS.id, item.owner, message, source))
    for value in item.values:
        text_of = value.rstrip(b"\0 ")
        if text_of.lstrip()[:1] in (b"{", b"[") or item.name in _CONFIGS:
            try:
                read_config(text_of, source.name, walk)
            except UnreadableError as error:
                if item.name in _CONFIGS or b"class_name" in text_of:
                    walk.found.not_read(
                        source.name, f"its attribute {item.name[:40]} cannot be read: {error}"
                    )
        elif text_of.endswith(b".") and (text_of[:1] == b"\x80" or b"\n" in text_of):
            # PyTables pickles attributes that are no numbers.
            with walk.unpacked(
                [text_of], f"{source.name}{item.owner[:100]}@{item.name[:40]}", len(value)
            ) as part:
                walk.read(part)


def _elsewhere(item: hdf5.Elsewhere, source: Source, walk: Walk) -> None:
    what = {"link": "the content", "numbers": "the numbers", "view": "the numbers"}[item.kind]
    message = f"Loading this file takes {what} of `{item.owner[:100]}` from the file `{item.file[:200]}`."
    if len(walk.found.facts) < _MOST_FACTS:
        walk.found.add(_fact(rules.LINKS.id, item.file[:300], message, source))


def _dataset(item: hdf5.Dataset, source: Source, walk: Walk) -> None:
    if item.size > max(_ALWAYS_HARMLESS, _MOST_GROWTH * source.size):
        message = (
            f"Loading this file takes {item.size >> 30:,} GiB of memory for `{item.owner[:100]}`, "
            "which the file does not hold."
        )
        walk.found.add(_fact(rules.OVERSIZED.id, item.owner, message, source))
    for number in set(item.filters) - _FILTERS:
        message = f"Reading `{item.owner[:100]}` needs the HDF5 plug-in of filter {number}."
        walk.found.add(_fact(rules.FILTER.id, str(number), message, source))


def _fact(rule: str, subject: str, message: str, source: Source) -> Fact:
    return Fact(rule=rule, subject=subject[:300], message=message, part=source.name)
