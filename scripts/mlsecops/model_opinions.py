"""What other scanners say of model files, beside what our own readers found in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mlsecops.job import printable
from mlsecops.model_files import import_identity
from mlsecops.sarif.build import Json
from mlsecops.sarif.text import scrub
from mlsecops.scan import with_results

HARMLESS = "harmless"


def harmless_imports(uri: str, names: Iterable[str]) -> list[list[str]]:
    """What our readers hand on of a file that they read whole: the identities of what is harmless in it."""
    return [list(import_identity(uri, printable(name)[:200])) for name in names]


def weigh(runs: list[Json], own: str) -> list[Json]:
    """Second opinions on what our readers know to be harmless become notes; all others stay findings.

    A list of bad names knows no good use of `getattr`; our readers saw how it is used. What they did not see,
    or not to its end, is not theirs to judge.
    """
    ours = next((run for run in runs if run["tool"]["driver"]["name"] == own), None)
    if ours is None:
        return runs
    known = {tuple(each) for each in scrub(ours["properties"]["mlsecops"].pop(HARMLESS, []))}
    return [run if run is ours else _weighed(run, known, own) for run in runs]


def _weighed(run: Json, known: set[tuple[str, ...]], own: str) -> Json:
    name = run["tool"]["driver"]["name"]
    stay: list[Json] = []
    overruled: defaultdict[str, list[str]] = defaultdict(list)
    for result in run["results"]:
        identity = tuple(result.get("properties", {}).get("mlsecops", {}).get("identity", ()))
        if identity in known:
            overruled[identity[2]].append(identity[1])
        else:
            stay.append(result)
    notes = [
        f"{name} calls `{what}` in {_few(uris)} dangerous; {own} read how it is used and found no harm"
        for what, uris in sorted(overruled.items())
    ]
    return with_results(run, stay, notes) if notes else run


def _few(uris: list[str]) -> str:
    more = f" and {len(set(uris)) - 1} more" if len(set(uris)) > 1 else ""
    return f"{min(uris)}{more}"
