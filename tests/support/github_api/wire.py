"""A request as it came and an answer as it goes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Call:
    """A request: `path` still percent-encoded, `headers` by lower-case names, `content` its bytes."""

    method: str
    path: str
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The query; of a name that comes twice the last value."""
        return {name: values[-1] for name, values in self.queries.items()}

    @property
    def queries(self) -> dict[str, list[str]]:
        """The query with all values."""
        return parse_qs(self.raw_query, keep_blank_values=True)

    @property
    def body(self) -> Any:
        """The JSON of the body; None where there is none, or something else."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def token(self) -> str | None:
        """The token, None without one."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() in {"bearer", "token"} and token else None


@dataclass
class Answer:
    """An answer: `body` is bytes or JSON, None for nothing."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        """What the answer says its body is."""
        given = {name.lower(): value for name, value in self.headers.items()}.get("content-type")
        return given or "application/json; charset=utf-8"


def refusal(status: int, message: str, **more: Any) -> Answer:
    """A refusal in GitHub's form."""
    return Answer(
        status, {"message": message, **more, "documentation_url": DOCUMENTATION, "status": str(status)}
    )


def missing() -> Answer:
    """What is not there, or hidden."""
    return refusal(404, "Not Found")
