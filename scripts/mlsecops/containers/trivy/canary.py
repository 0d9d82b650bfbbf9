"""An image of the scanned one's distribution that surely has old packages and a secret."""

from __future__ import annotations

from mlsecops.containers.canary import Made, archive_of, layer
from mlsecops.containers.image import Image

DOCKERFILE = "FROM canary\n"
ADVISORY = "CVE-2020-1747"
_PYTHON = "opt/canary/lib/python3/site-packages/PyYAML-5.3.dist-info/METADATA"
# Packages of every distribution, each of which has had flaws in every release.
_NAMES = (
    *("openssl", "glibc", "zlib", "perl", "systemd", "ncurses", "util-linux", "libxml2", "curl", "expat"),
    *("busybox", "musl", "sqlite3", "sqlite", "krb5", "gnutls28", "tar", "bash", "python3", "apt"),
)
_RELEASES = (
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/debian_version",
    "etc/lsb-release",
)
_DEFAULT = {"etc/os-release": b"ID=debian\n", "etc/debian_version": b"13.1\n"}
_MADE_OF = {"alpine", "wolfi", "chainguard"}
# The pieces of the secret stand apart so that no scanner takes this file for one.
_SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY5zA7"


def canary(image: Image) -> bytes:
    """The archive of the canary for an image; for one of a distribution with rpm it is a Debian."""
    files = image.files
    system = files.text("etc/os-release") or files.text("usr/lib/os-release")
    named = {line.partition("=")[2].strip("\"' ") for line in system.splitlines() if line.startswith("ID=")}
    texts = {path: files.text(path).encode() for path in _RELEASES if files.text(path)}
    if named & _MADE_OF:
        text = "".join(f"P:{name}\nV:0.0.1-r0\nA:x86_64\no:{name}\n\n" for name in _NAMES)
        packages = Made("lib/apk/db/installed", text.encode())
    else:
        if not named & {"debian", "ubuntu"}:
            texts = dict(_DEFAULT)
        text = "".join(
            f"Package: {name}\nStatus: install ok installed\nVersion: 0~~mlsecops\nArchitecture: amd64\n"
            f"Maintainer: Debian\n\n"
            for name in _NAMES
        )
        packages = Made("var/lib/dpkg/status", text.encode())
    members = [Made(path, text) for path, text in texts.items()]
    members += [
        packages,
        Made(_PYTHON, b"Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\n\n"),
        Made("app/settings.ini", f"token = {_SECRET}".encode()),
    ]
    config = {"Env": [f"API_TOKEN={_SECRET}"]}
    return archive_of([layer(members)], config, [("canary", True)])
