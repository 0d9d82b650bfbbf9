"""What is accepted in spite of a linter is listed here, and nothing is switched off that found nothing."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from mlsecops.toolbox import ToolboxError
from support import workflow_linters as linters
from support.workflow_files import REPOSITORY, sources

# Each finding that is accepted, and how often zizmor reports it there: a file and a job of it count apart.
ACCEPTED = {
    (".github/workflows/report.yml", "excessive-permissions"): 2,
    (".github/workflows/secure-ml.yml", "excessive-permissions"): 2,
    (".github/workflows/secure-ml-compact.yml", "excessive-permissions"): 2,
    ("templates/workflows/mlsecops-fork-comment.yml", "dangerous-triggers"): 1,
    ("templates/workflows/mlsecops-export.yml", "dangerous-triggers"): 1,
}
_IGNORE = re.compile(r"# zizmor: ignore(?:\[([a-z, -]*)\])? *(.*)")
_OTHERS = re.compile(r"# *(shellcheck|actionlint|yamllint|check-jsonschema|noqa|nosem)", re.IGNORECASE)
_REASON_WORDS = 4


def test_every_ignore_comment_is_listed_and_gives_its_reason() -> None:
    found = [(source.name, *each) for source in sources() for each in _IGNORE.findall(source.text)]

    assert Counter((name, audit) for name, audit, _ in found) == Counter(dict.fromkeys(ACCEPTED, 1))
    assert [each for each in found if len(each[2].split()) < _REASON_WORDS] == []


def test_no_other_linter_is_switched_off() -> None:
    assert [source.name for source in sources() if _OTHERS.search(source.text)] == []
    names = [f"{tool}.{end}" for tool in ("zizmor", "actionlint") for end in ("yml", "yaml")]
    places = [f"{folder}{name}" for name in (*names, ".shellcheckrc") for folder in ("", ".github/")]
    assert [place for place in places if (REPOSITORY / place).exists()] == []


def test_zizmor_finds_what_is_ignored_and_nothing_else() -> None:
    try:
        found = linters.zizmor(REPOSITORY, "--no-ignores")
    except ToolboxError as error:
        pytest.skip(f"the linters of workflows: {error}")

    assert Counter((line.split(":")[0], line.split(": ")[1]) for line in found) == ACCEPTED
