"""What a release is made of, and what it asks and changes at GitHub."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mlsecops.github.client import Client
from release.__main__ import command
from release.assets import AssetError, build, notes
from release.references import UNKNOWN_COMMIT, Version
from release.tags import PublishError, move, ready
from support.git_repository import commit, git
from support.release_service import ReleaseService, serve

NOW = Version(1, 2, 3)
REPOSITORY = "octo/mlsecops"
ONE, TWO = "1" * 40, "2" * 40
TEMPLATE = f"uses: OWNER/mlsecops/actions/scan@{UNKNOWN_COMMIT} # v1.2.3\n# and OWNER/mlsecops/x@v1\n"
CHANGES = "# Changelog\n\n## 1.2.3 - 2026-11-21\n\n- it works\n"


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> tuple[Path, str]:
    """A tagged repository and its commit."""
    root = tmp_path / "project"
    for name, text in {
        "templates/a/x.yml": TEMPLATE,
        "CHANGELOG.md": CHANGES,
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    sha = commit(root)
    git(root, "tag", "--annotate", "--message", "x", "v1.2.3")
    return root, sha


def texts(archive: bytes) -> dict[str, str]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {
            member.name: file.read().decode() for member in opened if (file := opened.extractfile(member))
        }


def test_the_same_commit_gives_the_same_bytes_whatever_lies_around_it(project: tuple[Path, str]) -> None:
    root, sha = project
    first = build(root, NOW, sha, REPOSITORY)
    (root / "templates" / "a" / "x.yml").write_text("changed")
    (root / "new").touch()
    assert build(root, NOW, sha, REPOSITORY) == first
    # Neither a time nor a name in the head of gzip: RFC 1952, 2.3.
    assert all(content[3:8] == bytes(5) for name, content in first.items() if name.endswith(".gz"))


def test_the_source_lies_in_a_folder_of_its_own(project: tuple[Path, str]) -> None:
    root, sha = project
    archive = texts(build(root, NOW, sha, REPOSITORY)["mlsecops-1.2.3.tar.gz"])
    assert archive["mlsecops-1.2.3/templates/a/x.yml"] == TEMPLATE
    assert archive["mlsecops-1.2.3/CHANGELOG.md"] == CHANGES


def test_the_templates_are_filled_in(project: tuple[Path, str]) -> None:
    root, sha = project
    archive = texts(build(root, NOW, sha, "octo/fork")["mlsecops-templates-1.2.3.tar.gz"])
    assert archive == {
        "mlsecops-templates-1.2.3/templates/a/x.yml": (
            f"uses: octo/fork/actions/scan@{sha} # v1.2.3\n# and octo/fork/x@v1\n"
        )
    }


def test_a_template_with_more_to_fill_in_is_refused(project: tuple[Path, str]) -> None:
    root, _ = project
    (root / "templates" / "a" / "y.yml").write_text("uses: OWNER/other@v1\n")
    with pytest.raises(AssetError, match=r"templates/a/y\.yml has more of OWNER/ than OWNER/mlsecops"):
        build(root, NOW, commit(root), REPOSITORY)


def test_the_checksums_are_those_of_the_archives(project: tuple[Path, str]) -> None:
    root, sha = project
    files = build(root, NOW, sha, REPOSITORY)
    lines = files.pop("SHA256SUMS").decode().splitlines()
    assert lines == [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()]
    assert len(lines) == 2


def test_the_notes_are_the_changes_and_how_to_pin_them() -> None:
    text = notes(CHANGES, NOW, ONE, REPOSITORY)
    assert text.startswith("- it works\n")
    assert f"uses: {REPOSITORY}/.github/workflows/secure-ml.yml@{ONE} # v1.2.3\n" in text
    with pytest.raises(AssetError, match=r"CHANGELOG\.md says nothing of 1\.2\.4"):
        notes(CHANGES, Version(1, 2, 4), ONE, REPOSITORY)
    with pytest.raises(AssetError, match="says nothing"):
        notes("## 1.2.3 - 2026-11-21\n", NOW, ONE, REPOSITORY)


@pytest.fixture(name="service")
def _service() -> Iterator[ReleaseService]:
    """A repository whose tag v1.2.3 leads to a merged commit."""
    service = ReleaseService(repository=REPOSITORY, tags={"v1.2.3": ("commit", ONE)}, merged={ONE})
    with serve(service):
        yield service


def client(service: ReleaseService) -> Client:
    return Client(service.url, "token")


def test_a_merged_commit_without_a_release_is_ready(service: ReleaseService) -> None:
    service.publish("v1.2.2")
    service.tags["v1"] = ("commit", TWO)
    ready(client(service), REPOSITORY, NOW, ONE)
    assert service.changes == []


def test_a_default_branch_may_have_any_name(service: ReleaseService) -> None:
    service.branch = "release/next"
    ready(client(service), REPOSITORY, NOW, ONE)


def test_a_tag_object_is_followed_to_its_commit(service: ReleaseService) -> None:
    service.tags["v1.2.3"] = ("tag", "a")
    service.objects |= {"a": ("tag", "b"), "b": ("commit", ONE)}
    ready(client(service), REPOSITORY, NOW, ONE)


def test_a_tag_that_leads_in_circles_is_refused(service: ReleaseService) -> None:
    service.tags["v1.2.3"] = ("tag", "a")
    service.objects["a"] = ("tag", "a")
    with pytest.raises(PublishError, match="does not lead to the commit"):
        ready(client(service), REPOSITORY, NOW, ONE)


def test_a_tag_that_was_moved_after_the_check_is_refused(service: ReleaseService) -> None:
    service.tags["v1.2.3"] = ("commit", TWO)
    with pytest.raises(PublishError, match=f"v1.2.3 does not lead to the commit {ONE}"):
        ready(client(service), REPOSITORY, NOW, ONE)


@pytest.mark.parametrize(("draft", "words"), [(True, "a draft of v1.2.3"), (False, "a release of v1.2.3")])
def test_a_release_that_is_there_is_refused(service: ReleaseService, draft: bool, words: str) -> None:
    service.publish("v1.2.3", draft=draft)
    with pytest.raises(PublishError, match=f"there is {words} already"):
        ready(client(service), REPOSITORY, NOW, ONE)


def test_a_commit_that_is_not_merged_is_refused(service: ReleaseService) -> None:
    service.merged.clear()
    with pytest.raises(PublishError, match=f"{ONE} is not on main: merge it first"):
        ready(client(service), REPOSITORY, NOW, ONE)


def test_an_annotated_moving_tag_is_refused_before_anything_is_made(service: ReleaseService) -> None:
    service.tags["v1"] = ("tag", "a")
    for step in (ready, move):
        with pytest.raises(PublishError, match="v1 is an annotated tag"):
            step(client(service), REPOSITORY, NOW, ONE)
    assert service.changes == []


def test_the_moving_tag_is_made_by_the_first_release(service: ReleaseService) -> None:
    assert move(client(service), REPOSITORY, NOW, ONE) == f"v1 leads to {ONE} now"
    assert service.changes == [("POST", "git/refs", {"ref": "refs/tags/v1", "sha": ONE})]
    assert service.tags["v1"] == ("commit", ONE)


def test_the_moving_tag_is_moved_by_a_later_release(service: ReleaseService) -> None:
    service.tags["v1"] = ("commit", TWO)
    for tag in ("v1.2.2", "v2.0.0", "v1.2.3", "nightly"):
        service.publish(tag)
    service.publish("v1.3.0", draft=True)
    assert move(client(service), REPOSITORY, NOW, ONE) == f"v1 leads to {ONE} now"
    assert service.changes == [("PATCH", "git/refs/tags/v1", {"sha": ONE, "force": True})]


def test_a_moving_tag_that_is_there_already_is_left_alone(service: ReleaseService) -> None:
    service.tags["v1"] = ("commit", ONE)
    assert move(client(service), REPOSITORY, NOW, ONE) == f"v1 leads to {ONE} already"
    assert service.changes == []


def test_the_moving_tag_does_not_go_back_for_a_repaired_older_version(service: ReleaseService) -> None:
    service.tags["v1"] = ("commit", TWO)
    service.publish("v1.10.0")
    service.publish("v1.3.0")
    assert move(client(service), REPOSITORY, NOW, ONE) == "v1 stays where it is: v1.10.0 is newer than v1.2.3"
    assert service.changes == []


def test_a_moving_tag_that_did_not_move_is_told(service: ReleaseService) -> None:
    service.tags["v1"] = ("commit", TWO)
    service.frozen = True
    with pytest.raises(PublishError, match=f"v1 does not lead to {ONE}: set it by hand"):
        move(client(service), REPOSITORY, NOW, ONE)


def release(*arguments: str | Path, url: str = "http://127.0.0.1:9") -> Result:
    """The command line of a release, in octo/mlsecops."""
    return CliRunner().invoke(
        command,
        [str(each) for each in arguments],
        env={"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": url, "GITHUB_TOKEN": "token"},
    )


def test_the_commands_make_the_files_and_print_the_notes(project: tuple[Path, str], tmp_path: Path) -> None:
    root, sha = project
    out = tmp_path / "new" / "out"
    assert release("assets", "v1.2.3", out, "--root", root).exit_code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == build(root, NOW, sha, REPOSITORY)
    again = release("assets", "v1.2.3", out, "--root", root)
    assert (again.exit_code, again.stderr) == (1, f"Error: {out}: File exists\n")
    shown = release("notes", "v1.2.3", "--root", root)
    assert shown.stdout == notes(CHANGES, NOW, sha, REPOSITORY)


def test_the_commands_ask_github_about_the_commit_of_the_tag(
    project: tuple[Path, str], service: ReleaseService
) -> None:
    root, sha = project
    refused = release("ready", "v1.2.3", "--root", root, url=service.url)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "does not lead to the commit" in refused.stderr
    service.tags["v1.2.3"] = ("commit", sha)
    service.merged.add(sha)
    assert release("ready", "v1.2.3", "--root", root, url=service.url).exit_code == 0
    moved = release("move-tag", "v1.2.3", "--root", root, url=service.url)
    assert moved.stdout == f"v1 leads to {sha} now\n"


def test_a_tag_that_is_not_here_ends_in_a_sentence(project: tuple[Path, str]) -> None:
    root, _ = project
    missing, wrong = release("notes", "v9.9.9", "--root", root), release("notes", "latest", "--root", root)
    assert (missing.exit_code, missing.stderr.startswith("Error: git rev-parse fails")) == (1, True)
    assert (wrong.exit_code, wrong.stderr) == (1, "Error: the tag 'latest' is not like v1.2.3\n")


def test_the_check_prints_every_complaint_and_ends_red(project: tuple[Path, str]) -> None:
    root, _ = project
    (root / "scripts" / "mlsecops").mkdir(parents=True)
    (root / "scripts" / "mlsecops" / "__init__.py").write_text("")
    (root / "README.md").write_text("[x](gone)\n")
    found = release("check", "v1.2.3", "--root", root)
    assert found.exit_code == 1
    assert found.stderr.splitlines() == [
        'scripts/mlsecops/__init__.py: write __version__ = "1.2.3", as pyproject.toml says',
        "templates/a/x.yml:1: there is no actions/scan here",
        "templates/a/x.yml:2: there is no x here",
        "README.md:1: the link to gone leads nowhere: there is no gone",
        "Error: 4 to mend",
    ]


def test_the_check_is_silent_when_all_is_right(project: tuple[Path, str]) -> None:
    root, _ = project
    (root / "scripts" / "mlsecops").mkdir(parents=True)
    (root / "scripts" / "mlsecops" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (root / "templates" / "a" / "x.yml").unlink()
    found = release("check", "--root", root)
    assert (found.exit_code, found.output) == (0, "")
