"""What was read of model files -> findings, with the code that loads them and what the policy forbids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlsecops.job import printable
from mlsecops.model_scanning.files import import_identity
from mlsecops.models.inspection import Fact
from mlsecops.models.outcome import Inspected, severity_of
from mlsecops.models.rules import keras, tensorflow
from mlsecops.models.rules.pickle import UNSAFE
from mlsecops.models.rules.policy import NOT_ALLOWED, TOO_LARGE
from mlsecops.policy import ModelSettings
from mlsecops.project import ModelFile
from mlsecops.reach import Load
from mlsecops.sarif.build import Json, Location, Result

UNKNOWN_IMPORT = "model-unknown-import"
# Unknown code that a policy may vouch for by name.
_BY_NAME = frozenset({UNKNOWN_IMPORT, keras.CUSTOM.id, tensorflow.CUSTOM.id})
_LONGEST_NAME, _LONGEST_MESSAGE = 200, 600
_SERVED = 1.0  # how much graver unknown code is when a request reaches it
# Formats that are made of pickles: whoever allows one of them allows pickles.
_MADE_OF_PICKLES = frozenset({"pickle", "joblib", "torch"})

Loads = Callable[[str], Sequence[Load]]


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings of one file, and the names it imports that are known to be harmless."""

    results: list[Json]
    harmless: tuple[str, ...]


def findings(model: ModelFile, seen: Inspected, policy: ModelSettings, loads: Loads) -> Findings:
    """One finding for each thing that loading the file would do, and for each that the policy forbids.

    The policy's own imports are no finding as long as they are only unknown.
    """
    facts = [
        fact
        for fact in seen.found.facts.values()
        if not (fact.rule in _BY_NAME and policy.allows_import(fact.subject))
    ]
    together: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        together.setdefault((fact.rule, fact.subject), []).append(fact)
    forbidden = list(_forbidden(model, seen, policy))
    places = loads(model.uri) if together or forbidden else ()
    results = [_result(model.uri, same, seen, places) for same in together.values()]
    flagged = {fact.subject for fact in facts}
    return Findings([*results, *forbidden], tuple(sorted(seen.found.imports - flagged)))


def where(facts: Sequence[Fact]) -> str:
    """The places of a fact in its file, as the end of a sentence; "" for the file as a whole."""
    first = min(facts, key=lambda fact: (fact.part, fact.offset or 0))
    part = f"in `{printable(first.part)[:_LONGEST_NAME]}`" if first.part else ""
    byte = f"at byte {first.offset:,}" if first.offset is not None else ""
    more = f"and in {len(facts) - 1} more part{'s' if len(facts) > 2 else ''}" if len(facts) > 1 else ""
    words = ", ".join(filter(None, (part, byte)))
    return " ".join(filter(None, (words, more)))


def _result(uri: str, facts: Sequence[Fact], seen: Inspected, loads: Sequence[Load]) -> Json:
    worst = max(facts, key=severity_of)
    severity = severity_of(worst)
    if worst.rule == UNKNOWN_IMPORT and any(load.routes for load in loads):
        severity = min(10.0, severity + _SERVED)
    name = printable(worst.subject)[:_LONGEST_NAME]
    place = where(facts)
    sentence = printable(worst.message)[:_LONGEST_MESSAGE].rstrip().rstrip(".")
    text = f"{sentence} ({place})." if place else f"{sentence}."
    imported = worst.rule == UNSAFE.id or worst.subject in seen.found.imports
    return Result(
        rule_id=worst.rule,
        message=" ".join([text, *_loaded(loads)]),
        location=Location(uri=uri),
        related=tuple(
            (f"Loaded here by `{load.call}`.", Location(uri=load.uri, start_line=load.line)) for load in loads
        ),
        severity=severity,
        identity=import_identity(uri, name) if imported else ("model", worst.rule, uri, name),
    ).to_sarif()


def _loaded(loads: Sequence[Load]) -> Iterable[str]:
    """Who loads the file, as a sentence."""
    if loads:
        first = loads[0]
        more = f" and {len(first.routes) - 1} more" if len(first.routes) > 1 else ""
        route = f", which the route {printable(first.routes[0])}{more} reaches" if first.routes else ""
        yield f"It is loaded by `{first.call}` in {printable(first.uri)}:{first.line}{route}."


def _forbidden(model: ModelFile, seen: Inspected, policy: ModelSettings) -> Iterable[Json]:
    """What the policy does not want: another format, a file that is too large."""
    others = _formats(model, seen, policy) - policy.formats - {"config"}
    if policy.formats and others:
        allowed, other = ", ".join(sorted(policy.formats)), min(others)
        text = f"It is {other}, and the policy allows {allowed} only."
        yield _policy_result(NOT_ALLOWED.id, model.uri, text)
    if policy.max_size is not None and model.size > policy.max_size:
        text = f"It has {model.size:,} bytes, and the policy allows {policy.max_size:,}."
        yield _policy_result(TOO_LARGE.id, model.uri, text)


def _formats(model: ModelFile, seen: Inspected, policy: ModelSettings) -> frozenset[str]:
    """The formats that a file is in, in the policy's words; a pickle within it where none is expected."""
    hidden = "pickle" in seen.found.formats and not policy.formats & _MADE_OF_PICKLES
    return frozenset({model.format, "pickle"} if hidden else {model.format})


def _policy_result(rule: str, uri: str, text: str) -> Json:
    return Result(
        rule_id=rule, message=text, location=Location(uri=uri), identity=("model-policy", rule, uri)
    ).to_sarif()
