"""A server of ours on the loopback: a service that calls it does what the attacker says."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\nConnection: close\r\n\r\nmlsecops"
)
_PATIENCE, _LONGEST, _USUAL_PORT = 2.0, 2048, 47321


@dataclass
class Loopback:
    """Hears who calls; the tokens in the first line of what they say are kept."""

    _socket: socket.socket = field(default_factory=socket.socket, init=False)
    _lines: list[str] = field(default_factory=list, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Listen on the loopback: on a port that stays the same from run to run, if it is free."""
        try:
            self._socket.bind(("127.0.0.1", _USUAL_PORT))
        except OSError:
            self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._thread:
            self._thread.join(_PATIENCE)

    def url(self, token: str) -> str:
        """The address to call with this token in it."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/{token}"

    def heard(self, token: str) -> bool:
        """Whether somebody called it."""
        return any(f"/{token} " in line for line in list(self._lines))

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), caller:
                caller.settimeout(_PATIENCE)
                line = caller.recv(_LONGEST).partition(b"\r\n")[0]
                self._lines.append(line.decode("latin-1") + " ")
                caller.sendall(_ANSWER)
