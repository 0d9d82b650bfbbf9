"""A copy of this repository's workflows and actions that act can run.

act knows neither `uses: $/…` nor `job.workflow_*`: the copy names this repository and a tag instead. It
accepts inputs that nobody declared, and fetches actions that nobody mapped: both are refused here, before
anything runs.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.git_repository import git

REPOSITORY = Path(__file__).resolve().parents[3]
STAND_INS = REPOSITORY / "tests" / "workflows" / "stand-ins"
OURS = "mlsec/mlsecops"
TAG = "v1"
SHA = "5ca1ab1e" * 5
STAGED = (".github/workflows", "actions", "scripts", "pyproject.toml")
# act has its own: it copies the caller's folder, and honours `path` alone.
CHECKOUT = "actions/checkout"
CHECKOUT_INPUTS = {"path", "persist-credentials", "lfs", "fetch-depth", "ref", "repository", "submodules"}
_COMMIT = re.compile(r"[0-9a-f]{40}")
Json = dict[str, Any]


class StagingError(Exception):
    """A workflow or an action cannot be run as it is; the text says where and why."""


@dataclass(frozen=True)
class Staged:
    """The copy in `folder`, and which folder stands in for which outside action (`owner/name@ref`)."""

    folder: Path
    stand_ins: Mapping[str, Path] = field(default_factory=dict)

    def mapped(self) -> dict[str, Path]:
        """What act is to take from this machine."""
        return {f"{OURS}@{TAG}": self.folder, f"{OURS}@{SHA}": self.folder, **self.stand_ins}

    def check(self, workflow: Path) -> dict[str, Path]:
        """Check a caller's workflow too; the stand-ins for the outside actions it names itself.

        Raises StagingError for an action without a stand-in and for inputs that are not declared.
        """
        return _stand_ins(self.folder, [workflow])


def stage(target: Path, source: Path = REPOSITORY) -> Staged:
    """Copy what a runner fetches of this repository to `target`, rewritten for act. Raises StagingError."""
    for name in _files(source):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, copy, follow_symlinks=False)
    # The other workflows are for this repository alone.
    called = [path for path in target.glob(".github/workflows/*.y*ml") if "workflow_call" in load(path)["on"]]
    sheets = [*called, *target.glob("actions/*/action.y*ml")]
    for sheet in sheets:
        sheet.write_text(rewrite(sheet.read_text("utf-8"), sheet.relative_to(target).as_posix()), "utf-8")
    return Staged(target, _stand_ins(target, sheets))


def rewrite(text: str, path: str) -> str:
    """Say what `$/` and `job.workflow_*` stand for in the file `path`, as the runner would."""
    text = re.sub(r"(?m)^(\s*(?:-\s+)?uses:\s*)[\"']?\$/([^\s\"'@]+)[\"']?", rf"\1{OURS}/\2@{TAG}", text)
    for name, value in {
        "repository": OURS,
        "sha": SHA,
        "ref": f"{OURS}/{path}@refs/tags/{TAG}",
        "file_path": path,
    }.items():
        text = re.sub(rf"\bjob\.workflow_{name}\b", f"'{value}'", text)
    return text


def load(path: Path) -> Json:
    """A workflow or an action as it is written (`on` stays a word)."""
    loaded = yaml.BaseLoader(path.read_text("utf-8")).get_single_data()
    assert isinstance(loaded, dict), path
    return loaded


def _files(source: Path) -> list[str]:
    listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *STAGED)
    return [name for name in listed.split("\0") if name and (source / name).is_file()]


def _stand_ins(folder: Path, sheets: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for sheet in sheets:
        for uses, given in _calls(load(sheet)):
            where = f"{sheet.name} uses {uses}"
            path, _, ref = uses.partition("@")
            owner, name, *inner = path.split("/")
            repository = f"{owner}/{name}"
            if repository == OURS and ref in {TAG, SHA}:
                _compare(where, given, _declared(folder / "/".join(inner)))
            elif repository == CHECKOUT:
                _compare(where, given, dict.fromkeys(CHECKOUT_INPUTS, False))
            else:
                stand_in = STAND_INS / f"{owner}-{name}"
                if not (stand_in / "/".join(inner) / "action.yml").is_file():
                    raise StagingError(f"{where}, for which there is no stand-in")
                if not _COMMIT.fullmatch(ref):
                    raise StagingError(f"{where}, which is not pinned to a commit")
                _compare(where, given, _declared(stand_in / "/".join(inner)))
                found[f"{repository}@{ref}"] = stand_in
    return found


def _calls(sheet: Json) -> Iterator[tuple[str, Json]]:
    """What a workflow or an action uses, with the inputs it hands over."""
    jobs = list(sheet.get("jobs", {}).values()) or [sheet.get("runs", {})]
    for job in jobs:
        for each in (job, *job.get("steps", ())):
            if uses := each.get("uses"):
                yield uses, each.get("with", {})


def _declared(path: Path) -> dict[str, bool]:
    """The inputs of a reusable workflow or of an action, and which of them must be given."""
    if path.suffix in {".yml", ".yaml"}:
        inputs = (load(path)["on"]["workflow_call"] or {}).get("inputs", {}) if path.is_file() else None
    else:
        sheet = path / "action.yml"
        inputs = load(sheet).get("inputs", {}) if sheet.is_file() else None
    if inputs is None:
        raise StagingError(f"{path.name} is used, and there is no such file")
    return {
        name: about.get("required") == "true" and "default" not in about for name, about in inputs.items()
    }


def _compare(where: str, given: Json, declared: Mapping[str, bool]) -> None:
    if unknown := sorted(set(given) - set(declared)):
        raise StagingError(f"{where} with inputs that it does not have: {', '.join(unknown)}")
    required = {name for name, needed in declared.items() if needed}
    if missing := sorted(required - set(given)):
        raise StagingError(f"{where} without {', '.join(missing)}")
