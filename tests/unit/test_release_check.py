"""What `scripts/release-check` finds: each kind of mistake in what people copy from here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from release import markdown
from release.git import GitError
from release.interface import InterfaceError, read_interface
from release.snippets import snippet_complaints, snippets
from release.tree import Place, Tree, TreeError, read_tree
from support.git_repository import git

WORKFLOW = """\
on:
  workflow_call:
    inputs:
      project: {type: string, default: "."}
      comment: {type: boolean, default: true}
      limit: {type: number, default: 3}
      needs: {type: string, required: true}
    secrets:
      token: {required: true}
    outputs:
      verdict: {value: "${{ jobs.gate.outputs.verdict }}"}
jobs: {}
"""
ACTION = """\
name: x
inputs:
  project: {default: "."}
outputs:
  sha256: {value: x}
runs: {using: composite, steps: []}
"""
AT = "templates/caller.yml:3: .github/workflows/gate.yml"
CALL = """\
jobs:
  secure-ml:
    uses: OWNER/mlsecops/.github/workflows/gate.yml@v1
    with: {needs: "{}"}
    secrets: {token: x}
"""


def tree(root: Path, files: Mapping[str, str]) -> Tree:
    """A repository with one workflow, one action and these files."""
    contents = {".github/workflows/gate.yml": WORKFLOW, "actions/scan/action.yml": ACTION, **files}
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Tree(root, frozenset(contents))


def complaints(root: Path, text: str) -> list[str]:
    """What is said about a template."""
    there = tree(root, {"templates/caller.yml": text})
    return snippet_complaints(there, snippets(there))


def test_a_right_call_is_left_alone(tmp_path: Path) -> None:
    assert complaints(tmp_path, CALL) == []


def test_calls_of_others_are_left_alone(tmp_path: Path) -> None:
    text = "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v1\n        with: {any: thing}\n"
    assert complaints(tmp_path, text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("gate.yml", "gone.yml", "templates/caller.yml:3: there is no .github/workflows/gone.yml here"),
        (
            "needs:",
            "need:",
            f"{AT} has no input 'need'; it has comment, limit, needs, project",
        ),
        (
            "needs:",
            "project:",
            f"{AT} requires the input 'needs'",
        ),
        (
            "{needs:",
            "{comment: on-ly, needs:",
            "templates/caller.yml:3: the input 'comment' of .github/workflows/gate.yml takes a boolean",
        ),
        (
            "{needs:",
            "{comment: [true], needs:",
            "templates/caller.yml:3: the input 'comment' of .github/workflows/gate.yml takes a boolean",
        ),
        (
            "{needs:",
            "{limit: many, needs:",
            "templates/caller.yml:3: the input 'limit' of .github/workflows/gate.yml takes a number",
        ),
        (
            "{token: x}",
            "{}",
            f"{AT} requires the secret 'token'",
        ),
        ("jobs:", "jobs: [", "templates/caller.yml:1: this is not valid YAML"),
    ],
)
def test_a_call_that_would_not_work_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert expected in complaints(tmp_path, CALL.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{needs:", "{comment: false, limit: 4.5, needs:"),
        ("{needs:", "{comment: \"${{ github.event_name == 'push' }}\", needs:"),
        ("{token: x}", "inherit"),
    ],
)
def test_values_that_fit_are_left_alone(tmp_path: Path, old: str, new: str) -> None:
    assert complaints(tmp_path, CALL.replace(old, new)) == []


def test_a_workflow_that_cannot_be_called_is_named(tmp_path: Path) -> None:
    there = tree(
        tmp_path,
        {
            "templates/a.yml": CALL.replace("gate", "ci"),
            ".github/workflows/ci.yml": "on: push\njobs: {}\n",
        },
    )
    [complaint] = snippet_complaints(there, snippets(there))
    assert complaint.startswith(
        "templates/a.yml:3: .github/workflows/ci.yml cannot be used: it cannot be called"
    )


def test_outputs_that_do_not_exist_are_named_with_their_line(tmp_path: Path) -> None:
    after = "  next:\n    needs: secure-ml\n    if: needs.secure-ml.outputs.verdikt == 'passed'\n"
    assert complaints(tmp_path, CALL + after) == [
        "templates/caller.yml:8: secure-ml has no output 'verdikt'; it has verdict"
    ]
    assert complaints(tmp_path, CALL + after.replace("verdikt", "verdict")) == []


def test_steps_in_markdown_are_read_with_the_line_in_the_page(tmp_path: Path) -> None:
    page = """\
# Title

1. Add this:

   ```yaml
   - id: scan
     uses: OWNER/mlsecops/actions/scan@v1
     with:
       projekt: app
   - run: echo ${{ steps.scan.outputs.sha265 }}
   ```

```sh
uses: OWNER/mlsecops/actions/gone@v1
```
"""
    there = tree(tmp_path, dict.fromkeys(["docs/use.md", "CHANGELOG.md", "tests/x.md"], page))
    assert snippet_complaints(there, snippets(there)) == [
        "docs/use.md:7: actions/scan has no input 'projekt'; it has project",
        "docs/use.md:10: scan has no output 'sha265'; it has sha256",
    ]


def test_a_job_that_another_block_of_the_page_shows_is_known(tmp_path: Path) -> None:
    page = f"```yaml\n{CALL}```\n\ntext\n\n```yaml\nif: needs.secure-ml.outputs.nothing\n```\n"
    there = tree(tmp_path, {"README.md": page})
    assert snippet_complaints(there, snippets(there)) == [
        "README.md:12: secure-ml has no output 'nothing'; it has verdict"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not YAML"),
        ("- a", "not a mapping"),
        ("on: [push]", "cannot be called"),
        ("on: {push: {}}", "cannot be called"),
    ],
)
def test_what_is_no_interface_says_why(text: str, reason: str) -> None:
    with pytest.raises(InterfaceError, match=reason):
        read_interface(text)


@pytest.mark.parametrize("text", ["on: workflow_call", "on: [workflow_call]", "on: {workflow_call: }"])
def test_a_workflow_may_take_nothing(text: str) -> None:
    interface = read_interface(text)
    assert (interface.kind, dict(interface.inputs), interface.outputs) == ("workflow", {}, frozenset())


def test_code_of_a_page_is_found_with_its_line() -> None:
    page = "a `b c` d\n\n    indented\n\n~~~ Sh title\nfenced\n~~~\n"
    assert list(markdown.code(page)) == [
        markdown.Code(1, "b c", block=False),
        markdown.Code(3, "indented\n"),
        markdown.Code(6, "fenced\n", "sh"),
    ]


def test_links_of_a_page_are_found_with_their_line() -> None:
    page = (
        "[a](b.md)\n![p](c.png) <a href='d'>\n\n| t |\n|-|\n| [r][ref] |\n\n[ref]: e#f\n\n<img src='g.png'>\n"
    )
    assert [(link.line, link.target) for link in markdown.links(page)] == [
        (1, "b.md"),
        (2, "c.png"),
        (2, "d"),
        (6, "e#f"),
        (10, "g.png"),
    ]


def test_anchors_are_those_of_github() -> None:
    page = "# A `b`, c & d!\n\n## Same\n\n## Same\n\nÜber uns\n---\n"
    assert markdown.anchors(page) == {"a-b-c--d", "same", "same-1", "über-uns"}


def test_a_tree_knows_files_and_folders() -> None:
    there = Tree(Path(), frozenset({"a/b/c.md"}))
    assert there.has("a/b/c.md")
    assert there.has("a/b/")
    assert there.has("a")
    assert not there.has("a/c")
    assert not there.has("b")


def test_a_tree_is_what_git_does_not_ignore(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for name in ("kept", "gone", "new", "ignored"):
        (tmp_path / name).write_bytes(b"\xff")
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", "kept", "gone")
    (tmp_path / "gone").unlink()
    there = read_tree(tmp_path)
    assert there.names == {".gitignore", "kept", "new"}
    with pytest.raises(TreeError, match="kept is not UTF-8"):
        there.text("kept")


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        read_tree(tmp_path)


def test_a_place_reads_as_editors_know_it() -> None:
    assert str(Place("README.md", 3)) == "README.md:3"
