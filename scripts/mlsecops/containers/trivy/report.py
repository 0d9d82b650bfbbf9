"""Trivy's JSON report of an image -> packages, flaws and secrets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlsecops.advisories.groups import canonical_id
from mlsecops.advisories.severity import UNKNOWN, WORD_SCORES, Severity
from mlsecops.job import ToolError

_SCHEMA = 2
_BANDS = {"LOW": (0.1, 3.9), "MEDIUM": (4.0, 6.9), "HIGH": (7.0, 8.9), "CRITICAL": (9.0, 10.0)}
# Whose scores count where the one that gave the severity has none, the most specific first.
_SCORERS = ("ghsa", "nvd", "redhat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed package. `system` says that the distribution's package manager installed it.

    `kind` is Trivy's name of the ecosystem, `path` the file that tells of a library, `layer` the digest of
    the layer that brought it.
    """

    name: str
    version: str
    source: str
    system: bool
    kind: str
    path: str
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A vulnerability of a package; `fixed` are the versions without it, none where there is no fix yet."""

    id: str
    aliases: tuple[str, ...]
    package: Package
    fixed: tuple[str, ...]
    severity: Severity
    title: str
    cwe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a file of a layer, or without a layer in the image's configuration; never what it is.

    `before` is the text that stands before it in the configuration, as JSON; its beginning may be cut off.
    """

    path: str
    kind: str
    layer: str
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What Trivy says of one image. `layers` are the digests of those it looked at."""

    layers: tuple[str, ...]
    system: str
    ended: bool
    packages: tuple[Package, ...]
    flaws: tuple[Flaw, ...]
    secrets: tuple[Secret, ...]


def parse(document: Any) -> Report:
    """What `trivy image --format json` says with all packages. Raises ToolError for anything else."""
    if document.get("SchemaVersion") != _SCHEMA or document.get("ArtifactType") != "container_image":
        raise ToolError("its output cannot be read: it is no report of an image")
    about = document["Metadata"]
    system = about.get("OS") or {}
    packages: list[Package] = []
    flaws: list[Flaw] = []
    secrets: list[Secret] = []
    for result in document.get("Results") or ():
        own = list(_packages(result))
        known = {(each.name, each.version, each.path): each for each in own}
        packages += own
        flaws += (_flaw(each, known, result) for each in result.get("Vulnerabilities") or ())
        secrets += _secrets(result)
    return Report(
        layers=tuple(about.get("DiffIDs") or ()),
        system=" ".join(filter(None, (system.get("Family"), system.get("Name")))),
        ended=bool(system.get("EOSL")),
        packages=tuple(packages),
        flaws=tuple(flaws),
        secrets=tuple(secrets),
    )


def _packages(result: Mapping[str, Any]) -> Iterator[Package]:
    system = result["Class"] == "os-pkgs"
    for each in result.get("Packages") or ():
        yield Package(
            name=each["Name"],
            version=_version(each) if system else each.get("Version", ""),
            source=each.get("SrcName") or each["Name"],
            system=system,
            kind=result["Type"],
            path=each.get("FilePath") or "",
            layer=(each.get("Layer") or {}).get("DiffID", ""),
        )


def _version(package: Mapping[str, Any]) -> str:
    """A system package's version as its package manager writes it."""
    epoch = f"{package['Epoch']}:" if package.get("Epoch") else ""
    release = f"-{package['Release']}" if package.get("Release") else ""
    return f"{epoch}{package.get('Version', '')}{release}"


def _flaw(
    told: Mapping[str, Any], known: Mapping[tuple[str, str, str], Package], result: Mapping[str, Any]
) -> Flaw:
    name, version, path = told["PkgName"], told["InstalledVersion"], told.get("PkgPath") or ""
    package = known.get((name, version, path)) or Package(
        name=name,
        version=version,
        source=name,
        system=result["Class"] == "os-pkgs",
        kind=result["Type"],
        path=path,
        layer=(told.get("Layer") or {}).get("DiffID", ""),
    )
    ids = {told["VulnerabilityID"], *(told.get("VendorIDs") or ())}
    name = canonical_id(ids)
    return Flaw(
        id=name,
        aliases=tuple(sorted(ids - {name})),
        package=package,
        fixed=tuple(filter(None, (each.strip() for each in told.get("FixedVersion", "").split(",")))),
        severity=severity(told),
        title=told.get("Title") or "",
        cwe=tuple(told.get("CweIDs") or ()),
    )


def severity(told: Mapping[str, Any]) -> Severity:
    """The CVSS score of whoever gave the severity, else one that fits its word, else the word's own."""
    scores = {name: _score(each) for name, each in (told.get("CVSS") or {}).items()}
    word = str(told.get("Severity", "")).upper()
    source = told.get("SeveritySource", "")
    lowest, highest = _BANDS.get(word, (0.1, 10.0))
    for name in dict.fromkeys((source, *_SCORERS, *sorted(scores))):
        score = scores.get(name)
        if score and (name == source or lowest <= score <= highest):
            return Severity(score, "cvss")
    if word in WORD_SCORES:
        return Severity(WORD_SCORES[word], "word")
    return Severity(UNKNOWN, "unknown")


def _score(told: Mapping[str, Any]) -> float | None:
    given = [told.get(key) for key in ("V40Score", "V3Score", "V2Score")]
    return next((float(each) for each in given if each), None)


def _secrets(result: Mapping[str, Any]) -> Iterator[Secret]:
    for each in result.get("Secrets") or ():
        kind, layer = str(each.get("Title") or each["RuleID"]), (each.get("Layer") or {}).get("DiffID", "")
        if layer:
            yield Secret(str(result["Target"]).removeprefix("/"), kind, layer)
        else:
            yield Secret("", kind, "", str(each["Match"]).partition("*")[0].strip())
