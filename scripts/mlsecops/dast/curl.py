"""A request as a `curl` line that a person can run: secrets blanked, long bodies made by a command."""

from __future__ import annotations

import shlex

from mlsecops.bounds import BLANK, blanked
from mlsecops.dast.attacks.messages import Request

__all__ = ["BLANK", "blanked", "curl"]
_LONGEST = 32_000


def curl(request: Request, secrets: tuple[str, ...] = ()) -> str:
    """One line; `$SERVICE` stands for the service's address, `***` for each secret."""
    words = ["curl", "-sS", "-i", "--path-as-is"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", request.method]
    target = request.target
    cookies: list[str] = []
    if request.identity:
        words += [f"-H {shlex.quote(f'{name}: {BLANK}')}" for name in request.identity.headers]
        cookies = [f"{name}={BLANK}" for name in request.identity.cookies]
        for name in request.identity.query:
            target += f"{'&' if '?' in target else '?'}{name}={BLANK}"
    words += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers]
    words += [f"-b {shlex.quote('; '.join(cookies))}"] if cookies else []
    before = request.recipe
    if request.body is not None and not before and not _is_plain(request.body):
        before = f"printf '{_octal(request.body)}'"
    if before:
        words.append("--data-binary @-")
    elif request.body is not None:
        words.append(f"--data-raw {shlex.quote(request.body.decode('ascii'))}")
    line = f'{before}{" | " if before else ""}{" ".join(words)} "$SERVICE"{shlex.quote(target)}'
    return blanked(line, secrets)[:_LONGEST]


def _is_plain(body: bytes) -> bool:
    return all(32 <= each < 127 for each in body)


def _octal(body: bytes) -> str:
    """Bytes for `printf`: what is no plain character as `\\ooo`."""
    plain = {each for each in range(32, 127) if each not in b"'\\%"}
    return "".join(chr(each) if each in plain else f"\\{each:03o}" for each in body)
