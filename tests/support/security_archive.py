"""A security archive in a folder, as Debian publishes one: one update, with its changelog."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from mlsecops.containers.canary import Made, layer
from mlsecops.containers.security_index.archive import Archive

OS_RELEASE = b'ID=debian\nVERSION_CODENAME="trixie"\n'
STATUS = """Package: libexample1
Status: install ok installed
Architecture: amd64
Source: example (1.0-1)
Version: 1.0-1+b1
Description: first
 second
 .
 Version: 9

Package: gone
Status: deinstall ok config-files
Version: 1

Package: example-data
Version: 1.0-1
Source: example

Version: 5
"""
PACKAGES = """Package: libexample1
Source: example (1.0-1+deb13u1)
Version: 1.0-1+deb13u1
Architecture: amd64
Filename: pool/e/libexample1.deb
Size: {size}
SHA256: {sha256}

Package: example-data
Source: example
Version: 1.0-1+deb13u1

Package: example-data
Source: example
Version: 1.0-1
"""
CHANGELOG = """example (1.0-1+deb13u1) trixie-security; urgency=high

  * CVE-2026-1002, CVE-2026-999999: mend it. CVE-2026-1002 again.

 -- A B <a@example.com>  Mon, 02 Nov 2026 00:00:00 +0000

example (1.0-1) unstable; urgency=medium

  * CVE-2020-0001

"""
PUBLISHED = datetime(2026, 11, 19, tzinfo=UTC)
SUITE = "trixie-security"


def deb(changelog: str | None = CHANGELOG, compress: str = "xz") -> bytes:
    members = [Made("./usr/bin/x", b"x")]
    if changelog is not None:
        path = "./usr/share/doc/libexample1/changelog.Debian.gz"
        members.append(Made(path, gzip.compress(changelog.encode())))
    data = layer(members)
    packed = lzma.compress(data) if compress == "xz" else data
    parts = [("debian-binary", b"2.0\n"), (f"data.tar{compress and '.' + compress}", packed)]
    content = b"!<arch>\n"
    for name, part in parts:
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n"
        content += head.encode() + part + b"\n" * (len(part) % 2)
    return content


def mirror(
    folder: Path, *, package: bytes | None = None, changes: Mapping[str, str] | None = None
) -> Archive:
    """An archive in a folder; `changes` replace text of its InRelease."""
    content = deb() if package is None else package
    digest = hashlib.sha256(content).hexdigest()
    listed = PACKAGES.format(size=len(content), sha256=digest).encode()
    packed = lzma.compress(listed)
    about = "\n".join(
        [
            "-----BEGIN PGP SIGNED MESSAGE-----",
            "Hash: SHA256",
            "",
            "Origin: Debian",
            f"Codename: {SUITE}",
            "Suite: stable-security",
            f"Date: {format_datetime(PUBLISHED, usegmt=True)}",
            "Components: main",
            "SHA256:",
            " nonsense",
            f" {hashlib.sha256(packed).hexdigest()} {len(packed)} main/binary-amd64/Packages.xz",
            "-----BEGIN PGP SIGNATURE-----",
            "",
            "Date: never",
        ]
    )
    for old, new in (changes or {}).items():
        about = about.replace(old, new)
    place = folder / "dists" / SUITE
    (place / "main/binary-amd64").mkdir(parents=True, exist_ok=True)
    (place / "InRelease").write_text(about, encoding="utf-8")
    (place / "main/binary-amd64/Packages.xz").write_bytes(packed)
    (folder / "pool/e").mkdir(parents=True, exist_ok=True)
    (folder / "pool/e/libexample1.deb").write_bytes(content)
    return Archive(str(folder))
