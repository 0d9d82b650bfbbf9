"""What other scanners say of model files, weighed against what our own readers found in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mlsecops.job import printable
from mlsecops.model_scanning.files import IMPORT, few, import_identity
from mlsecops.model_scanning.findings import Findings
from mlsecops.models.outcome import DANGEROUS, DOUBTFUL
from mlsecops.sarif.build import Json, decode_uri
from mlsecops.sarif.fingerprint import OWN
from mlsecops.sarif.text import scrub
from mlsecops.settling import with_results

VIEW = "view"
Identity = tuple[str, ...]


def view_of(found: Mapping[str, Findings], whole: Collection[str]) -> Json:
    """What our readers hand on of what they found, by file; `whole` are those that they read to their end."""
    imports: list[list[str]] = []
    harmless: list[str] = []
    dangerous: list[list[str]] = []
    for uri, each in found.items():
        graded = [result for result in each.results if _severity(result)]
        gravest = max(graded, key=_severity, default=None)
        worst = _severity(gravest) if gravest else 0.0
        if gravest and worst >= DANGEROUS:
            dangerous.append([uri, *_identity(gravest)])
        if uri in whole:
            imports += [list(import_identity(uri, printable(name)[:200])) for name in each.harmless]
            if worst < DOUBTFUL:
                harmless.append(uri)
    return {"imports": imports, "harmless": harmless, "dangerous": dangerous}


@dataclass(frozen=True, slots=True)
class _View:
    """What our readers know of the files that they read; `gravest` are findings in dangerous ones."""

    name: str
    found: frozenset[Identity]
    imports: frozenset[Identity]
    harmless: frozenset[str]
    gravest: Mapping[str, Json]

    @classmethod
    def of(cls, run: Json) -> _View:
        given = scrub(run["properties"]["mlsecops"].pop(VIEW, {}))
        results = {_identity(result): result for result in run["results"]}
        dangerous = {uri: tuple(identity) for uri, *identity in given.get("dangerous", ())}
        return cls(
            name=run["tool"]["driver"]["name"],
            found=frozenset(results),
            imports=frozenset(map(tuple, given.get("imports", ()))),
            harmless=frozenset(given.get("harmless", ())),
            gravest={uri: results[each] for uri, each in dangerous.items() if each in results},
        )


def weigh(runs: list[Json], own: str, others: Collection[str]) -> list[Json]:
    """Second opinions on what our readers know to be harmless become notes; all others stay findings.

    A list of bad names knows no good use of `getattr`; our readers saw how it is used. What they did not see,
    or not to its end, is not theirs to judge. An opinion that names nothing of its own on a file that is
    dangerous to us as well joins our gravest finding of it. Whoever finds nothing in such a file is named.
    """
    ours = next((run for run in runs if run["tool"]["driver"]["name"] == own), None)
    if ours is None:
        return runs
    view = _View.of(ours)
    return [_weighed(run, view) if run["tool"]["driver"]["name"] in others else run for run in runs]


def _weighed(run: Json, view: _View) -> Json:
    name = run["tool"]["driver"]["name"]
    stay: list[Json] = []
    overruled: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for result in run["results"]:
        identity, uri = _identity(result), _uri(_place(result))
        named, unnamed = identity in view.imports, identity[:1] != (IMPORT,)
        if identity in view.found or not (named or unnamed):
            stay.append(result)
        elif uri in view.gravest:
            stay.append(_joined(result, view.gravest[uri]))
        elif named:
            overruled[f"calls `{identity[2]}` in", " dangerous; {} read how it is used and"].append(uri)
        elif unnamed and uri in view.harmless:
            overruled[f"finds {identity[-1]} in", "; {} read all of it and"].append(uri)
        else:
            stay.append(result)
    read = {_uri(each["location"]) for each in run["artifacts"]}
    silent = (read & view.gravest.keys()) - {_uri(_place(result)) for result in run["results"]}
    notes = [
        f"{name} {before} {few(uris)}{after.format(view.name)} found no harm"
        for (before, after), uris in sorted(overruled.items())
    ]
    if silent:
        notes.append(f"{name} finds nothing in {few(silent)}, which {view.name} calls dangerous")
    return with_results(run, stay, notes)


def _joined(result: Json, gravest: Json) -> Json:
    """An opinion as another sighting of our finding, and no graver than that."""
    own = {**result["properties"]["mlsecops"], "severity": _severity(gravest)}
    prints = {**result["partialFingerprints"], OWN: gravest["partialFingerprints"][OWN]}
    return {
        **result,
        "level": gravest["level"],
        "partialFingerprints": prints,
        "properties": {**result["properties"], "mlsecops": own},
    }


def _identity(result: Json) -> Identity:
    return tuple(result.get("properties", {}).get("mlsecops", {}).get("identity", ()))


def _severity(result: Json) -> float:
    """Its own severity; 0 where it has none, as what only the policy does not want."""
    return float(result.get("properties", {}).get("mlsecops", {}).get("severity", 0.0))


def _place(result: Json) -> Json:
    location: Json = result["locations"][0]["physicalLocation"]["artifactLocation"]
    return location


def _uri(location: Json) -> str:
    """A path as it stands in a view."""
    return str(scrub(decode_uri(location["uri"])))
