"""Rules as our contract wants them: a name, texts, help, a level, a severity in numbers, a few tags."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlsecops.sarif.build import Json, level_of
from mlsecops.sarif.json_types import object_of
from mlsecops.sarif.text import clean, first_sentence, scrub

LEVELS = ("error", "warning", "note", "none")
# The middle of GitHub's bands high (7.0-8.9), medium (4.0-6.9) and low (0.1-3.9), when only a level is given.
SEVERITY_OF_LEVEL: Mapping[str, float] = {"error": 8.0, "warning": 5.5, "note": 2.0, "none": 0.1}
MAX_SEVERITY = 10.0
NAME_LENGTH = 255
DESCRIPTION_LENGTH = 1_024
HELP_LENGTH = 20_000
MAX_TAGS = 10
_SEVERITY_OF_WORD: Mapping[str, float] = {"critical": 9.5, "high": 8.0, "medium": 5.5, "low": 2.0}
_PRECISIONS = ("very-high", "high", "medium", "low")
_CWE = re.compile(r"(?:external/cwe/)?cwe[-_ :]?0*(\d{1,5})(?!\d)", re.IGNORECASE)
_CONFIDENCE = re.compile(r"(high|medium|low) confidence", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_NAME_WORDS = 8
_HELP_URI = re.compile(r"https?://[!-~]+")


def normalise_rule(rule: Json, *, level: str, message: str) -> Json:
    """A `reportingDescriptor` with everything the contract asks for.

    What the tool did not say comes from `level` (the worst level of its results, or "warning") and from the
    `message` of one of them.
    """
    identifier = clean(rule["id"], NAME_LENGTH)
    given = object_of(rule, "properties")
    severity = parse_severity(given.get("security-severity"))
    stated = object_of(rule, "defaultConfiguration").get("level")
    default = stated if stated in LEVELS else level_of(severity) if severity is not None else level
    if severity is None:
        severity = SEVERITY_OF_LEVEL[default]
    tags, confidence = _tags(given.get("tags"))
    precision = confidence or given.get("precision")
    texts = _texts(rule, identifier, message)
    normal: Json = {
        "id": identifier,
        "name": _name(rule, identifier, texts["shortDescription"]["text"]),
        **texts,
        "defaultConfiguration": {"level": default},
        "properties": {
            **scrub(given),
            "precision": precision if precision in _PRECISIONS else "medium",
            "security-severity": f"{severity:.1f}",
            "tags": tags,
        },
    }
    uri = rule.get("helpUri")
    if isinstance(uri, str) and _HELP_URI.fullmatch(uri):
        normal["helpUri"] = uri
    return normal


def parse_severity(value: object) -> float | None:
    """A security-severity from what a tool wrote: a number, as text or not, or a word; else None.

    Only what lies in (0, 10] counts: GitHub takes 0.0 and what is out of range for no severity at all.
    """
    if isinstance(value, str) and value.strip().lower() in _SEVERITY_OF_WORD:
        return _SEVERITY_OF_WORD[value.strip().lower()]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return max(number, 0.1) if math.isfinite(number) and 0.0 < number <= MAX_SEVERITY else None


def severity_of(result: Json, rule: Json | None) -> float:
    """How grave a result is, 0.1 to 10.0: its own severity, else its rule's, else its level's."""
    own = parse_severity(object_of(object_of(result, "properties"), "mlsecops").get("severity"))
    if own is not None:
        return own
    ruled = (
        parse_severity(object_of(rule, "properties").get("security-severity")) if rule is not None else None
    )
    if ruled is not None:
        return ruled
    return SEVERITY_OF_LEVEL.get(str(result.get("level", "warning")), SEVERITY_OF_LEVEL["warning"])


def worst_level(levels: Iterable[str]) -> str:
    """The gravest of some levels; "warning", SARIF's default, for none."""
    return min(levels, key=LEVELS.index, default="warning")


def _name(rule: Json, identifier: str, summary: str) -> str:
    """A name that is not the id again, as SARIF wants it: given, else made of the id, else of the summary."""
    given = clean(rule.get("name"), NAME_LENGTH)
    made = (_pascal(text) for text in (identifier, summary))
    return next((name for name in (given, *made) if name and name != identifier), identifier)


def _pascal(text: str) -> str:
    words = _WORD.findall(text)[:_NAME_WORDS]
    return "".join(word[0].upper() + word[1:] for word in words)


def _texts(rule: Json, identifier: str, message: str) -> Json:
    """Short and full description and help; each says what the next best text says when the tool gave none."""
    full = clean(object_of(rule, "fullDescription").get("text"), DESCRIPTION_LENGTH)
    short = clean(object_of(rule, "shortDescription").get("text"), DESCRIPTION_LENGTH)
    if short.endswith(identifier):  # some tools only say the id again
        short = ""
    given = object_of(rule, "help")
    text = clean(given.get("text"), HELP_LENGTH)
    markdown = clean(given.get("markdown"), HELP_LENGTH) or text
    name = clean(rule.get("name"), NAME_LENGTH)
    short = (
        short or first_sentence(full) or first_sentence(text) or first_sentence(message) or name or identifier
    )
    text = text or markdown or full or message or short
    return {
        "shortDescription": {"text": clean(short, DESCRIPTION_LENGTH)},
        "fullDescription": {"text": full or clean(text, DESCRIPTION_LENGTH)},
        "help": {"text": text, "markdown": markdown or text},
    }


def _tags(given: Any) -> tuple[list[str], str]:
    """At most ten tags, `security` first, then CWEs as GitHub wants them; and a stated confidence."""
    texts = [clean(tag, NAME_LENGTH) for tag in given] if isinstance(given, list) else []
    weaknesses: list[str] = []
    others: list[str] = []
    confidence = ""
    for tag in texts:
        if weakness := _CWE.match(tag):
            weaknesses.append(f"external/cwe/cwe-{weakness[1]}")
        elif stated := _CONFIDENCE.fullmatch(tag):
            confidence = stated[1].lower()
        elif tag:
            others.append(tag)
    ours = [tag for tag in others if tag.startswith(("owasp-ml/", "mitre-atlas/"))]
    return list(dict.fromkeys(["security", *weaknesses, *ours, *others]))[:MAX_TAGS], confidence
