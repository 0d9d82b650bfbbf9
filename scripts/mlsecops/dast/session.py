"""One attack on one service: drives the checks, judges every answer, tells each fact once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from mlsecops.bounds import blanked
from mlsecops.dast.attacks import CHECKS, MEASUREMENTS, PASSIVE, SITE_CHECKS, SITE_MEASUREMENTS
from mlsecops.dast.attacks.features import found
from mlsecops.dast.attacks.messages import Attack, Base, Check, Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import inputs
from mlsecops.dast.client import Client
from mlsecops.dast.curl import curl
from mlsecops.dast.gauge import Gauge
from mlsecops.dast.learn import in_order, learn
from mlsecops.dast.listener import Loopback
from mlsecops.dast.target import Operation, Target
from mlsecops.sarif.build import Json

T = TypeVar("T")
Judge = Callable[[Request, Reply], None]
_NOWHERE = "/mlsecops-nothing-is-here"
_PER_OPERATION = 4
_GONE_SECONDS, _PAUSE = 3.0, 0.1


class GoneError(Exception):
    """The service does not take connections any more."""


class LateError(Exception):
    """The time is over."""


@dataclass
class Session:
    """What is known and told so far."""

    target: Target
    client: Client
    listener: Loopback
    gauge: Gauge
    write: Callable[[Json], None]
    deadline: float
    _site: Site = field(init=False)
    _told: dict[tuple[str, str], set[str]] = field(default_factory=dict, init=False)
    _notes: set[str] = field(default_factory=set, init=False)
    _check: str = field(default="", init=False)
    _last: Request | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        self._site = Site(
            target=self.target,
            bases={},
            missing=Reply(status=0),
            listener=self.listener,
            gauge=self.gauge,
            note=self._note,
        )

    @classmethod
    @contextmanager
    def opened(
        cls,
        target: Target,
        *,
        gauge: Gauge,
        write: Callable[[Json], None],
        deadline: float,
    ) -> Iterator[Self]:
        """A session with its connection and its listener."""
        client = Client(target.base_url)
        with Loopback() as listener:
            try:
                yield cls(target, client, listener, gauge, write, deadline)
            finally:
                client.close()

    def run(self) -> None:
        """Learn what is normal, then attack; whatever stops the attack is told."""
        try:
            self._attack(list(self._learn().values()))
        except GoneError:
            last = curl(self._last, self.target.secrets()) if self._last else ""
            self.write({"type": "died", "curl": last})
        except LateError:
            self.write({"type": "unfinished", "check": self._check})

    def _learn(self) -> dict[str, Base]:
        """The base of each operation; every one that answers is told."""
        missing = self._send(Request(method="GET", target=_NOWHERE))
        self._site = replace(self._site, missing=missing)
        bases: dict[str, Base] = {}
        for operation in in_order(self.target.operations):
            base = self._drive(learn(self.target, operation))
            bases[operation.name] = base
            self._judge(operation, base.request, base.reply)
            if base.reply.status:
                line = {"type": "answered", "operation": operation.name, "status": base.reply.status}
                self.write(line)
            if base.reply.status in (500, 502, 504):
                self._tell(found(inputs.UNHANDLED, "a plain request breaks it", base, base.request))
        self._site = replace(self._site, bases=bases)
        return bases

    def _attack(self, bases: list[Base]) -> None:
        for site_check in SITE_CHECKS:
            self._conclude(site_check(self._site), None)
        for check in CHECKS:
            self._each(check, bases)
        if self.client.limited:
            self.write({"type": "limited", "requests": self.client.limited})
        before = self.client.limited
        for site_check in SITE_MEASUREMENTS:
            self._conclude(site_check(self._site), None)
        for check in MEASUREMENTS:
            self._each(check, bases)
        if self.client.limited > before:
            self._note("a limit of the service ended the measurements early")

    def _each(self, check: Check, bases: list[Base]) -> None:
        self._check = check.__name__
        for base in bases:
            self._conclude(check(self._site, base), base.operation)

    def _conclude(self, attack: Attack, operation: Operation | None) -> None:
        for each in self._drive(attack, lambda *sent: self._judge(operation, *sent)):
            self._tell(each)

    def _drive(self, steps: Generator[Request, Reply, T], judge: Judge | None = None) -> T:
        """Send what a check asks for and hand it the answers, to its end."""
        try:
            request = next(steps)
            while True:
                reply = self._send(request)
                if judge:
                    judge(request, reply)
                request = steps.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    def _judge(self, operation: Operation | None, request: Request, reply: Reply) -> None:
        for passive in PASSIVE if reply.status else ():
            for each in passive(self._site, operation, request, reply):
                self._tell(each)

    def _send(self, request: Request) -> Reply:
        if time.monotonic() > self.deadline:
            raise LateError
        reply = self.client.send(request)
        self._last = request
        if reply.status == 0:
            self._wait()
        return reply.without(self.target.hidden)

    def _wait(self) -> None:
        """Go on when the service takes connections again. Raises GoneError."""
        until = time.monotonic() + _GONE_SECONDS
        while not self.client.reachable():
            if time.monotonic() > until:
                raise GoneError
            time.sleep(_PAUSE)

    def _tell(self, each: Found) -> None:
        name = each.operation.name if each.operation else ""
        told = self._told.setdefault((each.rule.id, name), set())
        if each.about in told or len(told) >= _PER_OPERATION:
            return
        told.add(each.about)
        handler = each.operation.handler if each.operation else self.target.application
        secrets = self.target.secrets()
        self.write(
            {
                "type": "finding",
                "rule": each.rule.id,
                "uri": handler.uri,
                "line": handler.line,
                "operation": name,
                "about": each.about,
                "message": blanked(each.message, secrets),
                "curl": curl(each.request, secrets),
            }
        )

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.add(text)
            self.write({"type": "note", "text": blanked(text, self.target.secrets())})
