"""Trivy itself, over images made by hand and with a database of a few advisories."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from mlsecops.containers.canary import Made
from mlsecops.tools.trivy import Trivy
from support.contexts import NOW
from support.images import run
from support.trivy_images import BASE, python_package
from support.trivy_runs import RECIPES, TOKEN, around, lines, own, status


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "project"


def test_everything_is_told_on_the_line_that_brought_it(tool: Trivy, root: Path, tmp_path: Path) -> None:
    done = run(
        tool,
        around(
            root,
            tmp_path,
            *(python_package("Flask", "2.0.1"), python_package("six", "1.16.0")),
            Made("app/settings.ini", TOKEN),
        ),
    )
    assert status(done) == ("findings", "")
    assert lines(done) == {"image-pending-security-update": 1, "CVE-2023-30861": 2, "image-secret-file": 2}
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (6, 6, "found")
    assert own(done)["data"] == {"source": str(tmp_path / "database"), "date": NOW.date().isoformat()}
    assert done["tool"]["driver"]["semanticVersion"] == "0.74.0"
    assert own(done)["notes"] == [
        (
            "Dockerfile: vulnerabilities that the distribution has not fixed yet are not listed: "
            "1 in 1 of its packages, the worst high (CVE-2005-2541 in tar)"
        ),
        "image-sbom.cdx.json lists the 5 packages of the image of Dockerfile",
    ]
    text = json.dumps(done)
    assert TOKEN.decode().partition(" = ")[2] not in text
    assert "sha256:" not in text


def test_fingerprints_outlive_a_build(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Another image in another place, with the same packages."""
    prints = []
    for each in ("one", "two"):
        members = (
            python_package("Flask", "2.0.1"),
            Made("app/settings.ini", TOKEN),
            Made(each, each.encode()),
        )
        done = run(tool, around(root, tmp_path / each, *members))
        prints.append({each["partialFingerprints"]["mlsecops/v1"] for each in done["results"]})
    assert prints[0] == prints[1]
    assert len(prints[0]) == 3


def test_the_bill_of_materials_is_kept(tool: Trivy, root: Path, tmp_path: Path) -> None:
    run(tool, around(root, tmp_path, python_package("six", "1.16.0")))
    text = (tmp_path / "keep/image-sbom.cdx.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "Dockerfile"
    assert {each["name"] for each in document["components"]} == {
        "debian",
        "libssl3t64",
        "openssl",
        "tar",
        "six",
    }
    assert str(tmp_path) not in text


def test_an_image_with_nothing_wrong(tool: Trivy, root: Path, tmp_path: Path) -> None:
    done = run(tool, around(root, tmp_path, python_package("six", "1.16.0"), base=()))
    assert status(done) == ("passed", "")
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (2, 2, "found")


def test_nothing_of_the_image_or_the_project_or_the_machine_configures_it(
    tool: Trivy, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.mkdir()
    ignored = "CVE-2023-30861\nCVE-2025-9230\nCVE-2025-9232\n"
    config = "severity: [UNKNOWN]\nscan: {skip-dirs: [/opt, /app]}\n"
    secrets = "disable-rules: [github-pat]\n"
    files = {".trivyignore": ignored, "trivy.yaml": config, "trivy-secret.yaml": secrets}
    home = tmp_path / "home"
    home.mkdir()
    for folder in (root, home):
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    inside = [
        Made(f"{folder}{name}", text.encode()) for folder in ("", "app/") for name, text in files.items()
    ]
    flask, secret = python_package("Flask", "2.0.1"), Made("app/settings.ini", TOKEN)
    there = around(root, tmp_path, flask, secret, *inside)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRIVY_SEVERITY", "UNKNOWN")
    monkeypatch.setenv("TRIVY_IGNOREFILE", str(root / ".trivyignore"))
    monkeypatch.setenv("TRIVY_SKIP_DIRS", "/opt,/app")
    done = run(tool, there)
    assert status(done) == ("findings", "")
    assert {"image-pending-security-update", "CVE-2023-30861", "image-secret-file"} == set(lines(done))


def test_a_release_that_the_database_does_not_know(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Trivy itself finds nothing and says that all is well."""
    base = (BASE[0], Made("etc/debian_version", b"11.1\n"), BASE[2])
    done = run(tool, around(root, tmp_path, base=base))
    assert own(done)["status"] == "incomplete"
    assert "did not find the known-bad canary (image-pending-security-update)" in own(done)["reason"]
    assert "image-ended-distribution" in lines(done)


def test_packages_that_it_does_not_see(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Without the file that names the release it looks at no package of the distribution."""
    done = run(tool, around(root, tmp_path, base=(BASE[0], BASE[2])))
    assert own(done)["status"] == "incomplete"
    assert "looked at 1 of 4, not at Dockerfile: libssl3t64 3.5.1-1" in own(done)["reason"]


APK = b"C:Q1x=\nP:zlib\nV:1.3.1-r2\nA:x86_64\no:zlib\n\nP:.python-rundeps\nV:20251120.1\nA:noarch\n\n"


UBUNTU = (
    b"Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 2.39-0ubuntu8\n\n"
    b"Package: x\nStatus: hold ok installed\nArchitecture: all\nVersion: 1:1.2-3\n\n"
)


DISTRIBUTIONS: dict[str, tuple[Made, ...]] = {
    "alpine": (
        Made("etc/os-release", b"ID=alpine\nVERSION_ID=3.22.1\n"),
        Made("etc/alpine-release", b"3.22.1\n"),
        Made("lib/apk/db/installed", APK),
    ),
    "wolfi": (
        Made("etc/os-release", b"ID=wolfi\nVERSION_ID=20230201\n"),
        Made("usr/lib/apk/db/installed", APK),
    ),
    "ubuntu": (
        Made("etc/os-release", b'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n'),
        Made("etc/lsb-release", b"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\n"),
        Made("var/lib/dpkg/status", UBUNTU),
    ),
    "distroless": (
        *BASE[:2],
        Made("var/lib/dpkg/status.d/base", b"Package: base-files\nVersion: 13.8\nArchitecture: amd64\n"),
        Made("var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 2025b-4\nArchitecture: all\n\n"),
    ),
}


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_distributions(name: str, tool: Trivy, root: Path, tmp_path: Path) -> None:
    """We read the same packages as Trivy, and the canary is one of the same release."""
    done = run(tool, around(root, tmp_path, base=DISTRIBUTIONS[name]))
    assert status(done) == ("passed", "")
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (3, 3, "found")


def test_names_of_strangers_are_harmless(tool: Trivy, root: Path, tmp_path: Path) -> None:
    folder = "opt/x\x1b]0;owned\x07/lib/site-packages/Flask-2.0.1.dist-info"
    flask = Made(f"{folder}/METADATA", b"Name: Flask\nVersion: 2.0.1\n\n")
    odd = Made("opt/odd.dist-info/METADATA", b"Name: a\x1b[31m\xe2\x80\xae\nVersion: 1\x07\n\n")
    secret = Made("app/\x1b[2J<script>.ini", TOKEN)
    done = run(tool, around(root, tmp_path, flask, odd, secret))
    assert {"CVE-2023-30861", "image-secret-file"} <= set(lines(done))
    text = json.dumps(done, ensure_ascii=False)
    assert not any(each in text for each in ("\x1b", "\\u001b", "\x07", "\\u0007", "\u202e"))


def test_a_package_whose_description_trivy_cannot_read(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """It leaves such packages out without a word."""
    path = "opt/venv/lib/python3.13/site-packages/six-1.16.0.dist-info/METADATA"
    marked = Made(path, b"\xef\xbb\xbfName: six\nVersion: 1.16.0\n\n")
    done = run(tool, around(root, tmp_path, marked))
    assert own(done)["status"] == "incomplete"
    assert "looked at 4 of 5" in own(done)["reason"]


def wrapped(real: Path, folder: Path, change: str) -> Trivy:
    """Trivy behind a program that changes something; `arguments` are its own, `output` where it writes."""
    program = folder / "trivy"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, subprocess, sys\n"
        "arguments = sys.argv[1:]\n"
        f"def run(): return subprocess.run([{str(real)!r}, *arguments]).returncode\n"
        "where = arguments.index('--output') + 1 if '--output' in arguments else 0\n"
        "output = pathlib.Path(arguments[where])\n"
        f"{change}\n"
        "sys.exit(run())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return Trivy(RECIPES, which=lambda _: str(program))


@pytest.mark.parametrize(
    ("scanner", "reason"),
    [("vuln", "its reports are about different images"), ("image", "its report is about another image")],
)
def test_a_report_of_another_image(
    scanner: str, reason: str, trivy_program: Path, root: Path, tmp_path: Path
) -> None:
    there = around(root, tmp_path)
    around(tmp_path / "two", tmp_path / "other", Made("x", b"x"))
    other = str(tmp_path / "other/image.tar")
    change = (
        f"if {scanner!r} in arguments:\n"
        f"    arguments = [{other!r} if each.endswith('/image.tar') else each for each in arguments]"
    )
    done = run(wrapped(trivy_program, tmp_path, change), there)
    assert own(done)["status"] == "incomplete"
    assert reason in own(done)["reason"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"bomFormat": "CycloneDX", "components": []}', "its bill of materials lists 0 of 3 packages"),
        ('{"bomFormat": "SPDX"}', "its bill of materials cannot be read: it is no CycloneDX document"),
    ],
)
def test_a_bill_of_materials_that_is_not_whole(
    document: str, reason: str, trivy_program: Path, root: Path, tmp_path: Path
) -> None:
    change = f"if arguments[0] == 'convert':\n    output.write_text({document!r})\n    sys.exit(0)"
    done = run(wrapped(trivy_program, tmp_path, change), around(root, tmp_path))
    assert own(done)["status"] == "incomplete"
    assert reason in own(done)["reason"]
    assert list(tmp_path.glob("keep/*")) == []


def test_an_image_that_cannot_be_had(tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    (tmp_path / "image.tar").write_bytes(b"no archive")
    done = run(tool, there)
    assert own(done)["status"] == "incomplete"
    assert "its image cannot be looked at: its archive is broken" in own(done)["reason"]
