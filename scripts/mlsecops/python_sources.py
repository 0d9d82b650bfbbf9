"""Python files and notebooks of a project, laid out for scanners that read only `.py` files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Job, Problem
from mlsecops.notebooks import Converted, NotebookError, convert
from mlsecops.sarif.build import Json, decode_uri, encode_uri


@dataclass(frozen=True, slots=True)
class PythonSources:
    """A folder of `.py` files, and where each of them comes from."""

    folder: Path
    origins: Mapping[str, str]
    notebooks: Mapping[str, Converted]
    problems: tuple[Problem, ...]

    def uri(self, path: str) -> str | None:
        """The project's file behind a path below the folder (relative or absolute); None for any other."""
        plain = path.removeprefix(f"{self.folder}/").removeprefix("./")
        return self.origins.get(plain)

    def relocate(self, result: Json) -> Json:
        """Put all locations of a SARIF result, fixes included, back onto the project's own files."""
        fixes = [fix for fix in result.get("fixes", []) if not self._touches_notebook(fix)]
        moved: Json = {key: self._moved(value) for key, value in result.items() if key != "fixes"}
        if fixes:
            moved["fixes"] = [self._moved(fix) for fix in fixes]
        return moved

    def place(self, uri: str, line: int) -> tuple[int, str | None]:
        """The true line in the project's file, and for notebooks the cell and the line within it."""
        notebook = self.notebooks.get(uri)
        if notebook is None:
            return line, None
        origin = notebook.origin(line)
        return origin.source_line, f"cell {origin.cell}, line {origin.line}"

    def _moved(self, node: object) -> object:
        if isinstance(node, list):
            return [self._moved(each) for each in node]
        if not isinstance(node, dict):
            return node
        copy: Json = {key: self._moved(value) for key, value in node.items()}
        physical = node.get("physicalLocation")
        if isinstance(physical, dict):
            uri = self.uri(decode_uri(physical.get("artifactLocation", {}).get("uri", "")))
            if uri is not None:
                self._move_location(copy, physical, uri)
        elif isinstance(node.get("artifactLocation"), dict):
            known = self.uri(decode_uri(node["artifactLocation"].get("uri", "")))
            if known is not None:
                copy["artifactLocation"] = _artifact(known)
        return copy

    def _move_location(self, location: Json, physical: Json, uri: str) -> None:
        region = dict(physical.get("region", {}))
        if uri in self.notebooks:
            first, cell = self.place(uri, int(region.get("startLine", 1)))
            last, _ = self.place(uri, int(region.get("endLine", region.get("startLine", 1))))
            # Columns count in the cell's own line, not in its JSON string.
            region = {"startLine": first, "endLine": max(first, last)} | (
                {"snippet": region["snippet"]} if "snippet" in region else {}
            )
            location["logicalLocations"] = [{"fullyQualifiedName": cell}]
        location["physicalLocation"] = {"artifactLocation": _artifact(uri), "region": region}

    def _touches_notebook(self, fix: Json) -> bool:
        changes = fix.get("artifactChanges", [])
        paths = (decode_uri(change.get("artifactLocation", {}).get("uri", "")) for change in changes)
        return any(self.uri(path) in self.notebooks for path in paths)


def lay_out(job: Job, into: str) -> PythonSources:
    """Copy the job's Python targets below `work/into` and convert its notebooks there.

    A file that cannot be read becomes a problem of the result, and no file.
    """
    folder = job.work / into
    origins: dict[str, str] = {}
    notebooks: dict[str, Converted] = {}
    problems: list[Problem] = []
    for uri in job.targets:
        try:
            content = job.project.read_bytes(uri)
            if uri.endswith(".ipynb"):
                notebooks[uri] = convert(content)
                content = notebooks[uri].source.encode("utf-8", "surrogatepass")
        except (OSError, NotebookError) as error:
            problems.append(Problem(uri, str(error)))
            continue
        name = uri if uri.endswith((".py", ".pyw")) else f"{uri}.py"
        origins[name] = uri
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    return PythonSources(folder, origins, notebooks, tuple(problems))


def looked_at(sources: PythonSources, paths: Iterable[str]) -> frozenset[str]:
    """The project's files behind paths that a scanner says it read."""
    found = (sources.uri(path) for path in paths)
    return frozenset(uri for uri in found if uri is not None)


def _artifact(uri: str) -> Json:
    return {"uri": encode_uri(uri), "uriBaseId": "%SRCROOT%"}
