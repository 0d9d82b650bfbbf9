"""API keys: made here, stored as hashes, compared in constant time.

    python -m loadforecast.keys NAME SCOPE[,SCOPE]

prints a new key (once, on standard error) and the line to store (on standard output).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

SCOPES = frozenset({"forecast", "metrics"})
MAX_KEY_LENGTH = 256
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class KeyFormatError(Exception):
    """A line of the key list cannot be read; the text says which and why, never its content."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls: the name given to a key, and what that key may do."""

    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The clients and the SHA-256 of each one's key."""

    entries: tuple[tuple[str, Client], ...]

    def identify(self, key: str | None) -> Client | None:
        """Return the client whose key this is, or None; compares with all keys in constant time.

        A plain hash is enough here because keys are 256 random bits, not passwords.
        """
        digest = _hash((key or "")[:MAX_KEY_LENGTH])
        found = None
        for stored, client in self.entries:
            if hmac.compare_digest(stored, digest):
                found = client
        return found if key else None


def parse(text: str) -> KeyRing:
    """Read lines (or parts between semicolons) `NAME SCOPE[,SCOPE] SHA256`; `#` starts a comment.

    A name may have several keys, so that keys can be changed without a gap. Raises KeyFormatError.
    """
    entries = []
    for number, raw in enumerate(re.split(r"[\n;]", text), start=1):
        line = raw.partition("#")[0].split()
        if not line:
            continue
        if len(line) != 3:
            raise KeyFormatError(f"key {number} is not of the form NAME SCOPES SHA256")
        name, scopes, digest = line[0], frozenset(line[1].split(",")), line[2].lower()
        if not _NAME.fullmatch(name):
            raise KeyFormatError(f"the name of key {number} is not made of a-z, 0-9 and dashes")
        if not scopes <= SCOPES:
            raise KeyFormatError(
                f"key {number} has a scope that is not {' or '.join(sorted(SCOPES))}"
            )
        if not _DIGEST.fullmatch(digest):
            raise KeyFormatError(f"key {number} has no SHA-256 in hexadecimal digits")
        entries.append((digest, Client(name, scopes)))
    return KeyRing(tuple(entries))


def create(name: str, scopes: Sequence[str]) -> tuple[str, str]:
    """Return a new random key and the line to store for it. Raises KeyFormatError."""
    key = secrets.token_urlsafe(32)
    line = f"{name} {','.join(scopes)} {_hash(key)}"
    parse(line)
    return key, line


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Print a new key and its line; return the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m loadforecast.keys NAME SCOPE[,SCOPE]\n")
        return 2
    try:
        key, line = create(arguments[0], arguments[1].split(","))
    except KeyFormatError as error:
        sys.stderr.write(f"loadforecast: {error}\n")
        return 2
    sys.stderr.write(f"key (shown once): {key}\n")
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
