"""What the jobs of the stages left behind: GitHub's `needs` context as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from mlsecops.policy import STAGES

Ending = Literal["success", "failure", "cancelled", "skipped"]

_ENDINGS: tuple[Ending, ...] = get_args(Ending)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_MOST_CHARACTERS = 1_000_000


class NeedsError(Exception):
    """The text is not GitHub's `needs` context; one sentence."""


@dataclass(frozen=True, slots=True)
class Need:
    """How the job of a stage ended, and the result that it left: its SHA-256 and its artifact's id.

    A job may run the code of a pull request, so what it says of itself counts only where it has the right
    form; the rest is None.
    """

    result: Ending
    sha256: str | None = None
    artifact_id: int | None = None


def read(text: str) -> dict[str, Need]:
    """The jobs that are named like a stage, from the JSON of `${{ toJSON(needs) }}`; others are ignored.

    Raises NeedsError when the text is not such JSON.
    """
    if len(text) > _MOST_CHARACTERS:
        raise NeedsError(f"the input 'needs' has more than {_MOST_CHARACTERS:,} characters")
    try:
        jobs = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _fault(f"it is no JSON: {error}") from None
    if not isinstance(jobs, dict):
        raise _fault("it is not an object")
    return {name: _need(name, job) for name, job in jobs.items() if name in STAGES}


def artifact_ids(needs: Mapping[str, Need]) -> list[int]:
    """The artifacts that the stages left, each once, in the order of their numbers."""
    return sorted({need.artifact_id for need in needs.values() if need.artifact_id is not None})


def _need(name: str, job: Any) -> Need:
    if not isinstance(job, dict):
        raise _fault(f"the job {name!r} is not an object")
    ending = next((each for each in _ENDINGS if each == job.get("result")), None)
    if ending is None:
        raise _fault(f"the job {name!r} has no result")
    outputs = job.get("outputs")
    given = outputs if isinstance(outputs, dict) else {}
    sha256 = _matching(_SHA256, given.get("sha256"))
    number = _matching(_NUMBER, given.get("artifact-id"))
    return Need(ending, sha256, int(number) if number else None)


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _fault(what: str) -> NeedsError:
    return NeedsError(f"the input 'needs' must be ${{{{ toJSON(needs) }}}}, but {what}")
