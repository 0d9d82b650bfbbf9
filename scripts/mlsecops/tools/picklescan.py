"""picklescan: dangerous imports in pickles, one call for each file so that none can end the others' scan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import Job, Parsed, Problem, ToolError
from mlsecops.model_files import lay_out, unsafe
from mlsecops.models.rules.pickle import UNSAFE
from mlsecops.sarif.build import Json

# protocol 0: posix.system('echo mlsecops canary')
_CANARY = b"cposix\nsystem\n(Vecho mlsecops canary\ntR."
_SCANNED = re.compile(r"^Scanned files: (\d+)$", re.MULTILINE)
_END = re.compile(r"^Dangerous globals: \d+\n", re.MULTILINE)
_UNKNOWN = re.compile(r"^Suspicious globals: (\d+)$", re.MULTILINE)
_DANGEROUS = re.compile(r"dangerous import '(\S+) (\S+)' FOUND$", re.MULTILINE)
_TROUBLE = re.compile(r"^(?:WARNING|ERROR): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call said about one file.

    `trouble` is why it does not count as read, `unknown` how many imports picklescan has no opinion about.
    """

    imports: tuple[str, ...]
    trouble: str | None
    unknown: int = 0


@dataclass(frozen=True)
class Picklescan:
    """Runs picklescan over pickles, joblib files and PyTorch archives."""

    name: str = "picklescan"
    environment: str | None = "picklescan"
    information_uri: str = "https://github.com/mmaitre314/picklescan"
    canary_rules: frozenset[str] = frozenset({UNSAFE.id})
    weight: float = 0.5
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Scan each target by itself, then the canary."""
        models = lay_out(job, "models")
        problems = list(models.problems)
        results: list[Json] = []
        looked_at: set[str] = set()
        unknown: list[str] = []
        for name, uri in models.origins.items():
            try:
                outcome = _call(job, models.folder / name)
            except ToolError as error:
                problems.append(Problem(uri, str(error), kind="unparsed"))
                continue
            results += [unsafe(uri, each, job.project) for each in outcome.imports]
            if outcome.trouble:
                problems.append(Problem(uri, outcome.trouble, kind="unparsed"))
            else:
                looked_at.add(uri)
            if outcome.unknown:
                unknown.append(uri)
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        canary = _call(job, job.canary({"canary.pkl": _CANARY}) / "canary.pkl")
        return Parsed(
            looked_at=frozenset(looked_at),
            rules=[UNSAFE.to_sarif()],
            results=results,
            canary=frozenset({UNSAFE.id} if "posix.system" in canary.imports else ()),
            problems=problems,
            notes=[f"imports in {unknown[0]}{more} are on no list of picklescan"] if unknown else [],
        )


def _call(job: Job, path: Path) -> Outcome:
    completed = job.execute(["picklescan", "-p", str(path), "-l", "INFO"], exit_codes=(0, 1, 2))
    # It writes its log to one stream and its findings to the other, depending on their level.
    texts = [
        each.read_text(encoding="utf-8", errors="replace") for each in (completed.stdout, completed.stderr)
    ]
    return parse(completed.exit_code, "\n".join(texts), path.name)


def parse(exit_code: int, text: str, name: str) -> Outcome:
    """The exit code and the text of one call -> its outcome."""
    imports = tuple(dict.fromkeys(f"{module}.{call}" for module, call in _DANGEROUS.findall(text)))
    trouble = _TROUBLE.search(text)
    scanned = _SCANNED.search(text)
    if exit_code != 2 and not _END.search(text):
        return Outcome(imports, "picklescan did not end its report")
    if trouble:
        return Outcome(imports, re.sub(r"\S*/" + re.escape(name), "the file", trouble[1])[:200])
    if exit_code == 2:
        return Outcome(imports, "picklescan could not read it")
    if scanned is None or int(scanned[1]) == 0:
        return Outcome(imports, "picklescan says that it scanned nothing")
    if (exit_code == 1) != bool(imports):
        return Outcome(imports, "picklescan's exit code and its text contradict each other")
    unknown = _UNKNOWN.search(text)
    return Outcome(imports, None, int(unknown[1]) if unknown else 0)
