"""pip-audit: known vulnerabilities of every package, asked from live data or a dated snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsecops.advisories.groups import Advisory, describe
from mlsecops.advisories.record import AdvisoryError, Record
from mlsecops.advisories.results import result, rule
from mlsecops.advisories.server import AdvisoryServer, package_key
from mlsecops.advisories.source import CACHED_NAME, Source, choose_source
from mlsecops.dependencies import Unaudited
from mlsecops.dependencies.model import OTHER_INDEX
from mlsecops.job import Job, Parsed, Problem, ToolError
from mlsecops.resolution import Resolution, Resolver
from mlsecops.sarif.build import Json, Location, Result, Rule

_CANARY = ("pyyaml", "5.3")
# CVE-2020-1747: every OSV database that deserves the name has it.
_CANARY_RULE = "CVE-2020-1747"
UNAUDITED = Rule(
    id="dependency-not-auditable",
    name="DependencyNotAuditable",
    summary="No advisory database can know this dependency.",
    help="It comes from a repository, an address or a local file. It has no version of a package index, so "
    "nobody can say whether it has known vulnerabilities, and what it points at can change.",
    fix="Take a released version from the index, or accept it with a waiver that has a reason and an end.",
    severity=7.0,
    tags=("external/cwe/cwe-1357", "owasp-ml/ML06"),
)

FOREIGN_INDEX = Rule(
    id="dependency-index",
    name="DependencyIndex",
    summary="The packages come from an index that the project names itself.",
    help="Whoever runs that index decides what is installed under the names of well-known packages, and an "
    "additional index wins with any higher version number (dependency confusion). Advisories are about the "
    "packages of the public index.",
    fix="Pin every package with its hashes (`uv pip compile --generate-hashes`), then it does not matter "
    "where one comes from; or configure the index where the project is installed, or waive it.",
    severity=7.0,
    tags=("external/cwe/cwe-427", "owasp-ml/ML06"),
)


@dataclass(frozen=True)
class PipAudit:
    """Runs pip-audit over pinned versions only, so that no code of a package can run."""

    resolver: Resolver
    snapshot: Path | None = None
    osv_url: str | None = None
    name: str = "pip-audit"
    environment: str | None = "pip-audit"
    information_uri: str = "https://github.com/pypa/pip-audit"
    canary_rules: frozenset[str] = frozenset({_CANARY_RULE})
    weight: float = 1.5
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Resolve, choose the data, audit every distinct version and the canary."""
        resolution = self.resolver.resolve(job)
        pairs = {(package.name, package.version) for package in resolution.packages} | {_CANARY}
        try:
            source = self._source(job).prepared(sorted(pairs))
        except AdvisoryError as error:
            raise ToolError(f"the vulnerability data cannot be used: {error}") from error
        try:
            with source.serve() as server:
                reports = [self._audit(job, server, layer) for layer in layers(pairs)]
        except ToolError as error:
            age = f"its data ({source.name}) is of {source.date}, {source.age.days} days old"
            raise ToolError(f"{error}; {age}", {"data": _data(source)}) from error
        parsed = parse(reports, server, source, resolution, job.targets)
        stale = source.age > job.policy.max_data_age
        if stale:
            days = f"{source.age.days} days old, the policy allows {job.policy.max_data_age.days}"
            sentence = f"its data ({source.name}) is of {source.date} and {days}"
            parsed.problems.append(Problem("vulnerability data", sentence, kind="stale"))
        return parsed

    def _source(self, job: Job) -> Source:
        return choose_source(
            today=job.context.now().date(),
            advisories=self.snapshot,
            cached=job.context.toolbox.cache / CACHED_NAME,
            osv_url=self.osv_url,
            environ=os.environ,
        )

    def _audit(self, job: Job, server: AdvisoryServer, pins: Sequence[tuple[str, str]]) -> Any:
        listed = job.work / f"pins-{len(list(job.work.glob('pins-*')))}.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        output = listed.with_suffix(".json")
        return job.execute_json(
            ["pip-audit", "-r", str(listed), "--no-deps", "--disable-pip", "--progress-spinner=off"]
            + ["-s", "osv", "--osv-url", server.query_url, "-f", "json", "-o", str(output)],
            exit_codes=(0, 1),
            output=output,
            env=server.environment,
        )


def _data(source: Source) -> Json:
    return {"source": source.name, "date": source.date.isoformat()}


def layers(pairs: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Distinct (name, version) pairs -> lists in which no name comes twice, as pip-audit wants them."""
    result: list[dict[str, str]] = []
    for name, version in sorted(pairs):
        layer = next((each for each in result if name not in each), None)
        if layer is None:
            result.append({name: version})
        else:
            layer[name] = version
    return [sorted(layer.items()) for layer in result]


def parse(
    reports: Iterable[Any],
    server: AdvisoryServer,
    source: Source,
    resolution: Resolution,
    manifests: Sequence[str],
) -> Parsed:
    """pip-audit's reports -> findings on the manifests' lines.

    A version counts as looked at when pip-audit lists it without a reason to skip it, and the server saw its
    question and gave a whole answer. Manifests that name no package are what was looked at themselves.
    """
    reported = {
        package_key(entry["name"], entry["version"]): [
            frozenset((vuln["id"], *vuln["aliases"])) for vuln in entry["vulns"]
        ]
        for report in reports
        for entry in report["dependencies"]
        if "skip_reason" not in entry
    }
    audited = server.answered & reported.keys()
    problems = [*resolution.problems]
    problems += [Problem(f"{name} {version}", reason) for (name, version), reason in server.failed.items()]
    advisories: dict[tuple[str, str], tuple[Advisory, ...]] = {}
    for key in audited:
        records = source.backend.query(*key)
        problems += [Problem(" ".join(key), sentence) for sentence in contradictions(reported[key], records)]
        advisories[key] = describe(records, package=key[0], version=key[1], exploited=source.exploited)
    rules: dict[str, Json] = {}
    results: list[Json] = []
    for package in resolution.packages:
        for advisory in advisories.get(package_key(package.name, package.version), ()):
            rules.setdefault(advisory.id, rule(advisory).to_sarif())
            place = Location(uri=package.uri, start_line=package.line)
            via = f"It comes with {package.via}." if package.via else ""
            results.append(result(advisory, package.name, package.version, place, via))
    for uri, each in resolution.unaudited:
        named = FOREIGN_INDEX if each.reason == OTHER_INDEX else UNAUDITED
        rules.setdefault(named.id, named.to_sarif())
        results.append(_unaudited(uri, each, named))
    nothing_named = frozenset() if resolution.packages else frozenset(manifests)
    return Parsed(
        looked_at=frozenset(
            each.unit for each in resolution.packages if package_key(each.name, each.version) in audited
        )
        or nothing_named,
        due=frozenset(package.unit for package in resolution.packages) or nothing_named,
        rules=list(rules.values()),
        results=results,
        canary=_canary(advisories),
        problems=problems,
        notes=[*source.notes, *resolution.notes],
        properties={"data": _data(source)},
    )


def contradictions(reported: Iterable[AbstractSet[str]], records: Iterable[Record]) -> list[str]:
    """Sentences on what pip-audit reports of a package and the data does not say, and the reverse.

    Each report is all names of one vulnerability: pip-audit calls it by any of them, and joins records that
    share one.
    """
    told, known = [frozenset(names) for names in reported], list(records)
    sentences = [
        f"pip-audit reports {min(names)}, of which the data says nothing"
        for names in told
        if not any(names & record.ids for record in known)
    ]
    sentences += [
        f"pip-audit does not report {record.id}, though the data says that it has it"
        for record in known
        if not any(record.ids & names for names in told)
    ]
    return sentences


def _canary(advisories: Mapping[tuple[str, str], Sequence[Advisory]]) -> frozenset[str]:
    found = advisories.get(package_key(*_CANARY), ())
    return frozenset(name for advisory in found for name in advisory.ids if name == _CANARY_RULE)


def _unaudited(uri: str, each: Unaudited, named: Rule) -> Json:
    return Result(
        rule_id=named.id,
        message=f"{each.what} cannot be audited: {each.reason}.",
        location=Location(uri=uri, start_line=each.line),
        identity=("unaudited", each.what),
    ).to_sarif()
