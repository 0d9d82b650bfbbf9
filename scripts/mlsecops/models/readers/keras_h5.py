"""HDF5 files: Keras models and weights, and whatever else is stored in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models import hdf5
from mlsecops.models.enough import enough
from mlsecops.models.inspection import Fact
from mlsecops.models.readers import members
from mlsecops.models.readers.keras_zip import note_version, read_config
from mlsecops.models.rules import keras as rules
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk
from mlsecops.models.zip.gaps import is_zero
from mlsecops.sarif.build import Rule

_CONFIGS = ("model_config", "training_config")
_NAMES = ("keras_version", "backend")
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
        problems: dict[str, None] = {}
        file = hdf5.File.of(source)
        for fact in enough(_facts(file, walk, problems)):
            walk.found.add(fact)
        rest = source.part(file.end, source.size, "(after the end)")
        if not is_zero(rest, 0, rest.size):
            members.read_loose(rest, "after the end of its HDF5", walk)
        walk.found.streams += 1
        for reason in problems:
            walk.found.not_read(source.name, reason)


def _facts(file: hdf5.File, walk: Walk, problems: dict[str, None]) -> Iterator[Fact]:
    source = file.source
    objects: dict[str, None] = {}
    for item in hdf5.walk(file):
        match item:
            case hdf5.Rows():
                if item.owner in objects and _are_read(item, source, walk):
                    del objects[item.owner]
            case hdf5.Attribute():
                if item.name == "PSEUDOATOM" and b"object" in item.values:
                    objects[item.owner] = None
                _attribute(item, source, walk)
            case hdf5.Elsewhere():
                yield _elsewhere(item, source)
            case hdf5.Dataset():
                yield from _dataset(item, source)
            case hdf5.Problem():
                problems.setdefault(item.reason)
    for owner in objects:
        message = f"Reading `{owner[:100]}` unpickles every row of it."
        yield _fact(rules.PICKLED_ROWS, owner, message, source)


def _are_read(rows: hdf5.Rows, source: Source, walk: Walk) -> bool:
    """Whether every row is a pickle that a reader knows, and so was judged by itself."""
    known = [
        walk.read(source.part(place, size, f"{rows.owner[:100]}[{number}]"))
        for number, (place, size) in enumerate(rows.places)
    ]
    return all(known)


def _attribute(item: hdf5.Attribute, source: Source, walk: Walk) -> None:
    """Notes, configurations and pickles; the latter are read as parts of their own."""
    if item.owner == "/" and item.name in _NAMES and item.values:
        text = item.values[0].rstrip(b"\0").decode("utf-8", "replace")[:40]
        walk.found.details[item.name] = text
        if item.name == "keras_version":
            note_version(text, walk)
    for value in item.values:
        text_of = value.rstrip(b"\0 ")
        if item.name in _CONFIGS or text_of.lstrip()[:1] in (b"{", b"["):
            _config(item.name, text_of, source, walk)
        elif text_of.endswith(b".") and (b"\n" in text_of or not text_of.isascii()):
            # PyTables pickles attributes that are no numbers; plain sentences import nothing.
            name = f"{source.name}{item.owner[:100]}@{item.name[:40]}"
            with walk.unpacked([text_of], name, len(value)) as part:
                walk.read(part)


def _config(name: str, text: bytes, source: Source, walk: Walk) -> None:
    try:
        read_config(text, source.name, walk)
    except UnreadableError as error:
        if name in _CONFIGS or b"class_name" in text:
            walk.found.not_read(source.name, f"its attribute {name[:40]} cannot be read: {error}")


def _elsewhere(item: hdf5.Elsewhere, source: Source) -> Fact:
    what = "the content" if item.kind == "link" else "the numbers"
    message = f"Loading this file takes {what} of `{item.owner[:100]}` from the file `{item.file[:200]}`."
    return _fact(rules.LINKS, item.file, message, source)


def _dataset(item: hdf5.Dataset, source: Source) -> Iterator[Fact]:
    if item.size > max(_ALWAYS_HARMLESS, _MOST_GROWTH * source.size):
        message = (
            f"Loading this file takes {item.size >> 30:,} GiB of memory for `{item.owner[:100]}`, "
            "which the file does not hold."
        )
        yield _fact(rules.OVERSIZED, item.owner, message, source)
    for number in set(item.filters) - _FILTERS:
        message = f"Reading `{item.owner[:100]}` needs the HDF5 plug-in of filter {number}."
        yield _fact(rules.FILTER, str(number), message, source)


def _fact(rule: Rule, subject: str, message: str, source: Source) -> Fact:
    return Fact(rule=rule.id, subject=subject[:300], message=message, part=source.name)
