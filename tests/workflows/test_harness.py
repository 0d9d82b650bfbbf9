"""What runs our workflows here, held to what it claims, with toy workflows and actions."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import psutil
import pytest
from support.acting import callers, events, processes, staging
from support.acting.flattening import flatten
from support.acting.log import Annotation, command
from support.acting.processes import ActError
from support.acting.runner import TOKEN
from support.acting.toys import CHECKOUT, INNER, OUTER, TOYS, UPLOAD, Bench, script, steps, toys

CALLS_OUTER = """
on: [push, pull_request]
jobs:
  ml:
    uses: mlsec/mlsecops/.github/workflows/outer.yml@v1
    with: { word: %s, break: %s }
  after:
    needs: ml
    runs-on: ubuntu-24.04
    steps:
      - { id: show, run: "echo 'said=${{ needs.ml.outputs.said }}' >> \\"$GITHUB_OUTPUT\\"" }
"""


def test_a_called_workflow_runs_our_action_and_hands_its_output_on(bench: Bench) -> None:
    flatten(bench.act.staged.folder, "outer.yml")

    run = bench.run(CALLS_OUTER % ("hi", "false"))

    assert run.exit_code == 0, run.text
    assert run.job("ml/say").step("Say").outputs == {"said": "hi"}
    assert run.job("ml/say").step("Speak").outcome == "success"
    assert run.job("ml/say").outcome("Never") == "skipped"
    assert run.job("ml/say").outcome("Break") == "skipped"
    assert run.prints("good morning")
    assert run.job("after").step("show").outputs == {"said": "hi"}


def test_flattened_a_job_that_is_always_due_runs_after_a_failed_one_and_knows_its_result(
    bench: Bench,
) -> None:
    flatten(bench.act.staged.folder, "outer.yml")

    run = bench.run(CALLS_OUTER % ("hi", "true"))

    assert run.exit_code == 1
    assert run.conclusion("ml/say") == "failure"
    needs = json.loads(run.job("ml/end").step("results").outputs["needs"])
    assert needs["say"] == {"result": "failure", "outputs": {"said": "hi"}}


def test_flattened_a_job_whose_condition_is_false_is_skipped(bench: Bench) -> None:
    flatten(bench.act.staged.folder, "outer.yml")

    run = bench.run(CALLS_OUTER % ("silence", "false"))

    assert run.conclusion("ml/say") == "skipped"
    needs = json.loads(run.job("ml/end").step("results").outputs["needs"])
    assert needs["say"]["result"] == "skipped"


def test_nested_act_unlike_github_ends_at_a_failed_call_and_forgets_outputs(bench: Bench) -> None:
    failed = bench.run(CALLS_OUTER % ("hi", "true"))
    passed = bench.run(CALLS_OUTER % ("hi", "false"))

    assert failed.exit_code == 1
    assert failed.conclusion("say/scan") == "failure"
    assert failed.conclusion("end/gate") == "skipped"
    assert passed.job("end/gate").step("results").outcome == "success"
    assert passed.exit_code == 0, passed.text
    assert passed.conclusion("after") == "skipped"


def test_annotations_are_read_as_githubs_runner_reads_them(bench: Bench) -> None:
    run = bench.run(
        steps(
            script(
                "echo '::error file=a b.py,line=3,title=A%2CB::it is%0Abad :: here'\n"
                "echo '::warning::100%25 sure'\n"
                "echo '::notice title=x::n'\n"
                "echo '::add-mask::sesame'; echo 'open sesame'\n"
                "echo '::stop-commands::quiet'; echo '::error::not this'; echo '::quiet::'\n"
                "echo '::error::this again'"
            )
        )
    )

    assert run.annotations == [
        Annotation("error", "it is\nbad :: here", "A,B", "a b.py", 3),
        Annotation("warning", "100% sure"),
        Annotation("notice", "n", "x"),
        Annotation("error", "this again"),
    ]
    assert run.masked == ["sesame"]
    assert run.prints("open sesame")
    assert run.prints("::error::not this")


def test_a_line_that_is_no_command_is_none() -> None:
    assert command("error: ::no") is None
    assert command("::group") is None
    assert command("::debug::x%3Ay") == ("debug", {}, "x%3Ay")


def test_summaries_and_outputs_are_kept_step_by_step(bench: Bench) -> None:
    run = bench.run(
        steps(
            script(
                'echo "# one" >> "$GITHUB_STEP_SUMMARY"; printf "a<<E\\n1\\n2\\nE\\n" >> "$GITHUB_OUTPUT"'
            ),
            json.dumps({"name": "Second", "run": 'echo "# two" >> "$GITHUB_STEP_SUMMARY"'}),
        )
    )

    assert run.job("job").step("script").outputs == {"a": "1\n2"}
    assert run.job("job").step("Second").summary == "# two\n"
    assert run.summary == "# one\n# two\n"


def test_a_failing_step_skips_the_rest_but_not_what_always_runs(bench: Bench) -> None:
    run = bench.run(
        steps(
            json.dumps({"name": "Tolerated", "run": "exit 4", "continue-on-error": True}),
            json.dumps({"name": "Fails", "run": "exit 5"}),
            json.dumps({"name": "Left out", "run": "exit 0"}),
            json.dumps({"name": "Always", "if": "always()", "run": "exit 0"}),
        )
    )

    job = run.job("job")
    assert run.exit_code == 1
    assert job.conclusion == "failure"
    assert [job.outcome(name) for name in ("Tolerated", "Fails", "Left out", "Always")] == [
        "failure",
        "failure",
        "skipped",
        "success",
    ]


def test_a_job_that_is_always_due_runs_after_a_failed_job(bench: Bench) -> None:
    run = bench.run(
        "on: push\n"
        "jobs:\n"
        "  first: { runs-on: ubuntu-24.04, steps: [{ run: exit 1 }] }\n"
        "  second: { needs: first, runs-on: ubuntu-24.04, steps: [{ run: exit 0 }] }\n"
        "  third: { needs: first, if: always(), runs-on: ubuntu-24.04, steps: [{ run: exit 0 }] }\n"
    )

    assert {job.key: job.conclusion for job in run.jobs} == {"first": "failure", "third": "success"}
    assert run.conclusion("second") == "skipped"


def test_a_matrix_of_two_has_two_jobs_and_an_artifact_each(bench: Bench) -> None:
    run = bench.run(
        "on: push\n"
        "jobs:\n"
        "  both:\n"
        "    strategy: { max-parallel: 1, matrix: { id: [a, b] } }\n"
        "    runs-on: ubuntu-24.04\n"
        "    steps:\n"
        '      - run: echo "${{ matrix.id }}" > result.txt\n'
        f"      - {{ uses: {UPLOAD}, with: {{ name: 'r-${{{{ matrix.id }}}}', path: result.txt }} }}\n"
    )

    assert run.exit_code == 0, run.text
    assert sorted(job.key for job in run.jobs) == ["both-1", "both-2"]
    assert run.artifacts == {"r-a": {"result.txt": b"a\n"}, "r-b": {"result.txt": b"b\n"}}


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({"uses": UPLOAD, "with": {"pth": "x", "path": "x"}}, "inputs that it does not have: pth"),
        ({"uses": UPLOAD}, "without path"),
        ({"uses": CHECKOUT, "with": {"persist-credential": False}}, "persist-credential"),
        ({"uses": "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae"}, "there is no stand-in"),
        ({"uses": "actions/upload-artifact@v7", "with": {"path": "x"}}, "not pinned to a commit"),
        ({"uses": "mlsec/mlsecops/actions/toy@v1"}, "without word"),
        ({"uses": "mlsec/mlsecops/actions/nosuch@v1"}, "there is no such file"),
    ],
)
def test_nothing_runs_with_an_action_or_an_input_that_is_not_there(
    bench: Bench, step: dict[str, object], complaint: str
) -> None:
    with pytest.raises(staging.StagingError, match=complaint):
        bench.run(steps(json.dumps(step)))


def test_our_own_workflows_are_held_to_the_inputs_of_those_they_call(tmp_path: Path) -> None:
    misspelt = TOYS | {".github/workflows/outer.yml": OUTER.replace("with: { word:", "with: { wrd:")}

    with pytest.raises(staging.StagingError, match="inputs that it does not have: wrd"):
        toys(tmp_path, misspelt)


def test_staging_says_what_self_references_stand_for() -> None:
    text = (
        "uses: $/actions/toy # ours\n- uses: '$/x/y'\nrun: ${{ job.workflow_sha }} ${{ job.workflow_ref }}\n"
    )

    assert staging.rewrite(text, ".github/workflows/a.yml") == (
        "uses: mlsec/mlsecops/actions/toy@v1 # ours\n"
        "- uses: mlsec/mlsecops/x/y@v1\n"
        f"run: ${{{{ '{staging.SHA}' }}}} ${{{{ 'mlsec/mlsecops/.github/workflows/a.yml@refs/tags/v1' }}}}\n"
    )


def test_a_step_reaches_nothing_but_this_machine_and_has_a_home_of_its_own(bench: Bench) -> None:
    fetch = "import urllib.request; urllib.request.urlopen('https://example.org', timeout=20)"
    run = bench.run(steps(script(f'echo "home $HOME"; python3 -c "{fetch}"')))

    assert run.exit_code == 1
    assert run.prints("Connection refused")
    assert run.prints(f"home {bench.folder}/home")
    assert not run.prints(f"home {os.environ['HOME']}\n")


@pytest.mark.parametrize(
    ("event", "name", "ref"),
    [
        (events.pull_request("a" * 40, "b" * 40), "pull_request", "refs/pull/7/merge"),
        (events.fork("a" * 40, "b" * 40), "pull_request", "refs/pull/7/merge"),
        (events.dependabot("a" * 40, "b" * 40), "pull_request", "refs/pull/7/merge"),
        (
            events.merge_group("a" * 40, "b" * 40),
            "merge_group",
            f"refs/heads/gh-readonly-queue/main/pr-7-{'a' * 40}",
        ),
        (events.push("a" * 40, "b" * 40), "push", "refs/heads/main"),
        (events.schedule(), "schedule", "refs/heads/main"),
        (events.workflow_dispatch(branch="x"), "workflow_dispatch", "refs/heads/x"),
        (events.workflow_run("b" * 40, 12), "workflow_run", "refs/heads/main"),
    ],
)
def test_a_step_is_told_its_event(bench: Bench, event: events.Event, name: str, ref: str) -> None:
    told = 'echo "$GITHUB_EVENT_NAME $GITHUB_REF $GITHUB_ACTOR $GITHUB_REPOSITORY $GITHUB_RUN_ID"; '
    told += 'cat "$GITHUB_EVENT_PATH"; echo; echo "$TOKEN"'
    step = json.dumps({"id": "script", "run": told, "env": {"TOKEN": "${{ github.token }}"}})
    run = bench.run(steps(step).replace("on: push", f"on: {name}"), event=event)

    first, payload, token = run.job("job").step("script").printed
    assert first == f"{name} {ref} {event.actor} octo/forecast 4711"
    assert json.loads(payload) == event.payload
    assert token == TOKEN


def test_a_pull_request_runs_on_the_merge_of_its_two_ends(bench: Bench) -> None:
    workflow = steps(f"{{ uses: {CHECKOUT} }}", script('ls; echo "sha $GITHUB_SHA"'))
    caller = callers.create(bench.folder / "caller", workflow.replace("push", "pull_request"), {"a": "1"})
    base, head = caller.propose({"b": "2"})

    run = bench.act.run(caller, events.pull_request(base, head))

    assert len({base, head, caller.sha}) == 3
    assert run.job("job").step("script").printed == ["a", "b", f"sha {caller.sha}"]


def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(bench: Bench) -> None:
    with pytest.raises(ActError, match="took more than 2 s"):
        bench.run(steps(script("trap '' HUP; sleep 98765")), seconds=2)

    assert not [
        each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "98765"]
    ]


def test_a_port_that_another_program_took_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], processes._free_port()])
        monkeypatch.setattr(processes, "_free_port", lambda: next(ports))

        run = bench.run(steps(script("sleep 0.5")))

    assert run.exit_code == 0, run.text
    assert list(ports) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (INNER.replace("  scan:", "  other: { runs-on: x, steps: [{ run: x }] }\n  scan:"), "several jobs"),
        (INNER.replace("jobs.scan.outputs.said }}", "jobs.scan.outputs.said || 1 }}"), "the output said"),
    ],
)
def test_a_workflow_that_cannot_be_put_into_its_caller_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    staged = toys(tmp_path, TOYS | {".github/workflows/inner.yml": text})

    with pytest.raises(staging.StagingError, match=complaint):
        flatten(staged.folder, "outer.yml")
