"""On one's own machine a policy from elsewhere counts, and what the project's own changes in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.local import judged_by
from mlsecops.policy import DEFAULT_FILE, DEFAULTS, PolicyError
from mlsecops.revision import Revision, resolve
from mlsecops.toolbox import Processes
from support.git_repository import commit


def policy(root: Path, text: str) -> Path:
    path = root / DEFAULT_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def base(root: Path, scratch: Path) -> Revision:
    commit(root)
    scratch.mkdir()
    return resolve(root, "main", scratch, Processes())


def test_that_of_the_base_counts_and_the_edit_is_told(tmp_path: Path) -> None:
    root = tmp_path / "project"
    path = policy(root, "fail-on: low\n")
    at = base(root, tmp_path / "scratch")
    path.write_text("fail-on: never\n")

    rules = judged_by(root, None, at)

    assert rules.policy.default_threshold == "low"
    assert rules.proposal is not None
    assert (rules.proposal.kind, rules.proposal.effect) == ("edited", "weaker")
    assert rules.doubts == ()


def test_one_that_the_base_has_not_is_introduced_and_one_that_is_gone_removed(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    at = base(root, tmp_path / "scratch")
    path = policy(root, "fail-on: never\n")
    introduced = judged_by(root, None, at)
    at = base(root, tmp_path / "more")
    path.unlink()
    removed = judged_by(root, None, at)

    assert introduced.policy.source == DEFAULTS
    assert introduced.proposal is not None
    assert removed.proposal is not None
    assert (introduced.proposal.kind, removed.proposal.kind) == ("introduced", "removed")
    assert removed.policy.default_threshold == "never"


def test_a_named_file_counts_before_the_base_and_the_project(tmp_path: Path) -> None:
    root = tmp_path / "project"
    policy(root, "fail-on: low\n")
    at = base(root, tmp_path / "scratch")
    named = tmp_path / "named.yml"
    named.write_text("fail-on: critical\n")

    for revision in (None, at):
        rules = judged_by(root, named, revision)
        assert rules.policy.default_threshold == "critical"
        assert rules.proposal is not None
        assert rules.proposal.effect == "stricter"


def test_a_project_without_a_policy_does_not_remove_the_named_one(tmp_path: Path) -> None:
    named = tmp_path / "named.yml"
    named.write_text("fail-on: critical\n")

    assert judged_by(tmp_path, named, None).proposal is None


def test_naming_the_projects_own_changes_nothing(tmp_path: Path) -> None:
    rules = judged_by(tmp_path, policy(tmp_path, "fail-on: low\n"), None)

    assert (rules.proposal, rules.doubts) == (None, ())


def test_one_that_no_later_run_could_read_is_a_doubt(tmp_path: Path) -> None:
    root = tmp_path / "project"
    path = policy(root, "fail-on: low\n")
    at = base(root, tmp_path / "scratch")
    path.write_text("fail-on: hihg\n")

    rules = judged_by(root, None, at)

    assert rules.proposal is not None
    assert rules.proposal.fault.startswith(f"{DEFAULT_FILE}:1: 'fail-on'")
    assert "could not be read once this is merged" in rules.doubts[0]


def test_one_that_counts_and_cannot_be_read_ends_the_run(tmp_path: Path) -> None:
    root = tmp_path / "project"
    policy(root, "fail-on: hihg\n")

    with pytest.raises(PolicyError, match="fail-on"):
        judged_by(root, None, base(root, tmp_path / "scratch"))
