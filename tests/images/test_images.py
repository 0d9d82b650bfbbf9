"""Images that are really built: what is found in them, where it is told, and what is left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlsecops.job import Context, Options, Scan
from mlsecops.policy import ContainerSettings, ImagePart, Policy, TrivySettings
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.stages import container
from support import trivy, trivy_images
from support.command import mlsecops
from support.contexts import context
from support.docker_engine import DockerEngine
from support.waiting import eventually

FLAWED = """FROM base:1 AS base
FROM base
ENV SERVICE_PASSWORD=q8w7e6r5t4z3
ARG DEPLOY_TOKEN=a1s2d3f4g5h6
RUN cp /bin/true /usr/local/bin/tool && chmod 4755 /usr/local/bin/tool
COPY app.py /app/
RUN chmod 666 /app/app.py
RUN printf '%s\\n' '-----BEGIN ''PRIVATE KEY-----' > /app/id_rsa
RUN rm /app/id_rsa
RUN printf 'cposix\\nsystem\\n(Vecho mlsecops\\ntR.' > /app/model.pkl
RUN ln -s /bin/true /usr/local/bin/gcc
USER 10001
"""


def project(root: Path, **files: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return root


OURS = ("image-checks", "security-updates")


def runs(around: Context, tools: Sequence[str] = OURS) -> dict[str, Json]:
    """The runs of tools that look at images."""
    with around.shared:
        plan = container.plan(around.project, around.policy, around.options)
        due = [each for each in plan if isinstance(each, Scan) and each.tool.name in tools]
        done = [scan(each.tool, each.targets, around) for each in due]
    return {run["tool"]["driver"]["name"]: run for run in done}


def status(run: Json) -> tuple[str, str]:
    own = run["properties"]["mlsecops"]
    return own["status"], own["reason"]


def found(run: Json) -> set[tuple[str, int]]:
    return {
        (each["ruleId"], each["locations"][0]["physicalLocation"]["region"]["startLine"])
        for each in run["results"]
    }


def test_every_flaw_stands_on_its_line(engine: DockerEngine, tmp_path: Path) -> None:
    root = project(tmp_path / "flawed", Dockerfile=FLAWED, app__py="print()\n")
    run = runs(context("container", root, tmp_path))["image-checks"]
    assert status(run) == ("findings", "")
    assert found(run) == {
        ("image-package-manager", 1),
        ("image-no-healthcheck", 1),
        ("image-secret-in-environment", 3),
        ("image-secret-in-history", 4),
        ("image-setuid-file", 5),
        ("image-writable-code", 7),
        ("image-deleted-secret", 8),
        ("image-unseen-model", 10),
        ("model-runs-code", 10),
        ("image-compiler", 11),
    }
    text = json.dumps(run)
    assert "q8w7e6r5t4z3" not in text
    assert "a1s2d3f4g5h6" not in text
    assert "sha256:" not in text
    assert "mlsecops-run" not in text


def test_a_dockerfile_that_cannot_be_built(engine: DockerEngine, tmp_path: Path) -> None:
    root = project(tmp_path / "broken", Dockerfile="FROM base:1\nRUN exit 5\n")
    for run in runs(context("container", root, tmp_path)).values():
        word, reason = status(run)
        assert word == "incomplete"
        assert "returned a non-zero code: 5" in reason


def test_a_build_that_takes_too_long(engine: DockerEngine, tmp_path: Path) -> None:
    root = project(tmp_path / "slow", Dockerfile="FROM base:1\nRUN sleep 1000\n")
    rules = Policy(container=ContainerSettings(timeout=4.0))
    for run in runs(context("container", root, tmp_path, policy=rules)).values():
        word, reason = status(run)
        assert word == "incomplete"
        assert "did not end within 4 s" in reason
    assert eventually(lambda: not engine.leftovers())


def test_without_an_engine_it_is_as_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path / "small", Dockerfile="FROM base:1\nUSER 1\n")
    monkeypatch.setenv("MLSECOPS_ENGINE", "none")
    reason = "no image was built: MLSECOPS_ENGINE names none of docker, podman, buildah"
    cases: tuple[tuple[bool, ImagePart | None, str], ...] = (
        (False, None, "skipped"),
        (True, None, "incomplete"),
        (True, "when-available", "skipped"),
        (False, "required", "incomplete"),
    )
    for required, asked, word in cases:
        settings = ContainerSettings(image=asked)
        around = context(
            "container",
            root,
            tmp_path,
            policy=Policy(container=settings),
            options=Options(image_required=required),
        )
        for name, run in runs(around, (*OURS, "trivy")).items():
            told = reason if word == "skipped" else f"{name}: could not read Dockerfile"
            assert status(run)[0] == word
            assert told in status(run)[1]
            assert reason in status(run)[1]


def test_an_image_that_the_policy_names_and_that_is_not_there(engine: DockerEngine, tmp_path: Path) -> None:
    root = project(tmp_path / "small", Dockerfile="FROM base:1\nUSER 1\n")
    rules = Policy(container=ContainerSettings(dockerfiles=("other/Dockerfile",)))
    for run in runs(context("container", root, tmp_path, policy=rules)).values():
        assert status(run)[0] == "incomplete"
        assert "other/Dockerfile" in status(run)[1]


def test_no_code_of_the_project_runs_when_that_is_asked(engine: DockerEngine, tmp_path: Path) -> None:
    root = project(tmp_path / "small", Dockerfile="FROM base:1\nRUN exit 1\nUSER 1\n")
    done = mlsecops("run", root, "--stage", "container", "--no-exec", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout
    assert "--no-exec" in (tmp_path / "out/stages/container.sarif").read_text(encoding="utf-8")


@pytest.fixture(name="with_trivy")
def _with_trivy(engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    """Trivy on PATH, and a policy that names a database of a few advisories."""
    try:
        program = trivy.program()
    except trivy.TrivyUnavailableError as error:
        pytest.skip(f"images were not scanned with Trivy: {error}")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    data = trivy_images.database(tmp_path / "database", datetime.now(UTC))
    return Policy(container=ContainerSettings(trivy=TrivySettings(database=str(data))))


VULNERABLE = """FROM base:1
RUN printf '%s\\n' 'Package: example' 'Status: install ok installed' 'Version: 1.0-1' '' \\
    >> /var/lib/dpkg/status
COPY METADATA /opt/venv/lib/python3.13/site-packages/Flask-2.0.1.dist-info/
RUN mkdir /app && printf '%s\\n' 'token = ghp_''aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY5zA7' > /app/a.ini
RUN rm /app/a.ini
USER 10001
"""


def test_trivy_finds_packages_and_secrets_on_their_lines(with_trivy: Policy, tmp_path: Path) -> None:
    root = project(tmp_path / "old", Dockerfile=VULNERABLE, METADATA="Name: Flask\nVersion: 2.0.1\n")
    run = runs(context("container", root, tmp_path, policy=with_trivy), ("trivy",))["trivy"]
    assert status(run) == ("findings", "")
    assert {
        ("image-pending-security-update", 2),
        ("CVE-2023-30861", 4),
        ("image-deleted-secret", 5),
    } <= found(run)
    own = run["properties"]["mlsecops"]
    assert own["scanned"] == own["expected"] > 80
    assert own["canary"] == "found"
    text = json.dumps(run)
    assert "ghp_" not in text
    assert "sha256:" not in text
    assert "mlsecops-run" not in text
    document = json.loads((tmp_path / "keep/image-sbom.cdx.json").read_text(encoding="utf-8"))
    assert {"Flask", "example", "libc6"} <= {each["name"] for each in document["components"]}


def test_trivy_has_nothing_against_the_example(with_trivy: Policy, example: Path, tmp_path: Path) -> None:
    run = runs(context("container", example, tmp_path, policy=with_trivy), ("trivy",))["trivy"]
    assert status(run) == ("passed", "")
    assert run["properties"]["mlsecops"]["expected"] > 90
