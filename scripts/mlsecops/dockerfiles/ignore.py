"""`.dockerignore`: which files of the context a build does not see."""

from __future__ import annotations

import re
from collections.abc import Sequence


def patterns(text: str) -> tuple[str, ...]:
    """The patterns of a `.dockerignore` file, in order."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def leaves_out(rules: Sequence[str], path: str) -> bool:
    """Whether the patterns keep a path, or a folder above it, out of the context. The last match decides."""
    parts = path.strip("/").split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    out = False
    for rule in rules:
        negated = rule.startswith("!")
        glob = _regex(rule.removeprefix("!"))
        if any(glob.fullmatch(each) for each in above):
            out = not negated
    return out


def _regex(rule: str) -> re.Pattern[str]:
    """A pattern as a regular expression: from the root, `*` and `?` within a folder, `**` across."""
    body = re.sub(r"/+", "/", rule.strip().removeprefix("./")).strip("/")
    pieces = re.findall(r"\*\*/?|\*|\?|\[[^\]]+\]|\\.|.", body, re.DOTALL)
    return re.compile("".join(_piece(piece) for piece in pieces), re.DOTALL)


def _piece(piece: str) -> str:
    if piece == "**/":
        return "(?:.*/)?"
    if piece == "**":
        return ".*"
    if piece in ("*", "?"):
        return f"[^/]{piece if piece == '*' else ''}"
    if piece.startswith("[") and len(piece) > 1:
        negation = "^" if piece[1] in "^!" else ""
        members = re.escape(piece[1 + len(negation) : -1]).replace(r"\-", "-")
        return f"[{negation}{members}]"
    return re.escape(piece.removeprefix("\\") if len(piece) > 1 else piece)
