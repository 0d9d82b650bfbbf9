"""Values that only stand for a secret: in templates, documentation and tests."""

from __future__ import annotations

import re

_BEGINS = re.compile(
    r"(?:x{3,}|\*{3,}|\.{3}|<|\$|\{|%|your|change|example|dummy|fake|sample|insert|replace|placeholder|todo|test|my[-_]"
    r"|none$|null$|undefined$|secret$|password$|passwd$|pass$|token$|api[-_]?key$|key$|user$|postgres$|root$|admin$)",
    re.IGNORECASE,
)
_MAX_WORDS = 32  # characters; whoever invents a placeholder does not type more
_SAME_END, _DIFFERENT = 12, 2


def is_placeholder(value: str) -> bool:
    """Whether a value names, masks or exemplifies a secret instead of being one."""
    return is_masked(value) or (len(value) <= _MAX_WORDS and _BEGINS.match(value) is not None)


def is_masked(token: str) -> bool:
    """Whether a token of a vendor is made up: it says EXAMPLE, or ends in one or two characters."""
    return "EXAMPLE" in token or len(set(token[-_SAME_END:])) <= _DIFFERENT
