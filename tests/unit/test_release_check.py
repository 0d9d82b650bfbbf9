"""What `scripts/release-check` finds: each kind of mistake in what people copy from here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from mlsecops.cli import command as ours
from release import markdown
from release.__main__ import ROOT
from release.changelog import Section, changelog_complaints, section
from release.check import check
from release.commands import command_complaints
from release.git import GitError, commit_of, tag_commits
from release.interface import InterfaceError, read_interface
from release.links import link_complaints
from release.references import UNKNOWN_COMMIT, Version, reference_complaints, version
from release.snippets import snippet_complaints, snippets
from release.tree import Place, Tree, TreeError, read_tree
from release.versions import VersionError, project_version, tagged_version
from support.git_repository import commit, git

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


NOW = Version(1, 2, 3)
TAGS = {"v1.2.2": "a" * 40, "v1.2.3": "b" * 40}
PATH = "/.github/workflows/gate.yml"


def about_references(root: Path, line: str) -> list[str]:
    """What is said about a line of the README."""
    found = reference_complaints(tree(root, {"README.md": f"first\n{line}\n"}), NOW, TAGS)
    assert all(each.startswith("README.md:2: ") for each in found)
    return [each.removeprefix("README.md:2: ") for each in found]


@pytest.mark.parametrize(
    "line",
    [
        f"uses: OWNER/mlsecops{PATH}@{UNKNOWN_COMMIT} # v1.2.3",
        f"# Convenient: OWNER/mlsecops{PATH}@v1",
        f"`OWNER/mlsecops{PATH}@v1.2.3`, and it stays.",
        f"uses: OWNER/mlsecops{PATH}@v1.2.2",
        f"uses: OWNER/mlsecops{PATH}@{'a' * 40} # v1.2.2",
        "uses: OWNER/mlsecops/actions/scan@v1",
        "git clone https://github.com/OWNER/mlsecops",
        "https://github.com/OWNER/mlsecops@v1",
        "uses: actions/checkout@v4",
        "mail mlsecops@example.org",
    ],
)
def test_a_reference_to_a_release_that_is_there_is_left_alone(tmp_path: Path, line: str) -> None:
    assert about_references(tmp_path, line) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"OWNER/mlsecops{PATH}@{UNKNOWN_COMMIT}", "write '# v1.2.3' behind the forty zeros"),
        (f"OWNER/mlsecops{PATH}@{UNKNOWN_COMMIT} # v1.2.2", "write '# v1.2.3' behind the forty zeros"),
        (f"OWNER/mlsecops{PATH}@v2", "there is no release v2; this one is v1.2.3, and v1 moves to it"),
        (f"OWNER/mlsecops{PATH}@main.", "there is no release main; this one is v1.2.3, and v1 moves to it"),
        (
            f"OWNER/mlsecops{PATH}@v1.2.4",
            "there is no release v1.2.4; this one is v1.2.3, and v1 moves to it",
        ),
        (
            f"OWNER/mlsecops{PATH}@{'c' * 40} # v1.2.2",
            f"{'c' * 40} is no release's commit; write forty zeros and '# v1.2.3' behind them",
        ),
        (f"org/mlsecops{PATH}@v1", "write OWNER/mlsecops, not org/mlsecops: a release fills in the owner"),
        ("# OWNER/mlsecops/actions/sacn@v1", "there is no actions/sacn here"),
    ],
)
def test_a_reference_to_what_is_not_there_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    assert about_references(tmp_path, line) == [complaint]


def test_references_are_read_in_every_file_of_the_templates(tmp_path: Path) -> None:
    there = tree(
        tmp_path, {"templates/x.json": '"OWNER/mlsecops/actions/scan@v9"', "tests/x.md": "o/mlsecops@v9"}
    )
    assert [each.split(":")[0] for each in reference_complaints(there, NOW, TAGS)] == ["templates/x.json"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.2.3", NOW), ("v1.2.3", NOW), ("v1.2", None), ("01.2.3", None), ("v1.2.3-rc1", None), ("x", None)],
)
def test_a_version_is_three_numbers(text: str, expected: Version | None) -> None:
    assert version(text) == expected


def about_links(root: Path, target: str) -> list[str]:
    """What is said about a link in docs/a.md."""
    there = tree(root, {"docs/a.md": f"[x]({target})\n\n# Here\n", "docs/b c.md": "# There\n", "LICENSE": ""})
    return link_complaints(there)


@pytest.mark.parametrize(
    "target",
    [
        "b%20c.md",
        "../LICENSE",
        "/LICENSE",
        "#here",
        "b%20c.md#there",
        "..",
        "../actions/scan/",
        "../../../security",
        "https://example.org/no",
        "mailto:a@example.org",
        "//example.org/no",
        "https://github.com/OWNER/mlsecops/blob/main/LICENSE",
        "https://github.com/OWNER/mlsecops/issues",
        "../LICENSE#L3",
    ],
)
def test_a_link_that_leads_somewhere_is_left_alone(tmp_path: Path, target: str) -> None:
    assert about_links(tmp_path, target) == []


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("gone.md", "there is no docs/gone.md"),
        ("../README.md", "there is no README.md"),
        ("#nowhere", "docs/a.md has no heading with that name"),
        ("b%20c.md#here", "docs/b c.md has no heading with that name"),
        ("https://github.com/OWNER/mlsecops/blob/main/gone.md", "there is no gone.md"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, target: str, why: str) -> None:
    assert about_links(tmp_path, target) == [f"docs/a.md:1: the link to {target} leads nowhere: {why}"]


def test_links_of_the_tests_own_pages_are_not_read(tmp_path: Path) -> None:
    assert link_complaints(tree(tmp_path, {"tests/fixtures/a.md": "[x](gone)"})) == []


@click.group()
def toy() -> None:
    """A command line."""


@toy.command(name="run")
@click.argument("project", default=".")
@click.option("--stage", multiple=True, type=click.Choice(["sca", "sast"]))
@click.option("--format", "shape", type=click.Choice(["a", "b"]))
@click.option("--quiet", is_flag=True)
@click.option("--out", type=click.Path(exists=True))
def _run(**_: object) -> None: ...


@toy.group(name="data")
def _data() -> None: ...


@_data.command(name="build")
def _build() -> None: ...


def about_commands(root: Path, page: str) -> list[str]:
    """What is said about the command lines of a page."""
    return command_complaints(tree(root, {"docs/a.md": page}), toy)


@pytest.mark.parametrize(
    "page",
    [
        "```\nmlsecops run path --out not/there --quiet # a remark\n```",
        "```sh\n$ .venv/bin/mlsecops run . --stage sca --stage=sast && echo done\n```",
        "```bash\nX=1 mlsecops run \\\n  --format a | tee log\n```",
        "`mlsecops run [PATH]`, `mlsecops run [OPTIONS] NAME`, `mlsecops <command>`, `mlsecops COMMAND`",
        "`mlsecops run --stage NAME`, `mlsecops data`, `mlsecops data build`, `mlsecops --help`",
        "`mlsecops`, `mlsecops (all)`, `mlsecops: no`, `other run --no`",
        "```yaml\nmlsecops nothing\n```",
        '```\necho "an open quote\n```',
    ],
)
def test_a_command_line_that_works_is_left_alone(tmp_path: Path, page: str) -> None:
    assert about_commands(tmp_path, page) == []


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("`mlsecops rnu`", "docs/a.md:1: 'mlsecops rnu' does not work: mlsecops has no command 'rnu'"),
        (
            "text\n\n```\necho\nmlsecops data make\n```",
            "docs/a.md:5: 'mlsecops data make' does not work: mlsecops data has no command 'make'",
        ),
        (
            "`mlsecops run --quite`",
            "docs/a.md:1: 'mlsecops run --quite' does not work: No such option '--quite'",
        ),
        (
            "`mlsecops run --out`",
            "docs/a.md:1: 'mlsecops run --out' does not work: Option '--out' requires an argument",
        ),
        ("`mlsecops run a b`", "docs/a.md:1: 'mlsecops run a b' does not work: 'b' is one argument too many"),
        (
            "```\necho; true; mlsecops run \\\n --stage dast\n```",
            "docs/a.md:2: 'mlsecops run --stage dast' does not work: 'dast' is not one of 'sca', 'sast'",
        ),
        (
            "```\nmlsecops run --format c \\\n```",
            "docs/a.md:2: 'mlsecops run --format c' does not work: 'c' is not one of 'a', 'b'",
        ),
    ],
)
def test_a_command_line_that_does_not_work_is_named(tmp_path: Path, page: str, complaint: str) -> None:
    assert about_commands(tmp_path, page) == [complaint]


CHANGES = """\
# Changelog

## Unreleased

{waiting}

## 1.2.3 - 2026-11-21

- it works

## 1.2.2 - 2026-01-02

- x
"""


def test_a_changelog_of_a_release_has_its_section_first_and_nothing_waiting() -> None:
    assert changelog_complaints(CHANGES.format(waiting=""), "1.2.3", released=True) == []
    assert section(CHANGES, "1.2.3") == Section("1.2.3 - 2026-11-21", "1.2.3", "2026-11-21", "- it works")
    assert section(CHANGES, "1.2.4") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (CHANGES.format(waiting="- more"), "changes still stand under 'Unreleased'"),
        (
            CHANGES.format(waiting="").replace("1.2.3", "1.2.4"),
            "newest section must be '## 1.2.3 - YYYY-MM-DD'",
        ),
        (CHANGES.format(waiting="").replace("- it works", ""), "the section of 1.2.3 says nothing"),
        (
            CHANGES.format(waiting="").replace("11-21", "11-31"),
            "write the heading '## 1.2.3 - 2026-11-31' as",
        ),
        (CHANGES.format(waiting="").replace("## 1.2.2 -", "## v1.2.2 -"), "write the heading '## v1.2.2"),
        ("# Changelog\n", "newest section must be"),
    ],
)
def test_a_changelog_that_is_not_of_the_release_is_named(text: str, complaint: str) -> None:
    found = changelog_complaints(text, "1.2.3", released=True)
    assert len(found) == 1
    assert complaint in found[0]


def test_between_releases_changes_may_wait() -> None:
    assert changelog_complaints(CHANGES, "1.2.3", released=False) == []
    assert changelog_complaints("## Unreleased\n- x\n", "9.9.9", released=False) == []
    assert changelog_complaints("# Changelog\n", "1.2.3", released=False) == [
        "CHANGELOG.md: there is no section '## Unreleased'"
    ]


WHOLE = {
    "pyproject.toml": '[project]\nname = "x"\nversion = "1.2.3"\n',
    "scripts/mlsecops/__init__.py": '__version__ = "1.2.3"\n',
    "CHANGELOG.md": CHANGES.format(waiting=""),
    "README.md": "[changes](CHANGELOG.md) `mlsecops run`\n",
    "templates/caller.yml": CALL,
}


def repository(root: Path, changed: Mapping[str, str] | None = None) -> Tree:
    """A repository ready for its release, but for files that are replaced."""
    commit(tree(root, {**WHOLE, **(changed or {})}).root)
    return read_tree(root)


def test_a_repository_in_which_all_is_right_is_ready(tmp_path: Path) -> None:
    there = repository(tmp_path)
    assert check(there, toy, "v1.2.3") == []
    assert check(there, toy) == []


def test_every_check_has_its_say_and_says_it_once(tmp_path: Path) -> None:
    wrong = {
        "pyproject.toml": '[project]\nversion = "1.2.4"\n',
        "README.md": "[x](gone.md) `mlsecops no`\n\n```yaml\nuses: OWNER/mlsecops/actions/gone@v1\n```\n",
        "templates/caller.yml": CALL.replace("@v1", "@v2").replace("needs:", "need:"),
    }
    found = check(repository(tmp_path, wrong), toy, "v1.2.3")
    assert len(found) == len(set(found))
    assert [each.split(": ", 1)[0] for each in found] == [
        "the tag is v1.2.3, but pyproject.toml says 1.2.4",
        "scripts/mlsecops/__init__.py",
        "CHANGELOG.md",
        "README.md:4",
        "templates/caller.yml:3",
        "templates/caller.yml:3",
        "templates/caller.yml:3",
        "README.md:1",
        "README.md:1",
    ]


def test_a_snippet_may_name_an_earlier_release_by_its_tag_of_either_kind(tmp_path: Path) -> None:
    there = repository(tmp_path)
    commits = [commit(tmp_path, name) for name in ("one", "two")]
    git(tmp_path, "tag", "v1.2.0", commits[0])
    git(tmp_path, "tag", "--annotate", "--message", "x", "v1.2.1", commits[1])
    assert tag_commits(tmp_path) == {"v1.2.0": commits[0], "v1.2.1": commits[1]}
    (tmp_path / "README.md").write_text(
        "".join(f"OWNER/mlsecops/actions/scan@{commits[number]} # v1.2.{number}\n" for number in (0, 1))
    )
    assert check(there, toy) == []


@pytest.mark.parametrize(
    "text", ["[project]\n", "[project", '[project]\nversion = "v1.2.3"\n', "project = 1\n"]
)
def test_a_project_without_a_version_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(VersionError, match=r"pyproject\.toml: "):
        project_version(tree(tmp_path, {"pyproject.toml": text}))


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "main"])
def test_a_tag_that_is_no_version_is_refused(tag: str) -> None:
    with pytest.raises(VersionError, match=r"is not like v1\.2\.3"):
        tagged_version(tag)


def test_git_says_why_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path)
    with pytest.raises(GitError, match="git rev-parse fails: "):
        commit_of(tmp_path, "v9.9.9")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="Git is not installed"):
        commit_of(tmp_path, "HEAD")


def test_this_repository_is_ready_for_its_next_release() -> None:
    assert check(read_tree(ROOT), ours) == []
