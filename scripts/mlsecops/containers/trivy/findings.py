"""What Trivy says of an image -> findings on the Dockerfile's lines. Pure but for the image's own files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from mlsecops.advisories import results as advisories
from mlsecops.advisories.groups import Advisory
from mlsecops.advisories.severity import Severity
from mlsecops.advisories.versions import parse_version
from mlsecops.containers import image_rules as rules
from mlsecops.containers import told, updates
from mlsecops.containers.check_contents import Known, is_of_packages
from mlsecops.containers.image import Image
from mlsecops.containers.security_index.versions import Version
from mlsecops.containers.trivy.configuration import secrets_of_configuration
from mlsecops.containers.trivy.report import Flaw, Package, Report
from mlsecops.dockerfiles.found import Found
from mlsecops.findings import band
from mlsecops.findings.sightings import package_name
from mlsecops.job import printable
from mlsecops.sarif.build import Json, Location

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Findings:
    """Rules and results, and what people should know beside them."""

    rules: dict[str, Json]
    results: list[Json]
    notes: list[str]


def find(image: Image, report: Report, known: Known) -> Findings:
    """Everything that is told of an image; `known` content is left to those who read the repository."""
    found = Findings({each.id: each.to_sarif() for each in _RULES}, [], [])
    system = [flaw for flaw in report.flaws if flaw.package.system]
    found.results.extend(_pending(image, system))
    for flaw in (flaw for flaw in report.flaws if not flaw.package.system):
        advisory = _advisory(flaw)
        found.rules.setdefault(advisory.id, advisories.rule(advisory).to_sarif())
        found.results.append(_library(image, flaw, advisory))
    found.results.extend(_secrets(image, report, known))
    found.results.extend(
        told.result(each, image.uri) for each in secrets_of_configuration(image, report.secrets)
    )
    if report.ended:
        found.results.append(_ended(image, report.system))
    found.notes.extend(_notes(image, report, system))
    return found


def _pending(image: Image, flaws: Sequence[Flaw]) -> Iterator[Json]:
    """What a distribution has fixed, one finding for each source package and line."""
    behind: dict[tuple[str, int], list[Flaw]] = defaultdict(list)
    for flaw in flaws:
        if flaw.fixed:
            behind[flaw.package.source, _line(image, flaw.package)].append(flaw)
    for (source, line), every in sorted(behind.items()):
        first = min(every, key=lambda each: each.package.name).package
        update = updates.Update(
            source=source,
            names=sorted({flaw.package.name for flaw in every}),
            installed=first.version,
            fixed=_newest({fix for flaw in every for fix in flaw.fixed}),
            line=line,
            fixes=sorted({flaw.id for flaw in every}),
            severity=max((flaw.severity for flaw in every), key=_worse),
        )
        yield updates.result(update, image.uri)


def _worse(severity: Severity) -> tuple[bool, float]:
    return severity.basis != "unknown", severity.score


def _newest(versions: set[str]) -> str:
    try:
        return max(versions, key=Version)
    except ValueError:  # of a distribution that counts in another way
        return max(versions)


def _advisory(flaw: Flaw) -> Advisory:
    name = package_name(flaw.package.name) if flaw.package.kind == "python-pkg" else flaw.package.name
    records = [each for each in (*flaw.aliases, flaw.id) if each.startswith("GHSA-")]
    return Advisory(
        id=printable(flaw.id),
        package=printable(name),
        version=printable(flaw.package.version),
        aliases=tuple(map(printable, flaw.aliases)),
        records=(records[0] if records else printable(flaw.id),),
        severity=flaw.severity,
        summary=printable(flaw.title)[:_LONGEST],
        cwe=flaw.cwe,
        fixed=tuple(map(printable, _later(flaw.fixed, flaw.package.version))),
        published="",
        exploited="",
        malicious=flaw.id.startswith("MAL-"),
    )


def _later(fixes: Sequence[str], version: str) -> Sequence[str]:
    """The fixed versions after this one, the nearest first; all of them where they cannot be compared."""
    parsed = {each: parse_version(each) for each in fixes}
    known = {each: when for each, when in parsed.items() if when is not None}
    now = parse_version(version)
    if now is None or len(known) < len(parsed):
        return fixes
    return [each for each in sorted(known, key=lambda each: known[each]) if known[each] > now]


def _library(image: Image, flaw: Flaw, advisory: Advisory) -> Json:
    where = f"It is in the image at /{printable(flaw.package.path)}." if flaw.package.path else ""
    place = Location(uri=image.uri, start_line=_line(image, flaw.package))
    return advisories.result(advisory, advisory.package, advisory.version, place, where)


def _secrets(image: Image, report: Report, known: Known) -> Iterator[Json]:
    """Files with secrets that a container sees, and those that only a lower layer still has."""
    seen = set()
    for secret in (each for each in report.secrets if each.layer):
        entry = image.files.entries.get(secret.path)
        layer = _layer(image, secret.layer)
        if entry is not None and entry.layer == layer and entry.content is not None:
            rule = rules.SECRET_FILE
            digest = sha256(entry.read(entry.size)).hexdigest()
            if known(entry.size, digest):
                continue
        else:
            rule = rules.DELETED_SECRET
        if is_of_packages(secret.path) or (rule.id, secret.path) in seen:
            continue
        seen.add((rule.id, secret.path))
        path = printable(secret.path)
        gone = "; it is deleted later, and its layer is still in the image"
        text = f"/{path} holds a secret ({printable(secret.kind)})"
        message = f"{text}{gone if rule is rules.DELETED_SECRET else ''}."
        yield told.result(Found(rule, message, image.origins.line(layer), about=(path,)), image.uri)


def _ended(image: Image, system: str) -> Json:
    message = f"The image's distribution, {printable(system)}, gets no security updates any more."
    return told.result(Found(rules.ENDED_SYSTEM, message, image.origins.base_line, about=()), image.uri)


def _notes(image: Image, report: Report, system: Sequence[Flaw]) -> Iterator[str]:
    without = [flaw for flaw in system if not flaw.fixed]
    if without:
        packages = len({flaw.package.source for flaw in without})
        worst = max(without, key=lambda flaw: _worse(flaw.severity))
        yield (
            f"{image.uri}: vulnerabilities that the distribution has not fixed yet are not listed: "
            f"{len({flaw.id for flaw in without})} in {packages} of its packages, the worst "
            f"{band(worst.severity.score)} ({worst.id} in {worst.package.source})"
        )
    hidden = len({each.path for each in report.secrets if is_of_packages(each.path)})
    if hidden:
        yield f"{image.uri}: what looks like secrets in {hidden} files of installed packages is not listed"


def _line(image: Image, package: Package) -> int:
    return image.origins.line(_layer(image, package.layer)) if package.layer else image.origins.base_line


def _layer(image: Image, digest: str) -> int:
    return image.digests.index(digest)


_RULES = (
    *(updates.PENDING, rules.SECRET_FILE, rules.DELETED_SECRET, rules.ENDED_SYSTEM),
    *(rules.SECRET_ENVIRONMENT, rules.SECRET_HISTORY),
)
