"""Puts what was learnt into the file that the judge reads: one text for each library.

A line is `module kind versions names...`; kinds are those of `mlsecops.models.pickle.allowed`, versions are
letters for the library's versions in their order, "-" for names entered by hand.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from model_imports.recorder import KINDS
from model_imports.rows import Listing

_HAND = "by hand"
# State of theirs is text that they run: the judge looks at it.
_GUARDED = ("scipy.stats.", "statsmodels.distributions.", "scipy.stats")
_LETTERS = "abcdefghij"
_LEFT_OUT = (
    "_test",
    ".tests",
    "estimator_checks",
    ".mocking",
    "conftest",
    "patsy.eval",
    "formulaic.utils.stateful",
)


def packed(listings: Iterable[Listing]) -> bytes:
    """The file's bytes; the same listings give the same bytes."""
    libraries: dict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        libraries[listing.library].append(listing)
    document = {
        "versions": {
            name: [each.version for each in found if each.version != _HAND]
            for name, found in libraries.items()
        },
        "libraries": {name: "\n".join(_lines(found)) for name, found in libraries.items()},
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return gzip.compress(text, 9, mtime=0)


def _lines(found: list[Listing]) -> Iterator[str]:
    kinds: dict[tuple[str, str], str] = {}
    versions: dict[tuple[str, str], str] = defaultdict(str)
    dangers: dict[tuple[str, str], str] = {}
    number = 0
    for listing in found:
        letter = "-"
        if listing.version != _HAND:
            letter = _LETTERS[number]
            number += 1
        good, bad = _sorted_out(listing)
        dangers |= bad
        for path, kind in good.items():
            kinds[path] = max(kind, kinds.get(path, KINDS[0]), key=KINDS.index)
            versions[path] += letter
    grouped: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for (module, name), kind in kinds.items():
        grouped[module, kind, versions[module, name]].append(name)
    for (module, name), sort in dangers.items():
        making = sort.startswith("making:")
        if (module, name) not in kinds or (making and kinds[module, name] != "call"):
            grouped[module, f"!{sort.removeprefix('making:')}", ""].append(name)
    for (module, kind, seen_in), names in sorted(grouped.items()):
        yield " ".join([module, kind, seen_in or "-", *sorted(names)])


def _sorted_out(listing: Listing) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Names that may be there with their kind, and names that reach something with what they reach."""
    good: dict[tuple[str, str], str] = {}
    bad: dict[tuple[str, str], str] = {}
    for module, name, kind, reach in listing.listed:
        if any(part in module for part in _LEFT_OUT) or "-" in module:
            continue
        guarded = kind != "name" and reach == "code" and module.startswith(_GUARDED)
        if reach and not guarded:
            bad[module, name] = reach
        if (not reach or guarded or reach.startswith("making:")) and _wanted(module, name, kind):
            good[module, name] = kind
    for module, name, kind, *_ in listing.seen:
        good[module, name] = max(kind, good.get((module, name), KINDS[0]), key=KINDS.index)
        if kind != "class":
            bad.pop((module, name), None)
    return good, bad


def _wanted(module: str, name: str, kind: str) -> bool:
    """Private functions are nobody's activation or metric; those that pickles have were seen in pickles."""
    del module
    return kind != "name" or not name.startswith("_")
