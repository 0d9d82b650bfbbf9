"""What makes a finding the same one tomorrow: GitHub's line hash, and an identity of our own."""

from __future__ import annotations

import hashlib
import json
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from mlsecops.sarif.build import Json, decode_uri

GITHUB = "primaryLocationLineHash"
OWN = "mlsecops/v1"
_WINDOW = 100  # UTF-16 code units that count for one line
_MASK = (1 << 64) - 1
_POWERS = [pow(37, _WINDOW - 1 - place, 1 << 64) for place in range(_WINDOW)]
_UNITS = struct.Struct(f"<{_WINDOW}H")
_END = "\uffff" + "\0" * _WINDOW
_CWE = "external/cwe/"

ReadLines = Callable[[str], Sequence[str] | None]


def split_lines(text: str) -> list[str]:
    """Lines as GitHub counts them: CR, LF and CRLF alone end one, and after the last end another begins."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def line_hashes(text: str) -> list[str]:
    """GitHub's `primaryLocationLineHash` of every line, in order.

    The hash of a line is a polynomial in 37, modulo 2^64, over the 100 UTF-16 code units that follow its
    start, without spaces and tabs and past its end; a number behind it tells equal hashes of one file
    apart. Source: `fingerprints.ts` of github/codeql-action.
    """
    lines = [line.replace(" ", "").replace("\t", "") for line in split_lines(text)]
    encoded = [line.encode("utf-16-le", "surrogatepass") for line in lines]
    stream = b"\n\0".join(encoded) + _END.encode("utf-16-le")
    starts = accumulate((len(line) + 2 for line in encoded[:-1]), initial=0)
    seen: defaultdict[int, int] = defaultdict(int)
    hashes = []
    for start in starts:
        value = sum(map(mul, _UNITS.unpack_from(stream, start), _POWERS)) & _MASK
        seen[value] += 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


def finding_id(
    *,
    identity: Sequence[str] = (),
    weakness: str = "",
    uri: str = "",
    text: str = "",
    rank: Sequence[int] = (0, 0),
) -> str:
    """The `mlsecops/v1` fingerprint, 32 hexadecimal digits.

    An explicit identity decides alone. Else it is the weakness (a CWE, else the rule), the file and the
    text of the line without white space; `rank` tells findings apart of which all that is equal.
    """
    parts = ["identity", *identity] if identity else ["line", weakness, uri, "".join(text.split()), *rank]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def add_fingerprints(run: Json, read_lines: ReadLines) -> Json:
    """The run with both fingerprints on every result, in place of what was there.

    `read_lines` gives the lines of a file of the repository by its plain path, split as `split_lines` does,
    or None. A result in a file that has no lines gets a hash made from its identity.
    """
    weaknesses = _weaknesses(run)
    files: dict[str, Sequence[str] | None] = {}
    subjects = []
    for result in run.get("results") or []:
        uri = _place(result)[0]
        if uri not in files:
            files[uri] = read_lines(uri)
        subjects.append(_subject(result, weaknesses, files[uri]))
    _rank(subjects)
    hashes = _hashes(subjects, files)
    done = []
    for result, subject in zip(run.get("results") or [], subjects, strict=True):
        own = finding_id(
            identity=subject.identity,
            weakness=subject.weakness,
            uri=subject.uri,
            text=subject.text,
            rank=subject.rank,
        )
        github = hashes.get((subject.uri, subject.line)) or f"{own[:16]}:1"
        done.append({**result, "partialFingerprints": {GITHUB: github, OWN: own}})
    return {**run, "results": done}


@dataclass(slots=True)
class _Subject:
    """What the identity of one result is made of; `order` tells results on one line apart."""

    uri: str
    line: int
    text: str
    weakness: str
    identity: tuple[str, ...]
    order: tuple[int, str, str]
    rank: tuple[int, int] = (0, 0)


def _subject(result: Json, weaknesses: dict[str, str], lines: Sequence[str] | None) -> _Subject:
    uri, region, logical = _place(result)
    line = int(region.get("startLine", 1))
    if lines is not None and line <= len(lines):
        text = lines[line - 1]
    else:
        text = logical or str(region.get("snippet", {}).get("text", ""))
    rule = str(result.get("ruleId", ""))
    own = result.get("properties", {}).get("mlsecops", {})
    return _Subject(
        uri=uri,
        line=line,
        text="".join(text.split()),
        weakness=weaknesses.get(rule, rule),
        identity=tuple(str(part) for part in own.get("identity", ())),
        order=(int(region.get("startColumn", 1)), rule, str(result.get("message", {}).get("text", ""))),
    )


def _rank(subjects: Sequence[_Subject]) -> None:
    """Tell findings of one weakness on equal text apart: by the how-manieth line, then on that line.

    Lines are counted apart from the findings on one line, so that a tool that reports a line twice still
    agrees with a tool that reports it once.
    """
    alike: defaultdict[tuple[str, str, str], defaultdict[int, set[tuple[int, str, str]]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for each in subjects:
        alike[each.weakness, each.uri, each.text][each.line].add(each.order)
    ranks = {
        (group, line, order): (line_rank, rank)
        for group, lines in alike.items()
        for line_rank, line in enumerate(sorted(lines))
        for rank, order in enumerate(sorted(lines[line]))
    }
    for each in subjects:
        each.rank = ranks[(each.weakness, each.uri, each.text), each.line, each.order]


def _hashes(
    subjects: Sequence[_Subject], files: dict[str, Sequence[str] | None]
) -> dict[tuple[str, int], str]:
    """GitHub's hash of every place that has a result and a line."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for each in subjects:
        wanted[each.uri].add(each.line)
    hashes = {}
    for uri, numbers in wanted.items():
        # Every line has at least its end: what comes more than 100 lines later takes no part in a hash.
        lines = (files[uri] or [])[: max(numbers) + _WINDOW + 1]
        known = line_hashes("\n".join(lines)) if lines else []
        hashes.update({(uri, number): known[number - 1] for number in numbers if number <= len(known)})
    return hashes


def _place(result: Json) -> tuple[str, Json, str]:
    """The plain path, the region and the logical name of the first location."""
    location: Json = next(iter(result.get("locations", [])), {})
    physical = location.get("physicalLocation", {})
    logical: Json = next(iter(location.get("logicalLocations", [])), {})
    uri = decode_uri(str(physical.get("artifactLocation", {}).get("uri", "")))
    return uri, physical.get("region", {}), str(logical.get("fullyQualifiedName", ""))


def _weaknesses(run: Json) -> dict[str, str]:
    """Rule id -> the first CWE of the rule, for rules that have one."""
    weaknesses = {}
    for rule in run["tool"]["driver"].get("rules", []):
        tags: Iterable[str] = rule.get("properties", {}).get("tags", [])
        cwe = next((tag.removeprefix(_CWE) for tag in tags if tag.startswith(_CWE)), None)
        if cwe is not None:
            weaknesses[str(rule.get("id", ""))] = cwe
    return weaknesses
