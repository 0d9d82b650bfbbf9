"""Conditions, reckoned values and boolean inputs come to what they should, by GitHub's own evaluator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from mlsecops.chain import STAGES
from mlsecops.github import inputs as python_inputs
from support.node_tools import NodeUnavailableError, Question, evaluate, packages
from support.workflow_conditions import CASES, ERROR, Case
from support.workflow_files import Json, Source, by_name, expressions, sources, used

# A context's value as it is, such as `inputs.project` or `steps.scan.outputs.sha256`: nothing is reckoned.
_PLAIN = re.compile(r"[a-z]+(\.[\w-]+)+|github\.token")
_WHOLE = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
FILES = by_name()


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    try:
        packages()
    except NodeUnavailableError as error:
        pytest.skip(str(error))


def bare(condition: str) -> str:
    """A condition without its `${{ }}`."""
    whole = _WHOLE.fullmatch(condition.strip())
    return " ".join((whole[1] if whole else condition).split())


def conditions(source: Source) -> Iterator[tuple[str, str]]:
    """`file: place` and expression of every `if:`."""
    for name, job in source.jobs.items():
        if "if" in job:
            yield f"{source.name}: jobs.{name}", bare(str(job["if"]))
    for _, step in source.steps():
        if "if" in step:
            yield f"{source.name}: {step['name']}", bare(str(step["if"]))


def values(source: Source) -> Iterator[tuple[str, str]]:
    """`file: path` and expression of everything else that is reckoned."""
    for path, value in _leaves(source.document, ""):
        if not path.endswith(".if"):
            yield from (
                (f"{source.name}: {path}", each) for each in expressions(value) if not _PLAIN.fullmatch(each)
            )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}[{number}]")
    else:
        yield path, value


SITES = [("if", *site) for source in sources() for site in conditions(source)]
SITES += [("value", *site) for source in sources() for site in values(source)]


def cases_for(kind: str, place: str, expression: str) -> list[Case]:
    """The cases that speak of an expression at a place."""
    return [
        case for case in CASES if (case.kind, case.expression) == (kind, expression) and case.stands_at(place)
    ]


@pytest.fixture(name="answers", scope="module")
def _answers() -> dict[Case, list[Json]]:
    """What GitHub's evaluator says of all rows, asked at once."""
    said = iter(evaluate([question for case in CASES for question in case.questions()]))
    return {case: [next(said) for _ in case.rows] for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind} {case.expression[:60]}")
def test_an_expression_comes_to_what_it_should(case: Case, answers: dict[Case, list[Json]]) -> None:
    for row, answer in zip(case.rows, answers[case], strict=True):
        got = ERROR if "error" in answer else answer["truthy" if case.kind == "if" else "value"]
        assert got == row.expected, (row, answer)


def test_every_expression_in_the_yaml_has_exactly_one_case() -> None:
    assert [site for site in SITES if len(cases_for(*site)) != 1] == []


def test_an_expression_that_nobody_thought_through_is_found() -> None:
    text = "jobs: {a: {if: '!failure()', runs-on: '${{ vars.X || 1 }}', steps: [{name: B, if: '${{ 1 }}'}]}}"
    source = Source(".github/workflows/new.yml", text)
    sites = [("if", *each) for each in conditions(source)] + [("value", *each) for each in values(source)]

    assert [(place.partition(": ")[2], expression) for _, place, expression in sites] == [
        ("jobs.a", "!failure()"),
        ("B", "1"),
        ("jobs.a.runs-on", "vars.X || 1"),
    ]
    assert [cases_for(*site) for site in sites] == [[], [], []]


def test_every_case_is_still_in_the_yaml() -> None:
    spoken_of = [case for site in SITES for case in cases_for(*site)]

    assert [case for case in CASES if case not in spoken_of] == []


def test_every_condition_is_seen_true_and_false() -> None:
    seen = {case.expression: {row.expected for row in case.rows} for case in CASES if case.kind == "if"}

    assert [expression for expression, both in seen.items() if both != {True, False}] == ["always()"]


def test_inputs_of_an_action_are_strings_in_every_context() -> None:
    for case in CASES:
        if any(place.startswith("actions/") for place in case.places):
            given = [value for row in case.rows for value in row.context.get("inputs", {}).values()]
            assert all(isinstance(value, str) for value in given)


def test_the_evaluator_counts_a_condition_without_status_on_success_only() -> None:
    asked = [
        Question("true", {}, "failure", condition=True),
        Question("'always()' != ''", {}, "failure", condition=True),
        Question("always() && true", {}, "failure", condition=True),
        Question("true", {}, "failure"),
    ]

    assert [answer["truthy"] for answer in evaluate(asked)] == [False, False, True, True]


def test_the_evaluator_says_what_it_cannot_evaluate() -> None:
    asked = [Question("nope(1)", {}), Question("inputs.", {}), Question("fromJSON('{')", {})]

    assert all("error" in answer for answer in evaluate(asked))


def boolean_uses() -> Iterator[tuple[str, str, str, Source | None]]:
    """Every place where a workflow hands a boolean input on: file, input, name there, callee."""
    for source in sources():
        known = source.interface.get("inputs") or {} if source.kind == "workflow" else {}
        booleans = {name for name, about in known.items() if about.get("type") == "boolean"}
        for call in (*source.jobs.values(), *(step for _, step in source.steps())):
            for name, value in (call.get("with") or {}).items():
                passed = _WHOLE.fullmatch(str(value))
                if passed and passed[1].removeprefix("inputs.") in booleans:
                    yield source.name, passed[1], name, used(FILES, call["uses"])


@pytest.mark.parametrize("given", [True, False])
def test_a_boolean_input_arrives_as_one(given: bool) -> None:
    uses = list(boolean_uses())
    assert {their for _, _, their, _ in uses} == {"comment", "gate", "lfs"}

    answers = evaluate(
        [Question(each, {"inputs": {each.partition(".")[2]: given}}) for _, each, _, _ in uses]
    )

    for (file, _, name, callee), answer in zip(uses, answers, strict=True):
        if callee is not None and callee.kind == "workflow":
            assert callee.interface["inputs"][name]["type"] == "boolean", file
            assert answer["value"] is given, file
        else:
            assert answer["text"] == str(given).lower(), file


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("given", [True, False])
def test_the_gate_of_a_stage_is_where_its_workflow_was_told_to_have_one(stage: str, given: bool) -> None:
    workflow, action = FILES[f".github/workflows/{stage}.yml"], FILES[f"actions/{stage}/action.yml"]
    passed = next(step["with"]["gate"] for _, step in workflow.steps() if step["name"] == "Scan")
    condition = next(step["if"] for _, step in action.steps() if step["name"] == "Gate")

    [text] = evaluate([Question(bare(passed), {"inputs": {"gate": given}})])
    [gate] = evaluate([Question(bare(condition), {"inputs": {"gate": text["text"]}}, condition=True)])

    assert gate["truthy"] is given
    assert python_inputs.read({"MLSECOPS_GATE": text["text"]}, tuple(STAGES)).gate is given
    assert python_inputs.read({"MLSECOPS_COMMENT": text["text"]}, tuple(STAGES)).comment is given


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_default_means_to_python_what_it_means_to_github(name: str) -> None:
    source = FILES[name]
    given = {
        key: about["default"]
        for key, about in (source.interface.get("inputs") or {}).items()
        if "default" in about
    }
    environ = {
        f"MLSECOPS_{key.upper().replace('-', '_')}": str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for key, value in given.items()
    }

    # Nothing given and every default given are the same to Python.
    assert python_inputs.read(environ, tuple(STAGES)) == python_inputs.read({}, tuple(STAGES))
