"""What the caller's workflow asked for: the variables `MLSECOPS_*` -> one Inputs, or a clear refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, cast

from mlsecops.policy import SEVERITIES, ImagePart, Threshold
from mlsecops.report.comment import is_identifier
from mlsecops.report.escape import shorten, visible

Upload = Literal["auto", "never"]

DEFAULT_IDENTIFIER = "default"
_THRESHOLDS = (*SEVERITIES, "never")
_BOOLEANS = {"true": True, "false": False}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN = 60


class InputError(Exception):
    """An input that cannot be used; the text is one sentence that names it and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of the workflows and actions, all with their defaults.

    `project` is a folder relative to the workspace; `fail_on` None leaves the threshold to the policy;
    `image` counts where the policy leaves it open.
    """

    project: str
    identifier: str
    stages: tuple[str, ...]
    fail_on: Threshold | None
    comment: bool
    upload: Upload
    gate: bool
    image: ImagePart


def read(environ: Mapping[str, str], known: Sequence[str]) -> Inputs:
    """The inputs, where `known` are the stages there are, in the order of the chain.

    What is missing or empty has its default. Raises InputError with one sentence.
    """
    fail_on = _one_of(environ, "fail-on", _THRESHOLDS, "")
    return Inputs(
        project=_project(environ.get("MLSECOPS_PROJECT", "")),
        identifier=_identifier(environ),
        stages=_stages(_given(environ, "stages"), known),
        fail_on=cast(Threshold, fail_on) if fail_on else None,
        comment=_BOOLEANS[_one_of(environ, "comment", tuple(_BOOLEANS), "true")],
        upload=cast(Upload, _one_of(environ, "upload", ("auto", "never"), "auto")),
        gate=_BOOLEANS[_one_of(environ, "gate", tuple(_BOOLEANS), "true")],
        image=cast(ImagePart, _one_of(environ, "image", ("required", "when-available"), "required")),
    )


def artifact_name(identifier: str, part: str) -> str:
    """The name of an artifact; `part` is a stage or "report"."""
    return f"mlsecops-{part}" if identifier == DEFAULT_IDENTIFIER else f"mlsecops-{identifier}-{part}"


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"MLSECOPS_{name.upper().replace('-', '_')}", "").strip()


def _one_of(environ: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> str:
    value = _given(environ, name)
    if value and value not in allowed:
        raise _refused(name, value, _choice(allowed))
    return value or default


def _identifier(environ: Mapping[str, str]) -> str:
    value = _given(environ, "id") or DEFAULT_IDENTIFIER
    if not is_identifier(value):
        raise _refused(
            "id", value, "up to 64 letters, digits, '.', '_' and '-', of which the first is a letter or digit"
        )
    return value


def _stages(value: str, known: Sequence[str]) -> tuple[str, ...]:
    if not value:
        return tuple(known)
    named = value.replace(",", " ").split()
    if not named:
        raise _refused("stages", value, f"one or more of {', '.join(known)}")
    for name in named:
        if name not in known:
            raise InputError(f"the input 'stages' names {_shown(name)}; it takes {_choice(known)}")
    return tuple(stage for stage in known if stage in named)


def _project(value: str) -> str:
    if not value.strip():
        return "."
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or _CONTROL.search(value):
        raise _refused(
            "project", value, "a folder of the repository, such as services/forecast, without '..'"
        )
    return path.as_posix()


def _refused(name: str, value: str, takes: str) -> InputError:
    return InputError(f"the input '{name}' is {_shown(value)}; it takes {takes}")


def _shown(value: str) -> str:
    return f"'{visible(shorten(value, _SHOWN))}'"


def _choice(allowed: Sequence[str]) -> str:
    *most, last = allowed
    return f"{', '.join(most)} or {last}" if most else last
