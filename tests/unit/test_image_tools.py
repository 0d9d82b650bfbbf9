"""The tools that look at images, over images made by hand: what is due, what is told, what is doubted."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from mlsecops.containers.canary import Made
from mlsecops.containers.recipes import Recipe
from mlsecops.job import Context
from mlsecops.policy import ContainerSettings, Policy
from mlsecops.sarif.build import Json
from mlsecops.tools.image_checks import ImageChecks
from mlsecops.tools.security_updates import SecurityUpdates
from support.images import prepared, run
from support.security_archive import OS_RELEASE, PUBLISHED, STATUS, mirror

DEBIAN = (Made("etc/os-release", OS_RELEASE), Made("var/lib/dpkg/status", STATUS.encode()))


def own(done: Json) -> Json:
    properties: Json = done["properties"]["mlsecops"]
    return properties


def checked(around: Context) -> Json:
    return run(ImageChecks((Recipe("Dockerfile", ""),)), around)


def compared(around: Context) -> Json:
    return run(SecurityUpdates((Recipe("Dockerfile", ""),)), around)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "project"


def test_a_sound_image_passes(root: Path, tmp_path: Path) -> None:
    done = checked(prepared(root, tmp_path, Made("app/main.py", b"pass")))
    assert (own(done)["status"], own(done)["canary"], own(done)["scanned"]) == ("passed", "found", 1)
    assert own(done)["notes"][0].startswith("Dockerfile: the image has 0 MB")


def test_models_are_read(root: Path, tmp_path: Path) -> None:
    bad = b"cposix\nsystem\n(Vecho mlsecops\ntR."
    packages = "opt/venv/lib/python3.13/site-packages/x"
    done = checked(
        prepared(
            root,
            tmp_path,
            Made("app/a.pkl", bad),
            Made(f"{packages}/b.pkl", bad),
            Made(f"{packages}/c.pkl", b"no pickle"),
        )
    )
    assert own(done)["status"] == "findings"
    told = sorted((each["ruleId"], each["message"]["text"].split()[0]) for each in done["results"])
    assert told == [
        ("image-unseen-model", "/app/a.pkl"),
        ("model-runs-code", "/app/a.pkl"),
        ("model-runs-code", f"/{packages}/b.pkl"),
    ]
    assert own(done)["notes"][-1] == "Dockerfile: 1 data files of installed packages are in no format we read"


def test_a_model_that_cannot_be_read_is_a_doubt(root: Path, tmp_path: Path) -> None:
    done = checked(prepared(root, tmp_path, Made("app/a.pkl", b"no pickle")))
    assert own(done)["status"] == "incomplete"
    assert "/app/a.pkl in its image is not scanned" in own(done)["reason"]


def test_models_of_the_repository_are_not_read_again(root: Path, tmp_path: Path) -> None:
    root.mkdir()
    (root / "a.pkl").write_bytes(b"no pickle")
    done = checked(prepared(root, tmp_path, Made("app/a.pkl", b"no pickle")))
    assert own(done)["status"] == "passed"


def test_what_the_dockerfile_shows_is_the_same_finding(root: Path, tmp_path: Path) -> None:
    program = Made("usr/bin/tool", b"x", mode=0o4755)
    around = prepared(root, tmp_path, base=(program,))
    (root / "Dockerfile").write_text("FROM base:1\nRUN other\nRUN more\nRUN most\n", encoding="utf-8")
    done = checked(around)
    assert own(done)["notes"][-1].endswith("so all in it counts as its own")
    assert [each["ruleId"] for each in done["results"]] == ["image-setuid-file"]


def test_an_archive_that_is_cut_off(root: Path, tmp_path: Path) -> None:
    around = prepared(root, tmp_path)
    (tmp_path / "image.tar").write_bytes((tmp_path / "image.tar").read_bytes()[:1000])
    assert own(checked(around))["status"] == "incomplete"
    assert "its image cannot be looked at: its archive" in own(checked(around))["reason"]


def test_no_debian_at_all(root: Path, tmp_path: Path) -> None:
    done = compared(prepared(root, tmp_path))
    assert (own(done)["status"], own(done)["reason"]) == (
        "skipped",
        "no image of Debian or Ubuntu was built",
    )


def test_a_debian_without_a_list_of_packages(root: Path, tmp_path: Path) -> None:
    done = compared(prepared(root, tmp_path, DEBIAN[0]))
    assert own(done)["status"] == "incomplete"
    assert "it has no list of its packages" in own(done)["reason"]


def with_index(age: timedelta = timedelta(1)) -> Policy:
    """A policy that names the index in the project; the tests' now is a day after it was published."""
    assert age
    return Policy(container=ContainerSettings(security_index="mirror"), max_data_age=age + timedelta(1))


def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gpgv" else real(name))


def at(around: Context, days: int) -> Context:
    return replace(around, now=lambda: PUBLISHED + timedelta(days))


def test_pending_updates(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned(monkeypatch)
    mirror(root / "mirror")
    done = compared(at(prepared(root, tmp_path, base=DEBIAN, policy=with_index()), 1))
    assert own(done)["status"] == "findings"
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (2, 2, "found")
    assert own(done)["data"] == {
        "source": f"trixie-security at {root / 'mirror'}",
        "date": PUBLISHED.date().isoformat(),
    }
    (update,) = done["results"]
    assert update["message"]["text"] == (
        "example-data 1.0-1 (and 1 more of example) has the security update 1.0-1+deb13u1. "
        "It fixes CVE-2026-1002, CVE-2026-999999. Its severity is not known and counts as high."
    )
    assert update["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert own(done)["notes"] == ["Dockerfile: the signature of the index was not checked, for want of gpgv"]


def test_an_index_that_is_too_old(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned(monkeypatch)
    mirror(root / "mirror")
    done = compared(at(prepared(root, tmp_path, base=DEBIAN, policy=with_index()), 3))
    assert own(done)["status"] == "incomplete"
    assert "3 days old, the policy allows 2" in own(done)["reason"]


def test_no_index_at_all(root: Path, tmp_path: Path) -> None:
    done = compared(prepared(root, tmp_path, base=DEBIAN, policy=with_index()))
    assert own(done)["status"] == "incomplete"
    assert "no index of security updates could be loaded" in own(done)["reason"]


def test_sources_of_an_image_cannot_name_files_of_this_machine(root: Path, tmp_path: Path) -> None:
    mirror(tmp_path / "mirror")
    line = f"deb file:{tmp_path}/mirror trixie-security main\ndeb {tmp_path}/mirror trixie-security main\n"
    sources = Made("etc/apt/sources.list", line.encode())
    done = compared(prepared(root, tmp_path, sources, base=DEBIAN))
    assert own(done)["status"] == "incomplete"
    assert "is no address" in own(done)["reason"]


def test_a_package_with_an_impossible_version(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned(monkeypatch)
    mirror(root / "mirror")
    odd = Made("var/lib/dpkg/status", b"Package: odd\nVersion: 1_0\n")
    done = compared(at(prepared(root, tmp_path, odd, base=DEBIAN, policy=with_index()), 1))
    assert own(done)["status"] == "incomplete"
    assert "its version 1_0 is none of dpkg's" in own(done)["reason"]


def test_a_changelog_that_cannot_be_had_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned(monkeypatch)
    mirror(root / "mirror", package=b"no package")
    done = compared(at(prepared(root, tmp_path, base=DEBIAN, policy=with_index()), 1))
    assert own(done)["notes"][-1] == "Dockerfile: what 1 updates fix could not be read from their changelogs"
    assert "It fixes" not in done["results"][0]["message"]["text"]


GPG, GPGV = shutil.which("gpg"), shutil.which("gpgv")


def signed(folder: Path, archive: Path) -> bytes:
    """Sign the archive's `InRelease` with a new key, and return the key."""
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    options = [str(GPG), "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    about = archive / "dists/trixie-security/InRelease"
    body = about.read_text("utf-8").split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE")[0]
    (folder / "Release").write_text(body, encoding="utf-8")
    subprocess.run([*options, "--quick-generate-key", "t@example.com", "ed25519", "sign", "0"], check=True)
    out = ["--yes", "--output", str(about), "--clearsign", str(folder / "Release")]
    subprocess.run([*options, *out], check=True)
    try:
        return subprocess.run([*options, "--export"], check=True, capture_output=True).stdout
    finally:
        subprocess.run([shutil.which("gpgconf") or "", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.mark.skipif(not (GPG and GPGV), reason="gpg and gpgv are not here to sign and to check")
@pytest.mark.parametrize("change", ["none", "text", "key"])
def test_signatures_count(change: str, root: Path, tmp_path: Path) -> None:
    mirror(root / "mirror")
    key = signed(tmp_path, root / "mirror")
    about = root / "mirror/dists/trixie-security/InRelease"
    if change == "text":
        about.write_text(about.read_text("utf-8").replace("Origin: Debian", "Origin: Other"), "utf-8")
    trusted = () if change == "key" else (Made("etc/apt/keyrings/own.gpg", key),)
    done = compared(at(prepared(root, tmp_path, *trusted, base=DEBIAN, policy=with_index()), 1))
    if change == "none":
        assert (own(done)["status"], own(done)["notes"]) == ("findings", [])
    else:
        assert own(done)["status"] in ("incomplete", "findings")
        sentence = "its signature is not the distribution's"
        without_keys = "for want of the distribution's keys"
        assert sentence in own(done)["reason"] or without_keys in str(own(done)["notes"])
