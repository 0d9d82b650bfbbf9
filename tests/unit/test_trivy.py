"""Trivy's parts: which program may be used, what its report says, what an image has installed."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlsecops.containers.canary import Made
from mlsecops.containers.trivy.database import read
from mlsecops.containers.trivy.findings import find
from mlsecops.containers.trivy.inventory import has_java, has_rpm, python_packages, system_packages
from mlsecops.containers.trivy.program import OLDEST, POISONED, RELEASE, checked, plain, refuse_poisoned
from mlsecops.containers.trivy.report import Report, parse, severity
from mlsecops.doctor import optional
from mlsecops.job import ToolError
from mlsecops.sarif.build import Json
from mlsecops.toolbox import ToolboxError, releases
from mlsecops.toolbox.releases import Release, fetch, this_platform
from mlsecops.tools.trivy import units
from support import trivy
from support.images import on_base

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "0.69.6", "0.69.3", "0.9.0"])
def test_versions_that_are_refused(version: str) -> None:
    with pytest.raises(
        ToolError, match="malicious" if version > "0.69.3" and version < "0.7" else "older"
    ) as told:
        checked(f"Version: {version}\nVulnerability DB:\n")
    assert RELEASE.version in str(told.value)


@pytest.mark.parametrize("said", ["", "Version: dev\n", "<html>", "Version: 0.\n", "Version: 9999"])
def test_versions_that_cannot_be_read(said: str) -> None:
    with pytest.raises(ToolError, match="its version cannot be read"):
        checked(said)


def test_versions_that_may_be_used() -> None:
    assert checked("Version: 0.74.0\n") == "0.74.0"
    assert checked("Version: v1.2.3-rc1\nx") == "1.2.3"
    assert tuple(int(part) for part in RELEASE.version.split(".")) >= OLDEST
    assert all(each < OLDEST for each in POISONED)


def test_a_poisoned_program_is_known_before_it_runs(tmp_path: Path) -> None:
    program = tmp_path / "trivy"
    build = b"path\tx/cmd/trivy\nmod\tgithub.com/aquasecurity/trivy\tv0.69.5\th1:x\n"
    program.write_bytes(b"\0" * ((1 << 22) - 30) + build + b"\0" * 100)
    with pytest.raises(ToolError, match=r"version 0\.69\.5 is malicious \(CVE-2026-33634\)"):
        refuse_poisoned(program)
    program.write_bytes(build.replace(b"v0.69.5", b"v0.74.0"))
    refuse_poisoned(program)
    refuse_poisoned(tmp_path / "missing")


def test_failures_are_told_without_the_time() -> None:
    said = "it ended with exit code 1: 2026-11-21T20:00:17Z\\tFATAL\\tFatal error\\trun error: no database"
    assert str(plain(ToolError(said))) == "it ended with exit code 1: run error: no database"
    assert str(plain(ToolError("it hangs"))) == "it hangs"


def test_the_doctor_says_how_to_get_it(tmp_path: Path) -> None:
    program = tmp_path / "trivy"
    program.write_bytes(b"mod\tgithub.com/aquasecurity/trivy\tv0.69.4\t")
    rows = {each.name: each for each in optional(lambda name: str(program) if name == "trivy" else None)}
    assert not rows["trivy"].sound
    assert "revoke every secret" in rows["trivy"].remark
    program.write_bytes(b"sound")
    rows = {each.name: each for each in optional(lambda name: str(program) if name == "trivy" else None)}
    assert (rows["trivy"].sound, rows["trivy"].remark) == (True, str(program))
    rows = {each.name: each for each in optional(lambda _: None)}
    assert rows["trivy"].remark.startswith("not on PATH; release 0.74.0 is fetched")


def archive(*members: tuple[str, bytes], link: bool = False) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if link else tarfile.REGTYPE
            member.size = 0 if link else len(content)
            out.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def released(content: bytes, digest: str = "") -> tuple[Release, list[str], Any]:
    """A release with these bytes, the addresses that were asked for, and who answers."""
    asked: list[str] = []

    def opened(address: str) -> Iterator[bytes]:
        asked.append(address)
        yield content[:10]
        yield content[10:]

    files = {"Linux-x86_64": ("tool.tar.gz", digest or sha256(content).hexdigest())}
    return Release("tool", "1.0", "https://example.org/v{version}/{file}", files), asked, opened


def test_a_release_is_fetched_once(tmp_path: Path) -> None:
    release, asked, opened = released(archive(("LICENSE", b""), ("tool", b"program")))
    first, second = (fetch(release, tmp_path, opened, "Linux-x86_64") for _ in range(2))
    assert first == second
    assert first.read_bytes() == b"program"
    assert first.stat().st_mode & 0o777 == 0o755
    assert asked == ["https://example.org/v1.0/tool.tar.gz"]


@pytest.mark.parametrize(
    ("content", "digest", "reason"),
    [
        (archive(("tool", b"other")), "0" * 64, "tool.tar.gz is not the file that is pinned: its SHA-256 is"),
        (archive(("LICENSE", b"")), "", "there is no tool in its release"),
        (archive(("tool", b""), link=True), "", "there is no tool in its release"),
        (b"no archive", "", "tool.tar.gz cannot be fetched from its project's releases: not a gzip file"),
    ],
)
def test_a_release_that_is_not_what_is_pinned(
    content: bytes, digest: str, reason: str, tmp_path: Path
) -> None:
    release, _, opened = released(content, digest)
    with pytest.raises(ToolboxError, match=reason):
        fetch(release, tmp_path, opened, "Linux-x86_64")
    assert [each for each in tmp_path.rglob("*") if each.is_file() and each.suffix != ".lock"] == []


def test_a_release_that_cannot_be_had(tmp_path: Path) -> None:
    def failing(_: str) -> Iterator[bytes]:
        yield b"x"
        raise OSError("no connection, or it broke")

    release, _, _ = released(b"")
    with pytest.raises(ToolboxError, match="cannot be fetched from its project's releases: no connection"):
        fetch(release, tmp_path, failing, "Linux-x86_64")
    with pytest.raises(ToolboxError, match="no release of tool is pinned for Plan9-vax"):
        fetch(release, tmp_path, failing, "Plan9-vax")


def test_an_interrupted_run_fetches_no_more(tmp_path: Path) -> None:
    release, _, opened = released(archive(("tool", b"program")))
    with pytest.raises(ToolboxError, match="the run was interrupted"):
        fetch(release, tmp_path, opened, "Linux-x86_64", lambda: True)


@pytest.mark.parametrize(
    ("fixes", "version", "said"),
    [
        ("2.2.5, 2.3.2", "2.3.1", "Use a 2.3.2 or newer."),
        ("2.10.0, 2.9.1", "2.0", "Use a 2.9.1 or newer."),
        ("1.0", "2.0", "There is no fixed release"),
        ("r5, r6", "r1", "Use a r5 or newer."),
    ],
)
def test_the_nearest_fix_is_told(fixes: str, version: str, said: str, tmp_path: Path) -> None:
    flaw = {
        "VulnerabilityID": "CVE-2026-1",
        "PkgName": "a",
        "InstalledVersion": version,
        "FixedVersion": fixes,
    }
    told = report({"Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [flaw]})
    with on_base(tmp_path) as image:
        (result,) = find(image, told, lambda *_: False).results
    assert said in result["message"]["text"]


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("_LARGEST", 5, "it is larger than 0 MiB"), ("_WHOLE_SECONDS", -1.0, "it takes longer than -1 s")],
)
def test_a_release_that_does_not_end(
    limit: str, value: float, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, limit, value)
    release, _, opened = released(archive(("tool", b"program")))
    with pytest.raises(ToolboxError, match=reason):
        fetch(release, tmp_path, opened, "Linux-x86_64")


def test_a_release_comes_over_the_network(tmp_path: Path) -> None:
    release, _, _ = released(archive(("tool", b"program")))
    (tmp_path / "v1.0").mkdir()
    (tmp_path / "v1.0/tool.tar.gz").write_bytes(archive(("tool", b"program")))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/v{{version}}/{{file}}"
        served = replace(release, address=address)
        try:
            assert fetch(served, tmp_path / "one", on="Linux-x86_64").read_bytes() == b"program"
            missing = replace(served, version="2.0")
            with pytest.raises(ToolboxError, match="project's releases: HTTP 404"):
                fetch(missing, tmp_path / "two", on="Linux-x86_64")
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(ToolboxError, match="project's releases: no connection, or it broke"):
        fetch(served, tmp_path / "three", on="Linux-x86_64")


def test_the_pinned_release() -> None:
    """The one that the README names and that the tests run."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"its release {RELEASE.version} is fetched once" in readme
    assert RELEASE.version == trivy.VERSION
    assert this_platform().partition("-")[0] in ("Linux", "Darwin", "Windows")
    for file, digest in RELEASE.files.values():
        assert file.startswith(f"trivy_{RELEASE.version}_")
        assert len(bytes.fromhex(digest)) == 32


@pytest.mark.parametrize(
    ("told", "score", "basis"),
    [
        ({"Severity": "HIGH", "SeveritySource": "ghsa", "CVSS": {"ghsa": {"V3Score": 7.5}}}, 7.5, "cvss"),
        ({"Severity": "HIGH", "SeveritySource": "ghsa", "CVSS": {"ghsa": {"V40Score": 8.2}}}, 8.2, "cvss"),
        # The distribution says that it is not as bad as all that.
        ({"Severity": "LOW", "SeveritySource": "debian", "CVSS": {"nvd": {"V3Score": 9.8}}}, 2.0, "word"),
        ({"Severity": "HIGH", "SeveritySource": "debian", "CVSS": {"nvd": {"V3Score": 8.1}}}, 8.1, "cvss"),
        ({"Severity": "MEDIUM", "CVSS": {"x": {"V2Score": 5.0}, "nvd": {}}}, 5.0, "cvss"),
        ({"Severity": "CRITICAL"}, 9.5, "word"),
        ({"Severity": "UNKNOWN"}, 7.5, "unknown"),
        ({}, 7.5, "unknown"),
    ],
)
def test_how_bad_a_flaw_is(told: Json, score: float, basis: str) -> None:
    found = severity(told)
    assert (found.score, found.basis) == (score, basis)


def report(*results: Json, **metadata: object) -> Report:
    document = {"SchemaVersion": 2, "ArtifactType": "container_image", "Metadata": metadata}
    return parse({**document, "Results": list(results)})


def test_what_is_no_report() -> None:
    for document in ({}, {"SchemaVersion": 1, "ArtifactType": "container_image"}, {"SchemaVersion": 2}):
        with pytest.raises(ToolError, match="it is no report of an image"):
            parse(document)


def test_names_of_a_flaw_are_its_vendors_too() -> None:
    flaw = {"VulnerabilityID": "GHSA-1", "VendorIDs": ["CVE-2026-2"], "PkgName": "a", "InstalledVersion": "1"}
    found = report({"Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [flaw]})
    assert (found.flaws[0].id, found.flaws[0].aliases, found.flaws[0].fixed) == (
        "CVE-2026-2",
        ("GHSA-1",),
        (),
    )
    assert (found.flaws[0].package.name, found.flaws[0].package.layer) == ("a", "")


def test_versions_of_system_packages_are_whole(tmp_path: Path) -> None:
    status = b"Package: a\nStatus: install ok installed\nVersion: 2:1.0-1\n\nPackage: b\nVersion: 3\n"
    packages = [{"Name": "a", "Version": "1.0", "Release": "1", "Epoch": 2}, {"Name": "b", "Version": "3"}]
    found = report({"Class": "os-pkgs", "Type": "debian", "Packages": packages})
    with on_base(tmp_path, base=[Made("var/lib/dpkg/status", status)]) as image:
        due, seen = units(image, found)
    assert due == seen == {"Dockerfile", "Dockerfile: a 2:1.0-1", "Dockerfile: b 3"}


def metadata(folder: str, name: str, version: str) -> Made:
    return Made(
        f"{folder}/{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n".encode()
    )


def test_packages_of_python_that_the_distribution_did_not_install(tmp_path: Path) -> None:
    folder = "usr/lib/python3/dist-packages"
    sums = f"0123  {folder}/by_dpkg-1.dist-info/METADATA\n4567  usr/bin/x\n".encode()
    apk = b"P:py3-x\nV:1-r0\nF:usr/lib/python3.13/site-packages/by_apk-1.dist-info\nR:METADATA\nR:RECORD\n\n"
    members = [
        metadata(folder, "by_dpkg", "1"),
        metadata("usr/lib/python3.13/site-packages", "by_apk", "1"),
        metadata("opt/venv/lib/python3.13/site-packages", "By.Pip", "2.0"),
        Made("opt/other/METADATA", b"Name: x\n"),
        Made("var/lib/dpkg/info/python3-x.md5sums", sums),
        Made("lib/apk/db/installed", apk),
        Made("var/lib/dpkg/status.d/base", b"Package: base\nVersion: 13\n"),
        Made("var/lib/dpkg/status.d/base.md5sums", b"0  x\n"),
    ]
    with on_base(tmp_path, *members) as image:
        assert python_packages(image) == {("by-pip", "2.0")}
        assert system_packages(image) == {("py3-x", "1-r0"), ("base", "13")}
        assert not has_rpm(image)
        assert not has_java(image)


def test_what_only_trivy_can_read(tmp_path: Path) -> None:
    members = [
        Made("var/lib/rpm/rpmdb.sqlite", b"x"),
        Made("opt/App.JAR", b"x"),
        metadata("usr/lib64/python3.9/site-packages", "by_rpm", "1"),
        metadata("usr/local/lib/python3.9/site-packages", "by_pip", "1"),
    ]
    with on_base(tmp_path, *members) as image:
        assert has_rpm(image)
        assert has_java(image)
        assert python_packages(image) == {("by-pip", "1")}
        nothing = units(image, report())
        assert nothing[0] - nothing[1] == {
            "Dockerfile: packages of its rpm database",
            "Dockerfile: by-pip 1 (Python)",
        }
        packages = [{"Name": "bash", "Version": "5", "Release": "1"}]
        seen = units(image, report({"Class": "os-pkgs", "Type": "redhat", "Packages": packages}))[1]
        assert "Dockerfile: packages of its rpm database" in seen


def test_a_flaw_in_a_distribution_that_counts_in_its_own_way(tmp_path: Path) -> None:
    flaws = [
        {
            "VulnerabilityID": f"CVE-2026-{number}",
            "PkgName": "zlib",
            "InstalledVersion": "1_1",
            "FixedVersion": f"1_{number}",
        }
        for number in (2, 3)
    ]
    with on_base(tmp_path) as image:
        found = find(
            image, report({"Class": "os-pkgs", "Type": "x", "Vulnerabilities": flaws}), lambda *_: False
        )
    (result,) = found.results
    assert result["message"]["text"] == (
        "zlib 1_1 has the security update 1_3. It fixes CVE-2026-2, CVE-2026-3. "
        "Its severity is not known and counts as high."
    )
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"UpdatedAt": "2026-11-22T00:00:00Z", "NextUpdate": "2026-11-23T00:00:00Z"}', "from the future"),
        ('{"UpdatedAt": "soon", "NextUpdate": "later"}', "does not say of when it is"),
        ("no JSON", "does not say of when it is"),
        ("[]", "does not say of when it is"),
    ],
)
def test_databases_of_no_known_date(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "trivy.db").touch()
    (tmp_path / "metadata.json").write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=reason):
        read(tmp_path, "it", NOW)


def test_dates_as_go_writes_them(tmp_path: Path) -> None:
    (tmp_path / "trivy.db").touch()
    told = '{"UpdatedAt": "2026-11-19T06:19:47.123456789Z", "NextUpdate": "2026-11-20T06:19:47+01:00"}'
    (tmp_path / "metadata.json").write_text(told, encoding="utf-8")
    found = read(tmp_path, "it", NOW)
    assert found.updated == datetime(2026, 11, 19, 6, 19, 47, 123456, tzinfo=UTC)
    assert found.next_update == datetime(2026, 11, 20, 5, 19, 47, tzinfo=UTC)
