"""Which image is the service, and how its container's network is entered."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops.dast.service.container import NoImageError, recipe_of, ways
from mlsecops.job import Options
from mlsecops.policy import ContainerSettings, DastSettings, Policy
from mlsecops.project import discover
from mlsecops.stages import dast
from support import services

STARTED = ("python", "service.py")


def asked(root: Path, folder: Path, settings: DastSettings, *dockerfiles: str) -> str:
    """The Dockerfile whose image is to be the service."""
    job = services.job(root, folder, settings)
    policy = replace(job.policy, container=ContainerSettings(dockerfiles=dockerfiles))
    return recipe_of(replace(job, context=replace(job.context, policy=policy))).dockerfile


@pytest.mark.parametrize(
    ("settings", "files", "named", "expected"),
    [
        (DastSettings(), ["Dockerfile"], (), "Dockerfile"),
        (DastSettings(start=STARTED, target="image"), ["Dockerfile"], (), "Dockerfile"),
        (DastSettings(), ["Dockerfile", "b/Dockerfile"], ("b/Dockerfile",), "b/Dockerfile"),
        (DastSettings(), ["Dockerfile", "b/Dockerfile"], (), "there are several Dockerfiles"),
        (DastSettings(start=STARTED), ["Dockerfile"], (), ""),
        (DastSettings(target="process"), ["Dockerfile"], (), ""),
        (DastSettings(), [], (), ""),
        (DastSettings(target="image"), [], (), "there is no Dockerfile"),
    ],
)
def test_which_image_is_the_service(
    settings: DastSettings, files: list[str], named: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    root = services.make(tmp_path / "p")
    for name in files:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("FROM base:1\n", encoding="utf-8")
    if "Dockerfile" in expected and " " not in expected:
        assert asked(root, tmp_path, settings, *named) == expected
    else:
        with pytest.raises(NoImageError, match=f"^{expected}" if expected else "^$"):
            asked(root, tmp_path, settings, *named)


def test_a_service_that_only_its_image_shows_is_due(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base:1\n", encoding="utf-8")
    project = discover(tmp_path)
    as_image = dast.plan(project, Policy(dast=DastSettings(target="image")), Options())
    assert {getattr(each, "targets", None) for each in as_image} == {("Dockerfile",)}
    assert {getattr(each, "targets", None) for each in dast.plan(project, Policy(), Options())} == {None}


@pytest.mark.parametrize(
    ("user", "programs", "expected"),
    [
        (0, ["nsenter", "sudo"], ["/bin/nsenter", "/bin/nsenter --user"]),
        (7, ["nsenter"], ["/bin/nsenter", "/bin/nsenter --user"]),
        (7, ["nsenter", "sudo"], ["/bin/nsenter", "/bin/nsenter --user", "/bin/sudo --setuid=7"]),
        (7, ["sudo"], []),
    ],
)
def test_ways_into_a_network(
    user: int, programs: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is entered as root is left for our own user at once."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
    found = list(ways(42))
    assert len(found) == len(expected)
    for way, words in zip(found, expected, strict=True):
        assert way[0] == words.split()[0]
        assert {"--target=42", "--net", *words.split()[1:]} <= set(way)
