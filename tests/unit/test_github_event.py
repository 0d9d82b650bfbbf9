from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.github.event import Event, EventError, PullRequest, WorkflowRun, read
from mlsecops.github.payload import MOST_BYTES
from mlsecops.report.escape import url
from support.hostile_text import hostile

SHA, HEAD, BASE = "a" * 40, "b" * 40, "c" * 40
HOME = "https://github.com/acme/forecast"
REPOSITORY: dict[str, Any] = {
    "id": 1,
    "full_name": "acme/forecast",
    "default_branch": "main",
    "private": True,
}
QUEUE = f"refs/heads/gh-readonly-queue/release/2026/pr-7-{BASE}"
ODD_VALUES = [None, "", 7, ["a"], {"b": 1}, "a" * 40 + "\n", "a b", "-x", "a..b", "x\x1b[2J"]


def pull_payload(
    head_repo: Mapping[str, Any] | None = REPOSITORY, **changes: Any
) -> dict[str, dict[str, Any]]:
    pull = {
        "number": 12,
        "user": {"login": "ada"},
        "head": {"sha": HEAD, "ref": "feature/$(id)", "repo": head_repo},
        "base": {"sha": BASE, "ref": "main", "repo": REPOSITORY},
    }
    return {"repository": REPOSITORY, "pull_request": {**pull, **changes}}


class Case:
    """Writes payloads and reads the event that they and the runner's variables make."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "event.json"

    def read(self, name: str, payload: object, **changes: str) -> Event:
        return self.read_bytes(name, json.dumps(payload).encode(), **changes)

    def read_bytes(self, name: str, payload: bytes, **changes: str) -> Event:
        self.file.write_bytes(payload)
        environ = {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(self.file),
            "GITHUB_REPOSITORY": "acme/forecast",
            "GITHUB_SHA": SHA,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": "2",
            "GITHUB_ACTOR": "ada",
        }
        return read({**environ, **changes})

    def pull(self, payload: object, **changes: str) -> Event:
        return self.read("pull_request", payload, **{"GITHUB_REF": "refs/pull/12/merge", **changes})


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


class TestPullRequest:
    def test_counts_from_the_base_and_speaks_of_the_head(self, case: Case) -> None:
        event = case.pull(pull_payload())

        assert event.pull == PullRequest(
            number=12,
            head_sha=HEAD,
            head_ref="feature/$(id)",
            base_sha=BASE,
            base_ref="main",
            fork=False,
            author="ada",
        )
        assert event.policy_commit == BASE
        assert event.baseline_branch == "main"
        assert event.head == HEAD
        assert event.branch is None
        assert event.uploads
        assert not event.counts_all
        assert not event.read_only
        assert event.private is True
        assert (event.run_id, event.run_attempt, event.sha, event.default_branch) == (77, 2, SHA, "main")

    @pytest.mark.parametrize(
        ("head_repo", "fork"),
        [
            (None, True),
            ({**REPOSITORY, "full_name": "eve/forecast", "id": 2}, True),
            ({**REPOSITORY, "full_name": "eve/forecast"}, True),
            ({**REPOSITORY, "id": 2}, True),
            ({"id": 1}, True),
            ({**REPOSITORY, "full_name": "Acme/Forecast"}, False),
        ],
    )
    def test_from_another_repository_or_a_deleted_one_is_a_fork(
        self, case: Case, head_repo: Mapping[str, Any] | None, fork: bool
    ) -> None:
        event = case.pull(pull_payload(head_repo))

        assert event.pull is not None
        assert event.pull.fork is fork
        assert event.read_only is fork
        assert event.uploads
        assert event.policy_commit == BASE

    def test_that_names_no_repository_at_all_is_a_fork(self, case: Case) -> None:
        head, base = {"sha": HEAD, "ref": "topic"}, {"sha": BASE, "ref": "main"}

        event = case.pull(pull_payload(head=head, base=base))

        assert event.pull is not None
        assert event.pull.fork

    def test_of_dependabot_may_only_read_and_still_uploads(self, case: Case) -> None:
        event = case.pull(pull_payload(), GITHUB_ACTOR="dependabot[bot]")

        assert event.dependabot
        assert event.read_only
        assert event.uploads

    def test_of_a_deleted_account_has_no_author(self, case: Case) -> None:
        event = case.pull(pull_payload(user=None))

        assert event.pull is not None
        assert event.pull.author == ""

    @pytest.mark.parametrize("name", ["pull_request_review", "pull_request_review_comment"])
    def test_a_review_does_not_let_the_policy_of_the_pull_request_count(self, case: Case, name: str) -> None:
        event = case.read(name, pull_payload(), GITHUB_REF="refs/pull/12/merge")

        assert event.policy_commit == BASE

    def test_an_unknown_event_on_a_pull_request_is_refused(self, case: Case) -> None:
        with pytest.raises(EventError, match="the event novelty on a pull request is not known"):
            case.read("novelty", {}, GITHUB_REF="refs/pull/12/merge")

    def test_pull_request_target_is_refused_with_what_to_use_instead(self, case: Case) -> None:
        with pytest.raises(EventError, match=r"with the rights of this repository.*use pull_request"):
            case.read("pull_request_target", pull_payload())

    def test_links_lead_to_the_head_commit_within_the_project(self, case: Case) -> None:
        links = case.pull(pull_payload()).links("services/für cast")

        assert links.run == f"{HOME}/actions/runs/77"
        assert links.page == f"{HOME}/actions/runs/77#artifacts"
        assert links.security == f"{HOME}/security/code-scanning?query=pr%3A12+is%3Aopen"
        assert links.blob == f"{HOME}/blob/{HEAD}/services/f%C3%BCr%20cast"
        assert (links.head, links.base) == ("bbbbbbb", "main@ccccccc")
        fetched = f"git fetch origin {SHA} && git checkout FETCH_HEAD"
        run = f"mlsecops run 'services/für cast' --base {BASE[:12]}"
        assert links.rerun == f"{fetched} && {run}"
        some = case.pull(pull_payload()).links(".", ("sast", "sca"))
        assert some.rerun.endswith(f" --base {BASE[:12]} --stage sast --stage sca")
        assert links.docs == ""


class TestMergeQueue:
    def group(self, **changes: Any) -> dict[str, Any]:
        group = {
            "base_sha": BASE,
            "head_sha": SHA,
            "base_ref": "refs/heads/release/2026",
            "head_ref": QUEUE,
        }
        return {"repository": REPOSITORY, "merge_group": {**group, **changes}}

    def test_a_merge_group_counts_from_its_base_and_uploads_nothing(self, case: Case) -> None:
        event = case.read("merge_group", self.group(), GITHUB_REF=QUEUE)

        assert event.policy_commit == event.merge_base == BASE
        assert event.baseline_branch == event.base_branch == "release/2026"
        assert event.head == SHA
        assert event.queued
        assert not event.uploads
        assert not event.counts_all
        assert event.links(".").base == "release/2026@ccccccc"
        assert event.links(".").security == ""

    def test_a_push_to_the_queue_counts_from_the_branch_it_leads_to(self, case: Case) -> None:
        event = case.read("push", {"repository": REPOSITORY}, GITHUB_REF=QUEUE)

        assert event.policy_commit == event.baseline_branch == "release/2026"
        assert event.queued
        assert not event.uploads
        assert not event.counts_all
        assert event.links(".").base == ""

    def test_a_push_to_the_queue_does_not_count_all_without_a_known_default_branch(self, case: Case) -> None:
        assert not case.read("push", {}, GITHUB_REF=QUEUE).counts_all

    @pytest.mark.parametrize("key", ["base_sha", "base_ref"])
    @pytest.mark.parametrize("value", ODD_VALUES)
    def test_a_broken_group_is_refused(self, case: Case, key: str, value: object) -> None:
        with pytest.raises(EventError, match=f"the merge group's {key} is"):
            case.read("merge_group", self.group(**{key: value}), GITHUB_REF=QUEUE)


class TestPush:
    def test_to_the_default_branch_counts_all_against_its_own_policy(self, case: Case) -> None:
        event = case.read("push", {"repository": REPOSITORY})

        assert event.policy_commit == event.head == SHA
        assert event.baseline_branch == event.branch == "main"
        assert event.counts_all
        assert event.uploads
        links = event.links(".")
        assert links.security == f"{HOME}/security/code-scanning?query=is%3Aopen+branch%3Amain"
        assert links.blob == f"{HOME}/blob/{SHA}"
        assert (links.base, links.rerun) == ("", "mlsecops run .")

    def test_to_another_branch_is_compared_with_the_default_branch(self, case: Case) -> None:
        event = case.read("push", {"repository": REPOSITORY}, GITHUB_REF="refs/heads/topic")

        assert event.baseline_branch == "main"
        assert not event.counts_all

    def test_of_a_tag_belongs_to_no_branch(self, case: Case) -> None:
        event = case.read("push", {"repository": REPOSITORY}, GITHUB_REF="refs/tags/main")

        assert event.branch is None
        assert not event.counts_all
        assert event.uploads
        assert event.links(".").security.endswith("?query=is%3Aopen")

    def test_of_dependabot_uploads_nothing(self, case: Case) -> None:
        event = case.read("push", {"repository": REPOSITORY}, GITHUB_ACTOR="dependabot[bot]")

        assert not event.uploads

    def test_that_deleted_a_branch_looks_at_the_default_branch_and_uploads_nothing(self, case: Case) -> None:
        payload = {"repository": REPOSITORY, "deleted": True}
        event = case.read("push", payload, GITHUB_REF="refs/heads/gone")

        assert event.deleted
        assert event.branch == "main"
        assert not event.uploads

    @pytest.mark.parametrize(
        ("payload", "why"), [({"deleted": True}, "the push deleted its branch"), ({}, "names no commit")]
    )
    def test_of_no_commit_has_nothing_to_scan(self, case: Case, payload: object, why: str) -> None:
        with pytest.raises(EventError, match=f"{why}, so there is nothing to scan"):
            case.read("push", payload, GITHUB_SHA="0" * 40)

    def test_without_a_known_default_branch_everything_counts(self, case: Case) -> None:
        event = case.read("push", {})

        assert event.default_branch == ""
        assert event.baseline_branch is None
        assert event.counts_all
        assert event.private is None


class TestOtherEvents:
    def test_a_schedule_runs_on_the_default_branch_which_its_payload_does_not_name(self, case: Case) -> None:
        event = case.read("schedule", {"schedule": "0 4 * * 1"})

        assert event.default_branch == event.baseline_branch == "main"
        assert event.counts_all

    def test_a_schedule_believes_its_payload_first(self, case: Case) -> None:
        event = case.read("schedule", {"repository": REPOSITORY}, GITHUB_REF_NAME="odd")

        assert event.default_branch == "main"

    def test_a_dispatch_on_a_branch_is_compared_with_the_default_branch(self, case: Case) -> None:
        event = case.read("workflow_dispatch", {"repository": REPOSITORY}, GITHUB_REF="refs/heads/topic")

        assert not event.counts_all
        assert event.baseline_branch == "main"

    def test_any_other_event_counts_by_the_commit_it_runs_on(self, case: Case) -> None:
        event = case.read("release", {"repository": REPOSITORY}, GITHUB_REF="refs/tags/v1")

        assert event.policy_commit == event.head == SHA
        assert event.pull is None
        assert event.workflow_run is None
        assert not event.counts_all

    def run_payload(self, **changes: Any) -> dict[str, Any]:
        run = {
            "id": 5,
            "event": "pull_request",
            "conclusion": "failure",
            "head_sha": HEAD,
            "head_branch": "topic",
            "head_repository": {"full_name": "eve/forecast"},
        }
        return {"repository": REPOSITORY, "workflow_run": {**run, **changes}}

    def test_a_workflow_run_says_which_run_it_follows(self, case: Case) -> None:
        event = case.read("workflow_run", self.run_payload())

        assert event.workflow_run == WorkflowRun(
            id=5,
            event="pull_request",
            conclusion="failure",
            head_sha=HEAD,
            head_branch="topic",
            repository="eve/forecast",
        )
        assert event.policy_commit == SHA

    def test_a_workflow_run_of_a_repository_that_is_gone_names_none(self, case: Case) -> None:
        event = case.read("workflow_run", self.run_payload(head_repository=None, head_branch=None))

        assert event.workflow_run is not None
        assert (event.workflow_run.repository, event.workflow_run.head_branch) == ("", "")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("id", True),
            ("id", -1),
            ("id", "x"),
            ("head_sha", "main"),
            ("head_branch", "a\nb"),
            ("head_repository", {"full_name": "../.."}),
        ],
    )
    def test_a_broken_workflow_run_is_refused(self, case: Case, key: str, value: object) -> None:
        with pytest.raises(EventError, match="the workflow run's"):
            case.read("workflow_run", self.run_payload(**{key: value}))


class TestLinks:
    def test_a_folder_that_looks_like_an_option_is_not_taken_for_one(self, case: Case) -> None:
        links = case.read("push", {}).links("-rf")

        assert links.rerun == "mlsecops run ./-rf"

    @given(project=hostile.filter(bool), branch=hostile.filter(bool))
    def test_no_name_ends_the_link_it_stands_in(self, project: str, branch: str) -> None:
        event = replace(_plain_event(), ref=f"refs/heads/{branch}")
        links = event.links(project)

        for address in (links.blob, links.security):
            assert len(address) > 2000 or url(address)


class TestHostilePayloads:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b" " * (MOST_BYTES + 1), "larger than 32 MiB"),
        ],
    )
    def test_a_payload_that_is_no_object_is_refused(self, case: Case, content: bytes, why: str) -> None:
        with pytest.raises(EventError, match=why):
            case.read_bytes("push", content)

    @pytest.mark.parametrize("path", ["", "/nowhere/event.json"])
    def test_a_payload_that_is_not_there_is_refused(self, case: Case, path: str) -> None:
        with pytest.raises(EventError, match="payload cannot be read"):
            case.read("push", {}, GITHUB_EVENT_PATH=path)

    @pytest.mark.parametrize("side", ["head", "base"])
    @pytest.mark.parametrize("key", ["sha", "ref"])
    @pytest.mark.parametrize("value", ODD_VALUES)
    def test_a_broken_pull_request_is_refused(self, case: Case, side: str, key: str, value: object) -> None:
        payload = pull_payload()
        payload["pull_request"][side][key] = value
        with pytest.raises(EventError) as caught:
            case.pull(payload)

        assert str(caught.value).startswith(f"the pull request's {side}.{key} is ")
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("value", [None, "", 0, True, 1.5, "twelve", "٣", "9" * 30, []])
    def test_a_pull_request_without_a_number_is_refused(self, case: Case, value: object) -> None:
        with pytest.raises(EventError, match="the pull request's number is"):
            case.pull(pull_payload(number=value))

    @pytest.mark.parametrize(
        "payload", [{}, {"pull_request": None}, {"pull_request": {"number": 1, "head": 3}}]
    )
    def test_a_pull_request_that_is_not_there_is_refused(self, case: Case, payload: object) -> None:
        with pytest.raises(EventError, match="is missing"):
            case.pull(payload)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GITHUB_REPOSITORY", "acme"),
            ("GITHUB_REPOSITORY", "acme/.."),
            ("GITHUB_REPOSITORY", "acme/a/b"),
            ("GITHUB_REPOSITORY", "../forecast"),
            ("GITHUB_REPOSITORY", "acme/forecast\n"),
            ("GITHUB_REPOSITORY", "acme/x?y=1"),
            ("GITHUB_SHA", "main"),
            ("GITHUB_SHA", "a" * 39),
            ("GITHUB_SHA", "a" * 41),
            ("GITHUB_SHA", "A" * 40),
            ("GITHUB_REF", "main"),
            ("GITHUB_REF", ""),
            ("GITHUB_REF", "refs/heads/a\nb"),
            ("GITHUB_REF", "refs/heads/a\u2028b"),
            ("GITHUB_REF", "refs/heads/../../a"),
            ("GITHUB_REF", "refs/heads/" + "a" * 2000),
            ("GITHUB_RUN_ID", "0"),
            ("GITHUB_RUN_ID", "7;8"),
            ("GITHUB_RUN_ATTEMPT", "-1"),
            ("GITHUB_SERVER_URL", "http://github.com"),
            ("GITHUB_SERVER_URL", "https://"),
            ("GITHUB_SERVER_URL", "https://[x"),
            ("GITHUB_SERVER_URL", "https://me:secret@github.com"),
            ("GITHUB_SERVER_URL", "https://github.com?x"),
            ("GITHUB_SERVER_URL", "javascript:alert(1)"),
        ],
    )
    def test_a_broken_variable_is_refused_in_one_line(self, case: Case, name: str, value: str) -> None:
        with pytest.raises(EventError) as caught:
            case.read("push", {"repository": REPOSITORY}, **{name: value})

        assert str(caught.value).startswith(f"{name} is ")
        assert str(caught.value).isprintable()

    def test_without_an_event_there_is_no_github(self) -> None:
        with pytest.raises(EventError, match="GITHUB_EVENT_NAME is missing"):
            read({})

    def test_a_broken_default_branch_is_refused(self, case: Case) -> None:
        with pytest.raises(EventError, match="the default branch is"):
            case.read("push", {"repository": {"default_branch": "a\nb"}})

    @pytest.mark.parametrize("sha", ["a" * 40, "0" * 63 + "1"])
    def test_commits_of_both_kinds_of_repositories_are_known(self, case: Case, sha: str) -> None:
        assert case.read("push", {}, GITHUB_SHA=sha).sha == sha

    @pytest.mark.parametrize("server", ["https://ghe.example.org/", "http://127.0.0.1:8080"])
    def test_servers_of_ones_own_are_known(self, case: Case, server: str) -> None:
        event = case.read("push", {}, GITHUB_SERVER_URL=server)

        assert event.links(".").run == f"{server.rstrip('/')}/acme/forecast/actions/runs/77"

    @given(
        payload=st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60) | hostile,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["pull_request", "head", "base", "sha", "ref", "repo", "merge_group", "repository"]
                    ),
                    inner,
                )
            ),
            max_leaves=12,
        ),
        name=st.sampled_from(["pull_request", "merge_group", "push", "workflow_run", "schedule"]),
    )
    def test_any_json_gives_an_event_or_one_sentence(
        self, tmp_path_factory: pytest.TempPathFactory, payload: object, name: str
    ) -> None:
        case = Case(tmp_path_factory.getbasetemp())
        try:
            outcome = case.read(name, payload).policy_commit
        except EventError as error:
            outcome = str(error)
        assert outcome.isprintable()


def _plain_event() -> Event:
    return Event(
        name="push",
        repository="acme/forecast",
        sha=SHA,
        ref="refs/heads/main",
        default_branch="main",
        server="https://github.com",
        run_id=77,
        run_attempt=1,
        actor="ada",
    )
