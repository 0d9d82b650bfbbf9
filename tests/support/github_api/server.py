"""The double over HTTP: a threaded server on loopback, what it was asked, and what was wrong with that."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from support.github_api.checks import Checks, Operation
from support.github_api.description import description
from support.github_api.faults import Fault, Faults, Kind
from support.github_api.issue_operations import IssueOperations
from support.github_api.listener import Listener
from support.github_api.operations import Operations
from support.github_api.paging import Pages
from support.github_api.permissions import refused
from support.github_api.shapes import REPOSITORY_ID, Shapes
from support.github_api.state import State
from support.github_api.wire import Answer, Call, missing, refusal

_STORAGE = "/_storage/"
_SHAPED: tuple[Kind, ...] = ("answer", "drop", "cut", "stall")


@functools.cache
def _checks() -> Checks:
    """Reading the description takes longer than most tests."""
    return Checks(description())


class GitHubServer:
    """An in-memory GitHub at `url`, as a context manager.

    `state` is what it remembers, `requests` what it was asked, `violations` what GitHub's description does
    not allow, in requests and in its own answers: a test asserts that there are none.
    Raises DescriptionUnavailableError when the description cannot be had.
    """

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self.requests: list[Call] = []
        self.violations: list[str] = []
        self._faults = Faults()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._connections: set[socket.socket] = set()
        self._checks = _checks()
        self._http = Listener(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        shapes = Shapes(description(), self.state, self.url)
        pages = Pages(self.state, self.url)
        repository = Operations(self.state, shapes, pages, self.url)
        self._handlers = {**repository.handlers, **IssueOperations(self.state, shapes, pages).handlers}
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; connections that are still open are closed."""
        self._stopped.set()
        self._http.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()

    def fail(
        self,
        method: str,
        path_pattern: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        times: int = 1,
    ) -> None:
        """Give this answer to the next requests whose path has the regular expression in it.

        Without a body it is a refusal in GitHub's form. Any status will do, a success too.
        """
        answer = refusal(status, f"Ordered: {status}") if body is None else Answer(status, body)
        answer.headers.update(headers or {})
        self._faults.due.append(Fault("answer", method, path_pattern, times, answer))

    def drop(self, method: str, path_pattern: str, *, times: int = 1) -> None:
        """Do what is asked and close the connection without an answer."""
        self._faults.due.append(Fault("drop", method, path_pattern, times))

    def cut(self, method: str, path_pattern: str, *, times: int = 1) -> None:
        """Close the connection in the middle of the usual answer."""
        self._faults.due.append(Fault("cut", method, path_pattern, times))

    def stall(self, method: str, path_pattern: str, *, times: int = 1) -> None:
        """Send half of the usual answer and then nothing any more."""
        self._faults.due.append(Fault("stall", method, path_pattern, times))

    def meanwhile(self, method: str, path_pattern: str, action: Callable[[], Any], *, times: int = 1) -> None:
        """Do something right after the next such request was dealt with, before it is answered: a race."""
        self._faults.due.append(Fault("meanwhile", method, path_pattern, times, action=action))

    def asked(self, method: str, path_pattern: str = "") -> list[Call]:
        """The requests of a method so far whose path has the pattern in it."""
        probe = Fault("answer", method, path_pattern)
        return [call for call in self.requests if probe.matches(call)]

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer to a request and how it is to go wrong; one request at a time."""
        with self._lock:
            self.requests.append(call)
            fault = self._faults.take(call, *_SHAPED)
            if call.path.startswith(_STORAGE):
                answer = self._stored(call)
                if fault is not None and fault.kind == "answer":
                    answer = fault.answer
            else:
                answer = self._api(call, fault)
            happening = self._faults.take(call, "meanwhile")
            if happening is not None:
                happening.action()
            return answer, fault

    def _api(self, call: Call, fault: Fault | None) -> Answer:
        # GitHub's own links name a repository by its number.
        numbered = f"/repositories/{REPOSITORY_ID}"
        if call.path.startswith(numbered):
            path = f"/repos/{self.state.repository}{call.path.removeprefix(numbered)}"
            call = Call(call.method, path, call.raw_query, call.headers, call.content)
        operation = self._checks.operation(call)
        problems = self._checks.request(call, operation)
        self._note(call, problems)
        if fault is not None and fault.kind == "answer":
            return fault.answer
        if operation is None:
            return missing()
        answer = self._usual(call, operation, problems)
        self._note(call, self._checks.answer(call, operation, answer))
        return answer

    def _usual(self, call: Call, operation: Operation, problems: list[str]) -> Answer:
        if problems:
            return refusal(400, "Problems parsing the request")
        repository = f"{operation.parts['owner']}/{operation.parts['repo']}"
        answer = refused(self.state, call, operation)
        if answer is None and repository.lower() != self.state.repository.lower():
            answer = missing()
        return answer or self._handlers[operation.id](call, operation.parts)

    def _stored(self, call: Call) -> Answer:
        """What the storage sends, which is not GitHub: a token here has been given away."""
        if "authorization" in call.headers:
            self._note(call, ["the storage was sent an Authorization header"])
            return Answer(400, b"InvalidAuthenticationInfo", {"Content-Type": "application/xml"})
        artifact = self.state.artifacts.get(int(call.path.removeprefix(_STORAGE)))
        if artifact is None or call.query.get("sig") != "signature-of-storage":
            return Answer(403, b"AuthenticationFailed", {"Content-Type": "application/xml"})
        return Answer(200, artifact.content, {"Content-Type": "application/zip"})

    def _note(self, call: Call, problems: list[str]) -> None:
        self.violations.extend(f"{call.method} {call.path}: {problem}" for problem in problems)

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection."""
        self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def wait_for_the_end(self) -> None:
        """Hold a stalled answer until the server stops."""
        self._stopped.wait()
