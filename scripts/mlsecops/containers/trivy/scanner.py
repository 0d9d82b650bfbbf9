"""Trivy's command lines: nothing but them says what it does, with which data, and where it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlsecops.containers.trivy.database import JAVA, METADATA, Database, database_of, settings
from mlsecops.containers.trivy.program import Program, plain
from mlsecops.containers.trivy.report import Report, parse
from mlsecops.job import Job, ToolError, fresh_folder


@dataclass(frozen=True)
class Scanner:
    """Trivy with its databases, for one run."""

    job: Job
    program: Program
    database: Database

    @cached_property
    def _cache(self) -> Path:
        """A cache of this run's own, with nothing in it but databases."""
        cache = fresh_folder(self.job.work / "cache")
        _load(self.database, cache)
        return cache

    @cached_property
    def without_java(self) -> str:
        """Why archives of Java cannot be looked at; "" when the database of them is loaded now."""
        try:
            _load(database_of(self.job, self.program, JAVA), self._cache)
        except ToolError as error:
            return str(error)
        return ""

    def report(self, archive: Path, leave: Sequence[str] = ()) -> Report:
        """What it says of an image's archive but for what is left out; also `report.json` beside it.

        Raises ToolError.
        """
        folder = archive.parent
        output = folder / "report.json"
        document = self._run(
            ["image", "--input", str(archive), "--format", "json", "--output", str(output)]
            + ["--scanners", "vuln,secret", "--image-config-scanners", "secret", "--list-all-pkgs"]
            + ["--cache-dir", str(self._cache), "--cache-backend", "memory"]
            + ["--skip-db-update", "--skip-java-db-update", "--skip-check-update"]
            + ["--skip-vex-repo-update", "--skip-version-check"]
            + ["--disable-telemetry", "--offline-scan", "--no-progress", "--quiet"]
            + ["--timeout", f"{self.job.tool.timeout:.0f}s", *settings(self.job)]
            + [word for pattern in leave for word in ("--skip-files", pattern)]
            + ["--ignorefile", os.devnull, "--secret-config", settings(self.job)[-1]],
            output,
        )
        return parse(document)

    def sbom(self, archive: Path) -> Any:
        """The CycloneDX document of what `report` left. Raises ToolError."""
        folder = archive.parent
        output = folder / "sbom.cdx.json"
        document = self._run(
            ["convert", "--format", "cyclonedx", "--output", str(output)]
            + ["--quiet", *settings(self.job), str(folder / "report.json")],
            output,
        )
        if document.get("bomFormat") != "CycloneDX":
            raise ToolError("its bill of materials cannot be read: it is no CycloneDX document")
        return document

    def _run(self, arguments: Sequence[str], output: Path) -> Any:
        try:
            return self.job.execute_json(
                [self.program.path, *arguments], exit_codes=(0,), output=output, cwd=output.parent
            )
        except ToolError as error:
            raise plain(error) from error


def _load(database: Database, cache: Path) -> None:
    """Put a database where Trivy looks for it; it may remove a broken one, which must not be the user's."""
    folder = cache / database.kind.folder
    folder.mkdir()
    for name in (database.kind.file, METADATA):
        (folder / name).symlink_to((database.folder / name).absolute())
