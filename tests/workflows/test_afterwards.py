"""What runs after a scan, executed: the comment for a fork, and the tracking issue of a schedule."""

from __future__ import annotations

import json

import pytest
from support.acting import events
from support.acting.chain import ROOT_IMAGE, Chain, project, secure_ml, template
from support.acting.runner import RUN, TOKEN
from support.acting.staging import OURS, SHA
from support.github_api import Job
from support.github_api import Run as PastRun
from support.github_api.state import Permissions

FORK: Permissions = {"contents": "read", "actions": "read"}


@pytest.mark.parametrize("change", [{"README.md": "# An app\n"}, ROOT_IMAGE], ids=["clean", "careless"])
def test_the_comment_for_a_fork_is_left_by_a_run_afterwards(chain: Chain, change: dict[str, str]) -> None:
    afterwards = {".github/workflows/afterwards.yml": template("mlsecops-fork-comment.yml")}
    caller = project(chain.folder / "caller", secure_ml(stages="container"), afterwards)
    base, head = caller.propose(change)
    state = chain.platform.state
    allowed, state.tokens[TOKEN] = state.tokens[TOKEN], FORK
    scanned = chain.run(caller, events.fork(base, head))
    state.tokens[TOKEN] = allowed
    word = scanned.job("mlsecops/report").step("report").outputs["verdict"]
    ended = {"passed": "success"}.get(word, "failure")
    gate = Job(1, "mlsecops / report / gate", conclusion=ended)
    chain.platform.keep(
        scanned,
        PastRun(RUN, "pull_request", events.BRANCH, head, "stranger/forecast", conclusion=ended, jobs=[gate]),
    )

    run = chain.run(
        caller, events.workflow_run(head, RUN), run=RUN + 1, workflow=".github/workflows/afterwards.yml"
    )

    assert run.exit_code == 0, run.text
    (comment,) = chain.platform.comments
    assert f"mlsecops {word}" in comment
    assert f"/actions/runs/{RUN})" in comment


def test_a_scheduled_scan_that_passes_closes_the_tracking_issue(chain: Chain) -> None:
    caller = project(chain.folder / "caller", template("mlsecops-rescan.yml").replace("comment: false", _ONE))
    state = chain.platform.state
    state.add_issue("an old one", "<!-- mlsecops:rescan id=default -->\n", labels=["mlsecops"])

    run = chain.run(caller, events.schedule())

    assert run.exit_code == 0, run.text
    assert [issue.state for issue in state.issues.values()] == ["closed"]


@pytest.mark.parametrize("verdict", ["blocked", "incomplete", ""])
def test_the_action_for_the_tracking_issue_opens_one_and_keeps_it(chain: Chain, verdict: str) -> None:
    uses = f"{OURS}/actions/tracking-issue@{SHA}"
    step = {"uses": uses, "with": {"verdict": verdict}}
    jobs = {"track": {"runs-on": "ubuntu-24.04", "steps": [step]}}
    caller = project(chain.folder / "caller", json.dumps({"on": "schedule", "jobs": jobs}))

    first = chain.run(caller, events.schedule())
    again = chain.run(caller, events.schedule())

    assert (first.exit_code, again.exit_code) == (0, 0), first.text
    (issue,) = chain.platform.state.issues.values()
    assert issue.state == "open"
    assert (verdict or "incomplete") in issue.title


_ONE = "comment: false\n      image: when-available\n      stages: container"
