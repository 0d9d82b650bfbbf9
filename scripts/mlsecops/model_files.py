"""Model files, laid out for scanners that go by suffix and do not look into compressed files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Job, Problem
from mlsecops.project import ModelFile, Project
from mlsecops.sarif.build import Json, Location, Result, Rule

UNSAFE = Rule(
    id="model-runs-code",
    name="ModelRunsCode",
    summary="Loading this model file runs code.",
    help="The file is a pickle, and a pickle is a program: whoever loads it runs the calls in it, with all "
    "rights of the process that loads it. This one imports something that no model needs.",
    fix="Do not load the file. Get the weights from a source you trust and keep them in a format that holds "
    "no code: safetensors, ONNX or skops.",
    severity=9.8,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "owasp-ml/ML10", "mitre-atlas/AML.T0011.000"),
    precision="very-high",
)
_SUFFIXES = {"pickle": ".pkl", "joblib": ".joblib", "torch": ".pt"}
PICKLED = frozenset(_SUFFIXES)
_MAX_BYTES = 8 * 2**30
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A folder of plain files with their format's suffix; `origins` maps names to the project's files."""

    folder: Path
    origins: Mapping[str, str]
    problems: tuple[Problem, ...]


def lay_out(job: Job, into: str) -> LaidOut:
    """Put the job's model files below `work/into`, uncompressed, under numbered names."""
    folder = job.work / into
    folder.mkdir()
    models = {model.uri: model for model in job.project.models}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    for number, uri in enumerate(job.targets):
        name = f"{number:05}{_SUFFIXES[models[uri].format]}"
        try:
            _put(job.project.file(uri).path, models[uri].compression, folder / name)
        except _UnpackableError as error:
            problems.append(Problem(uri, str(error)))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            problems.append(Problem(uri, f"it cannot be uncompressed ({error})"))
        else:
            origins[name] = uri
    return LaidOut(folder, origins, tuple(problems))


class _UnpackableError(Exception):
    """A compressed file that cannot be opened here; the text says why."""


def _put(source: Path, compression: str | None, target: Path) -> None:
    if compression is None:
        try:
            target.hardlink_to(source)
        except OSError:  # another file system
            shutil.copyfile(source, target)
        return
    if compression == "zlib":
        _write(_zlib_parts(source), target)
        return
    opener = _OPENERS.get(compression)
    if opener is None:
        raise _UnpackableError(f"it is compressed with {compression}, which nothing here can open")
    with opener(source) as stream:
        _write(iter(lambda: stream.read(_CHUNK), b""), target)


def _write(parts: Iterable[bytes], target: Path) -> None:
    written = 0
    with target.open("wb") as out:
        for part in parts:
            written += len(part)
            if written > _MAX_BYTES:
                raise _UnpackableError(f"it grows beyond {_MAX_BYTES >> 30} GiB when uncompressed")
            out.write(part)


def _zlib_parts(source: Path) -> Iterable[bytes]:
    inflater = zlib.decompressobj()
    with source.open("rb") as stream:
        while (part := stream.read(_CHUNK)) and not inflater.eof:
            yield inflater.decompress(part)
    yield inflater.flush()


def unsafe(uri: str, what: str, project: Project) -> Json:
    """The finding that a model file imports `module.name` when it is loaded."""
    loads = loading_lines(project, uri)
    related = tuple(("The file is named here.", place) for place in loads)
    named = f" It is named in {loads[0].uri}, line {loads[0].start_line}." if loads else ""
    return Result(
        rule_id=UNSAFE.id,
        message=f"Loading this file calls `{what}`.{named}",
        location=Location(uri=uri),
        related=related,
        identity=("model-import", uri, what),
    ).to_sarif()


def loading_lines(project: Project, uri: str, most: int = 3) -> list[Location]:
    """Lines of the project's Python files that name a model file."""
    name = re.compile(re.escape(uri.rsplit("/", 1)[-1]))
    places: list[Location] = []
    for python in project.python:
        try:
            lines = project.read_text(python).splitlines()
        except OSError:
            continue
        places += [
            Location(uri=python, start_line=number)
            for number, line in enumerate(lines, start=1)
            if name.search(line)
        ]
        if len(places) >= most:
            break
    return places[:most]


def split_by_reader(models: Iterable[ModelFile]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Model files that pickle scanners read, and all others."""
    pickled: list[str] = []
    others: list[str] = []
    for model in models:
        (pickled if model.format in PICKLED and model.pointer is None else others).append(model.uri)
    return tuple(pickled), tuple(others)


_Reader = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_OPENERS: Mapping[str, Callable[[Path], _Reader]] = {
    "gzip": gzip.GzipFile,
    "bz2": bz2.BZ2File,
    "lzma": lzma.LZMAFile,
    "xz": lzma.LZMAFile,
}
