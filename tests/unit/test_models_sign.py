"""Signatures of models: command lines, what answers mean, and which signature speaks of which file."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.models.trust import sign
from mlsecops.models.trust.sign import (
    Answer,
    Claim,
    SignatureError,
    SignatureRequirement,
    Statement,
    answer,
    best,
    find_claim,
    read_statement,
)
from mlsecops.tools.model_signatures import read_key

DIFFERENCES = [
    "Extra files found in model 'm': a, b",
    "Missing files in model 'm': c",
    "Hash mismatch for 's/d': Expected 'Digest(b'\\x00\"')'",
]
PEM = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"


def bundle(*names: str, subject: str = "m", method: str = "files", **more: Any) -> bytes:
    """A signature that lists these files."""
    statement = {
        "subject": [{"name": subject}],
        "predicate": {"serialization": {"method": method}, "resources": [{"name": each} for each in names]},
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    whole = {
        "mediaType": "x",
        "verificationMaterial": {"publicKey": {}},
        "dsseEnvelope": {"payload": payload},
    }
    return json.dumps({**whole, **more}).encode()


def test_command_lines(tmp_path: Path) -> None:
    file, key, out = tmp_path / "-m.pkl", tmp_path / "k.pem", tmp_path / "-m.pkl.sig"
    file.write_bytes(b"")
    assert sign.signature_of(file) == out
    assert sign.signature_of(tmp_path) == tmp_path / "model.sig"
    assert sign.sign_with_key(file, out, key) == [
        *("model_signing", "sign", "key", f"--signature={out}", f"--private_key={key}", str(file))
    ]
    assert sign.sign_with_key(tmp_path, out, key)[4] == f"--ignore-paths={tmp_path / 'model.sig'}"
    assert sign.sign_with_sigstore(file, out) == [
        *("model_signing", "sign", "sigstore", f"--signature={out}", "--use_ambient_credentials", str(file))
    ]
    who = SignatureRequirement(identity="a@example.com", issuer="https://example.com")
    assert sign.verify_command(file, out, who, None) == [
        *("model_signing", "verify", "sigstore", "--identity=a@example.com"),
        *("--identity_provider=https://example.com", f"--signature={out}", str(file)),
    ]
    assert sign.verify_command(file, out, SignatureRequirement(key="k"), key) == [
        *("model_signing", "verify", "key", f"--public_key={key}", f"--signature={out}", str(file))
    ]


def test_signers_have_names() -> None:
    assert SignatureRequirement(key="keys/a.pub").signer == "keys/a.pub"
    assert SignatureRequirement(key=PEM).signer == "the key of the policy"
    assert SignatureRequirement(identity="a@b.c", issuer="https://i").signer == "a@b.c (https://i)"


@pytest.mark.parametrize(
    ("output", "holds", "reason"),
    [
        ("Verification failed with error: ", False, "it was not made with this key"),
        ("Verification failed with error: Key mismatch: x", False, "it was made with another key"),
        (
            "Verification failed with error: Signature mismatch: [\"Hash mismatch for '.': Expected 'D'\"]",
            False,
            "it is for other content",
        ),
        (
            f"Verification failed with error: Signature mismatch: {DIFFERENCES}",
            False,
            "it is for other content (extra files: a, b; missing files: c; changed: s/d)",
        ),
        (
            "Verification failed with error: 'verificationMaterial'",
            False,
            "it cannot be read as a signature ('verificationMaterial')",
        ),
        (
            "Verification failed with error: Unable to load PEM file. See x",
            None,
            "Unable to load PEM file. See x",
        ),
        ("Verification failed with error: [Errno 2] No such\nfile", None, "[Errno 2] No such file"),
        ("Verification failed with error: failed to refresh TUF", None, "failed to refresh TUF"),
        ("Usage", False, "it cannot be read as a signature (Usage)"),
    ],
)
def test_what_the_program_says(output: str, holds: bool | None, reason: str) -> None:
    assert answer(1, output) == Answer(holds, reason)


def test_an_end_without_error_holds() -> None:
    assert answer(0, "Verification succeeded") == Answer(True)


def test_one_of_several_signers_is_enough() -> None:
    other, content = Answer(False, "it was made with another key"), Answer(False, "it is for other content")
    assert best([other, Answer(True)]).holds
    assert best([content, Answer(None, "?")]).holds is None
    assert best([other, content]) == content
    assert best([other, other]) == other
    assert best([]).holds is False


def test_statements() -> None:
    assert read_statement(bundle("a.pkl", "s/b:0:1")) == Statement("m", frozenset({"a.pkl", "s/b:0:1"}))
    shards = bundle("a.pkl:0:10", "a.pkl:10:20", method="shards")
    assert read_statement(shards).names == {"a.pkl"}
    assert read_statement(bundle(".")).of_a_file
    assert not read_statement(bundle(verificationMaterial={"certificate": {}})).with_key


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b"{}",
        bundle(dsse_envelope={}),
        bundle(dsseEnvelope={"payload": "", "Payload": ""}),
        bundle(dsseEnvelope={"payload": "%"}),
        bundle(dsseEnvelope={"payload": "é"}),
        bundle(dsseEnvelope={"payload": "bm8="}),
        bundle(dsseEnvelope={"payload": "W10="}),
        bundle(dsseEnvelope={"payload": "e30="}),
        bundle(dsseEnvelope={"payload": base64.b64encode(b'{"subject": [], "subject": []}').decode()}),
        b'{"dsseEnvelope": 1, ' + bundle()[1:],
    ],
)
def test_what_two_readers_could_read_differently_is_no_signature(content: bytes) -> None:
    with pytest.raises(SignatureError):
        read_statement(content)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_signature_or_refused(content: bytes) -> None:
    for each in (content, bundle(dsseEnvelope={"payload": base64.b64encode(content).decode()})):
        try:
            read_statement(each)
        except SignatureError:
            continue


FOLDER, FILE = Statement("m", frozenset({"x.pkl", "s/y.pkl"})), Statement("x.pkl", frozenset({"."}))


@pytest.mark.parametrize(
    ("uri", "signatures", "claim"),
    [
        ("m/x.pkl", {}, None),
        ("m/x.pkl", {"m/x.pkl.sig": None, "m/model.sig": FOLDER}, ("m/x.pkl.sig", "m/x.pkl")),
        ("m/x.pkl", {"m/model.sig": FOLDER}, ("m/model.sig", "m")),
        ("m/s/y.pkl", {"m/model.sig": FOLDER}, ("m/model.sig", "m")),
        ("m/z.pkl", {"m/model.sig": FOLDER}, None),
        ("x.pkl", {"model.sig": FOLDER}, ("model.sig", "")),
        ("m/x.pkl", {"m/model.sig": FILE}, ("m/model.sig", "m/x.pkl")),
        ("x.pkl", {"model.sig": FILE}, ("model.sig", "x.pkl")),
        ("m/s/x.pkl", {"m/model.sig": FILE}, None),
        ("m/x.pkl", {"m/model.sig": None}, ("m/model.sig", "m")),
        (
            "a/x.pkl",
            {"a/model.sig": None, "model.sig": Statement("", frozenset({"a/x.pkl"}))},
            ("model.sig", ""),
        ),
    ],
)
def test_which_signature_speaks_of_a_file(
    uri: str, signatures: dict[str, Statement | None], claim: tuple[str, str] | None
) -> None:
    assert find_claim(uri, signatures, signatures.__getitem__) == (Claim(*claim) if claim else None)


def test_keys_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.pub").write_text(PEM, encoding="utf-8")
    (tmp_path / "b.pub").write_text("no", encoding="utf-8")
    (tmp_path / "c.pub").write_bytes(b"\xff")
    (tmp_path / "d.pub").symlink_to("a.pub")
    assert read_key(tmp_path, PEM) == read_key(tmp_path, "a.pub") == PEM
    for name in ("b.pub", "c.pub", "d.pub", "e.pub"):
        with pytest.raises(SignatureError, match=name):
            read_key(tmp_path, name)
