"""A product over HTTP: what it was sent, what was wrong with that, and how it is to go wrong itself."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from jsonschema import Draft202012Validator
from support.export_services.form import Form, form_of
from support.github_api.faults import Fault, Faults, Kind
from support.github_api.listener import Listener
from support.github_api.wire import Answer, Call

KEY = "k3y-of-the-tests-0123456789abcdef"


class Behaviour(Protocol):
    """One product: the form that it takes and what it makes of it."""

    described: Mapping[str, Any]
    key_header: str
    key: str

    def take(self, form: Form) -> Answer:
        """The answer to a form that is as described."""

    def tell(self, path: str) -> Answer:
        """The answer to a question."""


class ExportServer:
    """A product at `url`; `violations` is what its description does not allow."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Call] = []
        self.violations: list[str] = []
        self._faults = Faults()
        self._stopped = threading.Event()
        self._connections: set[socket.socket] = set()
        self._http = Listener(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator[ExportServer]:
        """Serve as long as the block lasts."""
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._http.shutdown()
            thread.join()
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._http.server_close()

    def fail(
        self, status: int, body: Any = None, *, headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """Give the next requests this answer."""
        self._faults.due.append(Fault("answer", "*", "", times, Answer(status, body, dict(headers or {}))))

    def break_off(self, kind: Kind, *, times: int = 1) -> None:
        """Drop, cut or stall the answers to the next requests."""
        self._faults.due.append(Fault(kind, "*", "", times))

    @property
    def forms(self) -> list[Form]:
        """Every form that was sent."""
        return [form_of(call) for call in self.requests if call.method == "POST"]

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer to a request and how it is to go wrong."""
        self.requests.append(call)
        fault = self._faults.take(call, "answer", "drop", "cut", "stall")
        problems = list(self._problems(call))
        self.violations += [f"{call.method} {call.path}: {problem}" for problem in problems]
        if fault is not None and fault.kind == "answer":
            return fault.answer, fault
        if call.headers.get(self.behaviour.key_header.lower()) != self.behaviour.key:
            return Answer(401, {"detail": "Invalid token."}), fault
        if problems:
            return Answer(400, {"detail": problems}), fault
        if call.method == "POST":
            return self.behaviour.take(form_of(call)), fault
        return self.behaviour.tell(call.path), fault

    def _problems(self, call: Call) -> Iterator[str]:
        described = self.behaviour.described
        if call.method == "GET":
            if not call.path.startswith(described.get("progress", "\n")):
                yield "no such question"
            return
        if (call.method, call.path) != ("POST", described["path"]):
            yield "no such operation"
            return
        form = form_of(call)
        if set(form.files) != {described["file"]}:
            yield f"its files are {sorted(form.files)}"
        validator = Draft202012Validator(described["form"])
        yield from (error.message for error in validator.iter_errors(form.fields))

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection."""
        self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def wait_for_the_end(self) -> None:
        """Hold a stalled answer until the server stops."""
        self._stopped.wait()


def document_of(form: Form, name: str) -> Any:
    """The JSON of a form's file."""
    return json.loads(form.files[name][1])
