"""Settings in JSON that hold whole objects: those of LangChain and Stable Baselines 3."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from mlsecops.models.readers.settings import Check, Settings


def _constructor(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """`{"lc": 1, "type": "constructor", "id": [...], "kwargs": {...}}` of LangChain (CVE-2025-68664)."""
    del key, value
    path, arguments = node.get("id"), node.get("kwargs")
    if isinstance(path, list) and all(isinstance(each, str) for each in path):
        name = ".".join(path)
        if not name.startswith(("langchain.", "langchain_")):
            settings.name(name, "id")
    if isinstance(arguments, dict) and arguments.get("template_format") == "jinja2":
        settings.templates.read(str(arguments.get("template")), "template")


def _serialized(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """A pickle in Base64, as Stable Baselines 3 keeps what JSON cannot say.

    https://github.com/DLR-RM/stable-baselines3/blob/master/stable_baselines3/common/save_util.py
    """
    del node
    part = settings.source.part(0, 0, f"{key} object").name
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        settings.walk.found.not_read(part, "it is not in Base64")
        return
    with settings.walk.unpacked([data], part, len(data)) as pickled:
        if not settings.walk.read(pickled):
            settings.walk.found.not_read(part, "nothing here knows its format")


CHECKS: Mapping[str, Check] = {"lc": _constructor, ":serialized:": _serialized}
