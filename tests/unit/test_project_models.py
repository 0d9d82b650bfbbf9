from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.project import ModelFile, Project, discover
from mlsecops.project.archives import MAX_MEMBERS, tar_names, zip_names
from mlsecops.project.suffixes import suffix_of
from support import pickles
from support.shapes import LFS_POINTER, write

JUNK = bytes(range(1, 256)) * 4
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
GGUF = b"GGUF\x03\x00\x00\x00" + bytes(100)
TFLITE = b"\x1c\x00\x00\x00TFL3" + bytes(100)
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
SAFETENSORS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(4)
POLYGLOT = pickles.echo().ljust(257, b" ") + b"ustar\x0000" + bytes(248)
SAVED_MODEL = b"\x08\x01\x12\x80\x01" + bytes(100)
GRAPH = b"\n\x10\n\x01x\x12\x0bPlaceholder" + bytes(50)
DESCRIPTORS = b"\n\x20\n\x09api.proto\x12\x03api" + bytes(50)
KERAS_JSON = json.dumps(
    {"class_name": "Sequential", "config": {"layers": []}, "keras_version": "2.15"}
).encode()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def found(root: Path, files: dict[str, bytes]) -> Project:
    write(root, files)
    return discover(root)


def only(root: Path, name: str, data: bytes) -> ModelFile | None:
    models = found(root, {name: data}).models
    assert len(models) <= 1
    return models[0] if models else None


@pytest.mark.parametrize(
    ("name", "data", "format_", "why"),
    [
        ("a.pkl", pickles.harmless(), "pickle", "both"),
        ("a.pkl", b"<html>404</html>", "pickle", "suffix"),
        ("a.pkl", b"", "pickle", "suffix"),
        ("a.pkl.gz", pickles.compressed(pickles.harmless(), "gzip"), "pickle", "both"),
        ("a.joblib", pickles.joblib_with_array(), "joblib", "both"),
        ("a.joblib", pickles.harmless(), "joblib", "both"),
        ("notes.txt", pickles.echo(), "pickle", "content"),
        ("photo.png", pickles.echo(protocol=4), "pickle", "content"),
        ("x.unheard", pickles.echo(protocol=0), "pickle", "content"),
        ("noname", pickles.compressed(pickles.echo(), "zlib"), "pickle", "content"),
        ("noname", pickles.compressed(pickles.echo(), "bz2"), "pickle", "content"),
        ("noname", pickles.compressed(pickles.echo(), "lzma"), "pickle", "content"),
        ("noname", lzma.compress(pickles.echo(), lzma.FORMAT_ALONE), "pickle", "content"),
        ("w.pth", pickles.torch_legacy(pickles.echo()), "torch", "both"),
        ("w.pth.tar", pickles.torch_zip(pickles.echo()), "torch", "both"),
        ("w.zip", pickles.torch_zip(pickles.echo(), root="any"), "torch", "content"),
        ("w.bin", b"junk before the zip" + pickles.torch_zip(pickles.echo()), "torch", "both"),
        ("w.png", b"\x89PNG" + pickles.zipped({"a.png": b"x"}), None, None),
        (
            "w.tar",
            tarred({"sys_info": b"", "pickle": b"", "storages": b"", "tensors": b""}),
            "torch",
            "content",
        ),
        ("w.tar", tarred({"deep/model.pkl": b""}), "archive", "content"),
        ("w.tar", tarred({"a.csv": b"1"}), None, None),
        ("w.tar.gz", gzip.compress(tarred({"model.joblib": b"x"})), "archive", "content"),
        ("model.tar.gz", gzip.compress(tarred({"plot.png": b"x"})), "archive", "surroundings"),
        ("w.mar", pickles.zipped({"MAR-INF/MANIFEST.json": b"{}"}), "torch", "both"),
        ("agent.zip", pickles.zipped({"data": b"{}", "policy.pth": b"x"}), "archive", "content"),
        ("photos.zip", pickles.zipped({"a.png": b"x"}), None, None),
        ("models.zip", pickles.zipped({"a/inner.tar.gz": b"x"}), "archive", "surroundings"),
        ("photos.zip", pickles.zipped({"weights.bin": b"x"}), "archive", "content"),
        ("keras_metadata.pb", b"\n\x07\x10\x01\x1a\x03abc", "tensorflow", "suffix"),
        ("x.whl", pickles.zipped({"distutils-precedence.pth": b"x"}), None, None),
        ("m.keras", pickles.zipped({"config.json": b"{}", "model.weights.h5": b""}), "keras", "both"),
        ("m", pickles.zipped({"config.json": b"{}", "metadata.json": b"{}"}), "keras", "content"),
        ("m.skops", pickles.zipped({"schema.json": b"{}", "1.npy": b""}), "skops", "both"),
        ("m.dat", pickles.zipped({"schema.json": b"{}"}), "skops", "both"),
        ("m.skops", b"PK\x03\x04 broken", "skops", "suffix"),
        ("a.npz", pickles.zipped({"x.npy": pickles.numpy_plain()}), "npz", "both"),
        ("a.npy", pickles.numpy_object(pickles.echo()), "numpy", "both"),
        ("a.raw", pickles.numpy_plain(), "numpy", "content"),
        ("a.h5", HDF5, "hdf5", "both"),
        ("a.weights.h5", HDF5, "hdf5", "both"),
        ("a", bytes(512) + HDF5, "hdf5", "content"),
        ("grid.nc", HDF5, None, None),
        ("a", bytes(100) + b"\x89HDF\r\n\x1a\n" + bytes(404) + HDF5, "hdf5", "content"),
        ("a.bin", POLYGLOT, "pickle", "both"),
        ("a.gguf", GGUF, "gguf", "both"),
        ("a.dat", GGUF, "gguf", "both"),
        ("a.lite", TFLITE, "tflite", "both"),
        ("a.xyz", SAFETENSORS, "safetensors", "content"),
        ("a.safetensors", b"no header", "safetensors", "suffix"),
        ("a.onnx", JUNK, "onnx", "suffix"),
        ("saved_model.pb", SAVED_MODEL, "tensorflow", "both"),
        ("frozen.pb", GRAPH, "tensorflow", "both"),
        ("api.pb", DESCRIPTORS, None, None),
        ("graph.pbtxt", b'node {\n  name: "x"\n}\n', "tensorflow", "both"),
        ("labels.pbtxt", b"item {\n  id: 1\n}\n", None, None),
        ("a.meta", b"\n\x20Placeholder\x00", "tensorflow", "both"),
        ("spiece.model", b"\n\x0e\n\x05<unk>\x15\x00\x00", "sentencepiece", "both"),
        ("lgbm.txt", b"tree\nversion=v4\nnum_class=1\n", "lightgbm", "content"),
        ("xgb.json", b'{"learner":{"attributes":{}}}', "xgboost", "content"),
        ("arch.json", KERAS_JSON, "keras-json", "content"),
        ("other.json", b'{"class_name": "x", "config": 3}', None, None),
        ("broken.json", b'{"class_name": ', None, None),
        ("a.ubj", JUNK, "xgboost", "suffix"),
        ("a.rds", gzip.compress(b"RDX3\n" + bytes(50)), "r", "both"),
        ("ft.bin", b"\xba\x16\x4f\x2f\x0c\x00\x00\x00", "fasttext", "both"),
        ("data.csv.gz", gzip.compress(b"a,b\n1,2\n"), None, None),
        ("dump.z", zlib.compress(b"plain text"), None, None),
    ],
)
def test_format_by_content_and_suffix(
    name: str, data: bytes, format_: str | None, why: str | None, tmp_path: Path
) -> None:
    model = only(tmp_path, name, data)
    assert ((model.format, model.why) if model else (None, None)) == (format_, why)


@pytest.mark.parametrize(
    ("name", "data", "is_model"),
    [
        ("models/weights.bin", JUNK, True),
        ("models/page.bin", b"<html>Not Found</html>", True),
        ("models/empty.bin", b"", True),
        ("my-model.bin", JUNK, True),
        ("firmware/boot.bin", JUNK + b"\0", False),
        ("artifacts/encoder", JUNK + b"\0", True),
        ("artifacts/encoder.unheard", JUNK + b"\0", True),
        ("artifacts/readme", b"plain text\n", False),
        ("artifacts/plot.png", JUNK + b"\0", False),
        ("artifacts/tool", b"\x7fELF" + bytes(50), False),
        ("artifacts/table.csv.gz", gzip.compress(b"a,b\n"), False),
        ("checkpoints/events.out.tfevents.1700000000.host", bytes(50), False),
        ("models/readings.dat", b"1 2 3\n", False),
        ("models/user.py", b"class User: ...\n", False),
        ("data/readings.dat", bytes(50), False),
        ("trained_models/1.dat", bytes(50), True),
        ("models/blob.zst", b"\x28\xb5\x2f\xfd" + bytes(50), True),
        ("supermodels/a.bin", JUNK, True),
        ("remodeling/a.bin", JUNK, False),
    ],
)
def test_surroundings_decide_what_content_does_not(
    name: str, data: bytes, is_model: bool, tmp_path: Path
) -> None:
    model = only(tmp_path, name, data)
    assert (model is not None) == is_model
    if model:
        assert (model.format, model.why) == ("unknown", "surroundings")


@pytest.mark.parametrize("beside", ["config.json", "tokenizer.json", "MLmodel", "net.xml"])
def test_a_file_beside_a_models_settings_is_a_model(beside: str, tmp_path: Path) -> None:
    project = found(tmp_path, {"hub/net.bin": JUNK, f"hub/{beside}": b"{}", "hub/other.txt": b"x"})
    assert [(model.uri, model.format) for model in project.models] == [("hub/net.bin", "unknown")]


@pytest.mark.parametrize("how", ["zlib", "gzip", "bz2", "lzma"])
def test_compression_is_told(how: pickles.Compression, tmp_path: Path) -> None:
    model = only(tmp_path, "a.joblib", pickles.compressed(pickles.harmless(), how))
    assert model is not None
    assert (model.format, model.compression) == ("joblib", how)


def test_a_saved_model_is_one_model_with_its_parts(tmp_path: Path) -> None:
    project = found(
        tmp_path,
        {
            "export/1/saved_model.pb": SAVED_MODEL,
            "export/1/variables/variables.index": JUNK + b"\0",
            "export/1/variables/variables.data-00000-of-00001": JUNK + b"\0",
            "ckpt/model.index": JUNK + b"\0",
            "ckpt/model.data-00000-of-00002": JUNK + b"\0",
            "ckpt/model.data-00001-of-00002": JUNK + b"\0",
            "lost/model.data-00000-of-00001": JUNK + b"\0",
        },
    )
    assert {model.uri: (model.format, model.parts) for model in project.models} == {
        "export/1/saved_model.pb": (
            "tensorflow",
            ("export/1/variables/variables.index", "export/1/variables/variables.data-00000-of-00001"),
        ),
        "ckpt/model.index": (
            "tensorflow",
            ("ckpt/model.data-00000-of-00002", "ckpt/model.data-00001-of-00002"),
        ),
        "lost/model.data-00000-of-00001": ("unknown", ()),
    }


def test_a_saved_model_at_the_root(tmp_path: Path) -> None:
    project = found(
        tmp_path, {"saved_model.pb": SAVED_MODEL, "variables/variables.data-00000-of-00001": JUNK + b"\0"}
    )
    assert [model.parts for model in project.models] == [("variables/variables.data-00000-of-00001",)]


def test_a_payload_hidden_as_a_part_is_still_a_model(tmp_path: Path) -> None:
    project = found(
        tmp_path,
        {
            "m/saved_model.pb": SAVED_MODEL,
            "m/variables/variables.data-00000-of-00001": pickles.echo(),
        },
    )
    assert "m/variables/variables.data-00000-of-00001" in {model.uri for model in project.models}


def test_a_model_in_json_too_large_to_parse_is_still_one(tmp_path: Path) -> None:
    model = only(tmp_path, "arch.json", KERAS_JSON + b" " * 17_000_000)
    assert model is not None
    assert model.format == "keras-json"


def test_an_archive_whose_names_cannot_be_listed_is_said_so(tmp_path: Path) -> None:
    project = found(tmp_path, {"data.zip": b"PK\x03\x04" + bytes(100)})
    assert [(row.path, row.kind) for row in project.left_out] == [("data.zip", "unreadable")]


def test_git_annex_and_dvc(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "model.h5": b"/annex/objects/SHA256E-s12--abc.h5\n",
            "here.pkl": pickles.harmless(),
            "here.pkl.dvc": "outs:\n- md5: x\n  path: here.pkl\n",
            "folder.dvc": "outs:\n- md5: x.dir\n  path: models\n",
            "import.dvc": "deps:\n- path: get/model.pkl\nouts:\n- path: plots.png\n",
            "dvc.lock": "stages:\n  train:\n    deps:\n    - path: x.pkl\n    outs:\n    - path: out/y.pkl\n",
        },
    )
    (tmp_path / "linked.onnx").symlink_to(".git/annex/objects/ab/cd/MD5E-s1--x.onnx")
    project = discover(tmp_path)
    assert [(model.uri, model.pointer) for model in project.models] == [
        ("dvc.lock", "dvc"),
        ("folder.dvc", "dvc"),
        ("here.pkl", None),
        ("linked.onnx", "git-annex"),
        ("model.h5", "git-annex"),
    ]
    assert {(row.path, row.kind) for row in project.left_out} == {
        ("plots.png", "pointer"),
        ("models", "pointer"),
        ("out/y.pkl", "pointer"),
        ("linked.onnx", "pointer"),
    }


@pytest.mark.parametrize("name", ["models/net", "m.bin", "x/model.tar.gz", "a.safetensors"])
def test_a_pointer_with_a_models_name_is_a_model_that_is_not_here(name: str, tmp_path: Path) -> None:
    model = only(tmp_path, name, LFS_POINTER.encode())
    assert model is not None
    assert model.pointer == "git-lfs"


def test_an_unchecked_out_submodule_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitmodules": '[submodule "a"]\n\tpath = libs/a\n\turl = x\n[submodule "b"]\n\tpath = libs/b\n'
            '[submodule "c"]\n  path = "libs/c"\n',
            "libs/c/code.py": "x = 1\n",
        },
    )
    (tmp_path / "libs" / "a").mkdir()
    rows = {(row.path, row.reason) for row in discover(tmp_path).left_out}
    assert rows == {
        ("libs/a", "a submodule that is not checked out"),
        ("libs/b", "a submodule that is not checked out"),
    }


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("model.pkl", "pkl"),
        ("MODEL.PKL", "pkl"),
        ("model.pkl.gz", "pkl"),
        ("model.pth.tar", "pth"),
        ("model.joblib.z", "joblib"),
        ("model.tar.gz", "tar"),
        ("model.pkl.01", "pkl"),
        ("v1.2", "2"),
        ("model", ""),
        (".pkl", "pkl"),
        ("model.", ""),
        ("v.data-00000-of-00001", "data"),
        ("x.y.data-00000-of-00001", "data"),
    ],
)
def test_suffix(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix


def names_in(data: bytes) -> list[str] | None:
    return zip_names(io.BytesIO(data), len(data))


def test_zip_names_like_zipfile_reads_them() -> None:
    members = {f"folder/{number}.txt": b"x" * number for number in range(50)}
    data = pickles.zipped(members)
    assert names_in(data) == list(members)
    assert names_in(b"anything in front" + data) == list(members)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == list(members)


def test_zip64_directory_is_found() -> None:
    directory = pickles.zipped({"a.pkl": b"x"})
    start = directory.index(b"PK\x01\x02")
    end = directory.index(b"PK\x05\x06")
    entries = directory[start:end]
    record = b"PK\x06\x06" + bytes(36) + struct.pack("<QQ", len(entries), start)
    locator = b"PK\x06\x07" + bytes(16)
    small = directory[end : end + 12] + b"\xff" * 8 + bytes(2)
    assert names_in(directory[:end] + record + locator + small) == ["a.pkl"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06",
        b"PK\x05\x06" + bytes(8) + b"\xff\xff\xff\x7f" + bytes(6),
        b"PK\x05\x06" + bytes(8) + struct.pack("<I", 46) + bytes(6),
        bytes(46) + b"PK\x05\x06" + bytes(8) + struct.pack("<I", 46) + bytes(6),
    ],
)
def test_a_zip_without_a_sound_directory_has_no_names(data: bytes) -> None:
    assert names_in(data) is None


@given(st.binary(max_size=200), st.integers(0, 150), st.binary(max_size=8))
@settings(max_examples=200)
def test_a_damaged_zip_is_no_error(garbage: bytes, at: int, patch: bytes) -> None:
    data = bytearray(pickles.zipped({"a/data.pkl": b"x", "b": garbage}))
    data[at : at + len(patch)] = patch
    names = names_in(bytes(data))
    assert names is None or all(isinstance(name, str) for name in names)


def test_a_tar_of_very_many_members_is_read_in_bounds() -> None:
    header = tarred({"a": b""})[:512]
    assert len(tar_names(io.BytesIO(header * (MAX_MEMBERS + 10)))) == MAX_MEMBERS
    assert tar_names(io.BytesIO(header[:124] + b"no number!!!" + header[136:])) == []
    assert tar_names(io.BytesIO(b"short")) == []


def test_decompression_bombs_are_only_looked_into(tmp_path: Path) -> None:
    zeros = bytes(5_000_000)
    bombs = {"a.gz": gzip.compress(zeros), "b.bz2": bz2.compress(zeros), "c.xz": lzma.compress(zeros)}
    write(tmp_path, bombs)
    began = time.process_time()
    assert discover(tmp_path).models == ()
    assert time.process_time() - began < 1.0


def test_a_broken_compression_is_no_error(tmp_path: Path) -> None:
    files = {
        "a.gz": b"\x1f\x8b\x08broken",
        "b.xz": b"\xfd7zXZ\x00broken",
        "c.bz2": b"BZh9broken",
        "d": b"x\x9cbroken",
    }
    assert found(tmp_path, files).models == ()


def test_no_file_of_a_large_python_library_is_taken_for_a_model() -> None:
    project = discover(Path(os.__file__).parent, excludes=["site-packages", "test", "tests", "*.pickle"])
    assert len(project.python) > 500
    assert [model.uri for model in project.models] == []
