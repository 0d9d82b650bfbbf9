"""Lends one address of a network namespace to a container that has no network, through a socket in a folder.

    relay.py out SOCKET HOST PORT         beside the service: prints each request that was answered, as JSON
    relay.py in SOCKET PORT COMMAND...    in the container: runs the command, and ends as it does

It needs nothing but Python, for in the container there is nothing else of ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

_REQUEST = re.compile(rb"^([A-Z]{3,16}) (\S{1,2000}) HTTP/1\.[01]\r?$")
_ANSWER = re.compile(rb"^HTTP/1\.[01] ([2-5]\d\d)\b")
_CHUNK, _LONGEST = 65536, 8192
_READY = "ready"
Seen = Callable[[bytes], None]
Opened = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]


class Exchanges:
    """One connection: which requests went by, and which of them were answered."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._asked: deque[tuple[str, str]] = deque()

    def asked(self, line: bytes) -> None:
        """A line towards the service."""
        found = _REQUEST.match(line)
        if found:
            self._asked.append((found[1].decode("ascii"), found[2].decode("latin-1")))

    def answered(self, line: bytes) -> None:
        """A line from the service."""
        found = _ANSWER.match(line)
        if found and self._asked:
            method, target = self._asked.popleft()
            self._write(json.dumps({"method": method, "target": target, "status": int(found[1])}))


class Lines:
    """Bytes as they come -> the lines in them, each but for what is too long."""

    def __init__(self, see: Seen) -> None:
        self._see = see
        self._rest = b""

    def feed(self, content: bytes) -> None:
        """See the lines that end in this content."""
        *whole, rest = (self._rest + content).split(b"\n")
        for line in whole:
            self._see(line[:_LONGEST])
        self._rest = rest[:_LONGEST]


async def copy(reader: StreamReader, writer: StreamWriter, see: Seen) -> None:
    """Everything from one end to the other."""
    lines = Lines(see)
    with suppress(OSError):
        while content := await reader.read(_CHUNK):
            lines.feed(content)
            writer.write(content)
            await writer.drain()
    writer.close()


async def joined(
    opened: Opened, write: Callable[[str], None], reader: StreamReader, writer: StreamWriter
) -> None:
    """One connection, and the one that it leads to."""
    exchanges = Exchanges(write)
    try:
        answers, questions = await opened()
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, questions, exchanges.asked), copy(answers, writer, exchanges.answered))


async def out(socket: str, host: str, port: int) -> int:
    """Beside the service: until standard input ends."""
    opened = partial(asyncio.open_connection, host, port)
    server = await asyncio.start_unix_server(partial(joined, opened, say), socket)
    say(_READY)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    return 0


async def into(socket: str, port: int, command: list[str]) -> int:
    """In the container: until the command ends; its exit code."""
    opened = partial(asyncio.open_unix_connection, socket)
    server = await asyncio.start_server(partial(joined, opened, forget), "127.0.0.1", port)
    process = await asyncio.create_subprocess_exec(*command)
    code = await process.wait()
    server.close()
    return code if code >= 0 else 128 - code


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def forget(line: str) -> None:
    """In the container nobody reads it."""
    del line


def main(arguments: list[str]) -> int:
    """Run one of the two ends."""
    end, socket, *rest = arguments
    if end == "out":
        # The container's user is another one, and must reach the socket.
        os.umask(0)
        return asyncio.run(out(socket, rest[0], int(rest[1])))
    return asyncio.run(into(socket, int(rest[0]), rest[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
