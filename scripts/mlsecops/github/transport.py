"""One request to GitHub, or to the storage that it names: limits, redirects, and who may see the token."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from mlsecops import __version__
from mlsecops.github.errors import ForbiddenError, GitHubError, refusal
from mlsecops.web.addresses import LOOPBACK, is_safe, joined, origin, split
from mlsecops.web.asking import PassingError, TooLargeError, TooSlowError, chunks, reason

Json = dict[str, Any]

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
MOST_BYTES = 64 << 20
_API_VERSION = "2022-11-28"
_MOST_MOVES = 3
_MOVED = frozenset({301, 307, 308})
_ELSEWHERE = frozenset({302, 303})


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for a connection, each part of an answer, a whole answer, a whole download; tries and waits.

    `pause` is the time before the second try and doubles with each further one. No try begins, and no
    limit is waited for, more than `waits` seconds after the first.
    """

    connect: float = 5.0
    read: float = 20.0
    whole: float = 60.0
    download: float = 300.0
    tries: int = 5
    pause: float = 1.0
    waits: float = 90.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask; `str()` is how people read it."""

    method: str
    url: str
    accept: str = JSON
    most_bytes: int = MOST_BYTES
    params: dict[str, str | int] = field(default_factory=dict)
    body: Json | None = None

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.url).path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its bytes and the address of the next page, or the address it sends to (`elsewhere`)."""

    content: bytes = b""
    next: str = ""
    elsewhere: str = ""


class _Token(AuthBase):
    """The token, or none; given as `auth`, so that no .netrc takes its place."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Transport:
    """The connection to one API with one token. Not for several threads at once."""

    def __init__(
        self, url: str, token: str, patience: Patience, session: requests.Session, now: Callable[[], float]
    ) -> None:
        """Raises GitHubError when the address is neither https nor on this machine, or there is no token."""
        self.base = url.strip().rstrip("/")
        parts = split(self.base)
        if parts is None or not is_safe(parts) or parts.query or parts.fragment:
            raise GitHubError("the address of GitHub's API in GITHUB_API_URL must be a plain https URL")
        self._origin = origin(parts)
        token = token.strip()
        # A line break in it would make the libraries quote it in their errors.
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise GitHubError("there is no token to ask GitHub with: pass github.token as GITHUB_TOKEN")
        self._token = token
        self._patience = patience
        self._session = session
        self._now = now

    def once(self, request: Request) -> Answer:
        """The answer of one try, followed where the API moved on the same host.

        Raises GitHubError, or PassingError when another try may help.
        """
        for _ in range(_MOST_MOVES + 1):
            with self._asked(request) as response:
                if response.status_code not in _MOVED:
                    return self._answer(request, response)
                url = self.ours(request, response.headers.get("Location", ""))
            request = replace(request, url=url, params={})
        raise GitHubError(f"GitHub sends {request} from one address to the next")

    def ours(self, request: Request, address: str) -> str:
        """An address that an answer names, whole. Raises GitHubError when it is not of the same API."""
        url = joined(request.url, address)
        parts = split(url)
        if not address or parts is None or origin(parts) != self._origin:
            raise GitHubError(f"GitHub answers {request} with an address on another host")
        return url

    def store(self, request: Request, url: str, target: Path) -> None:
        """Write what the storage at `url` sends, asked without the token, to `target`: whole or not at all.

        Raises as `once` does, and OSError when it cannot be written.
        """
        parts = split(url)
        if parts is None or not is_safe(parts):
            raise GitHubError(f"GitHub answers {request} with no https address to download from")
        request = replace(request, url=url)
        with self._open(request, _Token(), {"User-Agent": _agent()}) as response:
            if response.status_code != HTTPStatus.OK:
                raise _of_storage(self._refusal(request, response))
            descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for chunk in self._chunks(request, response, self._patience.download):
                        file.write(chunk)
                Path(name).replace(target)
            finally:
                Path(name).unlink(missing_ok=True)

    @contextmanager
    def _asked(self, request: Request) -> Iterator[requests.Response]:
        headers = {"Accept": request.accept, "X-GitHub-Api-Version": _API_VERSION, "User-Agent": _agent()}
        with self._open(request, _Token(self._token), headers) as response:
            yield response

    @contextmanager
    def _open(self, request: Request, auth: AuthBase, headers: dict[str, str]) -> Iterator[requests.Response]:
        host = urlsplit(request.url).hostname or ""
        try:
            with self._session.request(
                request.method,
                request.url,
                params=request.params,
                json=request.body,
                headers=headers,
                auth=auth,
                timeout=(self._patience.connect, self._patience.read),
                # What is on this machine is not asked through a proxy, whatever the environment says.
                proxies={"no_proxy": host} if host in LOOPBACK else None,
                allow_redirects=False,
                stream=True,
            ) as response:
                yield response
        except requests.RequestException as error:
            why = reason(error, connect=self._patience.connect, read=self._patience.read)
            raise PassingError(GitHubError(f"GitHub cannot be reached for {request}: {why}")) from error

    def _answer(self, request: Request, response: requests.Response) -> Answer:
        status = response.status_code
        if status in _ELSEWHERE:
            return Answer(elsewhere=joined(request.url, response.headers.get("Location", "")))
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(request, response)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise GitHubError(f"{request} is answered with a web page, as the login page of a proxy would be")
        content = b"".join(self._chunks(request, response, self._patience.whole))
        return Answer(content, response.links.get("next", {}).get("url", ""))

    def _refusal(self, request: Request, response: requests.Response) -> GitHubError | PassingError:
        large = replace(request, most_bytes=MOST_BYTES)
        content = b"".join(self._chunks(large, response, self._patience.whole))
        headers = {name.lower(): value for name, value in response.headers.items()}
        content = content.replace(self._token.encode(), b"***")
        return refusal(str(request), response.status_code, headers, content, self._now())

    def _chunks(self, request: Request, response: requests.Response, seconds: float) -> Iterator[bytes]:
        try:
            yield from chunks(response, request.most_bytes, seconds, self._now)
        except TooLargeError:
            size = _readable(request.most_bytes)
            raise GitHubError(f"the answer to {request} is larger than {size}") from None
        except TooSlowError:
            final = GitHubError(f"the answer to {request} takes longer than {seconds:g} s")
            raise PassingError(final) from None


def _of_storage(error: GitHubError | PassingError) -> GitHubError | PassingError:
    """A refusal of the storage, which knows no token: never a matter of permissions."""
    if isinstance(error, ForbiddenError):
        said = error.message or f"HTTP {error.status}"
        return GitHubError(
            f"the storage that GitHub names refuses the download ({said})", status=error.status
        )
    return error


def _agent() -> str:
    return f"mlsecops/{__version__}"


def _readable(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size:,} bytes"
