"""Jobs ask for as little as they can, no more than at the last release, and for what templates grant."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from mlsecops.chain import STAGES
from support.workflow_files import REPOSITORY, Json, Source, by_name, own_path, parse
from support.workflow_permissions import (
    Asked,
    asked_by,
    asks_for_more,
    beyond,
    declared,
    refused,
    union,
    wanted,
)

# job -> permissions that it declares (null: none), as in the last release. Asking for more breaks the runs of
# all who follow the moving tag: what stands here grows with a new major version only.
RELEASED = REPOSITORY / "tests" / "fixtures" / "released-permissions.json"
FILES = by_name()
CALLERS = [name for name, source in FILES.items() if not source.is_product]
CALLED = {name: source for name, source in FILES.items() if "workflow_call" in source.triggers}
TEMPLATE = "templates/workflows/mlsecops.yml"
SCA = ".github/workflows/sca.yml"
SECURE_ML = ".github/workflows/secure-ml.yml"


def changed(name: str, good: str, bad: str) -> Mapping[str, Source]:
    """All files, with one text replaced in one of them."""
    assert good in FILES[name].text
    return {**FILES, name: Source(name, FILES[name].text.replace(good, bad))}


@pytest.mark.parametrize("stage", STAGES)
def test_a_scanner_job_reads_the_repository_and_nothing_else(stage: str) -> None:
    source = FILES[f".github/workflows/{stage}.yml"]

    assert declared(source.document) == {}
    assert asked_by(source) == {"scan": {"contents": "read"}}
    assert declared(FILES[SECURE_ML].jobs[stage]) == {"contents": "read"}


@pytest.mark.parametrize(
    ("name", "job"), [("secure-ml", "report"), ("secure-ml-compact", "gate"), ("report", "gate")]
)
def test_the_reporting_job_takes_what_the_caller_granted(name: str, job: str) -> None:
    source = FILES[f".github/workflows/{name}.yml"]

    assert declared(source.document) is None
    assert declared(source.jobs[job]) is None


@pytest.mark.parametrize("name", CALLERS)
def test_a_workflow_that_calls_ours_is_not_refused(name: str) -> None:
    assert list(refused(FILES, FILES[name])) == []


@pytest.mark.parametrize("name", CALLERS)
def test_a_job_that_uses_ours_is_granted_exactly_what_is_made_use_of(name: str) -> None:
    source = FILES[name]
    jobs = {job for job, each in source.jobs.items() if uses_ours(each)}

    assert declared(source.document) == {}
    assert {job: declared(source.jobs[job]) for job in jobs} == {
        job: wanted(FILES, source.jobs[job]) for job in jobs
    }
    assert all(declared(each) is not None for each in source.jobs.values())


def uses_ours(job: Json) -> bool:
    """Whether a job calls one of our workflows or actions."""
    return any(own_path(each["uses"]) for each in (job, *job.get("steps", [])) if "uses" in each)


def test_no_job_asks_for_more_than_at_the_last_release() -> None:
    released: Asked = json.loads(RELEASED.read_text(encoding="utf-8"))
    now = {source.name.rpartition("/")[2]: asked_by(source) for source in CALLED.values()}

    assert list(asks_for_more(released, now)) == []
    assert set(released) <= set(now)


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        (TEMPLATE, "contents: read", "actions: read", "secure-ml.yml: test asks for contents: read"),
        (SCA, "contents: read", "contents: write", "sca.yml: scan asks for contents: write"),
        (SCA, "permissions: {}", "permissions: {packages: read}", "as a whole asks for packages: read"),
        (SCA, "permissions: {}", "permissions: write-all", "as a whole asks for id-token: write"),
        (SECURE_ML, "contents: read", "issues: write", "secure-ml.yml: sca asks for issues: write"),
        (SECURE_ML, "contents: read", "contents: none", "sca.yml: scan asks for contents: read"),
    ],
)
def test_a_run_that_github_would_refuse_is_found(name: str, good: str, bad: str, said: str) -> None:
    files = changed(name, good, bad)

    assert any(line.endswith(said) for line in refused(files, files[TEMPLATE]))


def test_a_caller_without_permissions_has_the_restricted_default() -> None:
    call = "on: push\njobs: {a: {uses: $/.github/workflows/called.yml}}"
    for asked, line in (("contents: read", []), ("actions: read", ["actions: read"])):
        called = Source(".github/workflows/called.yml", f"jobs: {{scan: {{permissions: {{{asked}}}}}}}")
        found = list(refused({called.name: called}, Source("caller.yml", call)))
        assert [each.partition("asks for ")[2] for each in found] == line


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, set()),
        ({"comment": False}, {"pull-requests"}),
        ({"upload": "never"}, {"security-events"}),
        ({"comment": True, "upload": "auto"}, set()),
    ],
)
def test_what_is_switched_off_needs_no_permission(given: dict[str, object], missing: set[str]) -> None:
    call = {"uses": f"$/{SECURE_ML}"}

    assert set(wanted(FILES, call)) - set(wanted(FILES, {**call, "with": given})) == missing


def test_a_job_that_asks_for_more_than_at_the_last_release_is_found() -> None:
    released: Asked = {"sca.yml": {"scan": {"contents": "read"}}, "report.yml": {"gate": None}}
    assert list(asks_for_more(released, released)) == []
    for workflow, job, asked in (
        ("sca.yml", "scan", {"contents": "write"}),
        ("sca.yml", "scan", {"contents": "read", "id-token": "write"}),
        ("sca.yml", "attest", {"attestations": "write"}),
        ("report.yml", "gate", {"contents": "read"}),
    ):
        now: Asked = {**released, workflow: {**released[workflow], job: dict(asked)}}
        assert len(list(asks_for_more(released, now))) == 1
    assert list(asks_for_more(released, {**released, "dast.yml": {"scan": {"contents": "write"}}})) == []
    assert list(asks_for_more(released, {**released, "sca.yml": {"more": {"contents": "read"}}})) == [
        "sca.yml: scan is gone, and with it the check that people require"
    ]


def test_permissions_are_compared_by_level() -> None:
    assert union({"a": "read", "b": "write"}, {"a": "write", "b": "none"}) == {"a": "write", "b": "write"}
    assert beyond({"a": "write", "b": "read", "c": "none"}, {"a": "read", "b": "write"}) == ["a: write"]
    assert (declared(parse("permissions: read-all")) or {})["contents"] == "read"
