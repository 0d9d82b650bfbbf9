"""What stands in for outside actions, held to what those do."""

from __future__ import annotations

import json

import pytest
from support.acting.toys import CHECKOUT, DOWNLOAD, PYTHON, SARIF, UPLOAD, Bench, script, steps
from support.standing_in import upload_sarif
from support.standing_in.step import RefusedError


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
