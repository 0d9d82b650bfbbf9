"""What runs our workflows here, held to what it claims, with toy workflows and actions."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from support import act
from support.acting import callers, events, runner, staging
from support.acting.flattening import flatten
from support.acting.log import Annotation, command
from support.acting.runner import TOKEN, Act, ActError, Run
from support.git_repository import commit
from support.standing_in import upload_sarif
from support.standing_in.step import RefusedError

UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
SARIF = "github/codeql-action/upload-sarif@8aad20d150bbac5944a9f9d289da16a4b0d87c1e"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
PUSH = events.push("0" * 40, "1" * 40)

OUTER = """
on:
  workflow_call:
    inputs:
      word: { type: string, default: "" }
      break: { type: boolean, default: false }
    outputs:
      said: { value: "${{ jobs.end.outputs.said }}" }
jobs:
  say:
    if: inputs.word != 'silence'
    uses: $/.github/workflows/inner.yml
    with: { word: "${{ inputs.word }}", break: "${{ inputs.break }}" }
  end:
    needs: say
    if: always()
    uses: $/.github/workflows/end.yml
    with: { needs: "${{ toJSON(needs) }}" }
"""
INNER = """
on:
  workflow_call:
    inputs:
      word: { type: string, default: hello }
      break: { type: boolean, default: false }
      times: { type: number, default: 1 }
    outputs:
      said: { value: "${{ jobs.scan.outputs.said }}" }
jobs:
  scan:
    runs-on: ubuntu-24.04
    outputs: { said: "${{ steps.toy.outputs.said }}" }
    steps:
      - name: Say
        id: toy
        uses: $/actions/toy
        with: { word: "${{ inputs.word }}" }
      - name: Break
        if: inputs.break
        run: exit ${{ inputs.times }}
"""
END = """
on:
  workflow_call:
    inputs:
      needs: { type: string, required: true }
    outputs:
      said: { value: "${{ jobs.gate.outputs.said }}" }
jobs:
  gate:
    runs-on: ubuntu-24.04
    outputs: { said: "${{ fromJSON(inputs.needs).say.outputs.said }}" }
    steps:
      - id: results
        env: { NEEDS: "${{ inputs.needs }}" }
        run: |
          { echo "needs<<END"; echo "$NEEDS"; echo END; } >> "$GITHUB_OUTPUT"
"""
TOY = """
name: toy
description: says a word
inputs:
  word: { required: true, description: the word }
outputs:
  said: { value: "${{ steps.inner.outputs.said }}", description: the word }
runs:
  using: composite
  steps:
    - name: Speak
      id: inner
      shell: bash
      env: { WORD: "${{ inputs.word }}" }
      run: |
        echo "said=$WORD" >> "$GITHUB_OUTPUT"
        cat "$GITHUB_ACTION_PATH/../../scripts/greeting"
    - name: Never
      if: inputs.word == ''
      shell: bash
      run: exit 1
"""
TOYS = {
    ".github/workflows/outer.yml": OUTER,
    ".github/workflows/inner.yml": INNER,
    ".github/workflows/end.yml": END,
    "actions/toy/action.yml": TOY,
    "scripts/greeting": "good morning\n",
}
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


def toys(folder: Path, files: Mapping[str, str] = TOYS) -> staging.Staged:
    """A staged repository of toys."""
    for name, text in files.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    commit(folder / "source")
    return staging.stage(folder / "staged", folder / "source")


def steps(*lines: str) -> str:
    """A workflow of one job, `job`, with these steps in YAML's flow style."""
    listed = "\n".join(f"      - {line}" for line in lines)
    return f"on: push\njobs:\n  job:\n    runs-on: ubuntu-24.04\n    steps:\n{listed}\n"


def script(text: str) -> str:
    """A step that runs a script."""
    return json.dumps({"id": "script", "run": text})


class Bench:
    """act with toys, and a caller's workflow to run."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self.act = Act(program, toys(folder), folder)

    def run(self, workflow: str, *, event: events.Event = PUSH, seconds: float = 60, attempt: int = 1) -> Run:
        caller = callers.create(self.folder / "caller", workflow, {"app.py": "print()\n"})
        return self.act.run(caller, event, seconds=seconds, attempt=attempt)


@pytest.fixture
def bench(act_program: Path, tmp_path: Path) -> Bench:
    return Bench(act_program, tmp_path)


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


def test_artifacts_come_back_by_name_by_number_and_merged(bench: Bench) -> None:
    merged = {"artifact-ids": "${{ steps.one.outputs.artifact-id }}, ${{ steps.two.outputs.artifact-id }}"}
    run = bench.run(
        steps(
            script("mkdir -p out/.hidden out/deep; echo 1 > out/deep/a; echo 2 > b; echo 3 > out/.hidden/c"),
            json.dumps({"id": "one", "uses": UPLOAD, "with": {"name": "one", "path": "out"}}),
            json.dumps({"id": "two", "uses": UPLOAD, "with": {"name": "two", "path": "b\nout/d*/a"}}),
            json.dumps({"uses": DOWNLOAD, "with": {"name": "one", "path": "by-name"}}),
            json.dumps({"uses": DOWNLOAD, "with": {**merged, "path": "merged", "merge-multiple": True}}),
            json.dumps({"uses": DOWNLOAD, "with": {"path": "apart", "pattern": "*o*"}}),
            json.dumps({"run": "find by-name merged apart -type f | sort"}),
        )
    )

    assert run.exit_code == 0, run.text
    assert run.artifacts == {"one": {"deep/a": b"1\n"}, "two": {"b": b"2\n", "out/deep/a": b"1\n"}}
    listed = [line for step in run.job("job").steps.values() for line in step.printed if "/" in line]
    assert listed == [
        "apart/one/deep/a",
        "apart/two/b",
        "apart/two/out/deep/a",
        "by-name/deep/a",
        "merged/b",
        "merged/deep/a",
        "merged/out/deep/a",
    ]
    assert len(run.job("job").step("one").outputs["artifact-digest"]) == 64


def test_a_rerun_finds_the_artifact_there_and_needs_to_overwrite_it(bench: Bench) -> None:
    def workflow(**more: object) -> str:
        given = {"name": "one", "path": "app.py", **more}
        return steps(f"{{ uses: {CHECKOUT} }}", json.dumps({"id": "keep", "uses": UPLOAD, "with": given}))

    first = bench.run(workflow())
    again = bench.run(workflow(), attempt=2)
    overwritten = bench.run(workflow(overwrite=True), attempt=2)

    assert first.exit_code == 0, first.text
    assert again.exit_code == 1
    assert "Conflict" in again.annotations[0].message
    assert overwritten.exit_code == 0, overwritten.text
    assert overwritten.artifacts == {"one": {"app.py": b"print()\n"}}


@pytest.mark.parametrize(
    ("uses", "given", "complaint"),
    [
        (PYTHON, {"python-version": 3.1}, "there is no Python '3.1'"),
        (PYTHON, {"python-version": "3.12", "cache": "pip"}, "the input cache"),
        (UPLOAD, {"name": "a/b", "path": "app.py"}, "'a/b' is no name"),
        (UPLOAD, {"path": "app.py", "if-no-files-found": "fail"}, "if-no-files-found is 'fail'"),
        (UPLOAD, {"path": "app.py", "retention-days": 91}, "the retention is '91'"),
        (UPLOAD, {"path": "app.py", "overwrite": "yes"}, "overwrite is 'yes'"),
        (UPLOAD, {"path": "nothing", "if-no-files-found": "error"}, "No files were found"),
        (DOWNLOAD, {"name": "a", "artifact-ids": "1"}, "cannot be used together"),
        (DOWNLOAD, {"artifact-ids": "1"}, "None of the provided artifact IDs were found"),
        (DOWNLOAD, {"artifact-ids": "one"}, "Invalid artifact ID"),
        (DOWNLOAD, {"name": "a"}, "'a' not found"),
        (DOWNLOAD, {"merge-multiple": "maybe"}, "merge-multiple is 'maybe'"),
        (SARIF, {"sarif_file": "none.sarif"}, "Path does not exist"),
        (SARIF, {"sarif_file": "app.py"}, "JSON syntax error"),
        (SARIF, {"sarif_file": "app.py", "wait-for-processing": "no"}, "wait-for-processing is 'no'"),
    ],
)
def test_a_stand_in_refuses_a_wrong_input(
    bench: Bench, uses: str, given: dict[str, object], complaint: str
) -> None:
    run = bench.run(steps(f"{{ uses: {CHECKOUT} }}", json.dumps({"uses": uses, "with": given})))

    assert run.exit_code == 1
    assert complaint in run.annotations[0].message


def test_the_stand_in_for_setup_python_says_which_python_there_is(bench: Bench) -> None:
    run = bench.run(steps(json.dumps({"id": "p", "uses": PYTHON, "with": {"python-version": "3.12"}})))

    assert run.job("job").step("p").outputs["python-version"].startswith("3.")


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
        bench.run(steps(script("sleep 98765")), seconds=2)

    assert not [
        each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "98765"]
    ]


def test_a_port_that_another_program_took_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], runner._free_port()])
        monkeypatch.setattr(runner, "_free_port", lambda: next(ports))

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


def sarif(*runs: dict[str, object]) -> bytes:
    """A log of these runs of the tool `t`."""
    return json.dumps({"version": "2.1.0", "runs": [{**_RUN, **run} for run in runs]}).encode()


def result(uri: str, **more: object) -> dict[str, object]:
    """A run with one result at a place."""
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    return {"results": [{"locations": [location], **more}]}


_RUN = {"tool": {"driver": {"name": "t"}}, "automationDetails": {"id": "a/"}}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{}", "Unsupported version"),
        (sarif(*[{} for _ in range(21)]), "21 runs are more than 20"),
        (sarif({}, {}), "multiple runs with the same category"),
        (sarif({"results": [{}]}), "expected artifact location"),
        (sarif(result("https://example.org/")), "does not lie in the checkout"),
        (sarif(result("/etc/passwd")), "does not lie in the checkout"),
        (sarif(result("a/../../b")), "does not lie in the checkout"),
        (sarif(result("a.py", suppressions=[{"kind": "inSource"}])), "would become an open alert"),
    ],
)
def test_the_stand_in_for_upload_sarif_takes_what_github_takes(content: bytes, complaint: str) -> None:
    with pytest.raises(RefusedError, match=complaint):
        upload_sarif._checked(content)


def test_the_stand_in_for_upload_sarif_takes_a_sound_file() -> None:
    assert upload_sarif._checked(sarif(result("a/b.py"))) == ["t"]


@pytest.mark.parametrize(
    ("go", "complaint"),
    [
        (None, "go is not on PATH"),
        ("echo go version go1.23.4 linux/amd64", "act needs Go 1.24 or newer"),
        ('test "$1" = version && echo go version go1.24.0 || { echo no proxy >&2; exit 1; }', "no proxy"),
    ],
)
def test_without_a_fit_go_there_is_no_act_and_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str | None, complaint: str
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    if go:
        (tmp_path / "go").write_text(f"#!/bin/sh\n{go}\n")
        (tmp_path / "go").chmod(0o755)

    with pytest.raises(act.ActUnavailableError, match=complaint):
        act.program()


def test_sources_that_the_checksum_database_does_not_know_are_no_reason_to_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GOSUMDB", "off")
    said = (
        'test "$1" = version && echo go version go1.24.0 && exit; echo "$GOSUMDB: SECURITY ERROR" >&2; exit 1'
    )
    (tmp_path / "go").write_text(f"#!/bin/sh\n{said}\n")
    (tmp_path / "go").chmod(0o755)

    with pytest.raises(AssertionError, match="asked: SECURITY ERROR"):
        act.program()
