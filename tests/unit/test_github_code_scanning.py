from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlsecops.github.client import Client, Patience
from mlsecops.github.code_scanning import Decision, decide
from mlsecops.github.event_model import Event, PullRequest

PUSH = Event(
    name="push",
    repository="acme/forecast",
    sha="a" * 40,
    ref="refs/heads/main",
    default_branch="main",
    server="https://github.com",
    run_id=77,
    run_attempt=1,
    actor="ada",
)
PULL = replace(
    PUSH,
    name="pull_request",
    ref="refs/pull/12/merge",
    pull=PullRequest(
        number=12,
        head_sha="b" * 40,
        head_ref="topic",
        base_sha="c" * 40,
        base_ref="main",
        fork=False,
        author="ada",
    ),
)
QUEUE = "refs/heads/gh-readonly-queue/main/pr-1-x"
NO_ACCESS = "Resource not accessible by integration"


@dataclass
class GitHub:
    """Answers every request with one status and message, and remembers what was asked."""

    url: str
    status: int = 200
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def decide(self, event: Event, mode: str = "auto") -> Decision:
        client = Client(self.url, "token", patience=Patience(tries=2), sleep=lambda _: None)
        return decide(client, event, "never" if mode == "never" else "auto")

    def says(self, status: int, message: str, **headers: str) -> None:
        self.status, self.message, self.headers = status, message, headers


@pytest.fixture
def github() -> Iterator[GitHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            double.asked.append(self.path)
            body = json.dumps([] if double.status == 200 else {"message": double.message}).encode()
            self.send_response(double.status)
            for name, value in double.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double = GitHub(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("event", [PUSH, PULL])
def test_uploads_where_code_scanning_answers(github: GitHub, event: Event) -> None:
    assert github.decide(event) == Decision(upload=True)
    assert github.asked == ["/repos/acme/forecast/code-scanning/alerts?per_page=1"]


def test_uploads_where_nothing_was_ever_analysed(github: GitHub) -> None:
    github.says(404, "no analysis found")

    assert github.decide(PUSH) == Decision(upload=True)


@pytest.mark.parametrize(
    ("event", "mode", "reason"),
    [
        (PUSH, "never", "the input 'upload' is never"),
        (replace(PUSH, name="merge_group", ref=QUEUE), "auto", "merge queue"),
        (replace(PUSH, ref=QUEUE), "auto", "merge queue"),
        (replace(PUSH, deleted=True), "auto", "deleted"),
        (replace(PUSH, actor="dependabot[bot]"), "auto", "a push of Dependabot"),
    ],
)
def test_asks_nobody_where_the_answer_is_no(github: GitHub, event: Event, mode: str, reason: str) -> None:
    decision = github.decide(event, mode)

    assert not decision.upload
    assert reason in decision.reason
    assert github.asked == []


@pytest.mark.parametrize(
    "message",
    [
        "Code Security must be enabled for this repository to use code scanning.",
        "Advanced Security must be enabled for this repository to use code scanning.",
        "Code scanning is not enabled for this repository. Please enable code scanning in the settings.",
    ],
)
@pytest.mark.parametrize("event", [PUSH, replace(PULL, actor="dependabot[bot]")])
def test_does_not_upload_where_code_scanning_is_off(github: GitHub, event: Event, message: str) -> None:
    github.says(403, message)

    assert github.decide(event) == Decision(
        upload=False, reason="code scanning is off for this repository; the SARIF is in the artifact"
    )


@pytest.mark.parametrize("event", [PUSH, PULL, replace(PUSH, name="schedule", actor="dependabot[bot]")])
def test_says_which_permission_is_missing(github: GitHub, event: Event) -> None:
    github.says(403, NO_ACCESS)

    decision = github.decide(event)

    assert not decision.upload
    assert "grant `security-events: write`" in decision.reason


def _fork() -> Event:
    assert PULL.pull is not None
    return replace(PULL, pull=replace(PULL.pull, fork=True))


@pytest.mark.parametrize("event", [_fork(), replace(PULL, actor="dependabot[bot]")])
def test_tries_from_pull_requests_whose_token_may_only_read(github: GitHub, event: Event) -> None:
    github.says(403, NO_ACCESS)

    decision = github.decide(event)

    assert decision.upload
    assert "may only read" in decision.reason


def test_does_not_try_with_a_token_that_does_not_count(github: GitHub) -> None:
    github.says(401, "Bad credentials")

    decision = github.decide(_fork())

    assert not decision.upload
    assert "Bad credentials" in decision.reason


@pytest.mark.parametrize(
    ("status", "message", "headers"),
    [
        (403, "You have exceeded a secondary rate limit", {}),
        (403, "API rate limit exceeded", {"x_ratelimit_remaining": "0"}),
        (429, "Too many requests", {"retry_after": "1"}),
        (500, "Server Error", {}),
        (503, "Unavailable", {}),
        (422, "Unprocessable", {}),
    ],
)
def test_tries_where_github_gives_no_answer(
    github: GitHub, status: int, message: str, headers: dict[str, str]
) -> None:
    github.says(status, message, **headers)

    decision = github.decide(PUSH)

    assert decision.upload
    assert decision.reason.startswith("tried without knowing whether code scanning is on: ")
    assert decision.reason.isprintable()
