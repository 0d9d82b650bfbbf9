"""Becomes a command that nobody vouches for, with few rights; a program of its own, without our package.

    confined.py '{"write": […], "hide": "…", "show": […]}' command argument…

With Landlock (https://docs.kernel.org/userspace-api/landlock.html) the command and all that it starts write
below `write` only, read no file below the folder `hide` but for those below `show`, neither look into
processes outside nor end them, and gain no rights. Where the kernel has no Landlock they run as they are.
Owner, mode and times of a file are not among what Landlock knows.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

# <linux/prctl.h>, <linux/landlock.h>; the numbers of these calls are the same on all usual machines.
_NO_NEW_PRIVILEGES, _DROP_CAPABILITY = 38, 24
_CAPABILITIES = (19, 21, 38)  # that let the superuser look into any process: ptrace, admin, perfmon
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION, _BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 13, 1 << 14
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
# What came with which version of the interface.
_SINCE = ((1, _WRITE_FILE | _READ_FILE | _CHANGE_FOLDERS), (2, _REFER), (3, _TRUNCATE))
_SCOPES, _SCOPES_SINCE = 0b11, 6  # abstract sockets and signals
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE


def version() -> int:
    """The version of Landlock's interface here; 0 without it."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def confine(write: Sequence[str], hide: str, show: Sequence[str]) -> None:
    """Give up rights for good, as the text above says. Raises OSError where the kernel refuses."""
    known = version()
    if not known:
        return
    handled = 0
    for since, rights in _SINCE:
        handled |= rights if known >= since else 0
    content = struct.pack("=QQQ", handled, 0, _SCOPES)
    size = len(content) if known >= _SCOPES_SINCE else 8
    rules = _called(_CREATE, content, ctypes.c_size_t(size), 0)
    for path in write:
        _allow(rules, path, handled)
    for path in (*show, *_around(hide)):
        _allow(rules, path, _READ_FILE)
    for number in _CAPABILITIES:
        _libc().prctl(_DROP_CAPABILITY, number, 0, 0, 0)
    if _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")
    _called(_RESTRICT, rules, 0)
    os.close(rules)


def _around(hidden: str) -> Iterator[str]:
    """What lies beside the way to a folder, so that all but that folder is named; "" hides none.

    No link is: it may lead to that very folder, and what it leads to elsewhere is named by itself.
    """
    if not hidden:
        yield "/"
        return
    way = Path(os.path.realpath(hidden))
    on_it = {str(way), *map(str, way.parents)}
    for folder in way.parents:
        with suppress(OSError), os.scandir(folder) as entries:
            yield from (each.path for each in entries if each.path not in on_it and not each.is_symlink())


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow rights at a file, or below a folder; what is not there, or may not be opened, gets none."""
    try:
        there = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(path).is_dir():
            rights &= _OF_FILES
        _called(_ADD, rules, _BENEATH, struct.pack("=Qi", rights, there), 0)
    finally:
        os.close(there)


def _called(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Become the command; return only where that fails, as a shell would."""
    command = sys.argv[2:]
    try:
        confine(**json.loads(sys.argv[1]))
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main())
