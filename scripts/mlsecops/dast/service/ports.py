"""Where a service listens, as the kernel tells it: no request is sent to find out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import psutil

_LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp
_FIRST_CHOICE = "127.0.0.1"

Address = tuple[str, int]


def free_port() -> int:
    """A port of this machine's loopback that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind((_FIRST_CHOICE, 0))
        port: int = listener.getsockname()[1]
    return port


def listening_in(pid: int) -> list[Address]:
    """Everything that listens in the network namespace of a process, as addresses to connect to."""
    found: set[Address] = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            found |= set(parse(Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii")))
    return _ordered(found)


def listening_of(pid: int) -> list[Address]:
    """Everything that a process and its children listen at, as addresses to connect to."""
    found: set[Address] = set()
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                for connection in each.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr:
                        found.add((_reachable(ip_address(connection.laddr.ip)), connection.laddr.port))
    return _ordered(found)


def parse(table: str) -> Iterator[Address]:
    """The listening sockets of a table as in /proc/net/tcp."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTENING:
            address, _, port = fields[1].partition(":")
            yield _reachable(_address(address)), int(port, 16)


def _address(text: str) -> IPv4Address | IPv6Address:
    """Words of four bytes, each as the machine holds it: the bytes of a word stand in reverse."""
    raw = bytes.fromhex(text)
    words = [raw[start : start + 4][::-1] for start in range(0, len(raw), 4)]
    return ip_address(b"".join(words))


def _reachable(address: IPv4Address | IPv6Address) -> str:
    """An address to connect to where a socket is bound; one bound to all takes loopback."""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return _FIRST_CHOICE if address.is_unspecified else str(address)


def _ordered(found: set[Address]) -> list[Address]:
    return sorted(found, key=lambda each: (each[0] != _FIRST_CHOICE, each))
