"""What the stages of a run leave, and what a baseline was, with a stranger's text wherever SARIF has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from corpus.chance import Chance
from mlsecops.sarif.build import Json, Location, Result
from support.hostile_text import PIECES
from support.sarif_logs import advisory, log, result, rule, run

# Percent-encoded bytes become others where the report decodes addresses of files.
_ENCODED = ("%0A", "%1B%5B31m", "%FF", "%00", "%E2%80%AE", "%7C", "%3Cscript%3E", "%60", "..%2F..%2F")
_WRITABLE = [each for each in PIECES if each.isascii() or each.encode("utf-8", "ignore").decode() == each]


def results() -> dict[str, Json]:
    """A result of each kind of stage, and everything in them that a report shows."""
    model = {
        "uri": "models/a.pkl",
        "format": "pickle",
        "size": 900,
        "sha256": "a" * 64,
        "producer": "sklearn 1.5",
        "imports": ["posix.system", "numpy.ndarray"],
        "operators": ["Relu", "Custom"],
        "whole": True,
    }
    return {
        "test": _log(run("test", "pytest", [result("T1")], status="incomplete", reason="pytest: timed out")),
        "sca": _log(
            run("sca", "pip-audit", [_package(), advisory("CVE-2026-2", "jinja2")], data=_data()),
            run("sca", "lock-check", [_package()], notes=["two locks were read"]),
        ),
        "sast": _log(
            run("sast", "bandit", [result("B301"), result("B307", line=3, suppression="known")]),
            run("sast", "semgrep", [_everywhere(), result("R2", line=5, logical="cell 3")], _rules()),
        ),
        "model": _log(run("model", "model-reader", [result("M1", "models/a.pkl")], models=[model])),
        "container": _log(run("container", "hadolint", status="skipped", reason="there is no Dockerfile")),
    }


def baseline() -> Json:
    """An earlier report: another model, an advisory that is fixed, one that stays."""
    models = [
        {"uri": "models/a.pkl", "format": "pickle", "sha256": "b" * 64, "imports": ["re.compile"]},
        {"uri": "models/gone.onnx", "format": "onnx", "sha256": "c" * 64, "operators": ["Add"]},
    ]
    return _log(
        run("sca", "pip-audit", [_package(), advisory("CVE-2020-1", "old")]),
        run("sast", "bandit", [result("B102", line=7)]),
        run("model", "model-reader", models=models),
    )


def _log(*runs: Json) -> Json:
    for each in runs:
        rules = [known["id"] for known in each["tool"]["driver"]["rules"]]
        for number, found in enumerate(each["results"]):
            found |= {"ruleIndex": rules.index(found["ruleId"]), "kind": "fail", "guid": f"g-{number}"}
            found.setdefault("level", "error")
        each["tool"]["driver"] |= {
            "fullName": "A tool",
            "version": "1.2",
            "informationUri": "https://t.example",
        }
        each["invocations"][0] |= {
            "toolExecutionNotifications": [
                {"level": "error", "message": {"text": "app.py was not read"}, "descriptor": {"id": "unread"}}
            ],
            "commandLine": "tool --all",
        }
        each["artifacts"] += [
            {"location": {"uri": "b.py"}, "mimeType": "text/x", "hashes": {"sha-256": "0" * 64}}
        ]
        each["language"] = "en"
    return log(*runs, left_out=[{"path": "big.bin", "reason": "too large", "files": 2, "kind": "unreadable"}])


def _data() -> Json:
    return {"source": "OSV", "date": "2026-11-19"}


def _package() -> Result:
    found = advisory("CVE-2026-1", aliases=("GHSA-aaaa-bbbb-cccc", "PYSEC-2026-1"))
    found.properties.update(
        {"kev": True, "fix": "upgrade", "reproduce": "pip-audit -r x", "severity-basis": "cvss"}
    )
    return found


def _rules() -> list[Any]:
    return [
        rule(
            "R1", help_uri="https://x.example/r1", severity=9.8, tags=("external/cwe/cwe-79", "owasp-ml/ML01")
        )
    ]


def _everywhere() -> Result:
    place = Location(uri="src/load model.py", start_line=5, snippet="load(x)", logical="load")
    return Result(
        rule_id="R1",
        message="`load` of what a request says\nruns it",
        location=place,
        severity=9.5,
        related=(("it comes from here", Location(uri="src/other.py", start_line=2)),),
        properties={
            "reproduce": "curl -X POST http://127.0.0.1/",
            "fix": "use `skops`",
            "codes": {"a": ["b"]},
        },
    )


def texts(seed: int) -> Callable[[], str]:
    """Texts put together from pieces that mean something, all of them such as JSON can hold."""
    chance = Chance(f"sarif {seed}")
    pieces = [*_WRITABLE, *_ENCODED]
    return lambda: "".join(chance.choice(pieces) for _ in range(chance.below(9)))


def leaves(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every text in a value."""
    if isinstance(value, str):
        yield above
    elif isinstance(value, dict | list):
        for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield from leaves(each, (*above, key))


def bags(value: Any) -> Iterator[Json]:
    """Every object in a value."""
    for each in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()):
        yield from bags(each)
    if isinstance(value, dict):
        yield value


def planted(sarif: Json, text: Callable[[], str], chosen: Callable[[], bool]) -> tuple[Json, int]:
    """The log with other texts at the chosen places, and with other names in every object; and how many."""
    made = deepcopy(sarif)
    ways = [way for way in leaves(made) if way != ("version",) and chosen()]
    for *way, last in ways:
        holder: Any = made
        for key in way:
            holder = holder[key]
        holder[last] = text()
    named = [bag for bag in bags(made) if chosen()]
    for bag in named:
        bag[text()] = text()
    made["version"] = sarif["version"]
    return made, len(ways) + 2 * len(named)
