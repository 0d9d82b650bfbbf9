"""Which model format a file is in, by its content."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlsecops.project import archives
from mlsecops.project.opcodes import is_pickle
from mlsecops.project.reading import opened, read_tail
from mlsecops.project.suffixes import HDF5_DATA, may_be_model_name
from mlsecops.project.text import is_text
from mlsecops.project.unpacked import Unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlsecops.project.inventory import Format

_MAGIC: dict[bytes, Format] = {
    b"GGUF": "gguf",
    b"\x93NUMPY": "numpy",
    b"CBM1": "catboost",
    b"binf": "xgboost",
    b"{L\x00\x00\x00\x00\x00\x00\x00\x01i\x07learner": "xgboost",
    b"\xba\x16\x4f\x2f": "fasttext",
    b"lmgg": "ggml",
    b"tjgg": "ggml",
    b"fmgg": "ggml",
    b"RDX2\n": "r",
    b"RDX3\n": "r",
    b"RDA2\n": "r",
    b"RDA3\n": "r",
    b"\n\x0e\n\x05<unk>": "sentencepiece",
    b"tree\nversion=v": "lightgbm",
}
_MAGIC_AT_4: dict[bytes, Format] = {b"TFL3": "tflite", b"ORTM": "onnx", b"ET12": "torch"}
_ANY_MAGIC = tuple(_MAGIC)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"
_UNLISTED = (b"Rar!\x1a\x07", b"MSCF\0\0\0\0", b"xar!\0")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH_TAR = {"sys_info", "pickle", "storages"}
_SKOPS = (".json", ".npy", ".npz", ".bin")
_GRAPH_TEXT = re.compile(rb"^(node|graph_def|meta_graphs|meta_info_def)\s*\{", re.MULTILINE)
_MAX_SAFETENSORS_HEADER = 100_000_000  # bytes; the format's own limit
_INNER_HEAD = 1024  # bytes looked at under a compression
_ANY_SIZE = 1 << 62  # of what is under a compression, whose length is not known
_MAX_JSON = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What the content of a file says: its format (None: nothing known), under which compression.

    `other` says that it is known to be something else than a model, `unlisted` that it is an archive whose
    list of names cannot be read, `archive` that it is one whose list can.
    """

    format: Format | None
    compression: str | None = None
    other: bool = False
    unlisted: bool = False
    archive: bool = False


NOTHING = Content(None)


def content_of(path: str, suffix: str, head: bytes, size: int) -> Content:
    """The format that the content of a file shows; `head` are its first bytes. Raises OSError."""
    if is_pickle(head, size, b"" if size <= len(head) else _tail(path, head)):
        # before all else: bytes that are a pickle run, whatever else they are as well
        return Content("pickle")
    if head.startswith(_ZIP):
        return _zip_content(path, suffix, size)
    if head.startswith(_SEVEN_ZIP):
        with opened(path) as file:
            names = archives.seven_zip_names(file)
        return Content(None, unlisted=True) if names is None else _archive_content(names)
    if head.startswith(_UNLISTED):
        return Content(None, unlisted=True)
    if plain := _plain_format(head, suffix, size):
        return Content(plain)
    if archives.is_tar(head):
        with opened(path) as file:
            return _archive_content(archives.tar_names(file))
    if compression := archives.compression_of(head):
        with opened(path) as file:
            return _compressed_content(Unpacked(file, head), suffix, compression)
    behind = _zip_behind(path, suffix, head, size)
    if behind.format:
        return behind
    if suffix == "json" and head.lstrip()[:1] == b"{":
        return Content(_json_format(path, head, size))
    return NOTHING


def _zip_behind(path: str, suffix: str, head: bytes, size: int) -> Content:
    """A zip behind something else: its readers look for its directory at the end of the file."""
    tail = head if size <= len(head) else read_tail(path, archives.LONGEST_ZIP_END)
    return _zip_content(path, suffix, size) if archives.ZIP_END in tail else NOTHING


def _plain_format(head: bytes, suffix: str, size: int) -> Format | None:
    if head.startswith(_ANY_MAGIC):
        return next(name for magic, name in _MAGIC.items() if head.startswith(magic))
    if head[4:8] in _MAGIC_AT_4:
        return _MAGIC_AT_4[head[4:8]]
    if _HDF5 in head and any(head.startswith(_HDF5, at) for at in (0, 512, 1024, 2048, 4096)):
        return None if suffix in HDF5_DATA else "hdf5"
    if _is_safetensors(head, size):
        return "safetensors"
    return _protobuf_format(head, suffix)


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 10 or head[8:9] != b"{" or head[9:10] not in (b'"', b"}", b" ", b"\n"):
        return False
    return 2 <= int.from_bytes(head[:8], "little") <= min(size - 8, _MAX_SAFETENSORS_HEADER)


def _protobuf_format(head: bytes, suffix: str) -> Format | None:
    """SavedModel and GraphDef; only by suffix, since almost any bytes are some protobuf message."""
    if suffix == "pb" and (head.startswith(b"\x08\x01\x12") or _is_graph(head)):
        return "tensorflow"
    if suffix in ("meta", "pb") and head.startswith(b"\n") and b"Placeholder" in head:
        return "tensorflow"
    if suffix == "pbtxt" and _GRAPH_TEXT.search(head):
        return "tensorflow"
    return None


def _is_graph(head: bytes) -> bool:
    """A GraphDef begins with a node: its name, then the name of its operation."""
    match = re.match(rb"\n[\x00-\x7f\x80-\xff]{1,5}?\n([\x01-\x7f])([\w./-]+)\x12[\x01-\x7f](\w+)", head)
    return match is not None and len(match[2]) == match[1][0] and not match[2].endswith(b".proto")


def _zip_content(path: str, suffix: str, size: int) -> Content:
    with opened(path) as file:
        names = archives.zip_names(file, size)
    if names is None:
        return Content(None, unlisted=True)
    if suffix in ("whl", "egg"):  # where .pth files extend Python's path
        names = [name for name in names if not name.endswith(".pth")]
    return _archive_content(names)


def _archive_content(names: Iterable[str], compression: str | None = None) -> Content:
    found = _members_format(names)
    return Content(found, compression, other=found is None, archive=True)


def _members_format(names: Iterable[str]) -> Format | None:
    all_names = set(names)
    ends = {name.rpartition("/")[2] for name in all_names}
    if "data.pkl" in ends or ends >= _TORCH_TAR or any("MAR-INF/" in name for name in all_names):
        return "torch"
    if "config.json" in all_names and all_names & {"model.weights.h5", "metadata.json"}:
        return "keras"
    if "schema.json" in all_names and all(
        name.endswith((".json", ".npy", ".npz", ".bin")) for name in all_names
    ):
        return "skops"
    if all_names and all(name.endswith(".npy") for name in all_names):
        return "npz"
    return "archive" if any(may_be_model_name(name) for name in all_names) else None


def _compressed_content(unpacked: Unpacked, suffix: str, compression: str) -> Content:
    inner = unpacked.peek(_INNER_HEAD)
    if archives.is_tar(inner):
        content = _archive_content(archives.tar_names(unpacked), compression)
        return replace(content, unlisted=unpacked.cut and content.format is None)
    if inner.startswith((b"RDX", b"RDA", b"X\n")):
        return Content("r", compression)
    found = _plain_format(inner, suffix, _ANY_SIZE) if inner else None
    if found is None and is_pickle(inner, len(inner) if len(inner) < _INNER_HEAD else _ANY_SIZE, b"."):
        found = "pickle"
    return Content(found, compression, other=found is None and bool(inner) and is_text(inner))


def _json_format(path: str, head: bytes, size: int) -> Format | None:
    if b'"learner"' in head[:64]:
        return "xgboost"
    if b'"class_name"' not in head:
        return None
    if size > _MAX_JSON:
        return "keras-json"
    with opened(path) as file:
        try:
            document = json.loads(file.read())
        except (ValueError, RecursionError):
            return None
    if not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        return None
    known = {"Sequential", "Functional", "Model"}
    return "keras-json" if "keras_version" in document or document.get("class_name") in known else None


def _tail(path: str, head: bytes) -> bytes:
    # Only what begins like an opcode without a header needs its end; everything else is told by its head.
    return read_tail(path, 16) if head[:1] in b"(]})}cILSVFNKJMGX" else b""
