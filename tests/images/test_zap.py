"""ZAP's way through a real engine: a container without a network attacks one service, and is gone afterwards.

The image is a stand-in: what ZAP itself would find is not seen here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops.dast.canary_service import CanaryService, described
from mlsecops.dast.serving import Attacked
from mlsecops.job import Job
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.tools.zap import Zap
from support import small_service
from support.contexts import context
from support.docker_engine import DockerEngine

DOCKERFILE = """FROM base:1
COPY zap-api-scan.py /usr/local/bin/
RUN chmod 755 /usr/local/bin/zap-api-scan.py
USER 1000
WORKDIR /zap
"""


@contextmanager
def flawed(job: Job) -> Iterator[Attacked]:
    """Two operations of the canary as if they were a project's."""
    del job
    known = described()
    operations = tuple(each for each in known.operations if each.path in ("/page", "/links"))
    with CanaryService() as service:
        yield small_service.Served(replace(known, base_url=service.base_url, operations=operations), {})


@contextmanager
def image_of(engine: DockerEngine, folder: Path, script: str) -> Iterator[str]:
    """An image with a script in the place of ZAP's, by its hash."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (folder / "zap-api-scan.py").write_text(script, encoding="utf-8")
    identifier = engine.docker("build", "--quiet", "--network", "none", str(folder)).strip()
    try:
        yield identifier
    finally:
        engine.docker("image", "rm", "--force", identifier)


@pytest.fixture(name="image")
def _image(engine: DockerEngine, tmp_path: Path) -> Iterator[str]:
    script = Path(__file__).with_name("standing_in_for_zap.py").read_text(encoding="utf-8")
    with image_of(engine, tmp_path / "image", script) as identifier:
        yield identifier


def scanned(zap: Zap, tmp_path: Path) -> Json:
    root = tmp_path / "project"
    root.mkdir()
    (root / "app.py").write_text("x = 1\n", encoding="utf-8")
    return scan(zap, ("app.py",), context("dast", root, tmp_path))


def test_a_container_without_a_network_attacks_the_service(image: str, tmp_path: Path) -> None:
    run = scanned(Zap(image, serve=flawed), tmp_path)
    own = run["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] == 2
    (result,) = run["results"]
    assert result["properties"]["mlsecops"]["identity"] == [
        "dast",
        "dast-reflected-xss",
        "GET /page",
        "value",
    ]
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    for secret in described().auth.identities[0].secrets():
        assert not [text for text in [*files, json.dumps(run)] if secret in text]


def test_one_that_does_not_end_is_ended_with_its_container(engine: DockerEngine, tmp_path: Path) -> None:
    with image_of(engine, tmp_path / "image", "#!/bin/sh\nexec sleep 300\n") as image:
        own = scanned(Zap(image, timeout=3.0, serve=flawed), tmp_path)["properties"]["mlsecops"]
        assert (own["status"], own["reason"]) == (
            "incomplete",
            "zap: it did not end within 3 s and was stopped",
        )
        assert "sleep" not in engine.docker("ps", "--all", "--no-trunc")


def test_an_image_that_is_not_there_is_incomplete(engine: DockerEngine, tmp_path: Path) -> None:
    run = scanned(Zap("localhost:9/zap@sha256:" + "0" * 64, serve=flawed), tmp_path)
    own = run["properties"]["mlsecops"]
    assert own["status"] == "incomplete"
    assert own["reason"].startswith("zap: it ended with exit code 125")
