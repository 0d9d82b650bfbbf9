"""Security updates of Debian and Ubuntu: versions, indexes, what an image has, and what it lacks."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from mlsecops.containers.canary import Made
from mlsecops.containers.debian import Distribution, distribution
from mlsecops.containers.security_index.archive import Archive, ArchiveError
from mlsecops.containers.security_index.changelogs import fixes
from mlsecops.containers.security_index.index import load
from mlsecops.containers.security_index.pending import Pending, pending
from mlsecops.containers.security_index.records import Package, Suite, installed, release, security_suites
from mlsecops.containers.security_index.versions import Version
from mlsecops.job import ToolError
from mlsecops.tools.security_updates import indexes
from support import services
from support.images import BASE, image, on_base
from support.security_archive import OS_RELEASE, PUBLISHED, STATUS, SUITE, deb, mirror

DPKG = shutil.which("dpkg")
# As dpkg orders them.
ORDERED = [
    *("0~~mlsecops", "0~", "0", "0a", "1.0~rc1", "1.0~rc1+b1", "1.0", "1.0-0", "1.0-1", "1.0-1+b1"),
    *("1.0-1+deb13u1", "1.0-1+deb13u2", "1.0-1+deb13u10", "1.0-2", "1.0a", "1.0+dfsg", "1.0.1", "1.2"),
    *("2-1-1", "10", "v1", "1:0", "1:0.1", "2:0"),
]


@pytest.mark.parametrize("number", range(len(ORDERED)))
def test_versions_are_in_order(number: int) -> None:
    own = Version(ORDERED[number])
    for place, other in enumerate(map(Version, ORDERED)):
        same = {ORDERED[place], ORDERED[number]} == {"1.0", "1.0-0"} or place == number
        assert (own == other) is same
        assert (own < other) is (not same and number < place)
        assert (own >= other) is (same or number >= place)


@pytest.mark.skipif(DPKG is None, reason="dpkg is not here to be asked")
def test_dpkg_says_the_same() -> None:
    for one, other in pairwise(ORDERED):
        done = subprocess.run([str(DPKG), "--compare-versions", one, "lt", other], check=False)
        assert (done.returncode == 0) is (Version(one) < Version(other)), (one, other)


@pytest.mark.parametrize("text", ["", "1_0", "x:1", "1 2", "1:", "1.10:2"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        Version(text)


def test_installed_packages() -> None:
    assert list(installed(STATUS)) == [
        Package("libexample1", "1.0-1+b1", "example", "1.0-1", "amd64"),
        Package("example-data", "1.0-1", "example", "1.0-1"),
    ]


def test_sources_of_one_line() -> None:
    text = """# deb http://a buster-security main
deb http://a/debian trixie main
deb [signed-by=/x] http://a/debian-security trixie-security main contrib # comment
deb-src http://a/debian-security trixie-security main
deb http://b/debian-security buster/updates main
"""
    assert list(security_suites(text, deb822=False)) == [
        Suite("http://a/debian-security", "trixie-security", ("main", "contrib")),
        Suite("http://b/debian-security", "buster/updates", ("main",)),
    ]


def test_sources_in_paragraphs() -> None:
    text = """Types: deb deb-src
# a comment
URIs: http://a/debian-security
Suites: trixie-security trixie
Components: main
Signed-By: /x

Enabled: no
Types: deb
URIs: http://b
Suites: trixie-security

Types: deb-src
URIs: http://c
Suites: trixie-security
"""
    assert list(security_suites(text, deb822=True)) == [
        Suite("http://a/debian-security", "trixie-security", ("main",))
    ]


def suite(archive: Archive) -> Suite:
    return Suite(archive.base, SUITE, ("main",))


def unchecked(signed: bytes) -> None:
    assert signed


def test_an_index_is_loaded_whole(tmp_path: Path) -> None:
    archive = mirror(tmp_path)
    index = load(archive, suite(archive), "amd64", unchecked)
    assert index.date == PUBLISHED
    assert {name: each.version for name, each in index.packages.items()} == {
        "libexample1": "1.0-1+deb13u1",
        "example-data": "1.0-1+deb13u1",
    }


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (f"Codename: {SUITE}", "Codename: bookworm-security", "is of another suite"),
        ("Date: ", "Day: ", "InRelease is none"),
        ("19 Nov 2026", "today", "InRelease is none"),
        ("main/binary-amd64", "other/binary-amd64", "has no main/binary-amd64/Packages"),
        (" main/binary", "0 main/binary", "is too large|is not what"),
    ],
)
def test_an_index_that_is_not_sound(old: str, new: str, reason: str, tmp_path: Path) -> None:
    archive = mirror(tmp_path, changes={old: new})
    if "0 main" in new:
        (tmp_path / f"dists/{SUITE}/main/binary-amd64/Packages.xz").write_bytes(b"other")
    with pytest.raises(ArchiveError, match=reason):
        load(archive, suite(archive), "amd64", unchecked)


@pytest.fixture(name="served")
def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that gives what lies in a folder, and sends for what is moved elsewhere."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer, or send elsewhere."""
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/dists")
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_index_over_http(served: str, tmp_path: Path) -> None:
    mirror(tmp_path)
    index = load(Archive(f"{served}/"), Suite(served, SUITE, ("main",)), "amd64", lambda _: None)
    assert set(index.packages) == {"libexample1", "example-data"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere", "HTTP 404 for nowhere"),
        ("moved", "HTTP 302 for moved"),
        ("large", "large is too large, or comes too slowly"),
    ],
)
def test_files_that_http_does_not_give(path: str, reason: str, served: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(11))
    with pytest.raises(ArchiveError, match=reason):
        Archive(served).get(path, 10)
    with pytest.raises(ArchiveError, match="large is too large"):
        Archive(str(tmp_path)).get("large", 10)


def test_a_server_that_is_not_there(served: str) -> None:
    with pytest.raises(ArchiveError, match=r"x cannot be fetched \(ConnectionError\)"):
        Archive("http://127.0.0.1:9").get("x")


def test_an_index_that_is_not_there(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    with pytest.raises(ArchiveError, match="No such file"):
        load(archive, suite(archive), "amd64", unchecked)
    archive = mirror(tmp_path)
    with pytest.raises(ArchiveError, match="has no main/binary-arm64"):
        load(archive, suite(archive), "arm64", unchecked)


def test_a_release_without_a_zone() -> None:
    text = "Date: Fri, 20 Nov 2026 00:12:42 -0000\nSHA256:\n a 1 b\n"
    assert release(text).date == datetime(2026, 11, 20, 0, 12, 42, tzinfo=UTC)


def updates(archive: Archive) -> list[Pending]:
    index = load(archive, suite(archive), "amd64", unchecked)
    own = [(package, 3) for package in installed(STATUS)]
    found, odd = pending([*own, (Package("odd", "x_y", "odd", "x_y"), 1)], index.packages)
    assert [package.name for package, _ in odd] == ["odd"]
    return found


def test_what_is_pending(tmp_path: Path) -> None:
    (update,) = updates(mirror(tmp_path))
    assert (update.source, update.line, update.fixed) == ("example", 3, "1.0-1+deb13u1")
    assert [own.name for own, _ in update.packages] == ["example-data", "libexample1"]


@pytest.mark.parametrize("compress", ["xz", ""])
def test_what_an_update_fixes(compress: str, tmp_path: Path) -> None:
    archive = mirror(tmp_path, package=deb(compress=compress))
    assert fixes(archive, updates(archive)[0], tmp_path) == ("CVE-2026-1002", "CVE-2026-999999")


@pytest.mark.parametrize("package", [deb(None), b"no package", deb()[:300]])
def test_a_changelog_that_cannot_be_had(package: bytes, tmp_path: Path) -> None:
    archive = mirror(tmp_path, package=package)
    assert fixes(archive, updates(archive)[0], tmp_path) is None


def test_a_package_that_is_not_the_listed_one(tmp_path: Path) -> None:
    archive = mirror(tmp_path)
    (update,) = updates(archive)
    content = (tmp_path / "pool/e/libexample1.deb").read_bytes()
    (tmp_path / "pool/e/libexample1.deb").write_bytes(content[:-1] + b"x")
    assert fixes(archive, update, tmp_path) is None


def debian(folder: Path, *members: Made) -> Distribution | None:
    with on_base(folder, *members, base=[Made("usr/lib/os-release", OS_RELEASE)]) as opened:
        return distribution(opened)


def test_where_updates_are(tmp_path: Path) -> None:
    system = debian(tmp_path)
    assert system is not None
    assert system.suites(None) == []
    root = services.make(tmp_path / "p")
    with pytest.raises(ToolError, match=r"no archive of security updates: set container\.security-index"):
        indexes(services.job(root, tmp_path), system)
    assert system.suites("http://m") == [Suite("http://m", SUITE, ("main",))]
    own = Made(
        "etc/apt/sources.list.d/debian.sources",
        b"Types: deb\nURIs: http://own\nSuites: trixie-security sid-security\nComponents: main contrib\n",
    )
    with on_base(tmp_path, own, base=[Made("etc/os-release", OS_RELEASE)]) as opened:
        system = distribution(opened)
        assert system is not None
        assert system.suites(None) == [Suite("http://own", SUITE, ("main", "contrib"))]
        assert system.suites("http://m") == [Suite("http://m", SUITE, ("main", "contrib"))]


@pytest.mark.parametrize(
    "text", [b"ID=alpine\nVERSION_CODENAME=x\n", b"ID=debian\n", b"ID=ubuntu\nVERSION_CODENAME=../x\n", b""]
)
def test_other_systems(text: bytes, tmp_path: Path) -> None:
    with on_base(tmp_path, Made("etc/os-release", text)) as opened:
        assert distribution(opened) is None


def test_each_package_has_the_line_that_brought_it(tmp_path: Path) -> None:
    first, second = "Package: a\nVersion: 1\n", "Package: b\nVersion: 1\n"
    layers = [
        [Made("etc/os-release", OS_RELEASE), Made("var/lib/dpkg/status", first.encode())],
        [Made("var/lib/dpkg/status", f"{first}\n{second}".encode())],
        [Made("var/lib/dpkg/status", f"{first.replace('1', '2')}\n{second}".encode())],
        [
            Made("var/lib/dpkg/status.d/c", b"Package: c\nVersion: 1\n"),
            Made("var/lib/dpkg/status.d/c.md5sums", b"Package: d\nVersion: 1\n"),
        ],
    ]
    history = [BASE, ("/bin/sh -c one", True), ("/bin/sh -c two", True), ("/bin/sh -c three", True)]
    with image(tmp_path, "FROM base:1\nRUN one\nRUN two\nRUN three\n", layers, history) as opened:
        system = distribution(opened)
        assert system is not None
        found = {(package.name, package.version): line for package, line in system.packages}
        assert found == {("a", "2"): 3, ("b", "1"): 2, ("c", "1"): 4}
        assert system.keyrings == []
