"""A handful of advisories, as facts, and an image made by hand that some of them are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlsecops.containers.canary import Made
from mlsecops.job import Context
from mlsecops.policy import ContainerSettings, Policy, TrivySettings
from mlsecops.toolbox import Toolbox
from support import trivy
from support.contexts import NOW
from support.images import prepared

PIP, DEBIAN = "pip::GitHub Security Advisory pip", "debian 13"
SOURCES = {PIP: "ghsa", DEBIAN: "debian"}
OS_RELEASE = Made("etc/os-release", b'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n')
STATUS = """Package: libssl3t64
Status: install ok installed
Architecture: amd64
Source: openssl
Maintainer: Debian OpenSSL Team
Version: 3.5.1-1

Package: openssl
Status: install ok installed
Architecture: amd64
Maintainer: Debian OpenSSL Team
Version: 3.5.1-1

Package: tar
Status: install ok installed
Architecture: amd64
Maintainer: Janos Lenart
Version: 1.35+dfsg-3.1

"""
BASE = (OS_RELEASE, Made("etc/debian_version", b"13.1\n"), Made("var/lib/dpkg/status", STATUS.encode()))


def python_package(name: str, version: str) -> Made:
    """What pip leaves of a package that Trivy and we look at."""
    path = f"opt/venv/lib/python3.13/site-packages/{name}-{version}.dist-info/METADATA"
    return Made(path, f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n".encode())


def _pip(package: str, cve: str, ghsa: str, fixed: str, title: str, score: float) -> Mapping[str, Any]:
    return {
        "bucket": PIP,
        "package": package,
        "id": cve,
        "advisory": {"VendorIDs": [ghsa], "PatchedVersions": [fixed], "VulnerableVersions": [f"<{fixed}"]},
        "vulnerability": {
            "Title": title,
            "Severity": "CRITICAL" if score >= 9 else "HIGH",
            "CVSS": {"ghsa": {"V3Score": score}},
            "VendorSeverity": {"ghsa": 4 if score >= 9 else 3},
            "CweIDs": ["CWE-20"],
        },
    }


def _debian(package: str, cve: str, fixed: str, score: float) -> Mapping[str, Any]:
    return {
        "bucket": DEBIAN,
        "package": package,
        "id": cve,
        "advisory": {"FixedVersion": fixed} if fixed else {"Status": 2},
        "vulnerability": {
            "Title": f"{package}: a flaw",
            "Severity": "HIGH" if score >= 7 else "MEDIUM",
            "CVSS": {"nvd": {"V3Score": score}},
            "VendorSeverity": {"nvd": 3 if score >= 7 else 2},
        },
    }


ADVISORIES = (
    _pip(
        "pyyaml",
        "CVE-2020-1747",
        "GHSA-6757-jp84-gxfx",
        "5.3.1",
        "Improper input validation in PyYAML",
        9.8,
    ),
    _pip("flask", "CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", "2.2.5", "Cookie disclosure in Flask", 7.5),
    _debian("openssl", "CVE-2025-9230", "3.5.1-1+deb13u1", 7.5),
    _debian("openssl", "CVE-2025-9232", "3.5.1-1+deb13u1", 5.9),
    _debian("example", "CVE-2026-1002", "1.0-1+deb13u1", 5.5),
    _debian("tar", "CVE-2005-2541", "", 7.0),
)


def database(into: Path, updated: datetime = NOW) -> Path:
    """A new database of these advisories."""
    return trivy.database(into, updated=updated, advisories=ADVISORIES, sources=SOURCES)


def around(
    root: Path,
    tmp_path: Path,
    *members: Made,
    policy: Policy | None = None,
    tools: Toolbox | None = None,
    base: tuple[Made, ...] = BASE,
) -> Context:
    """A context with an image of Debian built already, and a database beside the project."""
    data = tmp_path / "database"
    if not data.is_dir():
        database(data)
    settings = ContainerSettings(trivy=TrivySettings(database=str(data)))
    rules = replace(policy or Policy(), container=settings)
    return prepared(root, tmp_path, *members, base=base, policy=rules, tools=tools)
