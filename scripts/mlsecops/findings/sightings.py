"""Every result of a SARIF log as a sighting of some weakness by one tool."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlsecops.findings.fields import (
    count,
    driver_of,
    failures_of,
    mapping,
    mappings,
    own_properties,
    score_of,
    stage_of,
    suppression_of,
    text_of,
    texts,
)
from mlsecops.findings.model import Place
from mlsecops.sarif.build import Json, decode_uri

_UNKNOWN_SCORE = 7.0  # a severity that nobody gave counts as high
_ADVISORY = re.compile(r"(?:CVE|GHSA|PYSEC|OSV|MAL)-[\w-]+", re.IGNORECASE)
_CWE_TAG = re.compile(r"external/cwe/cwe-0*([0-9]+)", re.IGNORECASE)
_NAME_RUN = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What a rule says to people; `score` is its security-severity."""

    id: str
    title: str
    score: float | None = None
    help: str = ""
    help_uri: str = ""
    fix: str = ""
    tags: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One result of one tool.

    `context` hashes the text around its line, whatever the file is called; `content` is the SHA-256 of the
    file, where its tool says it. `advisories` are all names of the
    vulnerability, as they are spelt. `identified` says that its fingerprint comes from an explicit identity.
    """

    stage: str
    tool: str
    rule: RuleText
    fingerprint: str
    context: str
    content: str
    score: float
    message: str
    place: Place
    end_line: int | None
    cell: str | None
    own: Json
    package: str | None
    advisories: tuple[str, ...]
    identified: bool
    suppressed: str | None


def read_sightings(log: Json) -> list[Sighting]:
    """Every result of a merged log that says something is wrong now."""
    return [sighting for run in mappings(log.get("runs")) for sighting in _sightings(run)]


def package_name(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return _NAME_RUN.sub("-", name).lower()


def _sightings(run: Json) -> Iterator[Sighting]:
    stage, tool = stage_of(run), text_of(driver_of(run).get("name")) or "unnamed tool"
    rules = [rule_text(each) for each in mappings(driver_of(run).get("rules"))]
    by_id = {rule.id: rule for rule in rules}
    contents = _contents(run)
    for result in failures_of(run):
        yield _sighting(result, stage, tool, _rule_of(result, rules, by_id), contents)


def _contents(run: Json) -> dict[str, str]:
    """The SHA-256 of the files that a run says it looked at, by their paths."""
    return {
        decode_uri(text_of(mapping(each.get("location")).get("uri"))): text_of(
            mapping(each.get("hashes")).get("sha-256")
        )
        for each in mappings(run.get("artifacts"))
    }


def _rule_of(result: Json, rules: list[RuleText], by_id: Mapping[str, RuleText]) -> RuleText:
    name = text_of(result.get("ruleId")) or text_of(mapping(result.get("rule")).get("id"))
    index = result.get("ruleIndex")
    if not name and isinstance(index, int) and 0 <= index < len(rules):
        return rules[index]
    return by_id.get(name) or RuleText(id=name or "unnamed rule", title=name or "unnamed rule")


def _sighting(result: Json, stage: str, tool: str, rule: RuleText, contents: Mapping[str, str]) -> Sighting:
    own = own_properties(result)
    location = next(mappings(result.get("locations")), {})
    physical = mapping(location.get("physicalLocation"))
    region = mapping(physical.get("region"))
    logical = next(mappings(location.get("logicalLocations")), {})
    place = Place(
        decode_uri(text_of(mapping(physical.get("artifactLocation")).get("uri"))),
        0 if own.get("whole-file") is True else max(count(region.get("startLine")), 1),
    )
    message = text_of(mapping(result.get("message")).get("text")) or rule.title
    prints = mapping(result.get("partialFingerprints"))
    package = text_of(own.get("package"))
    score = score_of(own.get("severity"))
    return Sighting(
        stage=stage,
        tool=tool,
        rule=rule,
        fingerprint=text_of(prints.get("mlsecops/v1")) or _makeshift(rule.id, place, message),
        context=text_of(prints.get("primaryLocationLineHash")).partition(":")[0],
        content=contents.get(place.uri, ""),
        score=score if score is not None else rule.score if rule.score is not None else _UNKNOWN_SCORE,
        message=message,
        place=place,
        end_line=count(region.get("endLine")) or None,
        cell=text_of(logical.get("fullyQualifiedName")) or None,
        own=own,
        package=package_name(package) if package else None,
        advisories=_advisories(own, rule.id) if package else (),
        identified=bool(own.get("identity")),
        suppressed=suppression_of(result),
    )


def is_advisory(name: str) -> bool:
    """Whether a rule is named after a published advisory."""
    return bool(_ADVISORY.fullmatch(name))


def _advisories(own: Json, rule_id: str) -> tuple[str, ...]:
    """Every name of the vulnerability: aliases, identity, and the rule when that is named after it."""
    identity = texts(own.get("identity"))
    names = list(texts(own.get("aliases")))
    if len(identity) > 1 and identity[0] == "advisory":
        names.append(identity[1])
    if is_advisory(rule_id):
        names.append(rule_id)
    return tuple(sorted(set(names)))


def rule_text(descriptor: Json) -> RuleText:
    """What a SARIF `reportingDescriptor` says to people."""
    properties = mapping(descriptor.get("properties"))
    help_text = mapping(descriptor.get("help"))
    tags = texts(properties.get("tags"))
    rule_id = text_of(descriptor.get("id")) or "unnamed rule"
    return RuleText(
        id=rule_id,
        title=text_of(mapping(descriptor.get("shortDescription")).get("text"))
        or text_of(descriptor.get("name"))
        or rule_id,
        score=score_of(properties.get("security-severity")),
        help=text_of(help_text.get("markdown")) or text_of(help_text.get("text")),
        help_uri=text_of(descriptor.get("helpUri")),
        fix=text_of(own_properties(descriptor).get("fix")),
        tags=tags,
        cwes=tuple(dict.fromkeys(f"CWE-{match[1]}" for tag in tags if (match := _CWE_TAG.fullmatch(tag)))),
    )


def _makeshift(rule_id: str, place: Place, message: str) -> str:
    """A fingerprint for a result that came without one."""
    text = f"{rule_id}\0{place.uri}\0{message}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
