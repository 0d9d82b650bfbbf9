"""What the double does: one method for each operation that it serves, named by the description's ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlencode

from support.github_api.description import Json
from support.github_api.shapes import REPOSITORY_ID, Shapes
from support.github_api.state import BOT, Comment, Issue, Pull, State
from support.github_api.wire import Answer, Call, missing, refusal

MOST_CHARACTERS = 65_536
Handler = Callable[[Call, dict[str, str]], Answer]


class Operations:
    """The operations on one state; `parts` are the places of the path, by the description's names."""

    def __init__(self, state: State, shapes: Shapes, url: str) -> None:
        self._state = state
        self._shapes = shapes
        self._url = url
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
            "issues/list-for-repo": self._issues,
            "issues/create": self._create_issue,
            "issues/get": self._issue,
            "issues/update": self._update_issue,
            "issues/list-comments": self._comments,
            "issues/create-comment": self._create_comment,
            "issues/get-comment": self._comment,
            "issues/update-comment": self._update_comment,
            "issues/delete-comment": self._delete_comment,
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
        return self._page(call, map(self._shapes.artifact, found), "artifacts")

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
        return self._page(call, map(self._shapes.run, found), "workflow_runs")

    def _run(self, call: Call, parts: dict[str, str]) -> Answer:
        run = self._state.runs.get(int(parts["run_id"]))
        return Answer(body=self._shapes.run(run)) if run else missing()

    def _jobs(self, call: Call, parts: dict[str, str]) -> Answer:
        run = self._state.runs.get(int(parts["run_id"]))
        return (
            self._page(call, (self._shapes.job(run, job) for job in run.jobs), "jobs") if run else missing()
        )

    def _alerts(self, call: Call, parts: dict[str, str]) -> Answer:
        if self._state.code_scanning == "off":
            return refusal(403, "Code Security must be enabled for this repository to use code scanning.")
        if self._state.code_scanning == "empty":
            return refusal(404, "no analysis found")
        return self._page(call, self._state.alerts)

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
        return self._page(call, found)

    def _pulls_of_commit(self, call: Call, parts: dict[str, str]) -> Answer:
        found = [pull for pull in self._state.pulls.values() if pull.head_sha == parts["commit_sha"]]
        return self._page(call, (self._shapes.pull(pull, whole=False) for pull in found))

    def _pull(self, call: Call, parts: dict[str, str]) -> Answer:
        pull = self._state.pulls.get(int(parts["pull_number"]))
        return Answer(body=self._shapes.pull(pull, whole=True)) if pull else missing()

    def _files(self, call: Call, parts: dict[str, str]) -> Answer:
        pull = self._state.pulls.get(int(parts["pull_number"]))
        return self._page(call, map(self._shapes.changed, pull.files)) if pull else missing()

    def _issues(self, call: Call, parts: dict[str, str]) -> Answer:
        state, creator = call.query.get("state", "open"), call.query.get("creator")
        labels = {name for name in call.query.get("labels", "").split(",") if name}
        everything: list[Issue | Pull] = [*self._state.issues.values(), *self._state.pulls.values()]
        found = [
            issue
            for issue in sorted(everything, key=lambda issue: -issue.number)
            if state in {"all", issue.state}
            and creator in {None, issue.login}
            and labels <= (set(issue.labels) if isinstance(issue, Issue) else set())
        ]
        return self._page(call, map(self._shapes.issue, found))

    def _issue(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        return Answer(body=self._shapes.issue(issue)) if issue else missing()

    def _create_issue(self, call: Call, parts: dict[str, str]) -> Answer:
        body = call.body
        refused = _refused_title(body) or _refused_body(body.get("body"), "Issue", "body")
        if refused:
            return refused
        issue = self._state.add_issue(
            body["title"], body.get("body"), login=self._login(call), labels=list(body.get("labels", []))
        )
        return Answer(201, self._shapes.issue(issue))

    def _update_issue(self, call: Call, parts: dict[str, str]) -> Answer:
        issue, body = self._numbered(parts), call.body
        if issue is None:
            return missing()
        refused = _refused_body(body.get("body"), "Issue", "body")
        if refused:
            return refused
        for name in ("title", "body", "state", "state_reason", "labels"):
            if name in body:
                setattr(issue, name, body[name])
        return Answer(body=self._shapes.issue(issue))

    def _comments(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        return (
            self._page(call, map(self._shapes.comment, self._state.on(issue.number))) if issue else missing()
        )

    def _create_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        if issue is None:
            return missing()
        text = call.body["body"]
        refused = _refused_comment(text) or _refused_body(text, "IssueComment", "data")
        if refused:
            return refused
        comment = self._state.add_comment(issue.number, text, self._login(call))
        return Answer(201, self._shapes.comment(comment))

    def _comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        return Answer(body=self._shapes.comment(comment)) if comment else missing()

    def _update_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        if comment is None:
            return missing()
        text = call.body["body"]
        refused = _refused_comment(text) or _refused_body(text, "IssueComment", "body")
        if refused:
            return refused
        comment.body = text
        return Answer(body=self._shapes.comment(comment))

    def _delete_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        if comment is None:
            return missing()
        del self._state.comments[comment.id]
        return Answer(204)

    def _numbered(self, parts: dict[str, str]) -> Issue | Pull | None:
        number = int(parts["issue_number"])
        return self._state.issues.get(number) or self._state.pulls.get(number)

    def _commented(self, parts: dict[str, str]) -> Comment | None:
        return self._state.comments.get(int(parts["comment_id"]))

    def _login(self, call: Call) -> str:
        return self._state.logins.get(call.token or "", BOT)

    def _page(self, call: Call, shapes: Iterable[Json], key: str | None = None) -> Answer:
        """One page of a list, with the links to the others that GitHub gives."""
        everything = list(shapes)
        size = min(int(call.query.get("per_page", "30")), 100)
        page, last = int(call.query.get("page", "1")), max(1, -(-len(everything) // size))
        shown = everything[(page - 1) * size : page * size]
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = {"next", "last"} if page < last else set()
        wanted |= {"prev", "first"} if page > 1 else set()
        headers = {}
        if wanted:
            address = self._elsewhere(call)
            headers["Link"] = ", ".join(
                f'<{address}?{urlencode(call.query | {"page": number})}>; rel="{name}"'
                for name, number in links.items()
                if name in wanted
            )
        body: Any = {"total_count": len(everything), key: shown} if key else shown
        return Answer(body=body, headers=headers)

    def _elsewhere(self, call: Call) -> str:
        """The address of a list as GitHub links to it: by the repository's number."""
        prefix = f"/repos/{self._state.repository}"
        return f"{self._url}/repositories/{REPOSITORY_ID}{call.path.removeprefix(prefix)}"


def _refused_title(body: Json) -> Answer | None:
    if isinstance(body.get("title"), str) and body["title"].strip():
        return None
    error = {"resource": "Issue", "code": "missing_field", "field": "title"}
    return refusal(422, "Validation Failed", errors=[error])


def _refused_comment(text: str) -> Answer | None:
    if text.strip():
        return None
    error = {
        "resource": "IssueComment",
        "code": "unprocessable",
        "field": "data",
        "message": "Body cannot be blank",
    }
    return refusal(422, "Validation Failed", errors=[error])


def _refused_body(text: str | None, resource: str, field: str) -> Answer | None:
    """What GitHub says of a text that is too long: other words when it is made than when it is changed."""
    if text is None or len(text) <= MOST_CHARACTERS:
        return None
    made = field == "data"
    said = f"{'Body' if made else 'body'} is too long (maximum is {MOST_CHARACTERS} characters)"
    code = "unprocessable" if made else "custom"
    error = {"resource": resource, "code": code, "field": field, "message": said}
    return refusal(422, "Validation Failed", errors=[error])
