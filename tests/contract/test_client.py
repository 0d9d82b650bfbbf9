"""The client of GitHub's API against a server that behaves as GitHub does, and as networks do."""

from __future__ import annotations

import gzip
import socket
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from mlsecops.github.client import (
    Client,
    ConflictError,
    ForbiddenError,
    GitHubError,
    InvalidError,
    NotFoundError,
    Patience,
    RateLimitError,
)
from support.github_api import BOT, TOKEN, GitHubServer, Pull, Run

REPOSITORY = "repos/octo/service"
COMMENTS = f"{REPOSITORY}/issues/7/comments"
NOW = 1_800_000_000.0  # 08:00:00 UTC on a day in 2027


@pytest.fixture
def waits() -> list[float]:
    """What a client waited, instead of waiting."""
    return []


@pytest.fixture
def client(github: GitHubServer, waits: list[float]) -> Client:
    """A client of the double, which has one pull request."""
    github.state.add_pull(Pull(7, head_sha="a" * 40))
    return Client(github.url, TOKEN, sleep=waits.append, now=lambda: NOW)


@pytest.fixture
def report(github: GitHubServer) -> str:
    """The path of an artifact's zip."""
    run = github.state.add_run(Run(1))
    artifact = github.state.add_artifact("mlsecops-report", b"PK" + b"z" * 998, run.id)
    return f"{REPOSITORY}/actions/artifacts/{artifact.id}/zip"


@pytest.fixture
def elsewhere() -> str:
    """An address with nobody behind it, on another port and so another host."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# What is asked and what comes back


def test_comments_are_made_read_changed_and_deleted(client: Client, github: GitHubServer) -> None:
    made = client.post(COMMENTS, {"body": "first"})
    assert made["user"]["login"] == BOT
    path = f"{REPOSITORY}/issues/comments/{made['id']}"
    client.patch(path, {"body": "second"})
    assert client.get(path)["body"] == "second"
    client.delete(path)
    assert github.state.comments == {}


def test_every_page_of_a_list_is_read_a_hundred_at_a_time(client: Client, github: GitHubServer) -> None:
    ids = [github.state.add_comment(7, str(number)).id for number in range(250)]
    assert [comment["id"] for comment in client.pages(COMMENTS)] == ids
    assert [call.query.get("page", "1") for call in github.requests] == ["1", "2", "3"]
    assert {call.query["per_page"] for call in github.requests} == {"100"}


def test_a_list_within_an_object_is_read_by_its_key_over_all_pages(
    client: Client, github: GitHubServer
) -> None:
    run = github.state.add_run(Run(1))
    for _ in range(5):
        github.state.add_artifact("report", b"", run.id)
    github.state.add_artifact("other", b"", run.id)
    path = f"{REPOSITORY}/actions/artifacts"
    found = list(client.pages(path, "artifacts", name="report", per_page=2))
    assert [artifact["name"] for artifact in found] == ["report"] * 5
    assert [call.query["name"] for call in github.requests] == ["report"] * 3


def test_no_more_pages_are_asked_for_than_the_most_objects_need(client: Client, github: GitHubServer) -> None:
    for number in range(250):
        github.state.add_comment(7, str(number))
    assert len(list(client.pages(COMMENTS, most=101))) == 101
    assert len(github.requests) == 2


def test_nothing_is_asked_when_nothing_is_wanted(client: Client, github: GitHubServer) -> None:
    assert list(client.pages(COMMENTS, most=0)) == []
    assert github.requests == []


def test_an_empty_page_is_the_last_whatever_it_links_to(client: Client, github: GitHubServer) -> None:
    link = f'<{github.url}/{COMMENTS}?page=2>; rel="next"'
    github.fail("GET", "/comments$", 200, body=b"[]", headers={"Link": link}, times=9)
    assert list(client.pages(COMMENTS)) == []
    assert len(github.requests) == 1


def test_a_file_comes_as_it_is(client: Client, github: GitHubServer) -> None:
    github.state.files[".github/mlsecops.yml", "b" * 40] = b"\xff\x00 not text"
    path = f"{REPOSITORY}/contents/.github/mlsecops.yml"
    assert client.text(path, most_bytes=100, ref="b" * 40) == b"\xff\x00 not text"


def test_a_put_is_sent_with_its_body(client: Client, guarded: GitHubServer) -> None:
    guarded.fail("PUT", "/labels$", 200, body=b"[]")
    assert client.put(f"{REPOSITORY}/issues/7/labels", {"labels": []}) == []
    assert guarded.requests[0].body == {"labels": []}
    # The double serves no such operation and says so.
    assert guarded.violations.pop().startswith("PUT ")


def test_an_answer_without_a_body_to_a_change_is_nothing(client: Client, github: GitHubServer) -> None:
    github.fail("PATCH", "/issues/7$", 204, body=b"")
    assert client.patch(f"{REPOSITORY}/issues/7", {"state": "closed"}) is None


# Refusals


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (401, ForbiddenError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, NotFoundError),
        (422, InvalidError),
        (451, GitHubError),
    ],
)
def test_each_refusal_has_its_kind_its_status_and_githubs_words(
    status: int, kind: type[GitHubError], client: Client, github: GitHubServer, waits: list[float]
) -> None:
    github.fail("GET", "/pulls/7$", status, body={"message": "Some words"})
    with pytest.raises(GitHubError, match=f"HTTP {status}: Some words") as caught:
        client.get(f"{REPOSITORY}/pulls/7")
    assert (type(caught.value), caught.value.status, caught.value.message) == (kind, status, "Some words")
    assert (len(github.requests), waits) == (1, [])


def test_a_missing_permission_is_named(client: Client, github: GitHubServer) -> None:
    github.state.tokens[TOKEN] = {"contents": "read"}
    with pytest.raises(
        ForbiddenError, match=r"the job needs issues: write or pull-requests: write$"
    ) as caught:
        client.post(COMMENTS, {"body": "hello"})
    assert caught.value.message == "Resource not accessible by integration"


def test_a_text_that_is_too_long_is_said_to_be(client: Client) -> None:
    with pytest.raises(InvalidError, match="too long") as caught:
        client.post(COMMENTS, {"body": "x" * 65_537})
    assert caught.value.message == "Validation Failed: Body is too long (maximum is 65536 characters)"


def test_a_file_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match="or hides it from this token"):
        client.text(f"{REPOSITORY}/contents/absent", most_bytes=9)


# Another try


def test_server_errors_are_tried_again_with_growing_pauses(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    github.fail("GET", "/pulls/7$", 502, body=b"<html>Bad gateway</html>", times=4)
    assert client.get(f"{REPOSITORY}/pulls/7")["number"] == 7
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_goes_on_failing_is_given_up(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    github.fail("GET", "/pulls/7$", 503, times=99)
    with pytest.raises(
        GitHubError, match=r"GitHub fails at GET .*/pulls/7 \(HTTP 503: .*run this again"
    ) as caught:
        client.get(f"{REPOSITORY}/pulls/7")
    assert caught.value.status == 503
    assert (len(github.requests), len(waits)) == (5, 4)


def test_no_try_begins_after_the_time_for_all_of_them(github: GitHubServer, waits: list[float]) -> None:
    moments = iter(range(0, 9_000, 50))
    client = Client(github.url, TOKEN, sleep=waits.append, now=lambda: float(next(moments)))
    github.fail("GET", "/pulls/7$", 500, times=99)
    with pytest.raises(GitHubError, match="HTTP 500"):
        client.get(f"{REPOSITORY}/pulls/7")
    assert len(github.requests) == 1


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_a_connection_that_breaks_is_tried_again(
    fault: str, client: Client, github: GitHubServer, waits: list[float]
) -> None:
    getattr(github, fault)("GET", "/pulls/7$", times=2)
    assert client.get(f"{REPOSITORY}/pulls/7")["number"] == 7
    assert waits == [1.0, 2.0]


def test_an_answer_that_stops_in_the_middle_is_asked_for_again(
    github: GitHubServer, waits: list[float]
) -> None:
    github.state.add_pull(Pull(7, head_sha="a" * 40))
    github.stall("GET", "/pulls/7$")
    client = Client(github.url, TOKEN, patience=Patience(read=3), sleep=waits.append)
    assert client.get(f"{REPOSITORY}/pulls/7")["number"] == 7
    assert waits == [1.0]


@pytest.mark.parametrize(
    ("fault", "reason"), [("drop", "the connection breaks"), ("stall", r"no answer within 0\.2 s")]
)
def test_a_connection_that_goes_on_breaking_is_given_up(
    fault: str, reason: str, github: GitHubServer, waits: list[float]
) -> None:
    getattr(github, fault)("GET", "/pulls/7$", times=99)
    client = Client(github.url, TOKEN, patience=Patience(read=0.2, tries=2), sleep=waits.append)
    with pytest.raises(GitHubError, match=f"GitHub cannot be reached for GET .*{reason}"):
        client.get(f"{REPOSITORY}/pulls/7")
    assert waits == [1.0]


def test_a_post_whose_answer_is_lost_is_sent_again_as_promised(client: Client, github: GitHubServer) -> None:
    github.drop("POST", "/comments$")
    client.post(COMMENTS, {"body": "twice"})
    assert [comment.body for comment in github.state.on(7)] == ["twice", "twice"]


def test_nobody_listening_is_said(elsewhere: str, waits: list[float]) -> None:
    client = Client(elsewhere, TOKEN, sleep=waits.append)
    with pytest.raises(GitHubError, match=r"the connection is refused$"):
        client.get(REPOSITORY)
    assert len(waits) == 4


def test_an_answer_that_drips_is_given_up(github: GitHubServer, waits: list[float]) -> None:
    moments = iter(range(0, 9_000, 35))
    client = Client(github.url, TOKEN, sleep=waits.append, now=lambda: float(next(moments)))
    github.state.files["f", "main"] = b"x" * 300_000
    with pytest.raises(GitHubError, match="takes longer than 60 s"):
        client.text(f"{REPOSITORY}/contents/f", most_bytes=1 << 20)


# Limits


def test_a_limit_is_waited_out_as_long_as_github_asks(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    github.fail("GET", "/pulls/7$", 429, headers={"Retry-After": "17"})
    github.fail("GET", "/pulls/7$", 403, headers={"Retry-After": "20"})
    assert client.get(f"{REPOSITORY}/pulls/7")["number"] == 7
    assert waits == [17.0, 20.0]


def test_a_spent_limit_is_waited_out_until_it_begins_anew(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 30)}
    github.fail("GET", "/pulls/7$", 403, headers=headers, body={"message": "API rate limit exceeded"})
    assert client.get(f"{REPOSITORY}/pulls/7")["number"] == 7
    assert waits == [31.0]


def test_a_secondary_limit_is_known_by_its_words_and_waited_out_a_minute(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    github.fail("POST", "/comments$", 403, body={"message": said})
    client.post(COMMENTS, {"body": "hello"})
    assert waits == [60.0]


def test_a_limit_that_lasts_too_long_is_not_waited_for(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 1_799)}
    github.fail("GET", "/pulls/7$", 403, headers=headers, body={"message": "API rate limit exceeded"})
    with pytest.raises(RateLimitError, match=r"run this again after 08:30:00 UTC$") as caught:
        client.get(f"{REPOSITORY}/pulls/7")
    assert caught.value.status == 403
    assert (len(github.requests), waits) == (1, [])


def test_limits_one_after_the_other_are_waited_for_in_total_no_longer_than_patience(
    client: Client, github: GitHubServer, waits: list[float]
) -> None:
    github.fail("GET", "/pulls/7$", 429, headers={"Retry-After": "40"}, times=99)
    with pytest.raises(RateLimitError):
        client.get(f"{REPOSITORY}/pulls/7")
    assert waits == [40.0, 40.0]


# Redirects


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_renamed_repository_is_followed_on_the_same_host(
    status: int, client: Client, github: GitHubServer
) -> None:
    location = {"Location": "/repositories/1296269/issues/7/comments"}
    github.fail("POST", "^/repos/", status, headers=location)
    client.post(COMMENTS, {"body": "moved"})
    assert [call.method for call in github.requests] == ["POST", "POST"]
    assert [comment.body for comment in github.state.on(7)] == ["moved"]


@pytest.mark.parametrize("ask", ["get", "download"])
def test_a_redirect_to_another_host_is_not_followed(
    ask: str, client: Client, github: GitHubServer, elsewhere: str, tmp_path: Path
) -> None:
    github.fail("GET", "", 307, headers={"Location": f"{elsewhere}/{REPOSITORY}"}, times=9)
    zipped = f"{REPOSITORY}/actions/artifacts/1/zip"
    asks: dict[str, Callable[[], object]] = {
        "get": lambda: client.get(REPOSITORY),
        "download": lambda: client.download(zipped, tmp_path / "zip", most_bytes=9),
    }
    with pytest.raises(GitHubError, match=r"an address on another host$"):
        asks[ask]()
    assert len(github.requests) == 1


def test_a_redirect_in_a_circle_ends(client: Client, github: GitHubServer) -> None:
    github.fail("GET", "", 301, headers={"Location": f"/{REPOSITORY}"}, times=99)
    with pytest.raises(GitHubError, match="from one address to the next"):
        client.get(REPOSITORY)
    assert len(github.requests) == 4


def test_a_redirect_where_none_belongs_is_an_error(client: Client, github: GitHubServer) -> None:
    github.fail("GET", "", 302, headers={"Location": f"{github.url}/login"})
    with pytest.raises(GitHubError, match="with a redirect to somewhere else"):
        client.get(REPOSITORY)


@pytest.mark.parametrize(
    "link",
    [
        "https://127.0.0.1:{port}/x",
        "http://127.0.0.1:1/x",
        "http://127.0.0.1:{port}@github.example/x",
        "//github.example/x",
        "http://[broken/x",
        "file:///etc/passwd",
    ],
)
def test_a_next_page_on_another_host_is_refused(link: str, client: Client, github: GitHubServer) -> None:
    port = github.url.rpartition(":")[2]
    header = {"Link": f'<{link.format(port=port)}>; rel="next"'}
    github.fail("GET", "/comments$", 200, body=[{"id": 1}], headers=header)
    pages = client.pages(COMMENTS)
    assert next(pages) == {"id": 1}
    with pytest.raises(GitHubError, match=r"an address on another host$"):
        next(pages)
    assert len(github.requests) == 1


# Answers that are none


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/html"])
def test_the_login_page_of_a_proxy_is_no_answer(
    content_type: str, client: Client, github: GitHubServer
) -> None:
    github.fail("GET", "", 200, body=b"<html>Sign in", headers={"Content-Type": content_type}, times=2)
    with pytest.raises(GitHubError, match="as the login page of a proxy would be"):
        client.get(REPOSITORY)
    with pytest.raises(GitHubError, match="as the login page of a proxy would be"):
        client.text(f"{REPOSITORY}/contents/f", most_bytes=999)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"<html>"])
def test_an_answer_that_is_no_json_is_an_error(body: bytes, client: Client, github: GitHubServer) -> None:
    github.fail("GET", "", 200, body=body)
    with pytest.raises(GitHubError, match=r"something else than JSON$"):
        client.get(REPOSITORY)


@pytest.mark.parametrize(
    ("body", "key"),
    [(b"{}", None), (b"[1]", None), (b"null", None), (b"[]", "runs"), (b'{"runs": 1}', "runs")],
)
def test_a_list_that_is_none_is_an_error(
    body: bytes, key: str | None, client: Client, github: GitHubServer
) -> None:
    github.fail("GET", "", 200, body=body)
    with pytest.raises(GitHubError, match=r"something else than a list of objects$"):
        list(client.pages(f"{REPOSITORY}/issues", key))


def test_a_refusal_in_strange_words_is_still_one_sentence(client: Client, github: GitHubServer) -> None:
    errors = [{"field": "title", "code": "missing_field"}, "words", 7, {"code": None}]
    github.fail("GET", "", 422, body={"message": "Bad\n::error::x\x1b[31m", "errors": errors})
    with pytest.raises(InvalidError) as caught:
        client.get(REPOSITORY)
    assert caught.value.message == "Bad ::error::x [31m: title missing_field: words"


@pytest.mark.parametrize("body", [b"[]", b'"no"', b'{"message": 7, "errors": "all wrong"}'])
def test_a_refusal_without_githubs_form_is_still_a_refusal(
    body: bytes, client: Client, github: GitHubServer
) -> None:
    github.fail("GET", "", 404, body=body)
    with pytest.raises(NotFoundError, match="HTTP 404"):
        client.get(REPOSITORY)


# Sizes


def test_a_file_larger_than_allowed_is_refused(client: Client, github: GitHubServer) -> None:
    github.state.files["f", "main"] = b"x" * 1_001
    with pytest.raises(GitHubError, match=r"larger than 1,000 bytes$"):
        client.text(f"{REPOSITORY}/contents/f", most_bytes=1_000)
    assert len(client.text(f"{REPOSITORY}/contents/f", most_bytes=1_001)) == 1_001


def test_an_answer_that_unpacks_to_more_than_is_allowed_is_refused(
    client: Client, github: GitHubServer
) -> None:
    bomb = gzip.compress(b" " * ((64 << 20) + 1), compresslevel=1)
    github.fail("GET", "", 200, body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(GitHubError, match=r"larger than 64 MiB$"):
        client.get(REPOSITORY)


# Downloads


def test_an_artifact_is_fetched_from_the_storage_without_the_token(
    client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert (tmp_path / "report.zip").read_bytes() == b"PK" + b"z" * 998
    asked = [(call.path.startswith("/_storage/"), call.token) for call in github.requests]
    assert asked == [(False, TOKEN), (True, None)]


def test_an_artifact_that_is_too_large_leaves_nothing(client: Client, report: str, tmp_path: Path) -> None:
    with pytest.raises(GitHubError, match=r"larger than 999 bytes$"):
        client.download(report, tmp_path / "report.zip", most_bytes=999)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_a_download_that_breaks_begins_anew_with_a_fresh_address(
    fault: str, client: Client, github: GitHubServer, report: str, tmp_path: Path, waits: list[float]
) -> None:
    getattr(github, fault)("GET", "^/_storage/")
    client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert [path.name for path in tmp_path.iterdir()] == ["report.zip"]
    assert len(github.asked("GET", "/zip$")) == 2
    assert waits == [1.0]


def test_a_storage_that_fails_for_a_while_is_asked_again(
    client: Client, github: GitHubServer, report: str, tmp_path: Path, waits: list[float]
) -> None:
    github.fail("GET", "^/_storage/", 503, times=2)
    client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert waits == [1.0, 2.0]


def test_a_refusal_of_the_storage_is_no_matter_of_permissions(
    client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    github.fail("GET", "^/_storage/", 403, body=b"<Error>AuthenticationFailed</Error>")
    with pytest.raises(GitHubError, match=r"the storage .* refuses the download \(HTTP 403\)") as caught:
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert type(caught.value) is GitHubError


def test_an_expired_artifact_is_not_found(
    client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    next(iter(github.state.artifacts.values())).expired = True
    with pytest.raises(NotFoundError, match="Artifact has expired"):
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)


@pytest.mark.parametrize(
    "location",
    [
        "http://storage.example/1",
        "ftp://127.0.0.1/1",
        "https://user:word@storage.example/",
        "https://",
        "http://[x/",
    ],
)
def test_a_storage_that_is_neither_https_nor_this_machine_is_not_asked(
    location: str, client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    github.fail("GET", "/zip$", 302, headers={"Location": location})
    with pytest.raises(GitHubError, match=r"no https address to download from$"):
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)


def test_a_storage_that_sends_on_is_not_followed(
    client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    github.fail("GET", "^/_storage/", 302, headers={"Location": f"{github.url}/{REPOSITORY}"})
    with pytest.raises(GitHubError, match="HTTP 302"):
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert len(github.requests) == 2


def test_an_answer_that_names_no_storage_is_an_error(
    client: Client, github: GitHubServer, report: str, tmp_path: Path
) -> None:
    github.fail("GET", "/zip$", 200, body=b"{}")
    with pytest.raises(GitHubError, match="with an address to download from"):
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)


def test_a_download_that_cannot_be_written_is_said_in_one_sentence(
    client: Client, report: str, tmp_path: Path
) -> None:
    with pytest.raises(GitHubError, match=r"^report\.zip cannot be written: No such file or directory$"):
        client.download(report, tmp_path / "absent" / "report.zip", most_bytes=1_000)


# Who sees the token, and where it goes


def test_the_token_is_in_no_error_and_no_repr(client: Client, github: GitHubServer) -> None:
    echo = {"message": f"You sent Authorization: Bearer {TOKEN}"}
    for status in (400, 401, 403, 404, 409, 422, 429, 500):
        github.fail("GET", "", status, body=echo, headers={"Retry-After": "999"})
        with pytest.raises(GitHubError) as caught:
            client.get(REPOSITORY)
        assert TOKEN not in f"{caught.value} {caught.value!r} {caught.value.message}"
        assert "***" in caught.value.message
    assert TOKEN not in f"{client!r} {client}"


def test_the_signed_address_of_the_storage_is_in_no_traceback(
    client: Client, github: GitHubServer, report: str, elsewhere: str, tmp_path: Path
) -> None:
    github.fail("GET", "/zip$", 302, headers={"Location": f"{elsewhere}/1?sig=secret"}, times=99)
    with pytest.raises(GitHubError, match="the connection is refused") as caught:
        client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert "sig=" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("token", ["", "  \n", "two words", "line\nbreak-of-the-token", "ünïcode"])
def test_a_token_that_is_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(GitHubError, match="there is no token") as caught:
        Client("https://api.github.com", token)
    assert not token.strip() or token not in str(caught.value)


def test_the_token_is_taken_without_the_line_break_behind_it(github: GitHubServer) -> None:
    assert Client(github.url, f"{TOKEN}\n").get(REPOSITORY)["full_name"] == "octo/service"


def test_a_netrc_does_not_take_the_tokens_place(
    client: Client, github: GitHubServer, report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.download(report, tmp_path / "report.zip", most_bytes=1_000)
    assert [call.headers.get("authorization") for call in github.requests] == [f"Bearer {TOKEN}", None]


def test_this_machine_is_not_asked_through_a_proxy(
    client: Client, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert client.get(REPOSITORY)["full_name"] == "octo/service"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.github.com",
        "http://api.github.com",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "https://",
        "https://user:word@api.github.com",
        "https://api.github.com?x=1",
        "https://api.github.com/#x",
        "http://[::1",
        "https://api.github.com:port",
    ],
)
def test_an_address_that_would_carry_the_token_in_the_clear_is_refused(url: str) -> None:
    with pytest.raises(GitHubError, match="GITHUB_API_URL must be a plain https URL"):
        Client(url, TOKEN)


def test_the_address_of_a_github_server_has_a_path_of_its_own(github: GitHubServer) -> None:
    github.fail("GET", f"^/api/v3/{REPOSITORY}$", 200, body={"id": 1})
    assert Client(f"{github.url}/api/v3/", TOKEN).get(f"/{REPOSITORY}") == {"id": 1}
    # The double has no such prefix, which github.com has not either.
    github.violations.clear()


@pytest.mark.parametrize(
    "path",
    [
        "repos/o/r/../../user",
        "repos/o/%2e%2e/user",
        "repos/o/r?x=1",
        "repos/o/r#x",
        "a\\b",
        "a\nb",
        "a/..%2Fb",
    ],
)
def test_a_path_that_would_leave_its_place_is_not_asked(
    path: str, client: Client, github: GitHubServer
) -> None:
    calls: list[Callable[[], object]] = [lambda: client.get(path), lambda: client.delete(path)]
    for call in calls:
        with pytest.raises(GitHubError, match=r"is no path that GitHub can be asked for$"):
            call()
    assert github.requests == []
