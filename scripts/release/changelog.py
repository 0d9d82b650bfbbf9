"""The sections of CHANGELOG.md, in the format of Keep a Changelog (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

FILE = "CHANGELOG.md"
UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_RELEASE = re.compile(r"(?P<version>\d+\.\d+\.\d+) - (?P<day>\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its heading as it stands, the version and day in it (empty if it has none), its text."""

    title: str
    version: str
    day: str
    text: str


def sections(text: str) -> list[Section]:
    """The sections, newest first as they stand."""
    headings = list(_HEADING.finditer(text))
    found = []
    for heading, following in zip_longest(headings, headings[1:]):
        end = following.start() if following else len(text)
        title = heading["title"].strip()
        release = _RELEASE.fullmatch(title)
        version, day = (release["version"], release["day"]) if release else ("", "")
        found.append(Section(title, version, day, text[heading.end() : end].strip()))
    return found


def section(text: str, version: str) -> Section | None:
    """The section of a version, or None."""
    return next((each for each in sections(text) if each.version == version), None)


def changelog_complaints(text: str, version: str, *, released: bool) -> list[str]:
    """What keeps the changelog from being that of `version`, one sentence each.

    With `released` its newest section must be that of the version; else changes may wait under Unreleased.
    """
    found = sections(text)
    complaints = [
        f"{FILE}: write the heading '## {each.title}' as '## 1.2.3 - YYYY-MM-DD', or '## {UNRELEASED}'"
        for each in found
        if each.title != UNRELEASED and not (each.version and _is_day(each.day))
    ]
    waiting = [each for each in found if each.title == UNRELEASED]
    if not released:
        known = waiting or section(text, version)
        return complaints if known else [*complaints, f"{FILE}: there is no section '## {UNRELEASED}'"]
    if any(each.text for each in waiting):
        complaints.append(
            f"{FILE}: changes still stand under '{UNRELEASED}'; move them to '## {version} - DAY'"
        )
    newest = next((each for each in found if each.title != UNRELEASED), None)
    if newest is None or newest.version != version:
        complaints.append(f"{FILE}: its newest section must be '## {version} - YYYY-MM-DD'")
    elif not newest.text:
        complaints.append(f"{FILE}: the section of {version} says nothing")
    return complaints


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
