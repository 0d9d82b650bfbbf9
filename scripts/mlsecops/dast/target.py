"""What is attacked: a running service, its operations, where their code stands. Plain values, also as JSON.

Schemas are those of the OpenAPI document, with its local `$ref`s in them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import msgspec

from mlsecops.bounds import SHORTEST
from mlsecops.sarif.build import Json

Where = Literal["path", "query", "header", "cookie"]
# What only the process that started the service has use for.
_NOT_SENT = frozenset({"alive", "prefix"})


@dataclass(frozen=True, slots=True)
class Handler:
    """The place a person would edit: the line `def` of the function, else the operation in the document."""

    uri: str
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter outside the body; `examples` are values that the service is known to take."""

    name: str
    where: Where
    required: bool = False
    schema: Json
    examples: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body: media type -> schema."""

    required: bool
    content: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that the document promises; `status` as there: `200`, `4XX`, `default`."""

    status: str
    content: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path template.

    `security` names the schemes of which one must be satisfied; empty means open to everyone, by intent.
    `samples` are whole JSON bodies that the project itself sends: from its examples and its tests.
    """

    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    security: tuple[str, ...] = ()
    handler: Handler
    samples: tuple[Any, ...] = ()
    produces: tuple[Answer, ...] = ()

    @property
    def name(self) -> str:
        """How people call it: `POST /forecast`."""
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One caller: what it adds to each request. All values are secrets.

    `objects` are values of path parameters that belong to this caller alone.
    """

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not come out, the longest first."""
        given = (*self.headers.values(), *self.query.values(), *self.cookies.values())
        values = {value for value in given if value.strip()}
        # `Bearer KEY`, `Basic USER:PASSWORD`, `session=KEY; ...`: the key alone is as secret as the whole.
        words = {word for value in values for word in _words(value)}
        return tuple(sorted(values | words, key=len, reverse=True))


def _words(value: str) -> Iterator[str]:
    scheme, _, credentials = value.rpartition(" ")
    yield credentials
    parts = [each.partition("=")[2] for each in value.split(";")]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            parts.append(base64.b64decode(credentials).decode().partition(":")[2])
    yield from (each for each in parts if len(each) >= SHORTEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Who calls: the first identity for everything, a second one for what belongs to the first."""

    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running service.

    `application` is where the application object is made: for what no single handler answers for.
    `document_uri` is empty when the document was not in the repository. `pid` is the service's first process,
    where it can be measured; `model_files` are paths of model files in the repository. `hidden` are all
    spellings of what must not come out. `prefix` starts a
    command where the service can be reached; `alive` returns "" or one sentence that says why the service
    does not answer.
    """

    base_url: str
    operations: tuple[Operation, ...]
    document: Json
    document_uri: str
    application: Handler
    auth: Auth = Auth()
    pid: int | None = None
    model_files: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    alive: Callable[[], str] = str

    def secrets(self) -> tuple[str, ...]:
        """Everything that must not come out of an attack on it."""
        return (*self.hidden, *(each for caller in self.auth.identities for each in caller.secrets()))

    def to_json(self) -> Json:
        """Everything that a process in the service's namespace needs."""
        sent = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _NOT_SENT}
        built: Json = msgspec.to_builtins(sent)
        return built

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """The reverse of `to_json`. Raises ValueError (msgspec.ValidationError) for anything else."""
        plain = {each: value[each] for each in value if each not in _NOT_SENT}
        return msgspec.convert(plain, cls)
