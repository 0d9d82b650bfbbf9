"""GitHub's REST API: what a step asks for, tried again where that may help; failures are one sentence."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson
import requests

from mlsecops.github.errors import (
    ConflictError,
    ForbiddenError,
    GitHubError,
    InvalidError,
    NotFoundError,
    RateLimitError,
)
from mlsecops.github.transport import RAW, Answer, Json, Patience, Request, Transport
from mlsecops.web.asking import DirectSession, Tries, patiently

__all__ = [
    "Client",
    "ConflictError",
    "ForbiddenError",
    "GitHubError",
    "InvalidError",
    "Json",
    "NotFoundError",
    "Patience",
    "RateLimitError",
]

_T = TypeVar("_T")


class Client:
    """GitHub's API at one address with one token. Not for several threads at once.

    Paths are relative to the API (`repos/o/r/pulls`), their parts percent-encoded by the caller. Every method
    raises GitHubError or one of its kinds. What may pass (5xx, limits, broken connections) is tried again,
    a POST too: a caller for whom twice is wrong looks whether it is there already.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        session: Callable[[], requests.Session] = DirectSession,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises GitHubError when the address is neither https nor on this machine, or there is no token."""
        self._patience = patience or Patience()
        self._transport = Transport(url, token, self._patience, session(), now)
        self._sleep = sleep
        self._now = now

    def get(self, path: str, **params: str | int) -> Any:
        """The JSON value that answers."""
        return self._json(Request("GET", self._url(path), params=params))

    def pages(
        self, path: str, key: str | None = None, *, most: int = 3000, **params: str | int
    ) -> Iterator[Json]:
        """The objects of a list, page after page; `key` names the list within an object.

        It stops after `most` objects without a word: who must know whether there are more asks for one more.
        """
        request = Request("GET", self._url(path), params={"per_page": 100, **params})
        while most > 0:
            answer = self._ask(request)
            objects = _objects(request, answer, key)
            yield from itertools.islice(objects, most)
            most -= len(objects)
            if not objects or not answer.next:
                return
            request = replace(request, url=self._transport.ours(request, answer.next), params={})

    def post(self, path: str, body: Json) -> Any:
        """Create; the JSON value that answers, None where nothing does."""
        return self._json(Request("POST", self._url(path), body=body))

    def patch(self, path: str, body: Json) -> Any:
        """Change; the JSON value that answers, None where nothing does."""
        return self._json(Request("PATCH", self._url(path), body=body))

    def put(self, path: str, body: Json) -> Any:
        """Set; the JSON value that answers, None where nothing does."""
        return self._json(Request("PUT", self._url(path), body=body))

    def delete(self, path: str) -> None:
        """Delete."""
        self._ask(Request("DELETE", self._url(path)))

    def text(self, path: str, *, most_bytes: int, **params: str | int) -> bytes:
        """A file's bytes as they are; GitHubError when there are more than `most_bytes`."""
        request = Request("GET", self._url(path), accept=RAW, most_bytes=most_bytes, params=params)
        return self._ask(request).content

    def download(self, path: str, target: Path, *, most_bytes: int) -> None:
        """Write what lies behind the one redirect that answers to `target`, whole or not at all.

        The token stays with GitHub: the storage that the redirect names is asked without it. Raises
        GitHubError also when there are more than `most_bytes` or they cannot be written.
        """
        request = Request("GET", self._url(path), most_bytes=most_bytes)

        def once() -> None:
            # Both steps belong to one try: the address of the storage holds for a minute only.
            url = self._transport.once(request).elsewhere
            if not url:
                raise GitHubError(f"GitHub does not answer {request} with an address to download from")
            self._transport.store(request, url, target)

        try:
            self._patiently(once)
        except OSError as error:
            raise GitHubError(f"{target.name} cannot be written: {error.strerror}") from error

    def _url(self, path: str) -> str:
        """The address of a path; one that would leave its place has a part that nobody encoded."""
        parts = unquote(path).split("/")
        if any(mark in path for mark in "?#\\") or ".." in parts or not path.isprintable():
            raise GitHubError(f"{path!r} is no path that GitHub can be asked for")
        return f"{self._transport.base}/{path.lstrip('/')}"

    def _json(self, request: Request) -> Any:
        answer = self._ask(request)
        return _parsed(request, answer) if answer.content or request.method == "GET" else None

    def _ask(self, request: Request) -> Answer:
        answer = self._patiently(lambda: self._transport.once(request))
        if answer.elsewhere:
            raise GitHubError(f"GitHub answers {request} with a redirect to somewhere else")
        return answer

    def _patiently(self, once: Callable[[], _T]) -> _T:
        tries = Tries(self._patience.tries, self._patience.pause, self._patience.waits)
        return patiently(once, tries, self._sleep, self._now)


def _parsed(request: Request, answer: Answer) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise GitHubError(f"GitHub answers {request} with something else than JSON") from None


def _objects(request: Request, answer: Answer, key: str | None) -> list[Json]:
    value = _parsed(request, answer)
    if key is not None:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise GitHubError(f"GitHub answers {request} with something else than a list of objects")
    return value
