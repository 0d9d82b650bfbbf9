"""act's log, line by line in JSON -> what became of every job and step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_COMMAND = re.compile(r"^::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<data>.*)$", re.DOTALL)
_ANNOTATIONS = frozenset({"error", "warning", "notice"})
_STARTS = "⭐ Run Main "
Json = dict[str, Any]


@dataclass(frozen=True)
class Annotation:
    """What a step shows beside the code, and in the run's page."""

    level: str
    message: str
    title: str = ""
    file: str = ""
    line: int = 0


@dataclass
class Step:
    """One step that ran, in an action also one of its steps."""

    path: tuple[str, ...]
    name: str = ""
    outcome: str = "never ended"
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)


@dataclass
class Job:
    """One job that ran; `key` is its name, with that of the job that called its workflow before it."""

    key: str
    conclusion: str = "never ended"
    steps: dict[tuple[str, ...], Step] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """The step with this path of identifiers (`outer/inner`), else the one of this name or identifier.

        Raises KeyError when it did not run, or several did.
        """
        if exact := self.steps.get(tuple(name.split("/"))):
            return exact
        found = [each for each in self.steps.values() if name in (each.name, each.path[-1])]
        if len(found) != 1:
            raise KeyError(f"{len(found)} steps of {self.key} are called {name}: {self.outcomes()}")
        return found[0]

    def outcome(self, name: str) -> str:
        """What became of such a step; "skipped" when it did not run, or when there is none."""
        ran = [
            each for each in self.steps.values() if name in {each.name, each.path[-1], "/".join(each.path)}
        ]
        return self.step(name).outcome if ran else "skipped"

    def outcomes(self) -> dict[str, str]:
        """What became of the steps that ran."""
        return {"/".join(path): step.outcome for path, step in self.steps.items()}


def read(text: str) -> list[Job]:
    """Every job of a log in the order in which they began; what is no JSON is nobody's."""
    jobs: list[Job] = []
    current: dict[str, Job] = {}
    for entry in entries(text):
        if "job" not in entry:
            continue
        key = _key(entry["job"])
        if entry.get("stepid") == ["--setup-job"] and "stepResult" not in entry:
            current[key] = Job(key)
            jobs.append(current[key])
        if key in current:
            _take(current[key], entry)
    return jobs


def entries(text: str) -> Iterator[Json]:
    """The log's lines that are JSON."""
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def plain(text: str) -> str:
    """A log as people read it."""
    return "\n".join(
        f"[{entry['job'].strip()}] {entry['msg'].rstrip()}"
        if "job" in entry
        else str(entry.get("msg", entry))
        for entry in entries(text)
    )


def command(line: str) -> tuple[str, dict[str, str], str] | None:
    """A workflow command as GitHub's runner reads it: name, properties and data; None for any other line."""
    found = _COMMAND.match(line.rstrip("\r\n"))
    if found is None:
        return None
    properties = {}
    for each in (found["properties"] or "").split(","):
        name, equals, value = each.strip().partition("=")
        if equals and value:
            properties[name] = _unescape(value, property_too=True)
    return found["name"], properties, _unescape(found["data"])


def _key(name: str) -> str:
    """`caller/workflow/job` -> `caller/job`, `workflow/job` -> `job`."""
    caller, *between, job = (part.strip() for part in name.split("/"))
    return f"{caller}/{job}" if between else job


def _take(job: Job, entry: Json) -> None:
    job.conclusion = entry.get("jobResult", job.conclusion)
    if entry.get("stage") != "Main":
        return
    path = tuple(entry["stepID"])
    step = job.steps.setdefault(path, Step(path))
    if entry["msg"].startswith(_STARTS):
        step.name = entry["msg"].removeprefix(_STARTS).strip()
    if "stepResult" in entry:
        step.outcome = entry["stepResult"]
    if entry.get("raw_output"):
        # act adds an empty line now and then.
        step.printed += filter(None, [entry["msg"].rstrip("\r\n")])
    elif entry.get("command") == "set-output":
        step.outputs[entry["name"]] = entry["arg"]
    elif entry.get("command") == "summary":
        step.summary += entry["content"]
    elif entry.get("command") == "ignored":
        step.printed.append(entry["raw"].rstrip("\r\n"))
    elif "raw" in entry:
        _obey(step, entry["raw"])


def _obey(step: Step, line: str) -> None:
    read_as = command(line)
    if read_as is None:
        return
    name, properties, data = read_as
    if name in _ANNOTATIONS:
        title, file, number = (properties.get(key, "") for key in ("title", "file", "line"))
        step.annotations.append(Annotation(name, data, title, file, int(number or 0)))
    elif name == "add-mask":
        step.masked.append(data)


def _unescape(text: str, *, property_too: bool = False) -> str:
    more = [("%3A", ":"), ("%2C", ",")] if property_too else []
    for escaped, character in [*more, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]:
        text = text.replace(escaped, character)
    return text
