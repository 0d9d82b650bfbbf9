"""`mlsecops models` as a user meets it: lock, sign, verify, list; one clear line for every mistake."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from mlsecops.models.trust import sign
from mlsecops.models.trust.bom import About, build
from mlsecops.models.trust.cards import Card, Metric
from mlsecops.models.trust.lock import LOCK_FILE, Entry
from support import pickles
from support.command import mlsecops
from support.contexts import toolbox

MAKE_KEYS = """
import sys
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, rsa
def keep(name, key, lock=s.NoEncryption()):
    open(name + ".pem", "wb").write(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, lock))
    public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    open(name + ".pub", "wb").write(public)
keep("ours", ec.generate_private_key(ec.SECP256R1()))
keep("theirs", ec.generate_private_key(ec.SECP256R1()))
keep("locked", ec.generate_private_key(ec.SECP256R1()), s.BestAvailableEncryption(b"x"))
keep("rsa", rsa.generate_private_key(65537, 2048))
"""
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n".encode()
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(str(error)[:2000] if error else 0)
"""


def run_in(environment: str, script: str, *arguments: str | Path, cwd: Path | None = None) -> None:
    """Run a script in a tool's environment."""
    python = toolbox().environment(environment) / "bin" / "python"
    command = [str(python), "-I", "-c", script, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    run_in(sign.ENVIRONMENT, MAKE_KEYS, cwd=folder)
    return folder


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    files = {
        "models/price.pkl": pickles.harmless(),
        "models/bert/a.pkl": pickles.harmless(),
        "models/bert/README.md": b"---\nlicense: mit\ndatasets: [imdb]\nmetrics: [f1]\n---\n",
        "models/far.pkl": POINTER,
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_locked_compared_and_found_by_the_stage(root: Path, tmp_path: Path) -> None:
    done = mlsecops("models", "lock", root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["+ models/bert/a.pkl", "+ models/far.pkl", "+ models/price.pkl"]
    assert "3 model files locked in" in done.stdout
    lock = root / LOCK_FILE
    rows = [json.loads(line) for line in lock.read_text(encoding="ascii").splitlines()]
    assert [row.get("size") for row in rows[1:]] == [len(pickles.harmless()), 9, len(pickles.harmless())]
    assert rows[2]["sha256"] == "a" * 64
    before = lock.stat().st_mtime_ns
    assert mlsecops("models", "lock", root).stdout.startswith("unchanged:")
    assert lock.stat().st_mtime_ns == before
    assert mlsecops("models", "lock", root, "--check").returncode == 0

    (root / "models/price.pkl").write_bytes(pickles.harmless(4))
    (root / "models/new\x1b[31m.pkl").write_bytes(pickles.harmless())
    (root / "models/bert/a.pkl").unlink()
    done = mlsecops("models", "lock", root, "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "- models/bert/a.pkl",
        "+ models/new\\x1b[31m.pkl",
        "~ models/price.pkl",
    ]
    assert lock.stat().st_mtime_ns == before
    done = mlsecops("stage", "model", "--project", root, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    log = json.loads((tmp_path / "out" / "model.sarif").read_bytes())
    run = next(each for each in log["runs"] if each["tool"]["driver"]["name"] == "mlsecops-model-lock")
    found = sorted(each["ruleId"] for each in run["results"])
    assert found == ["model-changed", "model-changed", "model-not-locked"]


def test_no_lock_and_a_broken_one(root: Path) -> None:
    done = mlsecops("models", "lock", root, "--check")
    assert done.returncode == 1
    assert "there is no" in done.stdout
    (root / LOCK_FILE).parent.mkdir()
    (root / LOCK_FILE).write_text("<<<<<<< ours\n", encoding="ascii")
    done = mlsecops("models", "lock", root, "--check")
    assert done.returncode == 3
    assert (
        done.stderr.strip()
        == f"mlsecops: {LOCK_FILE} cannot be read: line 1: a merge conflict; write the lock again"
    )
    assert mlsecops("models", "lock", root).returncode == 0
    assert mlsecops("models", "lock", root, "--check").returncode == 0


def test_a_model_that_cannot_be_pinned(root: Path) -> None:
    (root / "models/far.pkl").write_text(
        "version https://git-lfs.github.com/spec/v1\noid x\n", encoding="ascii"
    )
    for option in ((), ("--check",)):
        done = mlsecops("models", "lock", root, *option)
        assert done.returncode == 3
        assert "models/far.pkl is not locked: its Git LFS pointer" in done.stderr


def test_signed_and_verified(root: Path, keys: Path) -> None:
    model, folder, key = root / "models/price.pkl", root / "models/bert", ("--key", keys / "ours.pem")
    assert mlsecops("models", "verify", model, "--key", keys / "ours.pub").returncode == 1
    for target, signature in ((model, model.with_name("price.pkl.sig")), (folder, folder / "model.sig")):
        done = mlsecops("models", "sign", target, *key)
        assert done.returncode == 0, done.stderr
        assert signature.is_file()
        done = mlsecops("models", "verify", target, "--key", keys / "ours.pub")
        assert done.returncode == 0, done.stderr
        assert f"signed by {keys / 'ours.pub'}" in done.stdout
    done = mlsecops("models", "verify", model, "--key", keys / "theirs.pub")
    assert (done.returncode, "another key" in done.stderr) == (1, True)
    done = mlsecops("models", "sign", model, *key)
    assert (done.returncode, "--force replaces it" in done.stderr) == (2, True)
    model.write_bytes(pickles.echo())
    done = mlsecops("models", "verify", model, "--key", keys / "ours.pub")
    assert (done.returncode, "it is for other content" in done.stderr) == (1, True)
    assert mlsecops("models", "sign", folder, *key, "--force").returncode == 0
    # The program itself leaves out what lies in folders of Git.
    (folder / ".github").mkdir()
    (folder / ".github" / "b.pkl").write_bytes(pickles.echo())
    done = mlsecops("models", "verify", folder, "--key", keys / "ours.pub")
    assert (done.returncode, "does not cover .github/b.pkl" in done.stderr) == (1, True)
    assert not list(root.rglob("*.part"))


def test_the_policy_says_who_must_have_signed(root: Path, keys: Path) -> None:
    mlsecops("models", "sign", root / "models/price.pkl", "--key", keys / "ours.pem")
    (root / "model.pub").write_bytes((keys / "ours.pub").read_bytes())
    (root / ".github").mkdir(exist_ok=True)
    policy = "models: {require-signature: [{key: model.pub}]}\n"
    (root / ".github" / "mlsecops.yml").write_text(policy, encoding="utf-8")
    done = mlsecops("models", "verify", "models/price.pkl", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "signed by model.pub" in done.stdout
    assert mlsecops("models", "lock", root).returncode == 0
    rows = [json.loads(line) for line in (root / LOCK_FILE).read_text(encoding="ascii").splitlines()]
    assert {row["path"]: row.get("signer") for row in rows[1:]} == {
        "models/bert/a.pkl": None,
        "models/far.pkl": None,
        "models/price.pkl": "model.pub",
    }


def test_a_bill_of_materials(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "ml-bom.cdx.json"
    done = mlsecops("models", "bom", root, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "3 model files listed in" in done.stdout
    run_in("cyclonedx-bom", VALIDATE, out)
    first = out.read_bytes()
    assert mlsecops("models", "bom", root, "--out", out).stdout.startswith("unchanged:")
    assert mlsecops("models", "bom", root, "--out", out, "--serial-number").returncode == 0
    assert out.read_bytes() != first
    run_in("cyclonedx-bom", VALIDATE, out)


def test_a_bill_of_whatever_names_is_valid(tmp_path: Path) -> None:
    odd = "é\u202e\x00\udcff" * 10
    card = Card(
        name="m", task="é", library="a b", version="1", licenses=("x",), datasets=("d", "d"), base=("b",),
        metrics=(Metric("m", "1", "d"), Metric("n"), Metric("", "1")),
    )  # fmt: skip
    entries = [
        Entry(path=odd, md5="a" * 32, size=1, format="f", producer=odd, verdict="v", signer=odd),
        Entry(path="a", sha256="a" * 64),
        Entry(path="b", md5=f"{'a' * 32}.dir"),
    ]
    out = tmp_path / "bom.json"
    out.write_bytes(
        build(
            About(project=odd, serial=f"urn:uuid:{'0' * 8}-0000-4000-8000-{'0' * 12}"), entries, {odd: card}
        )
    )
    run_in("cyclonedx-bom", VALIDATE, out)


def test_a_bill_has_a_time_when_it_is_given(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bom.json"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert mlsecops("models", "bom", root, "--out", out).returncode == 0
    assert json.loads(out.read_bytes())["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    run_in("cyclonedx-bom", VALIDATE, out)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    done = mlsecops("models", "bom", root, "--out", out)
    assert (done.returncode, "SOURCE_DATE_EPOCH" in done.stderr) == (2, True)


def test_a_card_that_cannot_be_read_is_said(root: Path, tmp_path: Path) -> None:
    (root / "models/bert/README.md").write_text("---\ndatasets: [\n---\n", encoding="utf-8")
    done = mlsecops("models", "bom", root, "--out", tmp_path / "bom.json")
    assert done.returncode == 3
    assert "models/bert/README.md" in done.stderr
    assert (tmp_path / "bom.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["lock", "nowhere"], 2, "does not exist"),
        (["lock", "project", "--policy", "bad.yml"], 2, "bad.yml:1: unknown key"),
        (["sign", "project/models/price.pkl"], 2, "name --key FILE, or --sigstore"),
        (["sign", "project/models/price.pkl", "--key", "bad.yml", "--sigstore"], 2, "name --key FILE"),
        (["sign", "project/models/price.pkl", "--key", "bad.yml"], 2, "bad.yml is no private key in PEM"),
        (
            ["sign", "project/models/price.pkl", "--key", "keys/ours.pub"],
            2,
            "ours.pub is no private key in PEM",
        ),
        (["sign", "project/models/price.pkl", "--key", "keys/rsa.pem"], 2, "no key of an elliptic curve"),
        (["sign", "project/models/price.pkl", "--key", "keys/locked.pem"], 2, "is encrypted"),
        (["sign", "project/models/price.pkl", "--key", "keys/cut.pem"], 3, "was not signed"),
        (["sign", "link.pkl", "--key", "keys/ours.pem"], 2, "link.pkl is a link"),
        (["sign", "project/models/price.pkl", "--sigstore"], 2, "needs the identity of a workflow"),
        (["sign", "nowhere", "--sigstore"], 2, "does not exist"),
        (["verify", "project/models/price.pkl"], 2, "the policy names no signers"),
        (["verify", "project/models/price.pkl", "--identity", "a"], 2, "--identity with --issuer"),
        (
            ["verify", "project/models/price.pkl", "--key", "keys/ours.pub"],
            1,
            "it has no signature price.pkl.sig",
        ),
        (["bom", "project", "--out", "bad.yml"], 2, "bad.yml is there and is no CycloneDX document"),
        (["bom", "project", "--out", "project"], 2, "is there and is no CycloneDX document"),
        (["bom", "project"], 2, "--out"),
    ],
)
def test_a_mistake_is_one_clear_line(
    arguments: list[str], code: int, sentence: str, root: Path, tmp_path: Path, keys: Path
) -> None:
    (tmp_path / "bad.yml").write_text("fial-on: high\n", encoding="utf-8")
    (tmp_path / "keys").symlink_to(keys)
    (keys / "cut.pem").write_bytes((keys / "ours.pem").read_bytes()[:80])
    (tmp_path / "link.pkl").symlink_to(root / "models/price.pkl")
    done = mlsecops("models", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) <= 4  # click prints its usage before the sentence


@pytest.mark.parametrize("name", ["lock", "sign", "verify", "bom"])
def test_each_command_explains_itself(name: str) -> None:
    done = mlsecops("models", name, "--help")
    assert done.returncode == 0
    assert name in mlsecops("models", "--help").stdout
