"""An in-memory GitHub over HTTP that holds every request, and its own answers, against GitHub's description.

    with GitHubServer() as github:
        github.state.add_pull(Pull(7, head_sha="a" * 40))
        github.state.files[".github/mlsecops.yml", "b" * 40] = b"version: 1"
        github.state.tokens["weak"] = {"contents": "read"}
        github.fail("POST", "/comments$", 502)          # the next one; also drop, cut, stall, meanwhile
        client = Client(github.url, TOKEN, sleep=waits.append)
        ...
        assert github.state.on(7)[0].body == "..."
        assert github.asked("PATCH") == []
        assert github.violations == []

In tests/contract the fixture `github` does this and asserts the last line. Other processes use `github.url`.
"""

from support.github_api.description import DescriptionUnavailableError
from support.github_api.server import GitHubServer
from support.github_api.state import ALL, BOT, TOKEN, Artifact, Comment, Issue, Job, Pull, Run, State
from support.github_api.wire import Answer, Call

__all__ = [
    "ALL",
    "BOT",
    "TOKEN",
    "Answer",
    "Artifact",
    "Call",
    "Comment",
    "DescriptionUnavailableError",
    "GitHubServer",
    "Issue",
    "Job",
    "Pull",
    "Run",
    "State",
]
