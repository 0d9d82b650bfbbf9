"""Paths and addresses that a model names: whether following them leaves the model's folder."""

from __future__ import annotations

import re
from typing import Literal

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"^[A-Za-z]:")
_MEMORY = re.compile(r"^(?:memmapped_package|ram|embedded|mem)://", re.IGNORECASE)


def leads(text: str) -> Literal["network", "outside", "beside"]:
    """Where a path leads: to the network, out of the folder, or to a file beside the model."""
    text = text.strip()
    plain = text.replace("\\", "/")
    if plain.startswith("//") or ("://" in plain and _SCHEME.match(plain) and not plain.startswith("file:")):
        return "beside" if _MEMORY.match(plain) else "network"
    away = plain.startswith(("/", "~", "$", "%")) or _DRIVE.match(plain) or _SCHEME.match(plain)
    return "outside" if away or ".." in plain.split("/") else "beside"
