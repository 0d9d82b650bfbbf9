"""What an engine sent and got, and what in that is a flaw: judged by the rules of our own attacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlsecops.dast.attacks.features import SURELY_READ
from mlsecops.dast.attacks.injection import SQL_ERRORS, Probe, probes
from mlsecops.dast.attacks.leaks import leaks
from mlsecops.dast.attacks.messages import BROKEN, Found, Reply, Request
from mlsecops.dast.attacks.rules import access, injection, inputs
from mlsecops.dast.attacks.rules.injection import SQL
from mlsecops.dast.target import Operation
from mlsecops.sarif.build import Rule

HERE = "\ue000"
_QUOTE, _QUOTES = f"{HERE}'", f"{HERE}''"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a request that takes text, and what was in it."""

    where: str
    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer; `failed` are checks of the engine's own, by our rules."""

    operation: Operation
    request: Request
    reply: Reply
    points: tuple[Point, ...] = ()
    failed: Mapping[Rule, str] = field(default_factory=dict)


def payloads() -> list[str]:
    """Every payload, with `HERE` for what is in its place already."""
    return list(dict.fromkeys([*(each.payload for each in _plain_probes()), _QUOTE, _QUOTES]))


def judged(exchanges: Iterable[Exchange]) -> list[Found]:
    """Every fact that the answers show."""
    exchanges = list(exchanges)
    found = [fact for each in exchanges for fact in (*_injected(each), *_leaked(each), *_failed(each))]
    found += _databases(exchanges)
    # Where input becomes part of a statement, that it breaks is the same flaw.
    injected = {_name(each) for each in found if each.rule in injection.RULES}
    unasked = {_name(each) for each in found if each.rule is access.AUTH_IGNORED}
    found = [each for each in found if each.rule is not access.WRONG_KEY or _name(each) not in unasked]
    return [*found, *(each for each in _broken(exchanges) if _name(each) not in injected)]


def _plain_probes() -> Iterator[Probe]:
    """Probes whose payload an engine can put anywhere: those that need a raw path are ours alone."""
    return (each for each in probes(HERE) if type(each.payload) is str)


def _injected(exchange: Exchange) -> Iterator[Found]:
    for probe in _plain_probes():
        for point in exchange.points if (sign := probe.shows(exchange.reply)) else ():
            if _holds(point.value, probe.payload):
                yield _at(probe.rule, sign, point, exchange)


def _databases(exchanges: Iterable[Exchange]) -> Iterator[Found]:
    """A quote with which the database complains, or that breaks where two do not."""
    broke: dict[tuple[str, str, str, str], tuple[Point, Exchange]] = {}
    whole: set[tuple[str, str, str, str]] = set()
    for exchange in exchanges:
        for point in exchange.points:
            # The same value before the quotes: what else breaks it must be no difference.
            key = (exchange.operation.name, point.where, point.name, point.value.rstrip("'"))
            if point.value.endswith("''"):
                whole |= set() if exchange.reply.broke else {key}
            elif point.value.endswith("'"):
                if sign := SQL_ERRORS.search(exchange.reply.text):
                    yield _at(SQL, f"the database complains (`{sign[0][:40]}`)", point, exchange)
                elif exchange.reply.broke:
                    broke.setdefault(key, (point, exchange))
    for key in broke.keys() & whole:
        point, exchange = broke[key]
        yield _at(SQL, "a single quote breaks the statement, two do not", point, exchange)


def _leaked(exchange: Exchange) -> Iterator[Found]:
    return leaks(None, exchange.operation, exchange.request, exchange.reply)


def _failed(exchange: Exchange) -> Iterator[Found]:
    for rule, message in exchange.failed.items():
        yield _of(rule, message, exchange)


def _broken(exchanges: Iterable[Exchange]) -> Iterator[Found]:
    for each in exchanges:
        if each.reply.status in (500, 502, 504):
            yield _of(inputs.UNHANDLED, f"an input breaks it (status {each.reply.status})", each)
        elif each.reply.failure == BROKEN and len(each.request.body or b"") <= SURELY_READ:
            yield _of(inputs.CRASH, "an input ends the connection without an answer", each)


def _name(found: Found) -> str:
    return found.operation.name if found.operation else ""


def _holds(value: str, payload: str) -> bool:
    """Whether a value is the payload, whatever was in its place before."""
    before, here, after = payload.partition(HERE)
    return (value.startswith(before) and value.endswith(after)) if here else value == payload


def _at(rule: Rule, sign: str, point: Point, exchange: Exchange) -> Found:
    place = "body field" if point.where == "body" else f"{point.where} parameter"
    message = f"{exchange.operation.name}: {place} {point.name}: {sign}"
    return Found(
        rule=rule, message=message, request=exchange.request, operation=exchange.operation, about=point.name
    )


def _of(rule: Rule, sign: str, exchange: Exchange) -> Found:
    message = f"{exchange.operation.name}: {sign}"
    return Found(rule=rule, message=message, request=exchange.request, operation=exchange.operation)
