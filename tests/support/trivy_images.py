"""A handful of advisories, as facts, and an image made by hand that some of them are about."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
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
MAVEN = "maven::GitHub Security Advisory Maven"
SOURCES = {
    PIP: "ghsa",
    MAVEN: "ghsa",
    DEBIAN: "debian",
    "ubuntu 24.04": "ubuntu",
    "alpine 3.22": "alpine",
    "wolfi": "wolfi",
}
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


def _library(
    bucket: str, package: str, cve: str, ghsa: str, fixed: str, title: str, score: float
) -> Mapping[str, Any]:
    return {
        "bucket": bucket,
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


def _system(bucket: str, package: str, cve: str, fixed: str, score: float) -> Mapping[str, Any]:
    return {
        "bucket": bucket,
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
    _library(
        PIP,
        "pyyaml",
        "CVE-2020-1747",
        "GHSA-6757-jp84-gxfx",
        "5.3.1",
        "Improper input validation in PyYAML",
        9.8,
    ),
    _library(PIP, "flask", "CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", "2.2.5", "Cookie disclosure", 7.5),
    _library(
        MAVEN,
        "org.apache.logging.log4j:log4j-core",
        "CVE-2021-44228",
        "GHSA-jfh8-c2jp-5v3q",
        "2.15.0",
        "Remote code injection in Log4j",
        10.0,
    ),
    _system(DEBIAN, "openssl", "CVE-2025-9230", "3.5.1-1+deb13u1", 7.5),
    _system(DEBIAN, "openssl", "CVE-2025-9232", "3.5.1-1+deb13u1", 5.9),
    _system("ubuntu 24.04", "openssl", "CVE-2024-5535", "3.0.13-0ubuntu3.2", 5.9),
    _system("alpine 3.22", "openssl", "CVE-2025-9230", "3.5.4-r0", 7.5),
    _system("wolfi", "openssl", "CVE-2025-9230", "3.6.0-r0", 7.5),
    _system(DEBIAN, "example", "CVE-2026-1002", "1.0-1+deb13u1", 5.5),
    _system(DEBIAN, "tar", "CVE-2005-2541", "", 7.0),
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
    **image: Any,
) -> Context:
    """A context with an image of Debian built already, and a database beside the project."""
    data = tmp_path / "database"
    if not data.is_dir():
        database(data)
    settings = ContainerSettings(trivy=TrivySettings(database=str(data)))
    rules = replace(policy or Policy(), container=settings)
    return prepared(root, tmp_path, *members, base=base, policy=rules, tools=tools, **image)


def java_archive() -> bytes:
    """An archive that says nothing of what it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(zipfile.ZipInfo("a.txt"), b"a")
    return packed.getvalue()


def java_database(into: Path) -> Path:
    """A new database that knows it by its hash, as Log4j of 2021."""
    into.mkdir(parents=True)
    with closing(sqlite3.connect(into / "trivy-java.db")) as data:
        data.executescript(
            """
            CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
            CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT);
            INSERT INTO artifacts VALUES (1, 'org.apache.logging.log4j', 'log4j-core');
            """
        )
        digest = hashlib.sha1(java_archive(), usedforsecurity=False).digest()
        data.execute("INSERT INTO indices VALUES (1, '2.14.1', ?, 'jar')", (digest,))
        data.commit()
    about = {"Version": 1, "UpdatedAt": NOW.isoformat(), "NextUpdate": (NOW + timedelta(days=3)).isoformat()}
    (into / "metadata.json").write_text(json.dumps(about), encoding="utf-8")
    return into
