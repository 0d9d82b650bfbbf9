"""Model files, laid out for scanners that go by suffix and do not look into compressed files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Job, Problem, printable
from mlsecops.models.pickle.names import canonical
from mlsecops.models.rules.opinions import CALLED_DANGEROUS
from mlsecops.models.rules.pickle import UNKNOWN_IMPORT, UNSAFE
from mlsecops.programs.opinion import NAMELESS
from mlsecops.project import Project
from mlsecops.sarif.build import Json, Location, Result

_SYSTEMS = frozenset({"nt", "posix"})  # what `os` is called on one system
_SUFFIXES = {"pickle": ".pkl", "joblib": ".joblib", "torch": ".pt"}
PICKLED = frozenset(_SUFFIXES)
_MAX_BYTES = 8 * 2**30
# No weights shrink to less than a hundredth; what does is made to fill the disk.
_MAX_GROWTH, _ALWAYS_ALLOWED = 100, 2**28
_CHUNK = 1 << 20
_LONGEST_SENTENCE = 300
IMPORT, OPINION = "model-import", "model-opinion"  # how identities begin, of names and of what has none
_BROKEN_ZIP = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A folder of plain files with their format's suffix; `origins` maps names to the project's files."""

    folder: Path
    origins: Mapping[str, str]
    problems: tuple[Problem, ...]

    @property
    def paths(self) -> dict[str, str]:
        """Paths of the plain files -> the project's files."""
        return {str(self.folder / name): uri for name, uri in self.origins.items()}


def laid_out(job: Job) -> LaidOut:
    """The job's model files, laid out once for all tools of the run that have the same ones to look at."""
    return job.context.shared.once(("model files", job.targets), lambda: nullcontext(lay_out(job)))


def lay_out(job: Job) -> LaidOut:
    """Put the job's model files below `work/models`, uncompressed, under numbered names."""
    folder = job.work / "models"
    folder.mkdir()
    models = {model.uri: model for model in job.project.models}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    for number, uri in enumerate(job.targets):
        name = f"{number:05}{_SUFFIXES[models[uri].format]}"
        try:
            _put(job.project.file(uri).path, models[uri].compression, folder / name)
            check_archive(folder / name)
        except _UnpackableError as error:
            (folder / name).unlink(missing_ok=True)
            problems.append(Problem(uri, str(error), kind="unparsed"))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            (folder / name).unlink(missing_ok=True)
            problems.append(Problem(uri, f"it cannot be uncompressed ({error})", kind="unparsed"))
        else:
            origins[name] = uri
    return LaidOut(folder, origins, tuple(problems))


class _UnpackableError(Exception):
    """A compressed file that cannot be opened here; the text says why."""


def check_archive(path: Path) -> None:
    """Raise for a zip that two readers may read differently, so that no scanner can vouch for it."""
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename.lower() for member in members]
            twice = [name for name, times in Counter(names).items() if times > 1]
            encrypted = any(member.flag_bits & 1 for member in members)
            for member in members:
                # Compares the name in the list with the name before the content.
                archive.open(member).close()
    except _BROKEN_ZIP as error:
        raise _UnpackableError(f"it is no sound zip ({error})") from error
    if twice:
        raise _UnpackableError(
            f"it holds {printable(twice[0])[:80]} twice, and loaders differ in which they read"
        )
    if encrypted:
        raise _UnpackableError("it is encrypted")


def _put(source: Path, compression: str | None, target: Path) -> None:
    if compression is None:
        # No hard link: that would change the file's own record, and it would be read anew in the next run.
        target.symlink_to(source)
        return
    most = min(_MAX_BYTES, max(_ALWAYS_ALLOWED, source.stat().st_size * _MAX_GROWTH))
    if compression == "zlib":
        _write(_zlib_parts(source), target, most)
        return
    opener = _OPENERS.get(compression)
    if opener is None:
        raise _UnpackableError(f"it is compressed with {compression}, which nothing here can open")
    with opener(source) as stream:
        _write(iter(lambda: stream.read(_CHUNK), b""), target, most)


def _write(parts: Iterable[bytes], target: Path, most: int) -> None:
    written = 0
    with target.open("wb") as out:
        for part in parts:
            written += len(part)
            if written > most:
                raise _UnpackableError(f"it grows beyond {most >> 20} MiB when uncompressed")
            out.write(part)


def _zlib_parts(source: Path) -> Iterable[bytes]:
    """The content of all zlib streams of a file: joblib reads on where one ends and another begins."""
    with source.open("rb") as stream:
        rest = stream.read(_CHUNK)
        while rest:
            inflater = zlib.decompressobj()
            while not inflater.eof:
                if not rest and not (rest := stream.read(_CHUNK)):
                    raise EOFError("it is cut off")
                yield inflater.decompress(rest, _CHUNK)
                rest = inflater.unconsumed_tail
            rest = inflater.unused_data or stream.read(_CHUNK)


def unsafe(uri: str, what: str, tool: str, project: Project) -> Json:
    """The finding of a tool that a model file imports `module.name` when it is loaded."""
    if "unknown" in what.split("."):
        return called_dangerous(
            uri, tool, NAMELESS, "Loading this file imports by a name that cannot be told"
        )
    what = printable(what)[:200]
    loads = loading_lines(project, uri)
    related = tuple(("The file is named here.", place) for place in loads)
    named = f" It is named in {loads[0].uri}, line {loads[0].start_line}." if loads else ""
    return Result(
        rule_id=UNSAFE.id,
        message=f"Loading this file calls `{what}`.{named}",
        location=Location(uri=uri),
        related=related,
        identity=import_identity(uri, what),
    ).to_sarif()


def opaque(uri: str, what: str) -> Json:
    """The finding that a model file imports what only its program knows, in the words of our own readers."""
    return Result(
        rule_id=UNKNOWN_IMPORT.id,
        message=f"Loading imports whatever the program has registered as {what}.",
        location=Location(uri=uri),
        identity=("model", UNKNOWN_IMPORT.id, uri, what),
    ).to_sarif()


def called_dangerous(uri: str, tool: str, what: str, sentence: str) -> Json:
    """The finding that another scanner calls a model file dangerous for something that our rules do not name.

    `what` is a few words that are the same whoever finds it.
    """
    return Result(
        rule_id=CALLED_DANGEROUS.id,
        message=f"{tool} says: {printable(sentence)[:_LONGEST_SENTENCE].rstrip('.')}.",
        location=Location(uri=uri),
        identity=(OPINION, uri, printable(what)[:100]),
    ).to_sarif()


def few(uris: Collection[str]) -> str:
    """The first of some files, and how many more there are."""
    more = f" and {len(set(uris)) - 1} more" if len(set(uris)) > 1 else ""
    return f"{min(uris)}{more}"


def import_identity(uri: str, name: str) -> tuple[str, str, str]:
    """What makes an import of a model file the same finding, whichever tool reports it and spells it how."""
    module, dot, rest = canonical(name).partition(".")
    return (IMPORT, uri, f"{'os' if module in _SYSTEMS else module}{dot}{rest}")


def loading_lines(project: Project, uri: str, most: int = 3) -> list[Location]:
    """Lines of the project's Python files that name a model file."""
    name = uri.rsplit("/", 1)[-1]
    places: list[Location] = []
    for python in project.python:
        try:
            lines = project.read_lines(python)
        except OSError:
            continue
        places += [
            Location(uri=python, start_line=number)
            for number, line in enumerate(lines, start=1)
            if name in line
        ]
        if len(places) >= most:
            break
    return places[:most]


_Reader = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_OPENERS: Mapping[str, Callable[[Path], _Reader]] = {
    "gzip": gzip.GzipFile,
    "bz2": bz2.BZ2File,
    "lzma": lzma.LZMAFile,
    "xz": lzma.LZMAFile,
}
