"""The real model-signing over signed, changed and unsigned models."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import Scan, Skip
from mlsecops.models.trust import sign
from mlsecops.models.trust.sign import SignatureRequirement
from mlsecops.policy import ModelSettings, Policy
from mlsecops.project import discover
from mlsecops.scan import scan
from mlsecops.toolbox import Toolbox
from mlsecops.tools.model_signatures import ModelSignatures, due
from support import faulty, pickles
from support.contexts import context, toolbox

KEY = """
import sys
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
open(sys.argv[1] + ".pem", "wb").write(private)
open(sys.argv[1] + ".pub", "wb").write(public)
"""


def program(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run something of the tool's environment."""
    folder = toolbox().environment(sign.ENVIRONMENT) / "bin"
    command = [str(folder / str(arguments[0])), *map(str, arguments[1:])]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of keys, `ours` and `theirs`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        program("python", "-I", "-c", KEY, folder / name)
    return folder


@pytest.fixture(name="root")
def _root(tmp_path: Path, keys: Path) -> Path:
    """A project with one model beside its signature and a signed folder of two."""
    root = tmp_path / "project"
    for name in ("price.pkl", "bert/a.pkl", "bert/sub/b.pkl"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(pickles.harmless() + name.encode())
    for name in ("price.pkl", "bert"):
        sign_it(root / name, keys / "ours.pem")
    return root


def sign_it(target: Path, key: Path) -> None:
    program(*sign.sign_with_key(target, sign.signature_of(target), key))


def run(
    root: Path,
    work: Path,
    *required: SignatureRequirement,
    tools: Toolbox | None = None,
    seconds: float = 600.0,
) -> dict[str, Any]:
    """What the check says: its own properties, and the findings as (rule, path)."""
    policy = Policy(models=ModelSettings(require_signature=required))
    planned = due(discover(root), policy)
    assert isinstance(planned, Scan)
    assert isinstance(planned.tool, ModelSignatures)
    tool = dataclasses.replace(planned.tool, timeout=seconds)
    found = scan(tool, planned.targets, context("model", root, work, policy=policy, tools=tools))
    results = [
        (each["ruleId"], each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for each in found["results"]
    ]
    messages = [each["message"]["text"] for each in found["results"]]
    return {**found["properties"]["mlsecops"], "results": results, "messages": messages}


def by(key: Path) -> SignatureRequirement:
    return SignatureRequirement(key=key.read_text(encoding="utf-8"))


def test_signed_models_pass(root: Path, tmp_path: Path, keys: Path) -> None:
    said = run(root, tmp_path, by(keys / "theirs.pub"), by(keys / "ours.pub"))
    assert (said["status"], said["reason"], said["scanned"]) == ("passed", "", 3)


def test_a_key_of_the_project(root: Path, tmp_path: Path, keys: Path) -> None:
    (root / "model.pub").write_bytes((keys / "ours.pub").read_bytes())
    assert run(root, tmp_path / "1", SignatureRequirement(key="model.pub"))["status"] == "passed"
    said = run(root, tmp_path / "2", SignatureRequirement(key="nowhere.pub"))
    assert said["status"] == "incomplete"
    assert "the public key nowhere.pub cannot be read" in said["reason"]


def test_changed_models_and_other_signers_are_found(root: Path, tmp_path: Path, keys: Path) -> None:
    (root / "price.pkl").write_bytes(pickles.echo())
    sign_it(root / "bert", keys / "theirs.pem")
    said = run(root, tmp_path, by(keys / "ours.pub"))
    wrong = "model-signature-wrong"
    assert said["results"] == [(wrong, "bert/a.pkl"), (wrong, "bert/sub/b.pkl"), (wrong, "price.pkl")]
    assert "bert/model.sig does not hold: it was made with another key" in said["messages"][0]
    assert "price.pkl.sig does not hold: it is for other content." in said["messages"][2]


def test_a_changed_file_of_a_folder_is_named(root: Path, tmp_path: Path, keys: Path) -> None:
    (root / "bert/sub/b.pkl").write_bytes(pickles.echo())
    (root / "bert/extra.txt").write_bytes(b"")
    said = run(root, tmp_path, by(keys / "ours.pub"))
    assert [rule for rule, _ in said["results"]] == ["model-signature-wrong"] * 2
    assert "(extra files: extra.txt; changed: sub/b.pkl)" in said["messages"][0]


def test_unsigned_models_are_found(root: Path, tmp_path: Path, keys: Path) -> None:
    (root / "price.pkl.sig").unlink()
    # The program leaves files of Git out, so that it says that the folder is as it was signed.
    (root / "bert/.github").mkdir()
    (root / "bert/.github/evil.pkl").write_bytes(pickles.echo())
    said = run(root, tmp_path, by(keys / "ours.pub"))
    assert said["results"] == [
        ("model-not-signed", "bert/.github/evil.pkl"),
        ("model-not-signed", "price.pkl"),
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"dsseEnvelope": {}}'])
def test_what_is_no_signature_is_wrong(content: bytes, root: Path, tmp_path: Path, keys: Path) -> None:
    (root / "price.pkl.sig").write_bytes(content)
    assert run(root, tmp_path, by(keys / "ours.pub"))["results"] == [("model-signature-wrong", "price.pkl")]


def test_a_signature_by_a_key_is_none_by_an_identity(root: Path, tmp_path: Path) -> None:
    who = SignatureRequirement(identity="a@example.com", issuer="https://example.com")
    said = run(root, tmp_path, who)
    assert {rule for rule, _ in said["results"]} == {"model-signature-wrong"}
    assert "it is of a kind that the policy allows nobody" in said["messages"][0]


def test_a_key_that_is_none_is_incomplete(root: Path, tmp_path: Path) -> None:
    key = "-----BEGIN PUBLIC KEY-----\ngarbage\n-----END PUBLIC KEY-----\n"
    said = run(root, tmp_path, SignatureRequirement(key=key))
    assert said["status"] == "incomplete"
    assert said["results"] == []


def test_a_pointer_is_incomplete(root: Path, tmp_path: Path, keys: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    (root / "price.pkl").write_text(pointer, encoding="utf-8")
    said = run(root, tmp_path, by(keys / "ours.pub"))
    assert said["status"] == "incomplete"
    assert "it is a Git LFS pointer" in said["reason"]


def test_it_is_due_when_the_policy_asks_and_there_are_models(root: Path, tmp_path: Path, keys: Path) -> None:
    assert isinstance(due(discover(root), Policy()), Skip)
    asked = Policy(models=ModelSettings(require_signature=(by(keys / "ours.pub"),)))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert isinstance(due(discover(empty), asked), Skip)


@pytest.mark.parametrize("fault", [each for each in faulty.FAULTS if each != "nothing scanned"])
def test_a_faulty_program_is_never_green(fault: str, root: Path, tmp_path: Path, keys: Path) -> None:
    name = sign.ENVIRONMENT
    real, canary = toolbox().environment(name), ("canary/bad.pkl", "canary/good.pkl")
    folder = faulty.environment(
        tmp_path / "faulty", real, sign.PROGRAM, fault, code=0, sources=(), canary=canary
    )
    tools = toolbox(tmp_path / "cache", {name: folder})
    seconds = 2.0 if fault == "hangs" else 600.0
    said = run(root, tmp_path, by(keys / "ours.pub"), tools=tools, seconds=seconds)
    assert said["status"] == "incomplete"
    assert said["reason"].startswith("mlsecops-model-signatures: ")
    # It prints nothing but that a signature holds.
    reasons = (*faulty.REASONS[fault], "ended as if a signature held", "refuses a signature that holds")
    assert any(words in said["reason"] for words in reasons), said["reason"]
