"""How much one caller may ask for: the rate of queries, the size of bodies, time and memory per request."""

from __future__ import annotations

import statistics
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import count, islice, pairwise

from mlsecops.dast.attacks.building import JSON_TYPE, points, with_body, with_json
from mlsecops.dast.attacks.messages import Attack, Base, Found, Reply, Request, Site, all_of
from mlsecops.dast.attacks.predictions import is_prediction
from mlsecops.dast.attacks.rules import load as rules
from mlsecops.dast.attacks.schemas import arrays, leaves, put, spelled
from mlsecops.sarif.build import Rule

_BURST, _BURST_SECONDS = 150, 2.0
_LARGE_BODY = 10 << 20
_TIMES_LARGER, _SLOW, _FACTOR = 8, 0.4, 2.5
_BODY_LENGTHS, _QUERY_LENGTHS, _MOST_TEXTS = (24, 3_000, 24_000), (24, 800, 6_000), 6
_MOST_ITEMS, _NO_MORE = 40_000, (0, 413)
Sizes = tuple[str, list[tuple[int, Request]]]
_WARM_UP, _ROUND, _ROUNDS, _ROUND_SECONDS, _FEWEST, _JUDGED = 40, 60, 6, 4.0, 12, 3
_KEPT = 1 << 20
_LIMITED = 429
_LIMITS = (
    *("x-ratelimit-limit", "ratelimit", "ratelimit-limit", "ratelimit-policy"),
    *("x-rate-limit-limit", "retry-after"),
)


def rate(site: Site, base: Base) -> Attack:
    """Queries one after the other, as fast as they are answered: no refusal, and no word of a limit."""
    del site
    if not (is_prediction(base) and base.reply.accepted):
        return []
    seconds, sent = 0.0, 0
    while sent < _BURST and seconds < _BURST_SECONDS:
        reply = yield base.request
        seconds, sent = seconds + reply.seconds, sent + 1
        if reply.status == _LIMITED or any(reply.header(name) for name in _LIMITS) or not reply.accepted:
            return []
    message = f"{base.operation.name}: {sent} queries within {max(seconds, 0.1):.1f} s were all answered"
    return [_found(rules.RATE, message, base, base.request)]


def body(site: Site, base: Base) -> Attack:
    """A body of many megabytes, the same JSON with blanks around it: read to its end, or refused before."""
    del site
    if base.media != JSON_TYPE or not base.reply.accepted or not base.request.body:
        return []
    padded = b" " * _LARGE_BODY + base.request.body
    inner = base.request.recipe or f"printf %s {_quoted(base.request.body)}"
    recipe = f"(head -c {_LARGE_BODY} /dev/zero | tr '\\0' ' '; {inner})"
    request = with_body(base, padded, JSON_TYPE, recipe)
    reply = yield request
    if not reply.accepted:
        return []
    message = f"{base.operation.name}: a body of {_LARGE_BODY >> 20} MiB is read and answered"
    return [_found(rules.BODY, message, base, request)]


def latency(site: Site, base: Base) -> Attack:
    """Inputs of growing size after a warm-up: time per item grows, or no answer comes at all."""
    del site
    yield from all_of([base.request] * 3)
    for about, requests in (*_series(base), *_texts(base)):
        before: tuple[int, float] | None = None
        for size, request in requests:
            reply = yield request
            seconds = reply.seconds
            if before and _grows(before, (size, seconds)):
                # Once may be chance; the quickest of three counts, unless there was no answer at all.
                again = yield from all_of([request] * (2 if reply.status else 0))
                seconds = min([seconds, *(each.seconds for each in again)])
                if _grows(before, (size, seconds)):
                    times = f"{seconds:.2f} s instead of {before[1]:.3f} s"
                    message = (
                        f"{base.operation.name}: {about} {size // before[0]} times as long takes {times}"
                    )
                    return [_found(rules.LATENCY, message, base, request, about)]
            if reply.status in _NO_MORE:
                break
            before = size, seconds
    return []


def _grows(before: tuple[int, float], after: tuple[int, float]) -> bool:
    """Whether the time grew much faster than the size, to a length that hurts."""
    slower, larger = after[1] / max(before[1], 0.01), after[0] / before[0]
    return after[1] > _SLOW and slower > _FACTOR * larger


def _series(base: Base) -> Iterator[Sizes]:
    """Every array of the body, some times larger and larger again."""
    if base.media != JSON_TYPE or base.body is None:
        return
    for place, rows in list(arrays(base.body))[:3]:
        few = rows[:64]
        counts = [_TIMES_LARGER**power for power in range(1, 4) if few]
        fitting = [each for each in counts if each * len(few) <= _MOST_ITEMS]
        yield (
            spelled(place),
            [(each * len(few), with_json(base, put(base.body, place, few * each))) for each in fitting],
        )


def _texts(base: Base) -> Iterator[Sizes]:
    """Every text, as long runs that a careless regular expression tries in every way."""
    for point in list(points(base))[:_MOST_TEXTS]:
        lengths = {"body": _BODY_LENGTHS, "query": _QUERY_LENGTHS}.get(point.where, ())
        for character, end in (("a", "!"), ("0", "x"), (" ", "x")):
            yield point.name, [(each, point.put(character * each + end)) for each in lengths]


def memory(site: Site) -> Attack:
    """Predictions asked for in turn, after a warm-up; where what the service uses grows, each by itself."""
    asked = [base for base in site.bases.values() if is_prediction(base) and base.reply.accepted]
    if not asked or site.memory() is None or not (yield from _left_behind(site, asked)):
        return []
    found: list[Found] = []
    for base in asked:
        left = yield from _left_behind(site, [base])
        if left:
            message = f"{base.operation.name}: {left[0]} requests left {left[1] >> 20} MiB behind"
            found.append(_found(rules.MEMORY, message, base, base.request))
    return found


def _left_behind(site: Site, asked: list[Base]) -> Generator[Request, Reply, tuple[int, int] | None]:
    """Requests that differ a little, in rounds: how many of them left how much, if every round did so."""
    requests = (_different(base, number) for number in count() for base in asked)
    yield from all_of(islice(requests, _WARM_UP))
    used = [site.memory() or 0]
    sent = 0
    for _ in range(_ROUNDS):
        seconds, before = 0.0, sent
        while sent - before < _ROUND and seconds < _ROUND_SECONDS:
            reply = yield next(requests)
            seconds, sent = seconds + reply.seconds, sent + 1
        if sent - before < _FEWEST:
            return None
        used.append(site.memory() or 0)
    # What was freed before is used up first.
    grown = [after - before for before, after in pairwise(used)][-_JUDGED:]
    if min(grown) < _KEPT / len(asked) or min(grown) < statistics.mean(grown) / 4:
        return None
    return sent, used[-1] - used[0]


def _different(base: Base, number: int) -> Request:
    """The base request with a number in it changed a little, so that no cache knows it."""
    for place, value in leaves(base.body):
        if isinstance(value, float):
            return with_json(base, put(base.body, place, value * (1 - number / 100_000)))
    return replace(base.request, headers=(*base.request.headers, ("X-Request-ID", f"mlsecops-{number}")))


def _quoted(content: bytes) -> str:
    return "'" + content.decode("utf-8", "replace").replace("'", "'\\''") + "'"


def _found(rule: Rule, message: str, base: Base, request: Request, about: str = "") -> Found:
    return Found(rule=rule, message=message, request=request, operation=base.operation, about=about)
