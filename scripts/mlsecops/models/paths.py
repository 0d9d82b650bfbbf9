"""Paths that models name: whether one stays in the folder of its model, on every system."""

from __future__ import annotations

import re
from urllib.parse import unquote

_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:|[a-z][a-z0-9+.-]*://|\*/_ORT_MEM_ADDR_")


def leaves(path: str) -> bool:
    """Whether a path is absolute, a URL, or leads above its folder, also where a reader decodes it first."""
    return any(
        _ABSOLUTE.match(each) or ".." in re.split(r"[/\\]", each) for each in {path.strip(), unquote(path)}
    )
