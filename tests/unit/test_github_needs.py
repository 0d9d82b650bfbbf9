"""`needs` says which job left which result; what a hostile job writes into it counts for nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.github.needs import Need, NeedsError, artifact_ids, read

SHA = "0123456789abcdef" * 4


def job(result: str = "success", **outputs: Any) -> dict[str, Any]:
    return {"result": result, "outputs": outputs}


def test_jobs_named_like_stages_are_read_and_others_ignored() -> None:
    left = {"sha256": SHA, "artifact-id": "123", "artifact": "mlsecops-sast"}
    text = json.dumps({"sast": job(**left), "test": job("cancelled"), "deploy": 7, "model": job("skipped")})

    assert read(text) == {
        "sast": Need("success", SHA, 123),
        "test": Need("cancelled"),
        "model": Need("skipped"),
    }


@pytest.mark.parametrize("outputs", [{}, {"outputs": None}, {"outputs": []}])
def test_a_job_may_have_no_outputs(outputs: dict[str, Any]) -> None:
    assert read(json.dumps({"sca": {"result": "failure", **outputs}})) == {"sca": Need("failure")}


@pytest.mark.parametrize("sha", ["", SHA[1:], SHA + "0", SHA.upper(), SHA + "\n", 5, None, [SHA]])
def test_what_is_no_hash_is_none(sha: Any) -> None:
    assert read(json.dumps({"test": job(sha256=sha)}))["test"].sha256 is None


@pytest.mark.parametrize("number", ["", "0", "-1", "1 2", "1,2", "1\n", "٣", "9" * 20, 12, "1\n::error::"])
def test_what_is_no_number_is_none(number: Any) -> None:
    assert read(json.dumps({"test": job(**{"artifact-id": number})}))["test"].artifact_id is None


def test_every_artifact_is_named_once() -> None:
    needs = {
        "sast": Need("success", None, 9),
        "test": Need("failure", None, 9),
        "sca": Need("success", None, 3),
    }

    assert artifact_ids({**needs, "model": Need("skipped")}) == [3, 9]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("[]", "it is not an object"),
        ('{"sast": "success"}', "the job 'sast' is not an object"),
        ('{"sast": {}}', "the job 'sast' has no result"),
        ('{"sast": {"result": "fine"}}', "the job 'sast' has no result"),
        ('{"sast": {"result": ["success"]}}', "the job 'sast' has no result"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(NeedsError) as caught:
        read(text)

    assert str(caught.value).startswith("the input 'needs' must be ${{ toJSON(needs) }}, but " + why)
    assert "\n" not in str(caught.value)


def test_a_text_without_end_is_not_parsed() -> None:
    with pytest.raises(NeedsError, match="more than 1,000,000 characters"):
        read('{"a": "' + "x" * 1_000_000 + '"}')


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["sast", "test", "deploy"]), _values) | _values)
def test_whatever_json_it_is_ends_in_needs_or_in_one_sentence(value: Any) -> None:
    text = json.dumps(value)
    try:
        needs = read(text)
    except NeedsError as error:
        needs, sentence = {}, str(error)
    else:
        sentence = ""
    assert set(needs) <= {"sast", "test"}
    assert "\n" not in sentence
