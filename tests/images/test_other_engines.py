"""Podman and Buildah build what Docker builds, and Podman starts it; all theirs lies in a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlsecops.containers.recipes import recipes
from mlsecops.policy import DastSettings
from mlsecops.scan import scan
from mlsecops.tools.image_checks import ImageChecks
from support import services
from support.contexts import context
from support.docker_engine import base_image
from support.packages import EngineUnavailableError, install, program

STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/images"\nrunroot = "{0}/run"\n'
# This machine may not allow more, which Podman does not ask.
LIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
DOCKERFILE = """FROM base:1 AS base
FROM base
COPY service.py /app/
RUN cp /bin/true /usr/local/bin/tool && chmod 4755 /usr/local/bin/tool
ENV PORT=8080
CMD ["python", "/app/service.py"]
"""


@pytest.fixture(scope="module", name="storage")
def _storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which both use a folder that has the base image in it."""
    folder = tmp_path_factory.mktemp("storage")
    in_memory = psutil.virtual_memory().available > 8 << 30 and os.geteuid() == 0
    if in_memory:
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", folder], check=True)
    variables = {}
    for name, text in {"STORAGE_CONF": STORAGE.format(folder), "CONF": LIMITS}.items():
        (folder / name).write_text(text, encoding="utf-8")
        variables[f"CONTAINERS_{name}"] = str(folder / name)
    try:
        install({"podman": "podman", "buildah": "buildah"})
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            listed("podman", "import", "--quiet", str(base_image()), "base:1")
            yield variables
    except EngineUnavailableError as error:
        pytest.skip(f"neither Podman nor Buildah built an image: {error}")
    finally:
        subprocess.run(["/bin/umount", "--recursive", folder / "images" / "overlay"], check=False)
        subprocess.run(["/bin/umount", folder] if in_memory else ["/bin/rm", "-rf", folder], check=False)


def listed(name: str, *arguments: str) -> list[str]:
    """The lines that an engine's command prints."""
    command = [program(name), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def left() -> list[str]:
    """Tags and containers of ours; what Podman keeps of steps has no name."""
    images = listed("podman", "images", "--noheading", "--format", "{{.Repository}}:{{.Tag}}")
    containers = listed("podman", "ps", "--all", "--external", "--quiet")
    return [each for each in images if "mlsecops" in each] + containers


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_an_image_is_built_and_read(
    storage: dict[str, str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_ENGINE", name)
    root = services.make(tmp_path / "p")
    (root / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    around = context("container", root, tmp_path)
    tool = ImageChecks(tuple(recipes(around.project, around.policy.container)))
    with around.shared:
        run = scan(tool, ("Dockerfile",), around)
    assert run["properties"]["mlsecops"]["reason"] == ""
    assert {
        (each["ruleId"], each["locations"][0]["physicalLocation"]["region"]["startLine"])
        for each in run["results"]
    } == {
        ("image-root-user", 1),
        ("image-no-healthcheck", 1),
        ("image-package-manager", 1),
        ("image-setuid-file", 4),
    }
    assert left() == []


def test_podman_starts_the_service(
    storage: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_ENGINE", "podman")
    root = services.make(tmp_path / "p")
    (root / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    own = services.probed(root, tmp_path, DastSettings(target="image", start_timeout=20.0))
    assert (own["status"], own["reason"]) == ("passed", "")
    assert own["notes"][0] == "the service ran as the image of Dockerfile, in a container of its own"
    assert left() == []


def test_buildah_starts_none(
    storage: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_ENGINE", "buildah")
    root = services.make(tmp_path / "p")
    (root / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    start = ("python", "service.py")
    own = services.probed(root, tmp_path, DastSettings(target="image", start=start, start_timeout=20.0))
    assert (own["status"], own["reason"]) == ("passed", "")
    assert own["notes"][0].endswith("buildah builds images, and does not start them")
