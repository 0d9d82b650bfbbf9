"""The chain for every event that starts it, and for tokens that may do less: executed, with one cheap stage.

What a token may do is the API double's to enforce: act, unlike GitHub, takes no notice of `permissions`.
"""

from __future__ import annotations

import pytest
from support.acting import events
from support.acting.chain import ROOT_IMAGE, Chain, compact, project, secure_ml, shown
from support.acting.events import Event
from support.acting.runner import RUN, TOKEN, Run
from support.github_api import Run as PastRun
from support.github_api.state import ALL, Permissions

WORKFLOW = secure_ml(stages="container")
README = {"README.md": "# An app\n"}
READ: Permissions = {"contents": "read", "actions": "read", "pull-requests": "read"}


def verdict(run: Run) -> str:
    """The verdict of the job that reports."""
    return run.job("mlsecops/report").step("report").outputs["verdict"]


def allow(chain: Chain, permissions: Permissions) -> None:
    """Say what the token of the run may do."""
    chain.platform.state.tokens[TOKEN] = permissions


def said(run: Run, *levels: str) -> str:
    """All annotations of these levels in one text."""
    return "\n".join(note.message for note in run.annotations if note.level in levels)


def test_a_fork_whose_token_may_only_read_gets_its_verdict_and_no_red_403(chain: Chain) -> None:
    allow(chain, READ)

    run = chain.pull_request(WORKFLOW, README, kind=events.fork)

    assert run.exit_code == 0, run.text
    assert verdict(run) == "passed"
    assert chain.platform.comments == []
    assert said(run, "error").count("\n") == 0
    assert "a run for a fork may not comment" in said(run, "notice")
    assert "mlsecops passed" in run.summary


def test_a_fork_is_blocked_like_anybody_else(chain: Chain) -> None:
    allow(chain, READ)

    run = chain.pull_request(WORKFLOW, ROOT_IMAGE, kind=events.fork)

    assert run.exit_code == 1
    assert verdict(run) == "blocked"


def test_dependabots_pull_request_with_a_token_that_may_only_read_gets_its_verdict(chain: Chain) -> None:
    allow(chain, READ)

    run = chain.pull_request(WORKFLOW, README, kind=events.dependabot)

    assert run.exit_code == 0, run.text
    assert verdict(run) == "passed"
    assert "no comment was left" in said(run, "notice")


@pytest.mark.parametrize(
    ("missing", "notice"),
    [
        ("pull-requests", "no comment was left, the report is in the summary"),
        ("security-events", "grant `security-events: write`"),
    ],
)
def test_what_the_caller_did_not_grant_is_left_out_with_a_notice(
    chain: Chain, missing: str, notice: str
) -> None:
    allow(chain, {name: level for name, level in ALL.items() if name not in {missing, "issues"}})

    run = chain.pull_request(WORKFLOW, README)

    assert run.exit_code == 0, run.text
    assert verdict(run) == "passed"
    assert notice in said(run, "notice")
    assert len(chain.platform.comments) == (missing != "pull-requests")
    assert len(chain.platform.uploads) == (missing != "security-events")


def test_with_the_right_to_read_the_code_alone_the_verdict_stands(chain: Chain) -> None:
    allow(chain, {"contents": "read"})

    run = chain.pull_request(WORKFLOW, ROOT_IMAGE)

    assert run.exit_code == 1
    assert verdict(run) == "blocked"
    assert "reports of earlier runs need the permission actions: read" in run.summary


def test_without_the_right_to_read_the_code_nothing_passes(chain: Chain) -> None:
    allow(chain, {"pull-requests": "write"})

    run = chain.pull_request(WORKFLOW, README)

    assert run.exit_code == 1
    assert verdict(run) == "incomplete"


def test_where_code_scanning_is_off_the_verdict_stands(chain: Chain) -> None:
    chain.platform.state.code_scanning = "off"

    run = chain.pull_request(WORKFLOW, README)

    assert run.exit_code == 0, run.text
    assert "code scanning is off for this repository" in said(run, "notice")
    assert run.job("mlsecops/report").outcome("Upload to code scanning") == "skipped"


def test_an_upload_that_is_refused_is_said_and_changes_no_verdict(chain: Chain) -> None:
    allow(chain, ALL | {"security-events": "read"})

    run = chain.pull_request(WORKFLOW, README)

    assert run.exit_code == 0, run.text
    assert run.job("mlsecops/report").outcome("report/upload") == "failure"
    assert "code scanning did not take the SARIF file" in said(run, "warning")
    (comment,) = chain.platform.comments
    assert "code scanning did not take the SARIF file" in comment


def test_a_merge_group_is_judged_and_uploads_and_comments_nothing(chain: Chain) -> None:
    caller = project(chain.folder / "caller", WORKFLOW)
    base, _ = caller.propose(ROOT_IMAGE)

    run = chain.run(caller, events.merge_group(base, caller.sha))

    assert run.exit_code == 1
    assert verdict(run) == "blocked"
    assert chain.platform.uploads == []
    assert chain.platform.comments == []
    assert "code scanning takes no results of a merge queue" in said(run, "notice")
    assert chain.platform.asked("GET", f"contents/.*{base}") == []
    assert {call.query["ref"] for call in chain.platform.asked("GET", "/contents/")} >= {base}


@pytest.mark.parametrize("event", [events.schedule(), events.workflow_dispatch()], ids=lambda each: each.name)
def test_on_the_default_branch_all_open_findings_count(chain: Chain, event: Event) -> None:
    text = WORKFLOW.replace("  merge_group:", "  schedule: [{ cron: '17 5 * * 1' }]\n  workflow_dispatch:")
    caller = project(chain.folder / "caller", text, ROOT_IMAGE)

    run = chain.run(caller, event)

    assert run.exit_code == 1
    assert verdict(run) == "blocked"
    (upload,) = chain.platform.uploads
    assert (upload.commit, upload.ref) == (caller.sha, "refs/heads/main")
    assert chain.platform.comments == []


def test_a_pull_request_is_compared_with_the_last_push_and_an_old_finding_does_not_block(
    chain: Chain,
) -> None:
    caller = project(chain.folder / "caller", WORKFLOW, ROOT_IMAGE)
    pushed = chain.run(caller, events.push("0" * 40, caller.sha), run=RUN)
    past = PastRun(RUN, head_sha=caller.sha, head_repository=events.REPOSITORY)
    chain.platform.keep(pushed, past)
    base, head = caller.propose(README)

    run = chain.run(caller, events.pull_request(base, head), run=RUN + 1)

    assert pushed.exit_code == 1
    assert run.exit_code == 0, run.text
    outputs = shown(run)["outputs"]
    assert (outputs["verdict"], outputs["high"], outputs["new"], outputs["fixed"]) == (
        "passed",
        "1",
        "0",
        "0",
    )


def test_a_push_of_dependabot_uploads_nothing(chain: Chain) -> None:
    caller = project(chain.folder / "caller", WORKFLOW.replace("branches: [main]", "branches: ['**']"))

    run = chain.run(
        caller, events.push("0" * 40, caller.sha, branch="dependabot/pip/six", author="dependabot[bot]")
    )

    assert run.exit_code == 0, run.text
    assert chain.platform.uploads == []
    assert "GitHub lets a push of Dependabot only read" in said(run, "notice")


def test_a_rerun_replaces_artifacts_and_comment(chain: Chain) -> None:
    caller = project(chain.folder / "caller", WORKFLOW)
    event = events.pull_request(*caller.propose(README))
    first = chain.run(caller, event)

    again = chain.run(caller, event, attempt=2)

    assert (first.exit_code, again.exit_code) == (0, 0), again.text
    assert again.artifacts.keys() == first.artifacts.keys()
    (comment,) = chain.platform.comments
    assert f"/actions/runs/{RUN}" in comment


def test_the_compact_layout_does_for_a_fork_what_the_other_does(chain: Chain) -> None:
    allow(chain, READ)

    run = chain.pull_request(compact(stages="container"), README, kind=events.fork)

    assert run.exit_code == 0, run.text
    assert run.job("mlsecops/gate").step("report").outputs["verdict"] == "passed"
    assert "a run for a fork may not comment" in said(run, "notice")
