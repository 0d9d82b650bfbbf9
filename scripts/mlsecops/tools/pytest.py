"""pytest: runs the project's own tests in an isolated copy and environment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

from mlsecops import project_environment
from mlsecops.job import Job, Parsed, Problem, ToolError, printable
from mlsecops.project import Project
from mlsecops.sarif.build import Json, Location, Result, Rule

FAILED = Rule(
    id="test-failed",
    name="TestFailed",
    summary="A test of the project fails.",
    help="The project's own test does not hold on this commit, so what it guards is not known to work.",
    fix="Run the test locally, then mend the code or the test.",
    severity=7.5,
    tags=("test",),
    precision="very-high",
)
BROKEN = Rule(
    id="test-error",
    name="TestError",
    summary="A test of the project cannot be run to its end.",
    help="A fixture, or the set-up or tear-down of the test, raises an error.",
    fix="Mend the fixture or the set-up that the message names.",
    severity=7.5,
    tags=("test",),
    precision="very-high",
)
_PLUGIN = "mlsecops_evidence"
_CANARY = "def test_canary():\n    raise AssertionError('mlsecops canary')\n"
# 1: some test failed, which the canary always does; 2: interrupted by errors while collecting; 5: no tests.
_EXIT_CODES = (0, 1, 2, 5)


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
        """Run the tests in a copy of the project, with a test beside them that must be seen to fail."""
        source = job.copy([file.uri for file in job.project.files], "project")
        python, notes = self._python(job, source)
        canary = _plant_canary(self._paths(job), source)
        evidence, junit = job.work / "evidence.json", job.work / "junit.xml"
        plugins = job.work / "plugins"
        plugins.mkdir()
        plugin = Path(__file__).with_name("pytest_evidence.py").read_text(encoding="utf-8")
        (plugins / f"{_PLUGIN}.py").write_text(plugin, encoding="utf-8")
        data = job.work / "coverage.data"
        completed = job.execute(
            self._argv(job, python, source, data),
            exit_codes=range(256) if self.command else _EXIT_CODES,
            output=junit,
            cwd=source,
            env={
                "PYTEST_ADDOPTS": f"-p {_PLUGIN} --junitxml={junit} -o junit_family=xunit1 --maxfail=0",
                "PYTHONPATH": f"{plugins}:{source}:{source / 'src'}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "MLSECOPS_EVIDENCE": str(evidence),
                # Numeric libraries take every core for themselves, and other tools run beside them.
                **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
                "CI": "true",
            },
        )
        parsed = parse_run(_xml(junit), _evidence(evidence), job.project, canary)
        if completed.exit_code == 2 and not parsed.problems:
            raise ToolError("it was interrupted before all tests had run")
        parsed.notes.extend(notes)
        parsed.notes.extend(
            f"configured test path {each} does not exist" for each in job.project.tests.missing
        )
        parsed.properties.update(self._coverage(job, python, source, data))
        return parsed

    def _paths(self, job: Job) -> tuple[str, ...]:
        return self.paths or job.project.tests.paths

    def _python(self, job: Job, source: Path) -> tuple[Path, tuple[str, ...]]:
        if not job.project.manifests:
            # Nothing to install: the tool's own environment has pytest and coverage.
            return job.environment() / "bin" / "python", ()
        environment = project_environment.make(job, source, self.python)
        return environment.python, environment.notes

    def _argv(self, job: Job, python: Path, source: Path, data: Path) -> list[str]:
        if self.command:
            return [str(python.with_name(self.command[0])), *self.command[1:]]
        targets = [part for part in self._paths(job) if (source / part).exists()]
        tests = ["-m", "pytest", "-q", *targets]
        if _measures_itself(source):
            return [str(python), *tests]
        # No rcfile: a project's coverage settings could hide the project's own code.
        coverage = [
            "-m",
            "coverage",
            "run",
            "--rcfile=/dev/null",
            f"--data-file={data}",
            f"--source={source}",
        ]
        return [str(python), *coverage, *tests]

    def _coverage(self, job: Job, python: Path, source: Path, data: Path) -> Json:
        """Share of the project's lines that its tests run, in percent; nothing when it was not measured."""
        measured = next((each for each in (data, source / ".coverage") if each.is_file()), None)
        if measured is None:
            return {}
        report = job.work / "coverage.json"
        argv = [str(python), "-m", "coverage", "json", "--rcfile=/dev/null", f"--data-file={measured}"]
        argv += ["-i", "-q", "--omit=*/test_*,*/tests/*,*/conftest.py", "-o", str(report)]
        try:
            total = job.execute_json(argv, exit_codes=(0,), output=report, cwd=source)
            return {"coverage": round(float(total["totals"]["percent_covered"]), 1)}
        except (ToolError, LookupError, TypeError, ValueError):
            return {}


def parse_run(suites: Iterable[Element], evidence: Json, project: Project, canary: str) -> Parsed:
    """JUnit test cases and the plugin's evidence -> failing tests on their lines, and what was due.

    `canary` is the repository-relative path of the planted test.
    """
    results: list[Json] = []
    problems: list[Problem] = []
    found: set[str] = set()
    skipped = 0
    for case in suites:
        uri = _uri(case, project)
        skipped += case.find("skipped") is not None
        for kind, rule in (("failure", FAILED), ("error", BROKEN)):
            trouble = case.find(kind)
            if trouble is None:
                continue
            if case.get("file") == canary or uri == canary:
                found.add(rule.id)
            elif "collection failure" in (trouble.get("message") or ""):
                problems.append(Problem(uri, f"it cannot be collected: {_last_line(trouble)}"))
            else:
                results.append(_result(rule, case, trouble, uri))
    collected = {each for each in evidence["collected"] if not each.startswith(f"{canary}::")}
    ended = {each for each in evidence["ended"] if not each.startswith(f"{canary}::")}
    notes = [f"{skipped} of {len(collected)} tests were skipped"] if skipped else []
    return Parsed(
        looked_at=frozenset(ended),
        due=frozenset(collected),
        rules=[FAILED.to_sarif(), BROKEN.to_sarif()],
        results=results,
        canary=frozenset(found),
        problems=problems,
        notes=notes,
        version=str(evidence["pytest"]),
    )


def _result(rule: Rule, case: Element, trouble: Element, uri: str) -> Json:
    name = f"{case.get('classname', '')}.{case.get('name', '')}"
    message = (trouble.get("message") or "it gives no reason").splitlines()[0]
    verb = "fails" if rule is FAILED else "cannot be run to its end"
    return Result(
        rule_id=rule.id,
        message=printable(f"The test {name} {verb}: {message}"),
        location=Location(uri=uri, start_line=_line(case, trouble, uri), logical=printable(name)),
        identity=("test", rule.id, uri, name),
    ).to_sarif()


def _line(case: Element, trouble: Element, uri: str) -> int:
    """The last line of the test's own file in the traceback, else the line of its definition."""
    places = re.findall(rf"^{re.escape(uri)}:(\d+): ", trouble.text or "", re.MULTILINE)
    if places:
        return int(places[-1])
    return int(case.get("line") or 0) + 1


def _uri(case: Element, project: Project) -> str:
    """The file a test case lies in; a collection error names only the module."""
    known = {file.uri for file in project.files}
    for candidate in (case.get("file") or "", case.get("name") or ""):
        for uri in (candidate, f"{candidate.replace('.', '/')}.py"):
            if uri in known:
                return uri
    return case.get("file") or case.get("name") or "unknown"


def _last_line(trouble: Element) -> str:
    lines = [line.removeprefix("E").strip() for line in (trouble.text or "").splitlines() if line.strip()]
    return printable(lines[-1])[:200] if lines else "no reason given"


def _plant_canary(paths: Sequence[str], source: Path) -> str:
    """Put the canary where the project's own conftest and settings reach it; return its path."""
    first = next((part for part in paths if (source / part).exists()), "")
    folder = source / first if (source / first).is_dir() else (source / first).parent
    target = folder / f"test_mlsecops_canary_{uuid4().hex}.py"
    target.write_text(_CANARY, encoding="utf-8")
    return target.relative_to(source).as_posix()


def _measures_itself(source: Path) -> bool:
    """Whether the project's settings switch on pytest-cov: two measurements at once disturb each other."""
    for name in ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", ".pytest.ini", "pytest.toml"):
        path = source / name
        if path.is_file() and re.search(r"--cov\b", path.read_bytes().decode("utf-8", "replace")):
            return True
    return False


def _xml(path: Path) -> list[Element]:
    try:
        root = parse(path).getroot()
        return [] if root is None else list(root.iter("testcase"))
    except (ParseError, DefusedXmlException) as error:
        raise ToolError(f"its JUnit report cannot be read ({error})") from error


def _evidence(path: Path) -> Json:
    try:
        seen: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError("it ended without saying which tests it collected") from error
    return seen
