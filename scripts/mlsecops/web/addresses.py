"""Addresses that an answer names: which host they are of, and whether they may be asked."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def joined(base: str, address: str) -> str:
    """An address that may be relative; one that is broken stays as it is."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def split(url: str) -> SplitResult | None:
    """The parts of an address; None when it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: who gets to see what is sent there."""
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def is_safe(parts: SplitResult) -> bool:
    """Whether what is sent there cannot be read on the way: https, or this machine."""
    if not parts.hostname or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
