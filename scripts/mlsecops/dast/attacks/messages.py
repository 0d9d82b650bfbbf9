"""What checks send and get, and what they find: values, without a connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any, Protocol, Self

from mlsecops.bounds import BLANK, blanked
from mlsecops.dast.target import Body, Handler, Identity, Operation, Target
from mlsecops.sarif.build import Rule

__all__ = ["Attack", "Base", "Body", "Check", "Found", "Handler", "Identity", "Reply", "Request", "Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `target` is path and query as they go over the wire.

    `recipe` is a shell command that prints the body, where the body itself is too long for a command line.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    identity: Identity | None = None
    recipe: str = ""

    def header(self, name: str) -> str:
        """A header of the request itself, not of its identity."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; status 0 means there was none, and `failure` says why. Header names are lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    failure: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the service took the request."""
        return 200 <= self.status < 300

    @property
    def broke(self) -> bool:
        """Whether the service failed, rather than refused."""
        return self.status in (0, 500, 502, 504)

    @cached_property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def media(self) -> str:
        """The media type, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def without(self, hidden: tuple[str, ...]) -> Self:
        """The answer as a check may quote it: whatever piece it takes, no part of a secret is in it."""
        raw = [(each.encode("utf-8", "surrogatepass"), BLANK.encode()) for each in hidden]
        body = reduce(lambda text, pair: text.replace(*pair), raw, self.body)
        headers = tuple((name, blanked(value, hidden)) for name, value in self.headers)
        same = (body, headers) == (self.body, self.headers)
        return self if same else replace(self, body=body, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding: `about` is the parameter or the variant; the request shows it.

    Without an operation it stands where the application is made.
    """

    rule: Rule
    message: str
    request: Request
    operation: Operation | None = None
    about: str = ""


BROKEN, LATE = "the connection broke", "no answer in time"
Attack = Generator[Request, Reply, list[Found]]


def all_of(requests: Iterable[Request]) -> Generator[Request, Reply, list[Reply]]:
    """Send requests one after the other; return their answers."""
    replies: list[Reply] = []
    for request in requests:
        reply = yield request
        replies += [reply]
    return replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The request an attack on an operation starts from, and what it got.

    `values` are the parameters outside the body, `body` is its JSON value where it has one.
    """

    operation: Operation
    request: Request
    reply: Reply
    values: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    body: Any = None
    media: str = ""


class Listener(Protocol):
    """A server of ours within reach of the service, which hears when the service calls somebody."""

    def url(self, token: str) -> str:
        """The address to call with this token in it."""
        ...

    def heard(self, token: str) -> bool:
        """Whether somebody called it."""
        ...


class Gauge(Protocol):
    """What the service takes; None where that cannot be measured."""

    def memory(self) -> int | None:
        """Bytes that it uses now."""
        ...

    def cpu(self) -> float | None:
        """Seconds of processor time that it has used so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What checks know besides the operation: the service as it answers when nobody attacks it.

    `missing` is what an address gets behind which there is nothing; `note` tells people what was not tested.
    """

    target: Target
    bases: Mapping[str, Base]
    missing: Reply
    listener: Listener
    gauge: Gauge
    note: Callable[[str], None]

    @property
    def caller(self) -> Identity | None:
        """Who calls, unless a check is about that."""
        return next(iter(self.target.auth.identities), None)


Check = Callable[[Site, Base], Attack]
SiteCheck = Callable[[Site], Attack]
Passive = Callable[[Site, Operation | None, Request, Reply], Iterable[Found]]
