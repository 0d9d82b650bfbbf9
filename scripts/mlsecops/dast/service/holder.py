"""Holds a network namespace open until its standard input ends; a program of its own, without our package.

As the first process of its process namespace it takes everything that still runs there with it, whatever
became of the process that started it.
"""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import sys

# <linux/sockios.h>, <linux/if.h>
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_REQUEST = "16sH14s"


def raise_loopback() -> None:
    """Bring up `lo`, the only interface there is. Raises OSError where that is not allowed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack(_REQUEST, b"lo", 0, b"")
        _, flags, _ = struct.unpack(_REQUEST, fcntl.ioctl(any_socket, _GET_FLAGS, asked))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, b"lo", flags | _UP, b""))


def main() -> None:
    """Say `ready`, then wait for the end."""
    # Orphans become our children: nobody waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    raise_loopback()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
