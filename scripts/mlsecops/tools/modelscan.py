"""modelscan: unsafe operators in pickles, a second opinion beside picklescan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlsecops.job import Job, Parsed, Problem
from mlsecops.model_scanning.files import laid_out, unsafe
from mlsecops.models.rules.pickle import UNSAFE
from mlsecops.project import Project
from mlsecops.sarif.build import Json

_CANARY_NAME = "canary.pkl"
_CANARY = b"cposix\nsystem\n(Vecho mlsecops canary\ntR."


@dataclass(frozen=True)
class Modelscan:
    """Runs modelscan once over copies whose suffixes say what they hold; it goes by suffix only."""

    name: str = "modelscan"
    environment: str | None = "modelscan"
    information_uri: str = "https://github.com/protectai/modelscan"
    canary_rules: frozenset[str] = frozenset({UNSAFE.id})
    weight: float = 1.5
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run, away from any settings file of the repository."""
        models = laid_out(job)
        (models.folder / _CANARY_NAME).write_bytes(_CANARY)
        output = job.work / "modelscan.json"
        report = job.execute_json(
            # 0 clean, 1 issues, 2 issues or errors of single files; 3 (nothing scanned) cannot be right here.
            ["modelscan", "-p", str(models.folder), "-r", "json", "-o", str(output)],
            exit_codes=(0, 1, 2),
            output=output,
        )
        parsed = parse(report, models.origins, job.project)
        parsed.problems.extend(models.problems)
        return parsed


def parse(report: Any, origins: Mapping[str, str], project: Project) -> Parsed:
    """modelscan's JSON report over numbered copies -> findings; files with errors are not looked at."""
    found: set[str] = set()
    results: list[Json] = []
    for issue in report["issues"]:
        name = _copy_name(issue["source"])
        operator = f"{issue['module']}.{issue['operator']}"
        if name == _CANARY_NAME and operator == "posix.system":
            found.add(UNSAFE.id)
        elif name in origins:
            results.append(unsafe(origins[name], operator, "modelscan", project))
    errors = {_copy_name(each.get("source", "")): str(each["description"]) for each in report["errors"]}
    scanned = {_copy_name(each) for each in report["summary"]["scanned"].get("scanned_files", [])}
    read = {origins[name] for name in scanned - errors.keys() if name in origins}
    return Parsed(
        looked_at=frozenset(read),
        rules=[UNSAFE.to_sarif()],
        results=results,
        canary=frozenset(found),
        problems=[
            Problem(uri, errors.get(name, "modelscan passed it over"), kind="unparsed")
            for name, uri in origins.items()
            if uri not in read
        ],
    )


def _copy_name(source: str) -> str:
    """`00001.pt:archive/data.pkl` -> `00001.pt`: a member of an archive belongs to its file."""
    return source.split(":", 1)[0].rsplit("/", 1)[-1]
