"""What a hostile pull request does to the job that reports: each change is made between scan and report."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from contract.test_steps import BASE, HEAD, MERGE, POLICY
from mlsecops.sarif.build import Json
from mlsecops.verdict import Word
from support.acting.events import PULL, REPOSITORY
from support.github_api import GitHubServer, Run
from support.steps import Job, zipped

MARKER = "<!-- mlsecops:v1 id=default -->"
RESULT = "container.sarif"
_STRANGER = "stranger/forecast"
_LOUD = "::error::x\n[x](https://evil.example) @octocat closes #1 <img src=x> \x1b[31m | a | b |"


@dataclass
class Scene:
    """The job that reports, with what the scanning jobs left for it."""

    job: Job
    github: GitHubServer
    outputs: dict[str, str]
    theirs: list[str] = field(default_factory=list)

    @property
    def downloads(self) -> Path:
        """Where the artifacts were unpacked."""
        return self.job.temporary / "downloads"

    def put(self, content: bytes, *, vouched: bool = False) -> None:
        """Write another result; `vouched` when the scanning job itself gave that out as its own."""
        (self.downloads / RESULT).write_bytes(content)
        if vouched:
            self.outputs["sha256"] = hashlib.sha256(content).hexdigest()

    def log(self) -> Json:
        """What the scanning job left."""
        log: Json = json.loads((self.downloads / RESULT).read_bytes())
        return log


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """What is tried, and how; the verdict, and what must be said with it."""

    tries: str
    change: Callable[[Scene], object]
    word: Word = "blocked"
    says: str = ""


def _without_results(scene: Scene) -> bytes:
    log = scene.log()
    for run in log["runs"]:
        run["results"] = []
        run["properties"]["mlsecops"]["status"] = "passed"
    return json.dumps(log).encode()


def _for_another_stage(scene: Scene) -> None:
    text = (scene.downloads / RESULT).read_text(encoding="utf-8")
    scene.put(text.replace("/container/", "/sast/").replace('"container"', '"sast"').encode(), vouched=True)


def _names(scene: Scene) -> None:
    log = scene.log()
    for result in (each for run in log["runs"] for each in run["results"]):
        result["message"]["text"] = _LOUD
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = (
            "a%0A::error::x/%5Bx%5D(y)@octocat"
        )
    scene.put(json.dumps(log).encode(), vouched=True)


def _pipe(scene: Scene) -> None:
    (scene.downloads / RESULT).unlink()
    os.mkfifo(scene.downloads / RESULT)


def _in_the_checkout(scene: Scene) -> None:
    for folder in ("", "mlsecops-report", "mlsecops-report/stages", "results/container"):
        (scene.job.checkout / folder).mkdir(parents=True, exist_ok=True)
        for name in (RESULT, "report.sarif", "baseline.sarif", "report.json"):
            (scene.job.checkout / folder / name).write_bytes(_without_results(scene))


def _baseline(event: str, repository: str, branch: str) -> Callable[[Scene], None]:
    """A report in which all findings are old already, left by a run of another kind."""

    def change(scene: Scene) -> None:
        folder = scene.job.folder / "forged"
        folder.mkdir()
        (folder / "report.sarif").write_bytes((scene.downloads / RESULT).read_bytes())
        run = Run(50, event=event, head_branch=branch, head_sha=BASE, head_repository=repository)
        scene.github.state.add_run(run)
        scene.github.state.add_artifact("mlsecops-report", zipped(folder), run=50)

    return change


def _comment_by(login: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.theirs.append(f"{MARKER}\n### ✅ mlsecops passed\n")
        scene.github.state.add_comment(PULL, scene.theirs[0], login)

    return change


def _policy(scene: Scene) -> None:
    scene.github.state.files[POLICY, MERGE] = scene.github.state.files[POLICY, HEAD] = (
        b"version: 1\nfail-on: never\nexclude: ['**']\n"
    )


def _renamed_policy(scene: Scene) -> None:
    scene.github.state.files[POLICY, BASE] = b"version: 1\nfail-on: low\n"
    scene.github.state.files[".github/old.yml", MERGE] = b"version: 1\nfail-on: low\n"


ATTACKS = {
    "written-over": Forgery(
        tries="writes its own result over another job's artifact",
        change=lambda scene: scene.put(_without_results(scene)),
        word="incomplete",
        says="sha-256 differs",
    ),
    "old-result": Forgery(
        tries="leaves the result of an earlier run in a new one",
        change=lambda scene: scene.outputs.update(sha256="0" * 64),
        word="incomplete",
        says="sha-256 differs",
    ),
    "says-passed": Forgery(
        tries="says that it passed, and leaves nothing",
        change=lambda scene: scene.outputs.update(sha256="", verdict="passed"),
        word="incomplete",
        says="it left no result",
    ),
    "another-stage": Forgery(
        tries="speaks for another stage",
        change=_for_another_stage,
        word="incomplete",
        says="speaks for another stage",
    ),
    "more-results": Forgery(
        tries="brings more results under like names",
        change=lambda scene: [
            (scene.downloads / name).write_bytes(_without_results(scene))
            for name in ("Container.sarif", "container.sarif.json", "report.sarif", "baseline.sarif")
        ],
    ),
    "link": Forgery(
        tries="leaves a link for an artifact",
        change=lambda scene: (scene.downloads / "more").symlink_to("/etc/passwd"),
        word="incomplete",
        says="no plain file",
    ),
    "pipe": Forgery(
        tries="leaves a pipe for a result", change=_pipe, word="incomplete", says="no plain file"
    ),
    "name-of-a-command": Forgery(
        tries="leaves a file whose name is a command",
        change=lambda scene: (scene.downloads / "a\n::set-output name=verdict::passed").touch(),
        word="incomplete",
        says="cannot be printed",
    ),
    "many-files": Forgery(
        tries="leaves hundreds of files",
        change=lambda scene: [(scene.downloads / f"{number}.txt").write_text("") for number in range(300)],
        word="incomplete",
        says="more than 200 files",
    ),
    "huge": Forgery(
        tries="leaves a result of a terabyte",
        change=lambda scene: os.truncate(scene.downloads / RESULT, 1 << 40),
        word="incomplete",
        says="bytes",
    ),
    "deep": Forgery(
        tries="leaves a result that is nested without end",
        change=lambda scene: scene.put(b'{"runs":' + b"[" * 1_000_000, vouched=True),
        word="incomplete",
        says="cannot be read",
    ),
    "half": Forgery(
        tries="leaves half a result",
        change=lambda scene: scene.put((scene.downloads / RESULT).read_bytes()[:-900], vouched=True),
        word="incomplete",
        says="cannot be read",
    ),
    "names": Forgery(tries="forges Markdown, commands and links in its findings", change=_names),
    "in-the-checkout": Forgery(tries="commits results, reports and a baseline", change=_in_the_checkout),
    "baseline-of-a-fork": Forgery(
        tries="leaves a baseline in a run of its fork",
        change=_baseline("push", _STRANGER, "main"),
    ),
    "baseline-of-a-pull-request": Forgery(
        tries="leaves a baseline in a run of its pull request",
        change=_baseline("pull_request", REPOSITORY, "main"),
    ),
    "baseline-of-a-branch": Forgery(
        tries="leaves a baseline in a run of its branch",
        change=_baseline("push", REPOSITORY, "topic"),
    ),
    "marker": Forgery(tries="begins a comment with our marker", change=_comment_by("octocat")),
    "marker-of-a-bot": Forgery(
        tries="lets another bot begin a comment with our marker", change=_comment_by("other-app[bot]")
    ),
    "policy": Forgery(tries="changes the policy", change=_policy),
    "policy-renamed": Forgery(tries="renames the policy of the base", change=_renamed_policy),
}
