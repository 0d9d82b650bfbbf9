"""Runs of Trivy over images made by hand, and what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mlsecops.containers.canary import Made
from mlsecops.containers.recipes import Recipe
from mlsecops.job import Context
from mlsecops.sarif.build import Json
from support import trivy_images
from support.contexts import NOW
from support.trivy_images import BASE

RECIPES = (Recipe("Dockerfile", ""),)


TOKEN = b"token = ghp_" + b"aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY5zA7"


def own(done: Json) -> Json:
    properties: Json = done["properties"]["mlsecops"]
    return properties


def status(done: Json) -> tuple[str, str]:
    return own(done)["status"], own(done)["reason"]


def lines(done: Json) -> dict[str, int]:
    """The line of each rule's result."""
    return {
        each["ruleId"]: each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in done["results"]
    }


def around(
    root: Path, tmp_path: Path, *members: Made, base: tuple[Made, ...] = BASE, **image: Any
) -> Context:
    return replace(trivy_images.around(root, tmp_path, *members, base=base, **image), now=lambda: NOW)
