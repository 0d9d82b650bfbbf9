"""What GitHub tells a run about its event: the payload, shaped as in its webhooks, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REPOSITORY = "octo/forecast"
PULL = 7
BRANCH = "change"
Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One event: its name, its payload, the ref of the run and who caused it."""

    name: str
    payload: Json
    ref: str
    actor: str = "octocat"


def pull_request(base: str, head: str, *, action: str = "synchronize", author: str = "octocat") -> Event:
    """A pull request from a branch of the repository itself; `base` and `head` are commits."""
    return _pull_request(base, head, REPOSITORY, author, action)


def fork(base: str, head: str, *, author: str = "stranger") -> Event:
    """A pull request from a fork."""
    return _pull_request(base, head, f"{author}/forecast", author, "synchronize")


def dependabot(base: str, head: str) -> Event:
    """A pull request of Dependabot: a branch of the repository, and a token that may only read."""
    return _pull_request(base, head, REPOSITORY, "dependabot[bot]", "opened")


def merge_group(base: str, head: str) -> Event:
    """The merge queue asks about a pull request on top of `base`; `head` is the commit it made."""
    ref = f"refs/heads/gh-readonly-queue/main/pr-{PULL}-{base}"
    group = {
        "head_sha": head,
        "head_ref": ref,
        "base_sha": base,
        "base_ref": "refs/heads/main",
        "head_commit": {"id": head, "message": "Merge"},
    }
    return Event("merge_group", {"action": "checks_requested", "merge_group": group, **_around()}, ref)


def push(before: str, after: str, *, branch: str = "main", author: str = "octocat") -> Event:
    """A push of `after` to a branch that was at `before`."""
    payload = {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"https://github.com/{REPOSITORY}/compare/{before[:12]}...{after[:12]}",
        "head_commit": {"id": after, "message": "a change"},
        "pusher": {"name": author},
        **_around(author),
    }
    return Event("push", payload, f"refs/heads/{branch}", author)


def schedule() -> Event:
    """The clock; GitHub says little more than the line of the timetable."""
    return Event("schedule", {"schedule": "17 4 * * 1", **_around()}, "refs/heads/main")


def workflow_dispatch(*, branch: str = "main") -> Event:
    """Somebody pressed the button."""
    ref = f"refs/heads/{branch}"
    payload = {"inputs": None, "ref": ref, "workflow": ".github/workflows/ci.yml", **_around()}
    return Event("workflow_dispatch", payload, ref)


def workflow_run(head: str, run: int, *, author: str = "stranger") -> Event:
    """The run `run` of a pull request from a fork is over; GitHub names no pull request then."""
    finished = {
        "id": run,
        "name": "mlsecops",
        "event": "pull_request",
        "status": "completed",
        "conclusion": "failure",
        "path": ".github/workflows/ci.yml",
        "run_number": 1,
        "run_attempt": 1,
        "head_branch": BRANCH,
        "head_sha": head,
        "head_repository": _repository(f"{author}/forecast"),
        "repository": _repository(REPOSITORY),
        "pull_requests": [],
        "actor": _user(author),
        "triggering_actor": _user(author),
        "html_url": f"https://github.com/{REPOSITORY}/actions/runs/{run}",
    }
    workflow = {"id": 1, "name": "mlsecops", "path": ".github/workflows/ci.yml", "state": "active"}
    payload = {"action": "completed", "workflow_run": finished, "workflow": workflow, **_around(author)}
    return Event("workflow_run", payload, "refs/heads/main", author)


def _pull_request(base: str, head: str, source: str, author: str, action: str) -> Event:
    pull = {
        "id": 1000 + PULL,
        "number": PULL,
        "state": "open",
        "draft": False,
        "locked": False,
        "merged": False,
        "title": "A change",
        "body": None,
        "user": _user(author),
        "author_association": "NONE" if source != REPOSITORY else "MEMBER",
        "html_url": f"https://github.com/{REPOSITORY}/pull/{PULL}",
        "head": _end(source, BRANCH, head),
        "base": _end(REPOSITORY, "main", base),
        "merge_commit_sha": None,
        "labels": [],
    }
    payload = {"action": action, "number": PULL, "pull_request": pull, **_around(author)}
    return Event("pull_request", payload, f"refs/pull/{PULL}/merge", author)


def _end(repository: str, branch: str, commit: str) -> Json:
    """One end of a pull request."""
    owner, _ = repository.split("/")
    about = {"user": _user(owner), "repo": _repository(repository)}
    return {"label": f"{owner}:{branch}", "ref": branch, "sha": commit, **about}


def _around(sender: str = "octocat") -> Json:
    return {"repository": _repository(REPOSITORY), "sender": _user(sender)}


def _repository(name: str) -> Json:
    owner, short = name.split("/")
    return {
        "id": 4242 if name == REPOSITORY else 4343,
        "name": short,
        "full_name": name,
        "private": False,
        "visibility": "public",
        "fork": name != REPOSITORY,
        "owner": _user(owner),
        "default_branch": "main",
        "html_url": f"https://github.com/{name}",
        "url": f"https://api.github.com/repos/{name}",
    }


def _user(login: str) -> Json:
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": 1 + len(login), "type": kind, "html_url": f"https://github.com/{login}"}
