"""Stands in for actions/setup-python."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping

from support.standing_in import step

_VERSION = re.compile(r"3\.1[0-5](\.\d+)?")


def act(inputs: Mapping[str, str]) -> dict[str, object]:
    """Take a version that GitHub has, and no cache: it would be shared with other branches."""
    version = inputs["python-version"]
    if not _VERSION.fullmatch(version):
        raise step.RefusedError(f"there is no Python '{version}'")
    for name in ("python-version-file", "cache", "architecture", "cache-dependency-path", "pip-version"):
        if inputs[name]:
            raise step.RefusedError(f"nothing stands in for the input {name}")
    for name in ("check-latest", "update-environment", "allow-prereleases", "freethreaded"):
        step.flag(inputs, name)
    return {"python-version": platform.python_version(), "python-path": sys.executable, "cache-hit": ""}


if __name__ == "__main__":
    step.run(act)
