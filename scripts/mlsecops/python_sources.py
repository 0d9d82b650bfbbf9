"""Python files and notebooks of a project, laid out for scanners that read only `.py` files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Job, Problem
from mlsecops.notebooks import Converted, NotebookError, convert
from mlsecops.project.text import decode, split_lines

_CODING = re.compile(r"(^[ \t\f]*#.*?)coding(?=[:=])")


@dataclass(frozen=True, slots=True)
class PythonSources:
    """A folder of numbered `.py` files; `origins` maps their names to the project's files.

    `problems` are files and notebook cells that no scanner gets to see, `notes` cells in other languages.
    """

    folder: Path
    origins: Mapping[str, str]
    notebooks: Mapping[str, Converted]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def uri(self, path: str) -> str | None:
        """The project's file behind a path below the folder; None for any other."""
        return self.origins.get(path.removeprefix(f"{self.folder}/"))

    def place(self, uri: str, line: int) -> tuple[int, str | None]:
        """The true line in the project's file, and for notebooks the cell and the line within it."""
        notebook = self.notebooks.get(uri)
        if notebook is None:
            return line, None
        origin = notebook.origin(line)
        return origin.source_line, origin.logical

    def span(self, uri: str, first: int, last: int) -> tuple[int, int, str | None]:
        """`place` of a range of lines: first and last line, and the cell that it begins in."""
        start, cell = self.place(uri, first)
        return start, max(start, self.place(uri, last)[0]), cell

    def unread(self) -> frozenset[str]:
        """Files of which at least a part is not among the sources."""
        return frozenset(problem.uri for problem in self.problems)


def lay_out(job: Job, into: str) -> PythonSources:
    """Write the job's Python targets as UTF-8 below `work/into`, notebooks converted.

    Numbers for names: two targets cannot meet in one name, and no name says anything to a scanner.
    What cannot be read becomes a problem of the result.
    """
    folder = job.work / into
    folder.mkdir(parents=True)
    notebook_uris = frozenset(job.project.notebooks)
    origins: dict[str, str] = {}
    notebooks: dict[str, Converted] = {}
    problems: list[Problem] = []
    notes: list[str] = []
    for number, uri in enumerate(job.targets):
        try:
            content = job.project.read_bytes(uri)
            if uri in notebook_uris:
                notebook = notebooks[uri] = convert(content)
                problems += _unparsed_cells(uri, notebook)
                notes += _other_cells(uri, notebook)
                content = notebook.source.encode("utf-8", "replace")
            else:
                content = plain_source(content)
        except OSError as error:
            problems.append(Problem(uri, error.strerror or str(error)))
            continue
        except NotebookError as error:
            problems.append(Problem(uri, str(error)))
            continue
        name = f"{number:06}.py"
        origins[name] = uri
        (folder / name).write_bytes(content)
    return PythonSources(folder, origins, notebooks, tuple(problems), tuple(notes))


def plain_source(content: bytes) -> bytes:
    """A Python file in UTF-8 with plain line ends, the same lines and columns.

    Python runs a file in the encoding that it declares, UTF-7 among them, so scanners get the text that
    Python would see, and no declaration that would make them decode it once more.
    """
    lines = split_lines(decode(content, python=True))
    lines[:2] = [_CODING.sub(r"\1c_ding", line) for line in lines[:2]]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def looked_at(sources: PythonSources, paths: Iterable[str]) -> frozenset[str]:
    """The project's files behind paths that a scanner says it read, without those that it saw in part."""
    found = (sources.uri(path) for path in paths)
    return frozenset(uri for uri in found if uri is not None) - sources.unread()


def _unparsed_cells(uri: str, notebook: Converted) -> list[Problem]:
    return [
        Problem(uri, f"cell {cell.cell} is not Python that can be read: {cell.reason}", cell.source_line)
        for cell in notebook.unparsed
    ]


def _other_cells(uri: str, notebook: Converted) -> list[str]:
    languages = sorted({cell.language for cell in notebook.other})
    cells = ", ".join(str(cell.cell) for cell in notebook.other[:5])
    return [f"{uri}: cells in {', '.join(languages)} are not scanned as code (cell {cells})"] if cells else []
