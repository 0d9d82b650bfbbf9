"""A package index in a folder (PEP 503): tiny wheels, and a source distribution whose build leaves a mark."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path


def wheel(folder: Path, name: str, version: str, requires: Sequence[str] = ()) -> Path:
    """Add a wheel of an empty package to the index in `folder`; return it."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    path = place / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(f"{stem}.dist-info/{file}", content)
    _list(place)
    return path


def source_distribution(folder: Path, name: str, version: str, marker: Path) -> Path:
    """Add a source distribution that needs nothing to be built, and touches `marker` when it is."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nraise SystemExit(1)\n"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "build"\nbackend-path = ["."]\n',
        "build.py": code,
        "setup.py": code,
    }
    path = place / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    _list(place)
    return path


def _list(place: Path) -> None:
    """Write the page of the index that links to the files of one package."""
    files = sorted(path.name for path in place.iterdir() if path.name != "index.html")
    links = "".join(f'<a href="{file}">{file}</a>\n' for file in files)
    (place / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>", encoding="utf-8")
