"""The templates, filled in for one repository."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from mlsecops.github.inputs import artifact_name
from mlsecops.init.look import WORKFLOWS, Found, Place
from mlsecops.project import ProjectError

FOLDER = Path(__file__).resolve().parents[3] / "templates"
UNKNOWN_SOURCE = "OWNER/mlsecops"
UNKNOWN_COMMIT = "0" * 40
CALLER = f"{WORKFLOWS}/mlsecops.yml"
FORK_COMMENT = f"{WORKFLOWS}/mlsecops-fork-comment.yml"
EXPORT = f"{WORKFLOWS}/mlsecops-export.yml"

_PINNED = re.compile(rf"@{UNKNOWN_COMMIT} # v\d+\.\d+\.\d+")
_MOVING = re.compile(r"@v\d+$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9._/-]*")
_PROJECTS = re.compile(r"(?:^ +- \{ id: .*\n)+", re.MULTILINE)
# What a filter on branches takes for a pattern, of all that the name of a branch may hold.
_PATTERN = re.compile(r"[!+\]\\]")


@dataclass(frozen=True, slots=True)
class Source:
    """Where mlsecops is called from: OWNER/NAME, a full commit and its release; None where unknown."""

    repository: str | None
    commit: str | None
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked for. `caller` is the name of the workflow that fork comment and export follow."""

    source: Source
    branch: str
    compact: bool = False
    several: bool = False
    fork_comment: bool = False
    rescan: bool = False
    export: bool = False
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to be: its path from the repository's top, and its text."""

    path: str
    text: str


def drafts(choice: Choice, found: Sequence[Found]) -> list[Draft]:
    """The files that are asked for. Raises ProjectError when the templates are not here."""
    made = []
    if choice.caller is None:
        made.append(Draft(CALLER, _caller(choice, [each.place for each in found])))
    made += [Draft(each.place.policy_file, _policy(each)) for each in found if not each.policy]
    if choice.fork_comment:
        made.append(Draft(FORK_COMMENT, _following(choice, "mlsecops-fork-comment.yml")))
    if choice.export:
        made.append(Draft(EXPORT, _export(choice, [each.place for each in found])))
    if choice.rescan:
        made += [_rescan(choice, each.place) for each in found]
    return [Draft(each.path, _sourced(each.text, choice.source)) for each in made]


def unknown(made: Sequence[Draft]) -> bool:
    """Whether a placeholder is left in a text, which a person has to fill in."""
    return any(UNKNOWN_COMMIT in each.text or UNKNOWN_SOURCE in each.text for each in made)


def scalar(text: str) -> str:
    """A text as a YAML scalar that any YAML reader takes for that text, also within brackets."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _template(name: str) -> str:
    try:
        return (FOLDER / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(
            "the templates are not beside this installation; run init from a clone of mlsecops"
        ) from None


def _caller(choice: Choice, places: Sequence[Place]) -> str:
    if choice.several:
        text = _PROJECTS.sub(
            lambda _: "".join(map(_row, places)), _template("workflows/mlsecops-monorepo.yml")
        )
        text = _compact(text) if choice.compact else text
    else:
        text = _template(f"workflows/mlsecops{'-compact' if choice.compact else ''}.yml")
    escaped = _PATTERN.sub(lambda match: f"\\{match[0]}", choice.branch)
    return text.replace("branches: [main]", f"branches: [{scalar(escaped)}]")


def _row(each: Place) -> str:
    return f"          - {{ id: {scalar(each.identifier)}, project: {scalar(each.path)} }}\n"


def _compact(text: str) -> str:
    return text.replace("/secure-ml.yml@", "/secure-ml-compact.yml@")


def _policy(found: Found) -> str:
    text = _template("mlsecops.yml")
    return re.sub(r"(?m)^required: .*$", f"required: [{', '.join(found.due)}]", text)


def _following(choice: Choice, name: str) -> str:
    text = _template(f"workflows/{name}")
    return text.replace("workflows: [mlsecops]", f"workflows: [{scalar(choice.caller or 'mlsecops')}]")


def _export(choice: Choice, places: Sequence[Place]) -> str:
    text = _following(choice, "mlsecops-export.yml")
    if not choice.several:
        return text
    head, steps, step = text.partition("    steps:\n")
    return f"{head}{steps}{''.join(_export_step(step, each.identifier) for each in places)}"


def _export_step(step: str, identifier: str) -> str:
    """The step for one of several projects, whatever became of the one before."""
    named = step.replace("Export the report\n", f"Export the report of {identifier}\n")
    report = scalar(artifact_name(identifier, "report"))
    own = f"          report-artifact: {report}\n          engagement: {scalar(identifier)}\n"
    return named.replace("        with:\n", f"        if: ${{{{ !cancelled() }}}}\n        with:\n{own}")


def _rescan(choice: Choice, at: Place) -> Draft:
    text = _template("workflows/mlsecops-rescan.yml")
    text = _compact(text) if choice.compact else text
    if choice.several:
        name, folder = scalar(at.identifier), scalar(at.path)
        text = text.replace(
            "name: mlsecops rescan\n", f"name: {scalar(f'mlsecops rescan {at.identifier}')}\n"
        )
        text = text.replace(
            "      comment: false\n", f"      comment: false\n      id: {name}\n      project: {folder}\n"
        )
        text = f"{text}          id: {name}\n"
    return Draft(_rescan_path(choice.several, at), text)


def _rescan_path(several: bool, at: Place) -> str:
    return f"{WORKFLOWS}/mlsecops-rescan{f'-{at.identifier}' if several else ''}.yml"


def _sourced(text: str, source: Source) -> str:
    """The text with what is known of the source in the place of its placeholders."""
    if source.commit:
        pin = f"@{source.commit} # {source.version}" if source.version else f"@{source.commit}"
        text = _PINNED.sub(pin, text)
    if source.version:
        text = _MOVING.sub(f"@{source.version.partition('.')[0]}", text)
    return text.replace(UNKNOWN_SOURCE, source.repository) if source.repository else text
