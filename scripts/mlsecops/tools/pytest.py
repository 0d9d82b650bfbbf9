"""pytest: runs the project's own tests in an isolated copy and environment.

Beside the tests of each folder a canary is planted, a test that must be seen to fail under the same settings
and conftest files. That shows settings, hooks and plugins that select nothing, hide failures or end the run
early. Tests that settings deselect or that a conftest ignores are told as notes: that is the same as deleting
them, and seen in a review.

What it cannot defend against: tests are code, run as the user who runs us, in the process that gives the
evidence. Code that sets out to deceive can tell the canary from other tests, or write the evidence itself,
and it can reach the network. Where the system has Landlock it writes to its own folder only and reads nothing
of the user's; elsewhere run strangers' pull requests on machines that are thrown away, or with `--no-exec`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from mlsecops import project_environment
from mlsecops.confinement import confined, kept, program_folders
from mlsecops.job import Completed, Job, Parsed, ToolError, printable
from mlsecops.project.testing import SETTINGS, is_test_file
from mlsecops.project_environment import ProjectEnvironment
from mlsecops.sarif.build import Json
from mlsecops.tools.pytest_output import evidence_of, junit_documents, last_words
from mlsecops.tools.pytest_results import FAILED, joined_junit, line_share, parse_runs, run_failed

_PLUGIN = "mlsecops_evidence"
_CANARY = '''"""Planted by mlsecops beside the tests: it must be seen to fail."""

import unittest


def test_canary():
    assert not "mlsecops canary"


class TestCanary(unittest.TestCase):
    def test_canary(self):
        raise AssertionError("mlsecops canary")
'''
# 1: a test failed; 2: interrupted; 3: an error in pytest or a plugin; 4: wrong options; 5: no tests.
_EXIT_CODES = range(6)
_COVERAGE = "[run]\ndata_file = {data}\nsource = {source}\n[report]\ninclude_namespace_packages = true\n"


@dataclass(frozen=True)
class Pytest:
    """Runs pytest over the project's configured paths, or a command of the policy that runs pytest."""

    command: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    python: str | None = None
    timeout: float = 900.0
    name: str = "pytest"
    environment: str | None = "pytest"
    information_uri: str = "https://docs.pytest.org"
    canary_rules: frozenset[str] = frozenset({FAILED.id})
    weight: float = 20.0

    def run(self, job: Job) -> Parsed:
        """Run the tests in a copy of the project, with tests beside them that must be seen to fail."""
        source = project_environment.copy_project(job)
        paths = [each for each in self._paths(job) if (source / each.split("::")[0]).exists()]
        if not (paths or self.command):
            raise ToolError(f"none of the test paths exists: {', '.join(self._paths(job))}")
        environment = project_environment.make(job, source, self.python)
        canaries = plant_canaries(job.project.tests.files, paths, source, uuid4().hex)
        evidence = job.work / "evidence.json"
        settings = job.work / "coverage.ini"
        settings.write_text(
            _COVERAGE.format(data=job.work / "coverage.data", source=source).replace("%", "%%"),
            encoding="utf-8",
        )
        completed = job.execute(
            self._argv(environment, source, paths, settings),
            exit_codes=range(256) if self.command else _EXIT_CODES,
            cwd=source,
            env={
                **self._variables(job, environment, source),
                "PYTEST_ADDOPTS": f"-p {_PLUGIN}",
                "MLSECOPS_EVIDENCE": str(evidence),
                "MLSECOPS_CANARIES": json.dumps(canaries),
            },
            silent=True,
            within=self._within(job, environment),
        )
        runs = evidence_of(evidence, completed, self.command)
        parsed = parse_runs(runs, job.project, source, canaries)
        _complain_of_nothing(parsed, runs, canaries, completed)
        if completed.exit_code and not (parsed.results or parsed.problems):
            parsed.results.append(run_failed(last_words(completed), job.project))
        parsed.notes.extend(environment.notes)
        parsed.notes.extend(
            f"configured test path {each} does not exist" for each in job.project.tests.missing
        )
        self._keep_junit(job, evidence, canaries, parsed)
        self._add_coverage(job, environment, source, settings, runs, parsed)
        return parsed

    def _paths(self, job: Job) -> tuple[str, ...]:
        return self.paths or job.project.tests.paths

    def _argv(
        self, environment: ProjectEnvironment, source: Path, paths: list[str], settings: Path
    ) -> list[str]:
        if self.command:
            return [str(_program(self.command[0], environment, source)), *self.command[1:]]
        tests = ["-m", "pytest", "-q", *paths]
        if _measures_itself(source):
            return [str(environment.python), *tests]
        # Not the project's settings: they could hide the project's own code.
        return [str(environment.python), "-m", "coverage", "run", f"--rcfile={settings}", *tests]

    def _within(self, job: Job, environment: ProjectEnvironment) -> tuple[str, ...]:
        """No process of the tests stays, and none of them writes elsewhere."""
        programs = program_folders() if self.command else []
        return (*kept(), *confined(job, [environment.python.resolve().parents[1], *programs]))

    def _variables(self, job: Job, environment: ProjectEnvironment, source: Path) -> dict[str, str]:
        plugins = job.work / "plugins"
        plugins.mkdir()
        shutil.copyfile(Path(__file__).with_name("pytest_evidence.py"), plugins / f"{_PLUGIN}.py")
        search = os.environ.get("PATH", os.defpath) if self.command else os.defpath
        return {
            "PATH": os.pathsep.join([str(environment.folder / "bin"), search]),
            "PYTHONPATH": os.pathsep.join([str(plugins), str(source), str(source / "src")]),
            # From Python 3.12 on, the interpreter itself tells which lines run, at little cost.
            "COVERAGE_CORE": "sysmon" if environment.version >= (3, 12) else "ctrace",
            # Numeric libraries take every core for themselves, and other tools run beside them.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            "CI": "true",
        }

    def _keep_junit(self, job: Job, evidence: Path, canaries: Mapping[str, str], parsed: Parsed) -> None:
        documents, notes = junit_documents(evidence)
        parsed.notes.extend(notes)
        if documents:
            job.keep("junit.xml", joined_junit(documents, [canary_token(each) for each in canaries]))
        else:
            parsed.notes.append("the project's settings leave no JUnit report")

    def _add_coverage(
        self,
        job: Job,
        environment: ProjectEnvironment,
        source: Path,
        settings: Path,
        runs: list[Json],
        parsed: Parsed,
    ) -> None:
        """The share of the project's lines that its tests run; a note where it is not to be had."""
        if any(run["workers"] for run in runs):
            parsed.notes.append("coverage was not measured, as the tests ran in workers of pytest-xdist")
            return
        data = next(
            (each for each in (job.work / "coverage.data", source / ".coverage") if each.is_file()), None
        )
        if data is None:
            parsed.notes.append("coverage was not measured")
            return
        report = job.work / "coverage.json"
        argv = [str(environment.python), "-m", "coverage", "json", f"--rcfile={settings}"]
        argv += [f"--data-file={data}", "-i", "-q", "-o", str(report)]
        counted = [uri for uri in job.project.python if not is_test_file(uri, job.project.tests)]
        try:
            measured = job.execute_json(
                argv, exit_codes=(0, 1), output=report, cwd=source, within=self._within(job, environment)
            )
            share = line_share(measured, counted)
        except (ToolError, LookupError, TypeError, ValueError):
            share = None
        if share is None:
            parsed.notes.append("coverage was not measured")
        else:
            parsed.properties["coverage"] = share
            parsed.notes.append(f"the tests run {share} % of the project's lines")


def plant_canaries(files: Iterable[str], paths: Iterable[str], source: Path, token: str) -> dict[str, str]:
    """Plant a canary in each folder of tests, named as the tests there are; file -> folder, as real paths.

    `files` are the known tests, `paths` what pytest is told; a path without known tests gets one too.
    """
    samples: dict[Path, str] = {}
    for uri in sorted(files):
        samples.setdefault((source / uri).parent, Path(uri).name)
    for each in (source / path.split("::")[0] for path in paths):
        if each.is_file():
            samples.setdefault(each.parent, each.name)
        elif not any(folder.is_relative_to(each) for folder in samples):
            samples[each] = "test_.py"
    planted = {}
    for number, (folder, sample) in enumerate(samples.items()):
        name = f"mlsecops_canary_{token}_{number}"
        if re.fullmatch(r"test_.*\.py", sample):
            target = folder / f"test_{name}.py"
        elif sample.endswith("_test.py"):
            target = folder / f"{name}_test.py"
        else:
            # Only the very name is sure to fit the project's patterns.
            target = folder / name / sample
            target.parent.mkdir()
            (target.parent / "__init__.py").touch()
        target.write_text(_CANARY, encoding="utf-8")
        planted[os.path.realpath(target)] = os.path.realpath(folder)
    return planted


def canary_token(path: str) -> str:
    """The part of a canary's path that names no other test."""
    found = re.search(r"mlsecops_canary_\w+?_\d+", path)
    return found[0] if found else path


def _program(name: str, environment: ProjectEnvironment, source: Path) -> Path:
    """The policy's command: a script of the project, or a program of the environment, or of the system."""
    if "/" in name:
        return source / name
    own = environment.folder / "bin" / name
    found = own if own.exists() else shutil.which(name)
    if found is None:
        raise ToolError(f"the policy's test command is missing: there is no {printable(name)} here")
    return Path(found)


def _measures_itself(source: Path) -> bool:
    """Whether the project's settings switch on pytest-cov: two measurements at once disturb each other."""
    for path in (source / name for name in SETTINGS):
        if path.is_file() and re.search(r"--cov\b", path.read_bytes().decode("utf-8", "replace")):
            return True
    return False


def _complain_of_nothing(
    parsed: Parsed, runs: list[Json], canaries: Mapping[str, str], completed: Completed
) -> None:
    """Raise ToolError where a run without failures proves nothing."""
    if parsed.problems:
        return
    if completed.exit_code == 3:
        raise ToolError(f"pytest itself failed: {last_words(completed)}")
    if not parsed.due:
        own = sum(path not in canaries for run in runs for path in run["items"].values())
        why = f"the project's settings left out all {own}" if own else "no test function or class was found"
        raise ToolError(f"there was nothing to look at: pytest collected no tests, {why}")
    if all(parsed.due <= set(run["skipped"]) for run in runs):
        raise ToolError(f"there was nothing to look at: all {len(parsed.due)} tests were skipped")
