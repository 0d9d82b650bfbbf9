"""The release workflow, executed: a tag becomes a release with its files, and the moving tag follows."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from release.tree import read_tree
from release.versions import project_version
from support.acting import events, staging
from support.acting.callers import Caller
from support.acting.events import Event
from support.acting.runner import TOKEN, Act, Run
from support.git_repository import commit, git
from support.release_service import ReleaseService, serve

REPOSITORY = staging.REPOSITORY
WORKFLOW = ".github/workflows/release.yml"
VERSION = project_version(read_tree(REPOSITORY))
TAG = VERSION.tag
CHANGES = f"# Changelog\n\n## {VERSION} - 2026-11-21\n\n### Added\n\n- all of it\n"
# Our own environment takes minutes to make, and needs an index: the tests' is there.
BOOTSTRAP = """\
import pathlib
python = pathlib.Path(".venv/bin/python")
python.parent.mkdir(parents=True)
python.write_text('#!/bin/sh\\nPYTHONPATH="$PWD/scripts" exec {python} "$@"\\n')
python.chmod(0o755)
print(".venv")
"""
# What GitHub's own command would do with a release, kept beside what it was told.
GH = """\
#!{python}
import json, os, pathlib, shutil, sys
kept = pathlib.Path({kept!r})
arguments = sys.argv[1:]
with kept.joinpath("calls.jsonl").open("a") as file:
    file.write(json.dumps({{"arguments": arguments, "token": os.environ.get("GH_TOKEN")}}) + "\\n")
for name in arguments:
    if name.startswith("/") and pathlib.Path(name).is_file():
        shutil.copy(name, kept)
"""


@dataclass(frozen=True)
class Bench:
    """A copy of this repository in which the version is due, GitHub's API and its command."""

    act: Act
    caller: Caller
    service: ReleaseService
    kept: Path

    def run(self, tag: str = TAG) -> Run:
        """Push the tag."""
        event = events.push("0" * 40, self.caller.sha)
        pushed = Event("push", {**event.payload, "ref": f"refs/tags/{tag}"}, f"refs/tags/{tag}")
        return self.act.run(self.caller, pushed, api=self.service.url, workflow=WORKFLOW)

    def tag(self, tag: str = TAG) -> str:
        """Tag the commit of the copy, which is merged; return the commit."""
        git(self.caller.folder, "tag", tag)
        self.service.tags[tag] = ("commit", self.caller.sha)
        self.service.merged.add(self.caller.sha)
        return self.caller.sha

    def calls(self) -> list[list[str]]:
        """What GitHub's command was told, word by word."""
        path = self.kept / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        calls = [json.loads(line) for line in lines]
        assert all(call["token"] == TOKEN for call in calls)
        return [call["arguments"] for call in calls]


@pytest.fixture
def bench(act_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    programs, kept = tmp_path / "path", tmp_path / "kept"
    programs.mkdir()
    kept.mkdir()
    gh = programs / "gh"
    gh.write_text(GH.format(python=sys.executable, kept=str(kept)), encoding="utf-8")
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    caller = Caller(copy(tmp_path / "copy"))
    act = Act(act_program, staging.stage(tmp_path / "staged"), tmp_path)
    with serve(ReleaseService(repository=events.REPOSITORY)) as service:
        yield Bench(act, caller, service, kept)


def copy(folder: Path) -> Path:
    """This repository, with its own commit, its changes released, and no tests to wait for."""
    listed = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in listed.split("\0"):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    (folder / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    (folder / "scripts" / "bootstrap.py").write_text(
        BOOTSTRAP.format(python=sys.executable), encoding="utf-8"
    )
    (folder / "scripts" / "test").write_text("#!/bin/sh\necho all tested\n", encoding="utf-8")
    commit(folder, "the release")
    return folder


def test_a_tag_becomes_a_published_release_and_the_moving_tag_follows(bench: Bench) -> None:
    sha = bench.tag()

    run = bench.run()

    assert run.exit_code == 0, run.text
    assert [(job.key, job.conclusion) for job in run.jobs] == [
        ("check", "success"),
        ("release", "success"),
        ("moving tag", "success"),
    ]
    assert run.prints("all tested")
    create, publish = bench.calls()
    assert create[:3] == ["release", "create", TAG]
    assert {"--draft", "--verify-tag"} < set(create)
    names = {Path(name).name for name in create[create.index("--notes-file") + 2 :]}
    assert names == {f"mlsecops-{VERSION}.tar.gz", f"mlsecops-templates-{VERSION}.tar.gz", "SHA256SUMS"}
    assert publish == ["release", "edit", TAG, "--repo", events.REPOSITORY, "--draft=false"]
    assert bench.service.tags[VERSION.moving_tag] == ("commit", sha)
    # Signed is what is handed out.
    for name in names:
        digest = hashlib.sha256((bench.kept / name).read_bytes()).hexdigest()
        assert run.prints(f"subject {name} sha256:{digest}")


def test_the_handed_out_templates_name_this_commit_and_this_repository(bench: Bench) -> None:
    sha = bench.tag()

    assert bench.run().exit_code == 0

    with tarfile.open(bench.kept / f"mlsecops-templates-{VERSION}.tar.gz") as archive:
        texts = {
            member.name.partition("/")[2]: file.read().decode()
            for member in archive
            if (file := archive.extractfile(member))
        }
    uses = yaml.safe_load(texts["templates/workflows/mlsecops.yml"])["jobs"]["mlsecops"]["uses"]
    assert uses == f"{events.REPOSITORY}/.github/workflows/secure-ml.yml@{sha}"
    assert not [name for name, text in texts.items() if "0" * 40 in text or "OWNER/mlsecops" in text]
    notes = (bench.kept / "notes.md").read_text(encoding="utf-8")
    assert notes.startswith("### Added\n\n- all of it\n")
    assert f"{uses} # {TAG}" in notes


def test_a_tag_of_another_version_ends_before_anything_is_written(bench: Bench) -> None:
    other = replace(VERSION, patch=VERSION.patch + 1)
    bench.tag(other.tag)

    run = bench.run(other.tag)

    assert run.conclusion("check") == "failure"
    assert run.conclusion("release") == "skipped"
    assert run.prints(f"the tag is {other.tag}, but pyproject.toml says {VERSION}")
    assert bench.calls() == []
    assert bench.service.changes == []


def test_a_release_that_is_there_already_is_left_alone(bench: Bench) -> None:
    bench.tag()
    bench.service.publish(TAG)

    run = bench.run()

    assert run.conclusion("release") == "failure"
    assert run.prints(f"there is a release of {TAG} already")
    assert bench.calls() == []
    assert bench.service.changes == []


def test_a_moving_tag_that_cannot_be_moved_is_a_failure_of_its_own(bench: Bench) -> None:
    bench.tag()
    bench.service.tags[VERSION.moving_tag] = ("commit", "1" * 40)
    bench.service.frozen = True

    run = bench.run()

    assert run.conclusion("release") == "success"
    assert run.conclusion("moving tag") == "failure"
    assert run.prints("set it by hand")
