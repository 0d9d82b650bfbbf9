from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.chain import STAGES
from mlsecops.github.inputs import InputError, Inputs, artifact_name, read
from support.hostile_text import hostile

KNOWN = ("test", "sca", "sast", "model", "container", "dast")
VARIABLES = ("PROJECT", "ID", "STAGES", "FAIL_ON", "COMMENT", "UPLOAD", "GATE", "IMAGE")


def given_as(**inputs: str) -> Inputs:
    return read({f"MLSECOPS_{name.upper()}": value for name, value in inputs.items()}, KNOWN)


def refusal(**inputs: str) -> str:
    with pytest.raises(InputError) as caught:
        given_as(**inputs)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_what_is_missing_or_empty_has_its_default(value: str | None) -> None:
    environ = {} if value is None else {f"MLSECOPS_{name}": value for name in VARIABLES}

    assert read(environ, KNOWN) == Inputs(
        project=".",
        identifier="default",
        stages=KNOWN,
        fail_on=None,
        comment=True,
        upload="auto",
        gate=True,
        image="required",
    )


def test_every_input_is_taken() -> None:
    assert given_as(
        project="./services//forecast/",
        id="forecast-2.x",
        stages="model",
        fail_on=" never\n",
        comment="false",
        upload="never",
        gate="false",
        image="when-available",
    ) == Inputs(
        project="services/forecast",
        identifier="forecast-2.x",
        stages=("model",),
        fail_on="never",
        comment=False,
        upload="never",
        gate=False,
        image="when-available",
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("fail_on", "hihg", "the input 'fail-on' is 'hihg'; it takes critical, high, medium, low or never"),
        ("fail_on", "HIGH", "the input 'fail-on' is 'HIGH'; it takes critical, high, medium, low or never"),
        ("comment", "yes", "the input 'comment' is 'yes'; it takes true or false"),
        ("comment", "True", "the input 'comment' is 'True'; it takes true or false"),
        ("gate", "0", "the input 'gate' is '0'; it takes true or false"),
        ("upload", "always", "the input 'upload' is 'always'; it takes auto or never"),
        (
            "stages",
            "test, sats",
            "the input 'stages' names 'sats'; it takes test, sca, sast, model, container or dast",
        ),
        (
            "stages",
            " , ,",
            "the input 'stages' is ', ,'; it takes one or more of test, sca, sast, model, container, dast",
        ),
        ("fail_on", "\x1b[2J\u202ea\n::error::b", "the input 'fail-on' is '\\x1b[2J\\u202ea\\n::error::b'; "),
        ("comment", "y" * 500, f"the input 'comment' is '{'y' * 59}…'; "),
    ],
)
def test_what_an_input_does_not_take_is_refused_by_name(name: str, value: str, sentence: str) -> None:
    assert refusal(**{name: value}).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("test, sca, sast, model, container, dast", KNOWN),
        ("sast sca\n", ("sca", "sast")),
        ("model,test,,model , test", ("test", "model")),
        ("container", ("container",)),
    ],
)
def test_stages_come_once_and_in_the_order_of_the_chain(text: str, stages: tuple[str, ...]) -> None:
    assert given_as(stages=text).stages == stages


def test_the_only_stage_there_is_reads_as_a_choice_of_one() -> None:
    with pytest.raises(InputError, match=r"it takes test$"):
        read({"MLSECOPS_STAGES": "sca"}, ("test",))


def test_the_stages_of_the_chain_are_those_of_the_workflows() -> None:
    assert read({"MLSECOPS_STAGES": "test, sca, sast, model, container, dast"}, tuple(STAGES)).stages == KNOWN


@pytest.mark.parametrize(
    "project",
    ["/etc", "//etc", "..", "../x", "a/../../b", "a/..", "a\nb", "a\0b", "a\x1b[2J", "a\x7f"],
)
def test_a_project_outside_the_workspace_is_refused(project: str) -> None:
    assert refusal(project=project).startswith("the input 'project' is '")


@pytest.mark.parametrize(
    ("project", "folder"),
    [
        (".", "."),
        ("./", "."),
        ("a/./b/", "a/b"),
        ("a..b/...", "a..b/..."),
        (" a b ", " a b "),
        ("-rf", "-rf"),
        ("für", "für"),
    ],
)
def test_a_project_is_a_plain_relative_folder(project: str, folder: str) -> None:
    assert given_as(project=project).project == folder


@pytest.mark.parametrize(
    "identifier", ["a b", "-->", "a/b", "../a", ".a", "-a", "a" * 65, "ä", "a,b", "x -->\n<script>"]
)
def test_an_identifier_that_could_end_its_place_is_refused(identifier: str) -> None:
    assert refusal(id=identifier).startswith("the input 'id' is '")


@given(name=st.sampled_from(VARIABLES), value=hostile)
def test_any_text_gives_inputs_or_one_sentence(name: str, value: str) -> None:
    try:
        inputs = read({f"MLSECOPS_{name}": value}, KNOWN)
        outcome = inputs.identifier
    except InputError as error:
        outcome = str(error)
    assert outcome.isprintable()


@pytest.mark.parametrize(
    ("identifier", "part", "name"),
    [
        ("default", "sast", "mlsecops-sast"),
        ("default", "report", "mlsecops-report"),
        ("forecast", "sast", "mlsecops-forecast-sast"),
        ("forecast", "report", "mlsecops-forecast-report"),
    ],
)
def test_artifacts_are_named_by_project_and_part(identifier: str, part: str, name: str) -> None:
    assert artifact_name(identifier, part) == name
