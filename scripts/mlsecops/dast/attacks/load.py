"""How much one caller may ask for: the rate of queries, the size of bodies, time and memory per request."""

from __future__ import annotations

import statistics
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice, pairwise

from mlsecops.dast.attacks.building import JSON_TYPE, points, with_body, with_json
from mlsecops.dast.attacks.messages import Attack, Base, Found, Reply, Request, Site, all_of
from mlsecops.dast.attacks.predictions import is_prediction
from mlsecops.dast.attacks.rules import load as rules
from mlsecops.dast.attacks.schemas import arrays, leaves, put, spelled
from mlsecops.sarif.build import Rule

_BURST, _BURST_SECONDS, _MANY, _LONGEST_BURST = 150, 2.0, 60, 8.0
_LARGE_BODY = 10 << 20
_TIMES_LARGER, _SLOW, _LONG, _FACTOR, _WARM, _REPEATS = 8, 0.25, 0.4, 2.5, 3, 2
# A service computes when processors are busy with it for this part of the time.
_COMPUTING = 0.05
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


@dataclass(frozen=True, slots=True)
class Timed:
    """What a request of a size cost: seconds that passed, and those that processors spent on the service.

    A busy machine does not stretch the latter; None where they could not be measured.
    """

    size: int
    seconds: float
    spent: float | None
    status: int
    request: Request

    @property
    def cost(self) -> float:
        """What counts: time of processors, unless the service did not compute but waited."""
        computed = self.spent is not None and self.spent >= self.seconds * _COMPUTING
        return self.spent if computed and self.spent is not None else self.seconds

    @property
    def hangs(self) -> bool:
        """Whether there was no answer while the service computed."""
        return self.status == 0 and self.cost == self.spent

    def grew(self, before: Timed) -> bool:
        """Whether the time grew much faster than the size, to a length that hurts."""
        slower, waited = self.cost / max(self.alike(before), 0.01), self.cost == self.seconds
        return self.cost > (_LONG if waited else _SLOW) and slower > _FACTOR * self.size / before.size

    def alike(self, other: Timed) -> float:
        """The other one's cost, measured as this one's is."""
        return other.seconds if self.cost == self.seconds else other.spent or 0.0

    def or_slower(self, other: Timed) -> Timed:
        """The worst of both."""
        spent = None if self.spent is None or other.spent is None else max(self.spent, other.spent)
        return replace(self, seconds=max(self.seconds, other.seconds), spent=spent)

    def or_quicker(self, other: Timed) -> Timed:
        """The best of both."""
        return min(self, other, key=lambda each: each.cost)


def rate(site: Site, base: Base) -> Attack:
    """Queries one after the other, as fast as they are answered: no refusal, and no word of a limit."""
    if not (is_prediction(base) and base.reply.accepted):
        return []
    seconds, sent = 0.0, 0
    while sent < _BURST and seconds < (_BURST_SECONDS if sent > _MANY else _LONGEST_BURST):
        reply = yield base.request
        seconds, sent = seconds + reply.seconds, sent + 1
        if reply.status == _LIMITED or any(reply.header(name) for name in _LIMITS) or not reply.accepted:
            return []
    if sent <= _MANY:
        site.note(f"{base.operation.name}: answers come too slowly to tell whether queries are limited")
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
    yield from all_of([base.request] * _WARM)
    for about, requests in (*_series(base), *_texts(base)):
        before: Timed | None = None
        for size, request in requests:
            now = yield from _timed(site, size, request)
            if before and now.grew(before):
                grown = yield from _again(site, before, now)
                if grown:
                    what = f"{about} {size // before.size} times as long takes {grown}"
                    return [_found(rules.LATENCY, f"{base.operation.name}: {what}", base, request, about)]
                site.note(f"{base.operation.name}: the times of {about} vary too much to tell if they grow")
            if now.status in _NO_MORE:
                break
            before = now
    return []


def _timed(site: Site, size: int, request: Request) -> Generator[Request, Reply, Timed]:
    """What an answer cost."""
    started = site.gauge.cpu()
    reply = yield request
    ended = site.gauge.cpu()
    spent = None if started is None or ended is None else ended - started
    return Timed(size, reply.seconds, spent, reply.status, request)


def _again(site: Site, before: Timed, now: Timed) -> Generator[Request, Reply, str]:
    """Once may be chance: the quickest of three counts, against the slowest of what it is compared with."""
    for _ in range(0 if now.hangs else _REPEATS if now.status else 1):
        if now.status:
            before = before.or_slower((yield from _timed(site, before.size, before.request)))
        now = now.or_quicker((yield from _timed(site, now.size, now.request)))
        if not now.grew(before):
            return ""
    return f"{now.cost:.2f} s instead of {now.alike(before):.3f} s"


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
    if not asked:
        return []
    if site.gauge.memory() is None:
        site.note("whether memory grows was not measured: the service's process cannot be seen from here")
        return []
    if not (yield from _left_behind(site, asked)):
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
    used = [site.gauge.memory() or 0]
    sent = 0
    for _ in range(_ROUNDS):
        seconds, before = 0.0, sent
        while sent - before < _ROUND and seconds < _ROUND_SECONDS:
            reply = yield next(requests)
            seconds, sent = seconds + reply.seconds, sent + 1
        now = site.gauge.memory()
        if sent - before < _FEWEST or now is None:
            why = (
                "the service's process cannot be seen any more" if now is None else "answers come too slowly"
            )
            site.note(f"whether memory grows was not measured: {why}")
            return None
        used.append(now)
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
