"""Things of the state -> JSON as GitHub gives it: the description's own examples with our values in them."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re

from support.github_api.description import Json
from support.github_api.state import Artifact, Comment, Issue, Job, Pull, Run, State, moment

REPOSITORY_ID = 1296269
_EXAMPLE_REPOSITORIES = re.compile(r"octo(?:cat|-org)/(?:Hello-World|hello-world|octo-repo|octo-docs)")
_LIFETIME = 90 * 86_400


class Shapes:
    """The shapes for one state, with addresses below `url`."""

    def __init__(self, description: Json, state: State, url: str) -> None:
        self._examples: Json = description["components"]["examples"]
        self._state = state
        self._url = url
        self._example = functools.cache(self._text)

    def repository(self) -> Json:
        """The repository."""
        shape = self._copy("full-repository-default-response")
        for name in ("parent", "source", "template_repository"):
            del shape[name]
        owner, _, name = self._state.repository.partition("/")
        private = self._state.private
        return shape | {
            "id": REPOSITORY_ID,
            "name": name,
            "full_name": self._state.repository,
            "owner": self._user(owner),
            "private": private,
            "visibility": "private" if private else "public",
            "default_branch": self._state.default_branch,
            "language": "Python",
        }

    def pull(self, pull: Pull, *, whole: bool) -> Json:
        """A pull request, as it stands alone or in a list."""
        shape = self._copy("pull-request") if whole else self._copy("pull-request-simple-items", 0)
        ours = self._state.repository
        number = pull.number
        shape |= {
            "id": 5_000_000 + number,
            "number": number,
            "url": f"{self._api}/pulls/{number}",
            "html_url": f"https://github.com/{ours}/pull/{number}",
            "title": pull.title,
            "state": pull.state,
            "user": self._user(pull.login),
            "head": self._side(shape["head"], pull.head_repository, pull.head_ref, pull.head_sha),
            "base": self._side(shape["base"], ours, pull.base_ref, pull.base_sha),
            "created_at": moment(number),
            "updated_at": moment(number),
            "closed_at": None if pull.state == "open" else moment(number),
            "merged_at": None,
            "requested_teams": [],
        }
        return shape | ({"merged": False} if whole else {})

    def issue(self, issue: Issue | Pull) -> Json:
        """An issue; GitHub lists pull requests among them."""
        shape = self._copy("issue")
        number = issue.number
        is_pull = isinstance(issue, Pull)
        html_url = f"https://github.com/{self._state.repository}/{'pull' if is_pull else 'issues'}/{number}"
        shape |= {
            "id": 6_000_000 + number,
            "number": number,
            "url": f"{self._api}/issues/{number}",
            "html_url": html_url,
            "title": issue.title,
            "body": None if isinstance(issue, Pull) else issue.body,
            "user": self._user(issue.login),
            "labels": [] if isinstance(issue, Pull) else [self._label(name) for name in issue.labels],
            "state": issue.state,
            "state_reason": None if isinstance(issue, Pull) else issue.state_reason,
            "comments": len(self._state.on(number)),
            "created_at": moment(number),
            "updated_at": moment(number),
            "closed_at": None if issue.state == "open" else moment(number),
        }
        del shape["pull_request"]
        pull = {
            "url": f"{self._api}/pulls/{number}",
            "html_url": html_url,
            "diff_url": None,
            "patch_url": None,
        }
        return shape | ({"pull_request": pull} if is_pull else {})

    def comment(self, comment: Comment) -> Json:
        """A comment."""
        kind = "pull" if comment.issue in self._state.pulls else "issues"
        page = f"https://github.com/{self._state.repository}/{kind}/{comment.issue}"
        return self._copy("issue-comment") | {
            "id": comment.id,
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{page}#issuecomment-{comment.id}",
            "issue_url": f"{self._api}/issues/{comment.issue}",
            "body": comment.body,
            "user": self._user(comment.login),
            "created_at": moment(comment.id),
            "updated_at": moment(comment.id),
            "author_association": "NONE",
        }

    def commit(self, sha: str) -> Json:
        """A commit."""
        return self._copy("commit") | {"sha": sha, "url": f"{self._api}/commits/{sha}", "files": []}

    def run(self, run: Run) -> Json:
        """A run; GitHub names the pull requests of runs from this repository only."""
        shape = self._copy("workflow-run")
        ours = run.head_repository == self._state.repository
        minimal = {key: shape["repository"][key] for key in shape["head_repository"]}
        return shape | {
            "id": run.id,
            "name": run.name,
            "event": run.event,
            "path": run.path,
            "status": run.status,
            "conclusion": run.conclusion,
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
            "run_attempt": run.attempt,
            "url": f"{self._api}/actions/runs/{run.id}",
            "html_url": f"https://github.com/{self._state.repository}/actions/runs/{run.id}",
            "created_at": moment(run.id),
            "updated_at": moment(run.id),
            "run_started_at": moment(run.id),
            "pull_requests": shape["pull_requests"] if ours and run.event == "pull_request" else [],
            "repository": self._owned(minimal, self._state.repository),
            "head_repository": self._owned(minimal, run.head_repository),
        }

    def job(self, run: Run, job: Job) -> Json:
        """A job of a run."""
        return self._copy("job-paginated", "jobs", 0) | {
            "id": job.id,
            "run_id": run.id,
            "run_attempt": run.attempt,
            "head_sha": run.head_sha,
            "name": job.name,
            "status": job.status,
            "conclusion": job.conclusion,
            "created_at": moment(run.id),
            "html_url": f"https://github.com/{self._state.repository}/actions/runs/{run.id}/job/{job.id}",
        }

    def artifact(self, artifact: Artifact) -> Json:
        """An artifact and the run it is of."""
        run = self._state.runs[artifact.run]
        address = f"{self._api}/actions/artifacts/{artifact.id}"
        return self._copy("artifact") | {
            "id": artifact.id,
            "name": artifact.name,
            "size_in_bytes": len(artifact.content),
            "digest": f"sha256:{hashlib.sha256(artifact.content).hexdigest()}",
            "url": address,
            "archive_download_url": f"{address}/zip",
            "expired": artifact.expired,
            "created_at": moment(artifact.id),
            "updated_at": moment(artifact.id),
            "expires_at": moment(artifact.id + (0 if artifact.expired else _LIFETIME)),
            "workflow_run": {
                "id": run.id,
                "repository_id": REPOSITORY_ID,
                "head_repository_id": repository_id(run.head_repository, self._state),
                "head_branch": run.head_branch,
                "head_sha": run.head_sha,
            },
        }

    def file(self, path: str, content: bytes) -> Json:
        """A file as JSON."""
        shape = self._copy("content-file-response-if-content-is-a-file")
        text = base64.encodebytes(content).decode()
        return shape | {"name": path.rpartition("/")[2], "path": path, "size": len(content), "content": text}

    def ref(self, name: str, sha: str) -> Json:
        """A branch and where it is."""
        shape = self._copy("git-ref")
        return shape | {"ref": name, "object": shape["object"] | {"sha": sha}}

    @property
    def _api(self) -> str:
        return f"{self._url}/repos/{self._state.repository}"

    def changed(self, path: str) -> Json:
        """A file that a pull request changes."""
        return self._copy("diff-entry-items", 0) | {"filename": path}

    def _text(self, name: str) -> str:
        text = json.dumps(self._examples[name]["value"])
        text = _EXAMPLE_REPOSITORIES.sub(self._state.repository, text)
        return text.replace("https://api.github.com", self._url)

    def _copy(self, name: str, *keys: str | int) -> Json:
        """An example, or what it holds under the keys."""
        value = json.loads(self._example(name))
        for key in keys:
            value = value[key]
        shape: Json = value
        return shape

    def _user(self, login: str) -> Json:
        shape = self._copy("issue-comment", "user")
        number = int(hashlib.sha256(login.encode()).hexdigest()[:6], 16)
        return shape | {"login": login, "id": number, "type": "Bot" if login.endswith("[bot]") else "User"}

    def _label(self, name: str) -> Json:
        shape = self._copy("issue", "labels", 0)
        return shape | {"name": name, "default": False}

    def _side(self, shape: Json, repository: str | None, ref: str, sha: str) -> Json:
        """A pull request's head or base; `repo` is null where the fork was deleted."""
        owner = (repository or "ghost").partition("/")[0]
        side = shape | {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": self._user(owner)}
        return side | {"repo": self._owned(shape["repo"], repository) if repository else None}

    def _owned(self, shape: Json, repository: str) -> Json:
        owner, _, name = repository.partition("/")
        ours = repository == self._state.repository
        return shape | {
            "id": repository_id(repository, self._state),
            "name": name,
            "full_name": repository,
            "owner": self._user(owner),
            "private": ours and self._state.private,
            "fork": not ours,
        }


def repository_id(repository: str, state: State) -> int:
    """A repository's number: ours, or one of its own."""
    if repository == state.repository:
        return REPOSITORY_ID
    return int(hashlib.sha256(repository.encode()).hexdigest()[:7], 16)
