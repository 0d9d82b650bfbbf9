"""GitHub as a run sees it: the API double with a caller's commits, and the address that takes SARIF."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from support.acting import events
from support.acting.callers import Caller
from support.acting.events import Event
from support.acting.runner import TOKEN, Run
from support.git_repository import git
from support.github_api import ALL, Answer, Call, GitHubServer, Pull, State
from support.github_api import Run as PastRun
from support.github_api.state import Permissions
from support.github_api.wire import refusal

_ANALYSIS = f"/repos/{events.REPOSITORY}/code-scanning/analysis"
_OFF = "Code Security must be enabled for this repository to use code scanning."
Json = dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """One delivery to code scanning: for which commit and ref, and the SARIF log."""

    commit: str
    ref: str
    sarif: Json

    @property
    def categories(self) -> list[str]:
        """The categories of its runs."""
        return sorted(run["automationDetails"]["id"] for run in self.sarif["runs"])

    @property
    def results(self) -> list[Json]:
        """The results of all runs."""
        return [result for run in self.sarif["runs"] for result in run["results"]]


class Platform(GitHubServer):
    """The double with the caller's repository in it. `permissions` are those of the token of a run.

    Code scanning takes `most_uploads`.
    """

    most_uploads = 100

    def __init__(self, *, permissions: Permissions | None = None) -> None:
        allowed = dict(ALL if permissions is None else permissions)
        super().__init__(State(repository=events.REPOSITORY, tokens={TOKEN: allowed}))
        self.uploads: list[Upload] = []

    def answer(self, call: Call) -> tuple[Answer, Any]:
        """Take what upload-sarif sends, to an address GitHub does not describe; else what the double does."""
        if (call.method, call.path) == ("PUT", _ANALYSIS):
            return self._take(call), None
        return super().answer(call)

    def know(self, caller: Caller, event: Event) -> None:
        """Know the caller's files below .github, its branch main, and the event's pull request."""
        for commit in git(caller.folder, "rev-list", "--all", "HEAD").split():
            listed = git(caller.folder, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
            for name in listed:
                if ".github/" in name:
                    content = git(caller.folder, "show", f"{commit}:{name}") + "\n"
                    self.state.files[name, commit] = content.encode()
        self.state.refs["main"] = git(caller.folder, "rev-parse", "main")
        if pull := event.payload.get("pull_request"):
            self.state.add_pull(
                Pull(
                    number=pull["number"],
                    head_sha=pull["head"]["sha"],
                    head_ref=pull["head"]["ref"],
                    base_sha=pull["base"]["sha"],
                    head_repository=pull["head"]["repo"]["full_name"],
                    login=pull["user"]["login"],
                )
            )

    def keep(self, run: Run, past: PastRun) -> None:
        """Keep the artifacts of a run, as GitHub does for later ones."""
        self.state.add_run(past)
        for name, files in run.artifacts.items():
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w") as archive:
                for path, data in files.items():
                    archive.writestr(path, data)
            self.state.add_artifact(name, content.getvalue(), past.id)

    @property
    def comments(self) -> list[str]:
        """What the comments on the pull request say."""
        return [comment.body for comment in self.state.on(events.PULL)]

    def _take(self, call: Call) -> Answer:
        if self.state.code_scanning == "off":
            return refusal(403, _OFF)
        if len(self.uploads) == self.most_uploads:
            return refusal(429, "Too many uploads")
        if self.state.tokens.get(call.token or "", {}).get("security-events") != "write":
            return refusal(403, "Resource not accessible by integration")
        sent = json.loads(call.content)
        log = json.loads(gzip.decompress(base64.b64decode(sent["sarif"])))
        self.uploads.append(Upload(sent["commit_oid"], sent["ref"], log))
        return Answer(202, {"id": f"sarif-{len(self.uploads)}"})
