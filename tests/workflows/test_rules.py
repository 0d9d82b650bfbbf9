"""Our own rules hold for every workflow and action, and each finds a defect planted in a copy of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from support import workflow_rules as rules
from support.workflow_files import Source, by_name

SCA = ".github/workflows/sca.yml"
CONTAINER = ".github/workflows/container.yml"
SECURE_ML = ".github/workflows/secure-ml.yml"
REPORT = ".github/workflows/report.yml"
SCA_ACTION = "actions/sca/action.yml"
REPORT_ACTION = "actions/report/action.yml"
TEMPLATE = "templates/workflows/mlsecops.yml"
FORK_COMMENT = "templates/workflows/mlsecops-fork-comment.yml"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
COMMIT = "3d3c42e5aac5ba805825da76410c181273ba90b1"


@dataclass(frozen=True)
class Plant:
    """A defect: what becomes of one text in one file, and what the rule says of it."""

    rule: rules.Rule
    name: str
    good: str
    bad: str
    said: str


PLANTS = (
    Plant(rules.refs_behind_self, SCA, "$/actions/sca", "$/actions/sca@v1", "$/actions/sca@v1 has a ref"),
    Plant(rules.refs_behind_self, SECURE_ML, "sca.yml", "sca.yml@main", "has a ref"),
    Plant(rules.refs_behind_self, SCA, "$/actions/sca", "$/", "no path"),
    Plant(rules.unpinned, SCA, COMMIT, "v7.0.1", "not pinned to a full commit"),
    Plant(rules.unpinned, SCA, COMMIT, COMMIT[:12], "not pinned to a full commit"),
    Plant(rules.unpinned, SCA, " # v7.0.1", "", "does not say its version"),
    Plant(rules.unpinned, SCA, "# v7.0.1", "# v7", "does not say its version"),
    Plant(rules.unpinned, SCA_ACTION, " # v7.0.0", "", "does not say its version"),
    Plant(rules.unpinned, SCA, CHECKOUT, "docker://alpine:3", "not pinned to a full commit"),
    Plant(rules.two_pins, SCA, COMMIT, COMMIT[::-1], "pinned to 2 different"),
    Plant(rules.two_pins, SCA, "# v7.0.1", "# v7.0.2", "pinned to 2 different"),
    Plant(
        rules.expressions_in_scripts,
        SCA_ACTION,
        'exit "${EXIT_CODE:-3}"',
        "exit ${{ steps.scan.outputs.exit-code }}",
        "inside the script of 'Gate'",
    ),
    Plant(rules.forbidden_words, TEMPLATE, "pull_request:", "pull_request_target:", "pull_request_target"),
    Plant(
        rules.forbidden_words,
        TEMPLATE,
        "    permissions:\n",
        "    secrets: inherit\n    permissions:\n",
        "secrets: inherit",
    ),
    Plant(rules.local_uses, SCA, "$/actions/sca", "./actions/sca", "the caller's checkout"),
    Plant(rules.local_uses, SECURE_ML, "$/.github/workflows/sca.yml", "./sca.yml", "the caller's checkout"),
    Plant(rules.local_uses, SCA_ACTION, "uses: actions/upload-artifact", "uses: $/up", "within a composite"),
    Plant(rules.step_names, SCA, "name: Check out the", "name: Check Out the", "sentence case"),
    Plant(rules.step_names, SCA, "name: Check out the", "name: check out the", "sentence case"),
    Plant(rules.step_names, SCA, "- name: Scan\n        id", "- id", "has no name"),
    Plant(rules.interface_names, SCA, "      python-version:\n", "      python_version:\n", "kebab case"),
    Plant(rules.interface_names, SCA_ACTION, "  artifact-id:\n", "  artifactId:\n", "kebab case"),
    Plant(
        rules.interface_names,
        SCA_ACTION,
        "    description: Folder of the project within the repository.\n",
        "",
        "project has no description",
    ),
    Plant(rules.scripts_are_strict, FORK_COMMENT, "        uses:", "        run: ls #", "shell: bash"),
    Plant(rules.scripts_are_strict, SCA_ACTION, "pipefail\n        exit", "\n        exit", "does not start"),
    Plant(rules.jobs_end, SCA, "    timeout-minutes: 60\n", "", "no timeout-minutes"),
    Plant(rules.truth_of_strings, SCA_ACTION, "inputs.gate == 'true'", "inputs.gate", "for a truth value"),
    Plant(
        rules.truth_of_strings,
        SCA_ACTION,
        "inputs.gate == 'true'",
        "always() && inputs.gate",
        "for a truth value",
    ),
    Plant(rules.forgotten_inputs, SCA, "id: ${{ inputs.id }}", "ids: ${{ inputs.id }}", "passes ids"),
    Plant(rules.forgotten_inputs, REPORT, "          upload: ${{ inputs.upload }}", "", "not pass upload on"),
    Plant(rules.forgotten_inputs, SECURE_ML, "workflows/sca.yml", "workflows/scan.yml", "is not there"),
    Plant(
        rules.unknown_outputs,
        SCA,
        "steps.scan.outputs.sha256",
        "steps.scan.outputs.sha512",
        "no output sha512",
    ),
    Plant(rules.stage_shapes, SCA, "timeout-minutes: 60", "timeout-minutes: 61", "another shape"),
    Plant(rules.stage_shapes, CONTAINER, "timeout-minutes: 60", "timeout-minutes: 61", "another shape"),
    Plant(rules.stage_shapes, SCA_ACTION, "MLSECOPS_STAGES: sca", "MLSECOPS_STAGES: sast", "another shape"),
    Plant(
        rules.two_layouts, SECURE_ML, "        default: auto", "        default: never", "different inputs"
    ),
    Plant(rules.two_layouts, SECURE_ML, "      fixed:\n", "      repaired:\n", "different outputs"),
)


@pytest.fixture(name="files", scope="module")
def _files() -> Mapping[str, Source]:
    return by_name()


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_holds_everywhere(rule: rules.Rule, files: Mapping[str, Source]) -> None:
    assert list(rule(files)) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.rule.__name__}-{plant.bad[:24]!r}")
def test_a_rule_finds_a_planted_defect(plant: Plant, files: Mapping[str, Source]) -> None:
    text = files[plant.name].text
    assert plant.good in text
    spoilt = Source(plant.name, text.replace(plant.good, plant.bad))

    found = set(plant.rule({**files, plant.name: spoilt})) - set(plant.rule(files))

    assert any(plant.said in line for line in found), found


def test_every_rule_has_a_planted_defect() -> None:
    assert {plant.rule for plant in PLANTS} == set(rules.RULES)


def test_a_stage_without_workflow_or_action_is_found(files: Mapping[str, Source]) -> None:
    without = {name: source for name, source in files.items() if name not in {SCA, SCA_ACTION}}

    assert {f"{SCA} is not there", f"{SCA_ACTION} is not there"} <= set(rules.stage_shapes(without))
