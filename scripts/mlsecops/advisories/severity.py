"""How bad an advisory is, as a number between 0.1 and 10.0 on CVSS's scale."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mlsecops.advisories.record import Record, vector_type

Basis = Literal["malicious", "cvss", "word", "unknown"]

MALICIOUS = 10.0
# Nobody rated it: high until somebody does, never low.
UNKNOWN = 7.5
# The middles of the bands in section 5 of the CVSS v3.1 specification: low 0.1-3.9, medium 4.0-6.9,
# high 7.0-8.9, critical 9.0-10.0. GitHub's advisories say "moderate" for medium.
WORD_SCORES = {"LOW": 2.0, "MODERATE": 5.5, "MEDIUM": 5.5, "HIGH": 8.0, "CRITICAL": 9.5}
# GitHub takes security-severity "over 9.0" for critical.
EXPLOITED = 9.1

_LOWEST = 0.1
_CALCULATORS = {"CVSS_V2": "CVSS2", "CVSS_V3": "CVSS3", "CVSS_V4": "CVSS4"}


@dataclass(frozen=True, slots=True)
class Severity:
    """`score` 0.1 to 10.0 and what it stands on; `vector` is the CVSS vector that gave it, or ""."""

    score: float
    basis: Basis
    vector: str = ""


@lru_cache(maxsize=1 << 14)
def base_score(vector: str) -> float | None:
    """Base score of a CVSS v2, v3.x or v4.0 vector; None when it is no such vector."""
    # The library carries no type information; only this function touches it.
    cvss = importlib.import_module("cvss")
    calculator = _CALCULATORS.get(vector_type(vector))
    if calculator is None:
        return None
    try:
        return float(getattr(cvss, calculator)(vector).base_score)
    except cvss.CVSSError:
        return None


def rate(records: Iterable[Record], *, exploited: bool = False) -> Severity:
    """Severity of one vulnerability told by one or several records: the highest that any of them gives.

    A record of a malicious package is always 10.0; then CVSS counts, then the database's word; without either
    it is 7.5 on the basis "unknown". Known exploitation raises it to critical.
    """
    records = tuple(records)
    rated = _rate(records)
    if exploited and rated.score < EXPLOITED:
        return Severity(EXPLOITED, rated.basis, rated.vector)
    return rated


def is_malicious(record: Record) -> bool:
    """Whether the record says that the package itself is malware (OpenSSF's malicious-packages database)."""
    return any(identifier.startswith("MAL-") for identifier in record.ids)


def _rate(records: tuple[Record, ...]) -> Severity:
    if any(is_malicious(record) for record in records):
        return Severity(MALICIOUS, "malicious")
    vectors = {vector for record in records for vector in record.severity}
    scored = [(score, vector) for vector in vectors if (score := base_score(vector)) is not None]
    if scored:
        score, vector = max(scored)
        return Severity(max(score, _LOWEST), "cvss", vector)
    words = [WORD_SCORES[record.word] for record in records if record.word in WORD_SCORES]
    return Severity(max(words), "word") if words else Severity(UNKNOWN, "unknown")
