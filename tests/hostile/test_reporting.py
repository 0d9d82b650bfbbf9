"""Attacks on the job that reports: whatever is left for it, the verdict is the scan's own or incomplete."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from contract.test_steps import on_pull_request
from hostile.attacks.reporting import ATTACKS, RESULT, Scene
from mlsecops.chain import write_atomically
from mlsecops.job import Scan
from mlsecops.sarif.build import SCHEMA
from mlsecops.scan import scan
from mlsecops.stages import container
from support.acting.events import PULL
from support.contexts import context
from support.github_api import TOKEN, GitHubServer
from support.markup import render
from support.steps import needs

WEAK = 'FROM python:3.13.1-slim\nENV API_TOKEN=hunter2hunter2\nCMD ["python"]\n'


@pytest.fixture(name="result", scope="module")
def _result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the job of one stage left: a Dockerfile with a secret in it."""
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "project").mkdir()
    (folder / "project" / "Dockerfile").write_text(WEAK, encoding="utf-8")
    around = context("container", folder / "project", folder)
    due = container.plan(around.project, around.policy, around.options)
    runs = [
        scan(each.tool, each.targets, around)
        for each in due
        if isinstance(each, Scan) and each.tool.name == "dockerfile-checks"
    ]
    write_atomically(folder / RESULT, {"$schema": SCHEMA, "version": "2.1.0", "runs": runs})
    return folder / RESULT


@pytest.mark.parametrize("name", ATTACKS)
def test_it_does_not_get_past_the_gate(
    name: str, result: Path, repository: GitHubServer, tmp_path: Path
) -> None:
    attack = ATTACKS[name]
    job = on_pull_request(tmp_path, repository, WEAK)
    outputs = {"sha256": hashlib.sha256(result.read_bytes()).hexdigest(), "artifact-id": "5"}
    scene = Scene(job, repository, outputs)
    scene.downloads.mkdir(parents=True)
    shutil.copy(result, scene.downloads)
    attack.change(scene)

    done = job.step("report", stages="container", needs=needs(container=scene.outputs))
    published = job.step("publish", uploaded="skipped")

    assert (done.code, published.code) == (0, 0), done.log
    assert done.outputs["verdict"] == attack.word, done.log
    assert attack.says in done.annotations("error")[0]
    (ours, *others) = [each.body for each in reversed(repository.state.on(PULL))]
    assert others == scene.theirs
    assert f"mlsecops {attack.word}" in ours.splitlines()[1]
    assert {urlsplit(each).netloc for each in render(ours).links} <= {"github.com"}
    assert "@octocat" not in "".join(render(ours).references)
    everything = f"{done.log}{done.summary}{published.log}{ours}"
    assert TOKEN not in everything
    assert "\x1b" not in everything
    assert not [line for line in everything.splitlines() if line.startswith(("::set-output", "::error::x"))]


def test_two_runs_at_once_leave_the_comment_of_the_newer_commit(
    result: Path, repository: GitHubServer, tmp_path: Path
) -> None:
    job = on_pull_request(tmp_path, repository, WEAK)
    scene = Scene(job, repository, {"sha256": hashlib.sha256(result.read_bytes()).hexdigest()})
    scene.downloads.mkdir(parents=True)
    shutil.copy(result, scene.downloads)
    done = job.step("report", stages="container", needs=needs(container=scene.outputs))
    assert done.outputs["verdict"] == "blocked"
    repository.state.pulls[PULL].head_sha = "e" * 40
    assert "newer commit" in job.step("publish").annotations("notice")[0]
    assert repository.state.on(PULL) == []
