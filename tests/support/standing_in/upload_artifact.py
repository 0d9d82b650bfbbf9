"""Stands in for actions/upload-artifact."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.standing_in import step

_UNFIT = re.compile(r'["\':<>|*?\r\n\\/]')
_MAX_DAYS = 90
_MAX_LEVEL = 9


def act(inputs: Mapping[str, str]) -> dict[str, object]:
    """Zip what the path names and hand it to act's server under its name."""
    name = _checked(inputs)
    overwrite = step.flag(inputs, "overwrite")
    searched = _searched(inputs["path"])
    files = sorted(set(_files(searched, hidden=step.flag(inputs, "include-hidden-files"))))
    if not files:
        return _nothing(inputs)
    if any(each["name"] == name for each in step.artifacts()):
        if not overwrite:
            raise step.RefusedError(f"(409) Conflict: there is an artifact '{name}' on the workflow run")
        step.results("DeleteArtifact", name=name)
    content = _zipped(files, _root(searched, files), int(inputs["compression-level"]))
    digest = hashlib.sha256(content).hexdigest()
    where = step.results("CreateArtifact", name=name, version=4)["signedUploadUrl"]
    step.request("PUT", f"{where}&comp=block", content, {"Content-Type": "application/zip"})
    kept = step.results("FinalizeArtifact", name=name, size=str(len(content)), hash=f"sha256:{digest}")
    identifier = kept["artifactId"]
    run = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/actions/runs"
    return {
        "artifact-id": identifier,
        "artifact-digest": digest,
        "artifact-url": f"{run}/{os.environ['GITHUB_RUN_ID']}/artifacts/{identifier}",
    }


def _checked(inputs: Mapping[str, str]) -> str:
    """The name, when all inputs are sound and stood in for."""
    name = inputs["name"]
    if not name or _UNFIT.search(name):
        raise step.RefusedError(f"'{name}' is no name for an artifact")
    if not inputs["path"].strip():
        raise step.RefusedError("Input required and not supplied: path")
    step.choice(inputs, "if-no-files-found", "warn", "error", "ignore")
    step.choice(inputs, "archive", "true")
    if not (inputs["compression-level"].isdecimal() and int(inputs["compression-level"]) <= _MAX_LEVEL):
        raise step.RefusedError(f"the compression level is '{inputs['compression-level']}'")
    days = inputs["retention-days"] or "0"
    if not (days.isdecimal() and int(days) <= _MAX_DAYS):
        raise step.RefusedError(f"the retention is '{days}' days")
    return name


def _nothing(inputs: Mapping[str, str]) -> dict[str, object]:
    message = f"No files were found with the provided path: {inputs['path']}. No artifacts will be uploaded."
    wanted = inputs["if-no-files-found"]
    if wanted == "error":
        raise step.RefusedError(message)
    if wanted == "warn":
        print(f"::warning::{message}")
    return {}


def _searched(paths: str) -> list[Path]:
    """The paths and patterns of the input."""
    lines = [line.strip() for line in paths.splitlines() if line.strip()]
    if any(line.startswith("!") for line in lines):
        raise step.RefusedError("nothing stands in for excluded paths")
    return [Path(line).expanduser().absolute() for line in lines]


def _files(searched: list[Path], *, hidden: bool) -> Iterator[Path]:
    for path in searched:
        for found in [path] if path.exists() else Path("/").glob(str(path.relative_to("/"))):
            for each in found.rglob("*") if found.is_dir() else [found]:
                inside = each.relative_to(found) if each != found else Path(each.name)
                if each.is_file() and (hidden or not any(part.startswith(".") for part in inside.parts)):
                    yield each


def _root(searched: list[Path], files: list[Path]) -> Path:
    """The folder that the names in the archive begin in: the one that was named, or what all share."""
    begins = [path for each in searched for path in [each, *each.parents] if "*" not in str(path)][:1]
    if len(searched) > 1:
        begins = [Path(os.path.commonpath([str(each).split("*")[0].rpartition("/")[0] for each in searched]))]
    return begins[0].parent if files == begins else begins[0]


def _zipped(files: list[Path], root: Path, level: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for each in files:
            archive.write(each, each.relative_to(root).as_posix())
    return content.getvalue()


if __name__ == "__main__":
    step.run(act)
