"""The workflows and actions of this repository and of its templates, as the checks look at them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# What a template writes for the owner of the product's repository, and the name of that repository.
PRODUCT = "mlsecops"
_OURS = ("$/", f"OWNER/{PRODUCT}/")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as GitHub reads it: `on` is a key, not a truth value."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


@dataclass(frozen=True)
class Source:
    """One workflow or action: its name in the repository, and its text."""

    name: str
    text: str

    @cached_property
    def document(self) -> Json:
        """The parsed YAML, a mapping."""
        document: Json = parse(self.text)
        return document

    @property
    def kind(self) -> Literal["action", "workflow"]:
        """What GitHub takes the file for."""
        return "action" if self.name.endswith("/action.yml") else "workflow"

    @property
    def place(self) -> str:
        """Where GitHub would find the file: a template in the folder that it is to be copied to."""
        if self.kind == "action" or self.name.startswith(".github/"):
            return self.name
        return f".github/workflows/{Path(self.name).name}"

    @property
    def is_product(self) -> bool:
        """Whether users call the file: one of our actions or reusable workflows."""
        return self.kind == "action" or "workflow_call" in self.triggers

    @property
    def triggers(self) -> Json:
        """The events of a workflow with their settings."""
        on = self.document.get("on", {})
        return on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)

    @property
    def interface(self) -> Json:
        """What holds the `inputs` and `outputs`: the call of a reusable workflow, or an action."""
        return self.document if self.kind == "action" else (self.triggers.get("workflow_call") or {})

    @property
    def jobs(self) -> dict[str, Json]:
        """The jobs of a workflow by name."""
        jobs: dict[str, Json] = self.document.get("jobs", {})
        return jobs

    def steps(self) -> Iterator[tuple[str, Json]]:
        """Every step with the place where it stands: `jobs.scan` or `runs`."""
        for name, job in self.jobs.items():
            yield from ((f"jobs.{name}", step) for step in job.get("steps", []))
        yield from (("runs", step) for step in self.document.get("runs", {}).get("steps", []))

    def uses(self) -> Iterator[str]:
        """Everything that a job or a step uses."""
        yield from (job["uses"] for job in self.jobs.values() if "uses" in job)
        yield from (step["uses"] for _, step in self.steps() if "uses" in step)

    def line(self, wanted: str) -> int:
        """Number of the first line that holds a text; 1 where none does."""
        lines = self.text.splitlines()
        return next((number for number, line in enumerate(lines, start=1) if wanted in line), 1)


def parse(text: str) -> Any:
    """What YAML 1.2 makes of a text."""
    # The loader is a safe one.
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def sources(root: Path = REPOSITORY) -> list[Source]:
    """Every workflow and action in a repository and in what it hands to users, by name."""
    patterns = (
        ".github/workflows/*.y*ml",
        "actions/*/action.y*ml",
        "templates/**/*.y*ml",
        "example-project/.github/workflows/*.y*ml",
    )
    names = sorted({path.relative_to(root).as_posix() for each in patterns for path in root.glob(each)})
    found = [Source(name, (root / name).read_text(encoding="utf-8")) for name in names]
    return [source for source in found if source.kind == "action" or "jobs" in source.document]


def by_name(root: Path = REPOSITORY) -> Mapping[str, Source]:
    """The same, for looking one up."""
    return {source.name: source for source in sources(root)}


def own_path(uses: str) -> str | None:
    """The path within our repository of what is used, None for somebody else's."""
    for prefix in _OURS:
        if uses.startswith(prefix):
            return uses.removeprefix(prefix).partition("@")[0]
    return None


def used(source_names: Mapping[str, Source], uses: str) -> Source | None:
    """Our workflow or action that is used, None for somebody else's or one that is not there."""
    path = own_path(uses)
    if path is None:
        return None
    return source_names.get(path if path.endswith(".yml") else f"{path}/action.yml")


def expressions(value: Any) -> Iterator[str]:
    """Every expression in a text or in a whole structure, without its `${{ }}`."""
    if isinstance(value, str):
        yield from (found.strip() for found in _EXPRESSION.findall(value))
    elif isinstance(value, dict):
        for each in value.values():
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


def copy_for_callers(root: Path, folder: Path) -> dict[str, str]:
    """Lay all files out as GitHub would find them, each template in a repository of its own.

    Returns the original of each copy. Ours lie in a folder, too: below a `.github` zizmor looks for no other.
    """
    originals = {}
    for number, source in enumerate(sources(root)):
        own = source.place == source.name
        originals[_write(folder, f"{'own' if own else number}/{source.place}", source.text)] = source.name
    return originals


def copy_as_one(root: Path, folder: Path) -> dict[str, str]:
    """Lay all files out as one repository, the templates as workflows that use what lies beside them (`$/`).

    So a linter looks into what they call. Returns the original of each copy.
    """
    originals = {}
    for number, source in enumerate(sources(root)):
        place = source.place
        if place != source.name:
            place = f".github/workflows/{number}-{Path(place).name}"
        text = re.sub(rf"(uses: )OWNER/{PRODUCT}/([^\s@]+)@\S+", r"\1$/\2", source.text)
        originals[_write(folder, place, text)] = source.name
    return originals


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return name
