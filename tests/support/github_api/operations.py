"""What the double does: one method for each operation that it serves, named by the description's ids."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from support.github_api.paging import Pages
from support.github_api.shapes import Shapes
from support.github_api.state import State
from support.github_api.wire import Answer, Call, missing, refusal

Handler = Callable[[Call, dict[str, str]], Answer]


class Operations:
    """The operations on one state; `parts` are the places of the path, by the description's names."""

    def __init__(self, state: State, shapes: Shapes, pages: Pages, url: str) -> None:
        self._state = state
        self._shapes = shapes
        self._url = url
        self._pages = pages
        self.handlers: dict[str, Handler] = {
            "repos/get": self._repository,
            "repos/get-content": self._content,
            "git/get-ref": self._ref,
            "repos/get-commit": self._commit,
            "actions/list-artifacts-for-repo": self._artifacts,
            "actions/get-artifact": self._artifact,
            "actions/download-artifact": self._zip,
            "actions/list-workflow-runs-for-repo": self._runs,
            "actions/get-workflow-run": self._run,
            "actions/list-workflow-run-artifacts": self._run_artifacts,
            "actions/list-jobs-for-workflow-run": self._jobs,
            "code-scanning/list-alerts-for-repo": self._alerts,
            "repos/list-pull-requests-associated-with-commit": self._pulls_of_commit,
            "pulls/list": self._pulls,
            "pulls/get": self._pull,
            "pulls/list-files": self._files,
        }

    def _repository(self, call: Call, parts: dict[str, str]) -> Answer:
        return Answer(body=self._shapes.repository())

    def _content(self, call: Call, parts: dict[str, str]) -> Answer:
        path = unquote(parts["path"])
        ref = call.query.get("ref") or self._state.default_branch
        ref = ref.removeprefix("refs/heads/")
        content = self._state.files.get((path, ref))
        if content is None:
            content = self._state.files.get((path, self._state.refs.get(ref, "")))
        if content is None:
            return missing()
        if "raw" in call.headers.get("accept", ""):
            return Answer(
                body=content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
            )
        return Answer(body=self._shapes.file(path, content))

    def _ref(self, call: Call, parts: dict[str, str]) -> Answer:
        name = unquote(parts["ref"])
        sha = self._state.refs.get(name.removeprefix("heads/"))
        return Answer(body=self._shapes.ref(f"refs/{name}", sha)) if sha else missing()

    def _commit(self, call: Call, parts: dict[str, str]) -> Answer:
        ref = unquote(parts["ref"]).removeprefix("heads/")
        sha = self._state.refs.get(ref, ref)
        if sha in self._state.commits():
            return Answer(body=self._shapes.commit(sha))
        return refusal(422, f"No commit found for SHA: {ref}")

    def _artifacts(self, call: Call, parts: dict[str, str]) -> Answer:
        return self._listed_artifacts(call, set(self._state.runs))

    def _run_artifacts(self, call: Call, parts: dict[str, str]) -> Answer:
        run = int(parts["run_id"])
        return self._listed_artifacts(call, {run}) if run in self._state.runs else missing()

    def _listed_artifacts(self, call: Call, runs: set[int]) -> Answer:
        name = call.query.get("name")
        found = [a for a in self._state.artifacts.values() if a.run in runs and name in {None, a.name}]
        found.sort(key=lambda artifact: -artifact.id)
        return self._pages.page(call, map(self._shapes.artifact, found), "artifacts")

    def _artifact(self, call: Call, parts: dict[str, str]) -> Answer:
        artifact = self._state.artifacts.get(int(parts["artifact_id"]))
        return Answer(body=self._shapes.artifact(artifact)) if artifact else missing()

    def _zip(self, call: Call, parts: dict[str, str]) -> Answer:
        artifact = self._state.artifacts.get(int(parts["artifact_id"]))
        if artifact is None or parts["archive_format"] != "zip":
            return missing()
        if artifact.expired:
            return refusal(410, "Artifact has expired")
        return Answer(
            302, headers={"Location": f"{self._url}/_storage/{artifact.id}?sig=signature-of-storage"}
        )

    def _runs(self, call: Call, parts: dict[str, str]) -> Answer:
        asked = call.query
        found = [
            run
            for run in self._state.runs.values()
            if asked.get("event") in {None, run.event}
            and asked.get("branch") in {None, run.head_branch}
            and asked.get("head_sha") in {None, run.head_sha}
            and asked.get("status") in {None, run.status, run.conclusion}
        ]
        found.sort(key=lambda run: -run.id)
        return self._pages.page(call, map(self._shapes.run, found), "workflow_runs")

    def _run(self, call: Call, parts: dict[str, str]) -> Answer:
        run = self._state.runs.get(int(parts["run_id"]))
        return Answer(body=self._shapes.run(run)) if run else missing()

    def _jobs(self, call: Call, parts: dict[str, str]) -> Answer:
        run = self._state.runs.get(int(parts["run_id"]))
        if run is None:
            return missing()
        return self._pages.page(call, (self._shapes.job(run, job) for job in run.jobs), "jobs")

    def _alerts(self, call: Call, parts: dict[str, str]) -> Answer:
        if self._state.code_scanning == "off":
            return refusal(403, "Code Security must be enabled for this repository to use code scanning.")
        if self._state.code_scanning == "empty":
            return refusal(404, "no analysis found")
        return self._pages.page(call, self._state.alerts)

    def _pulls(self, call: Call, parts: dict[str, str]) -> Answer:
        state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
        found = [
            shape
            for pull in sorted(self._state.pulls.values(), key=lambda pull: -pull.number)
            if state in {"all", pull.state} and base in {None, pull.base_ref}
            # Without an owner GitHub takes no notice of `head`.
            if (shape := self._shapes.pull(pull, whole=False))
            and (head is None or ":" not in head or shape["head"]["label"] == head)
        ]
        return self._pages.page(call, found)

    def _pulls_of_commit(self, call: Call, parts: dict[str, str]) -> Answer:
        found = [pull for pull in self._state.pulls.values() if pull.head_sha == parts["commit_sha"]]
        return self._pages.page(call, (self._shapes.pull(pull, whole=False) for pull in found))

    def _pull(self, call: Call, parts: dict[str, str]) -> Answer:
        pull = self._state.pulls.get(int(parts["pull_number"]))
        return Answer(body=self._shapes.pull(pull, whole=True)) if pull else missing()

    def _files(self, call: Call, parts: dict[str, str]) -> Answer:
        pull = self._state.pulls.get(int(parts["pull_number"]))
        return self._pages.page(call, map(self._shapes.changed, pull.files)) if pull else missing()
