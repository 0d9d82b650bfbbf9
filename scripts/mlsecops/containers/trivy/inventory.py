"""What is installed in an image, read by ourselves: Trivy must have seen all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.parser import HeaderParser

from mlsecops.containers.image import Image
from mlsecops.containers.security_index.records import installed
from mlsecops.findings.sightings import package_name

_DPKG, _APK = "var/lib/dpkg/status", ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RPM = re.compile(r"(?:var/lib/rpm|usr/lib/sysimage/rpm)/(?:Packages(?:\.db)?|rpmdb\.sqlite)")
_RPM_PYTHON = re.compile(r"usr/lib(?:64)?/python[\d.]+/")
_METADATA = ".dist-info/METADATA"
_JAR = re.compile(r".+\.(?:jar|war|ear|par)", re.IGNORECASE)
_LARGEST, _HEAD = 64 << 20, 1 << 16
JAVA_PATTERNS = tuple(f"**/*.{each}" for each in ("[jJ][aA][rR]", "[wWeEpP][aA][rR]"))
RPM = "packages of its rpm database"


def system_packages(image: Image) -> frozenset[tuple[str, str]]:
    """Names and versions that the distribution's package manager has installed."""
    files = image.files
    found = {(each.name, each.version) for each in installed(files.text(_DPKG, _LARGEST))}
    for path in sorted(files.entries):
        if path.startswith(f"{_DPKG}.d/") and not path.endswith(".md5sums"):
            found |= {(each.name, each.version) for each in installed(files.text(path))}
    for path in _APK:
        found |= set(_of_apk(files.text(path, _LARGEST)))
    return frozenset(found)


def has_rpm(image: Image) -> bool:
    """Whether there is a database of rpm, whose content we do not read."""
    return any(_RPM.fullmatch(path) and entry.size for path, entry in image.files.entries.items())


def has_java(image: Image) -> bool:
    """Whether there are archives of Java, which Trivy knows only with a second database."""
    return any(_JAR.fullmatch(path) and entry.kind == "file" for path, entry in image.files.entries.items())


def python_packages(image: Image) -> frozenset[tuple[str, str]]:
    """Names and versions of what pip, uv and the like have installed, not the distribution."""
    files = image.files
    theirs = _of_system(image)
    by_rpm = has_rpm(image)
    found = set()
    for path, entry in files.entries.items():
        if entry.kind != "file" or not path.endswith(_METADATA) or path in theirs:
            continue
        if by_rpm and _RPM_PYTHON.match(path):
            continue
        fields = HeaderParser().parsestr(entry.read(_HEAD).decode("utf-8", "replace"), headersonly=True)
        found.add((package_name(fields.get("Name", path)), fields.get("Version", "")))
    return frozenset(found)


def _of_system(image: Image) -> set[str]:
    """Files like those of Python's packages that the distribution's package manager has installed."""
    files = image.files
    theirs = set()
    for path in files.entries:
        if path.startswith("var/lib/dpkg/") and path.endswith(".md5sums"):
            lines = files.text(path, _LARGEST).splitlines()
            theirs |= {line.partition("  ")[2] for line in lines if line.endswith(_METADATA)}
    for path in _APK:
        folder = ""
        for line in files.text(path, _LARGEST).splitlines():
            if line.startswith("F:"):
                folder = line[2:]
            elif line == "R:METADATA":
                theirs.add(f"{folder}/METADATA")
    return theirs


def _of_apk(text: str) -> Iterator[tuple[str, str]]:
    for paragraph in text.split("\n\n"):
        fields = {line[:1]: line[2:] for line in paragraph.splitlines() if line[1:2] == ":"}
        if "P" in fields and "V" in fields:
            yield fields["P"], fields["V"]
