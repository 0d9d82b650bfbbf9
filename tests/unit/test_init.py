"""What `mlsecops init` knows of a repository, and what it makes of the templates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlsecops import policy
from mlsecops.init import files, git, look, templates
from mlsecops.init.command import Wish, initialise
from mlsecops.init.look import Found, Place
from mlsecops.init.templates import Choice, Draft, Source
from mlsecops.project import ProjectError
from mlsecops.toolbox import Processes
from support import git_repository, workflow_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KNOWN = Source("acme/mlsecops", COMMIT, "v2.3.4")
CALL = f"acme/mlsecops/.github/workflows/secure-ml.yml@{COMMIT}"
CALLER = templates.CALLER


@pytest.fixture(name="top")
def _top(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    top.mkdir()
    git_repository.commit(top)
    return top.resolve()


def found(path: str = ".", name: str = "default", due: tuple[str, ...] = ("sast",)) -> Found:
    return Found(Place(path, name), dict.fromkeys(due, "1 file"), due, "")


def choice(**given: Any) -> Choice:
    return replace(Choice(source=KNOWN, branch="main"), **given)


def drafted(made: Choice, *of: Found) -> dict[str, str]:
    return {each.path: each.text for each in templates.drafts(made, of or (found(),))}


class TestGit:
    def test_the_default_branch_is_what_origin_says(self, top: Path) -> None:
        git_repository.git(top, "update-ref", "refs/remotes/origin/trunk", "HEAD")
        git_repository.git(top, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
        assert git.default_branch(git.find(top)) == ("trunk", "origin's default")

    def test_without_it_the_current_branch(self, top: Path) -> None:
        git_repository.git(top, "checkout", "-q", "-b", "feature/two")
        assert git.default_branch(git.find(top)) == ("feature/two", "the current branch")

    def test_a_detached_head_names_none(self, top: Path) -> None:
        git_repository.git(top, "checkout", "-q", "--detach")
        assert git.default_branch(git.find(top)) is None

    def test_reftables_placeholder_is_no_branch(self, top: Path) -> None:
        (top / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n", encoding="utf-8")
        assert git.default_branch(git.find(top)) is None

    def test_a_folder_within_belongs_to_the_repository(self, top: Path) -> None:
        (top / "a" / "b").mkdir(parents=True)
        assert git.find(top / "a" / "b").top == top

    def test_a_worktree_shares_what_the_repository_knows(self, top: Path, tmp_path: Path) -> None:
        git_repository.git(top, "remote", "add", "origin", "https://github.com/acme/service.git")
        git_repository.git(top, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
        checkout = git.find(tmp_path / "other")
        assert checkout.top == (tmp_path / "other").resolve()
        assert git.default_branch(checkout) == ("other", "the current branch")
        assert git.origin(checkout) == "acme/service"

    @pytest.mark.parametrize("entry", ["nonsense", "gitdir: ../nowhere"])
    def test_a_file_that_names_no_repository_is_none(self, tmp_path: Path, entry: str) -> None:
        (tmp_path / ".git").write_text(entry, encoding="utf-8")
        with pytest.raises(ProjectError, match="not in a Git repository"):
            git.find(tmp_path)

    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("https://github.com/acme/mlsecops.git", "acme/mlsecops"),
            ("https://github.com/acme/mlsecops", "acme/mlsecops"),
            ("https://someone:token@github.com/acme/mlsecops/", "acme/mlsecops"),
            ("git@github.com:acme/mlsecops.git", "acme/mlsecops"),
            ("ssh://git@github.com:22/acme/ml.sec-ops", "acme/ml.sec-ops"),
            ("https://git.example.org/acme/mlsecops.git", None),
            ("https://github.com.example.org/acme/mlsecops", None),
            ("https://example.org/github.com/acme/mlsecops", None),
            ("../elsewhere", None),
        ],
    )
    def test_origin_is_a_repository_on_github(self, top: Path, url: str, name: str | None) -> None:
        git_repository.git(top, "remote", "add", "upstream", "https://github.com/wrong/one")
        git_repository.git(top, "remote", "add", "origin", url)
        assert git.origin(git.find(top)) == name

    def test_the_newest_release_is_the_highest_number(self, top: Path) -> None:
        git_repository.git(top, "tag", "v1.9.0")
        git_repository.git(top, "tag", "v1")
        commit = git_repository.commit(top, "more")
        git_repository.git(top, "tag", "--annotate", "--message", "a release", "v1.10.0")
        git_repository.commit(top, "not released")
        git_repository.git(top, "tag", "v2.0.0-rc1")
        assert git.newest_release(git.find(top), Processes()) == git.Release("v1.10.0", commit)

    def test_a_repository_without_releases_has_none(self, top: Path) -> None:
        assert git.newest_release(git.find(top), Processes()) is None

    def test_without_git_there_is_none(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        git_repository.git(top, "tag", "v1.0.0")
        monkeypatch.setenv("PATH", str(top))
        assert git.newest_release(git.find(top), Processes()) is None

    def test_a_git_that_cannot_start_or_fails_is_none(self, top: Path) -> None:
        git_repository.git(top, "tag", "v1.0.0")
        stopped = Processes()
        stopped.stop()
        assert git.newest_release(git.find(top), stopped) is None
        (top / ".git" / "config").write_text("[core\n", encoding="utf-8")
        assert git.newest_release(git.find(top), Processes()) is None


class TestLook:
    def test_the_stages_that_find_something_are_due(self, top: Path) -> None:
        (top / "app.py").write_text("print()\n", encoding="utf-8")
        (top / "requirements.txt").write_text("six==1.16.0\n", encoding="utf-8")
        seen = look.look(top, Place(".", "default"))
        assert seen.due == ("sca", "sast")
        assert seen.stages["sca"] == "1 file"
        assert seen.stages["sast"] == "2 files"
        assert seen.stages["container"].startswith("no Dockerfile")
        assert seen.policy == ""

    def test_a_policy_is_the_users(self, top: Path) -> None:
        file = top / ".github" / "mlsecops.yml"
        file.parent.mkdir()
        file.write_text("stages: {sast: {enabled: false}}\nexclude: ['Dockerfile']\n", encoding="utf-8")
        (top / "app.py").write_text("print()\n", encoding="utf-8")
        (top / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
        seen = look.look(top, Place(".", "default"))
        assert seen.due == ()
        assert seen.policy == ".github/mlsecops.yml is yours, and stays as it is"

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("mlsecops.yaml", "version: 1\n", ".github/mlsecops.yaml:1: a policy is named mlsecops.yml"),
            ("mlsecops.yml", "fial-on: high\n", ".github/mlsecops.yml:1: unknown key 'fial-on'"),
        ],
    )
    def test_a_policy_that_cannot_be_used_is_named(
        self, top: Path, name: str, content: str, says: str
    ) -> None:
        (top / ".github").mkdir()
        (top / ".github" / name).write_text(content, encoding="utf-8")
        assert look.look(top, Place(".", "default")).policy.startswith(says)

    def test_the_policy_of_the_top_holds_for_a_project_without_its_own(self, top: Path) -> None:
        (top / "api" / ".github").mkdir(parents=True)
        (top / ".github").mkdir()
        (top / ".github" / "mlsecops.yml").write_text("fail-on: low\n", encoding="utf-8")
        assert look.look(top, Place("api", "api")).policy.startswith(".github/mlsecops.yml is yours")
        (top / "api" / ".github" / "mlsecops.yml").write_text("fail-on: low\n", encoding="utf-8")
        assert look.look(top, Place("api", "api")).policy.startswith("api/.github/mlsecops.yml is yours")

    def test_projects_are_known_by_their_folders(self, top: Path) -> None:
        for folder in ("services/an api!", "training"):
            (top / folder).mkdir(parents=True)
        assert look.places(top, "services/an api!, train=training/,.") == (
            Place("services/an api!", "an-api"),
            Place("training", "train"),
            Place(".", "root"),
        )

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (" , ", "names no folder"),
            ("../outside", "not a folder below"),
            ("/etc", "not a folder below"),
            ("missing", "missing is not a folder of the repository"),
            ("link", "link is not a folder of the repository"),
            ("a,a/", "names a twice"),
            ("a,b/a", "give one a name, as name=b/a"),
            ("a,A=b", "would both be 'A'"),
            ("x y=a", "'x y' cannot name a project"),
            ("${{ x }}", "a workflow cannot hold"),
            ("a\u202eb", "a workflow cannot hold"),
        ],
    )
    def test_a_project_that_cannot_be_one_is_refused(
        self, top: Path, tmp_path: Path, given: str, says: str
    ) -> None:
        for folder in ("a", "b/a", "${{ x }}", "a\u202eb"):
            (top / folder).mkdir(parents=True)
        (tmp_path / "outside").mkdir()
        (top / "link").symlink_to(tmp_path / "outside")
        with pytest.raises(ProjectError) as caught:
            look.places(top, given)
        assert says in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "name", "competes"),
        [
            (
                f"name: Security\non: [pull_request]\njobs:\n  a:\n    uses: {CALL} # v2.3.4\n",
                "Security",
                True,
            ),
            (f"on:\n  push:\njobs:\n  a:\n    uses: '{CALL}'\n", ".github/workflows/x.yml", False),
            (f"on: pull_request\njobs:\n  a: &x\n    uses: {CALL}\n", ".github/workflows/x.yml", True),
            (f"{{\n uses: {CALL}\n", ".github/workflows/x.yml", True),
            (f"- uses: {CALL}\n", ".github/workflows/x.yml", True),
        ],
    )
    def test_a_workflow_that_calls_us_is_found(self, top: Path, text: str, name: str, competes: bool) -> None:
        workflows = top / ".github" / "workflows"
        workflows.mkdir(parents=True)
        (workflows / "x.yml").write_text(text, encoding="utf-8")
        (workflows / "other.yaml").write_text(f"on: push\n# uses: {CALL}\n", encoding="utf-8")
        (workflows / "link.yml").symlink_to("x.yml")
        [caller] = look.callers(top)
        assert (caller.name, caller.competes) == (name, competes)
        assert (caller.repository, caller.ref) == ("acme/mlsecops", COMMIT)
        assert caller.version == ("v2.3.4" if "# v2.3.4" in text else None)


class TestTemplates:
    def test_the_source_is_filled_in_everywhere(self) -> None:
        made = drafted(choice(fork_comment=True, rescan=True, export=True))
        for text in made.values():
            assert "OWNER" not in text
            assert templates.UNKNOWN_COMMIT not in text
        assert f"uses: {CALL} # v2.3.4\n" in made[CALLER]
        assert "secure-ml.yml@v2\n" in made[CALLER]

    def test_a_commit_without_a_release_says_none(self) -> None:
        text = drafted(choice(source=Source("acme/mlsecops", COMMIT, None)))[CALLER]
        assert f"uses: {CALL}\n" in text

    def test_what_is_unknown_stays_to_be_filled_in(self) -> None:
        made = templates.drafts(choice(source=Source(None, None, None)), [found()])
        assert templates.unknown(made)
        assert not templates.unknown(templates.drafts(choice(), [found()]))
        assert f"uses: OWNER/mlsecops/.github/workflows/secure-ml.yml@{'0' * 40} # v1.0.0\n" in made[0].text

    def test_the_policy_requires_what_was_found(self) -> None:
        text = drafted(choice(), found(due=("sca", "model")))[policy.DEFAULT_FILE]
        assert policy.parse(text.encode(), "x").required == {"sca", "model"}

    def test_a_policy_that_is_there_is_not_drafted(self) -> None:
        assert set(drafted(choice(), replace(found(), policy="yours"))) == {CALLER}

    @given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="~^:?*[\\"), min_size=1))
    def test_any_branch_is_named_as_it_is(self, branch: str) -> None:
        document = workflow_files.parse(drafted(choice(branch=branch))[CALLER])
        [pattern] = document["on"]["push"]["branches"]
        plain = pattern.replace("\\", "")
        assert plain == branch
        # Of the characters that are special in a pattern, each stands behind a backslash.
        assert all(pattern[at - 1] == "\\" for at, each in enumerate(pattern) if each in "!+]")

    @given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
    def test_any_text_becomes_a_scalar_of_that_text(self, text: str) -> None:
        assert yaml.safe_load(f"[{templates.scalar(text)}]") == [text]
        assert workflow_files.parse(f"{{ a: {templates.scalar(text)} }}") == {"a": text}

    @pytest.mark.parametrize("text", ["true", "on", "null", "0o14", "1e3", "1.0", "2026-01-01", "~"])
    def test_a_text_that_looks_like_something_else_is_quoted(self, text: str) -> None:
        assert templates.scalar(text) == f'"{text}"'

    def test_compact_is_the_template_of_that_name(self) -> None:
        made = drafted(choice(compact=True, rescan=True))
        assert len([text for text in made.values() if "/secure-ml-compact.yml@" in text]) == 2
        assert not any("/secure-ml.yml@" in text for text in made.values())

    def test_several_projects_are_a_matrix(self) -> None:
        projects = (found("services/api", "api"), found("a, b", "ab"))
        made = drafted(choice(several=True, compact=True), *projects)
        job = workflow_files.parse(made[CALLER])["jobs"]["mlsecops"]
        assert job["strategy"]["matrix"]["include"] == [
            {"id": "api", "project": "services/api"},
            {"id": "ab", "project": "a, b"},
        ]
        assert "/secure-ml-compact.yml@" in job["uses"]
        assert set(made) == {CALLER, "services/api/.github/mlsecops.yml", "a, b/.github/mlsecops.yml"}

    def test_each_of_several_projects_is_scanned_again_by_itself(self) -> None:
        projects = (found("services/api", "api"), found("a, b", "ab"))
        made = drafted(choice(several=True, rescan=True), *projects)
        document = workflow_files.parse(made[".github/workflows/mlsecops-rescan-ab.yml"])
        assert document["name"] == "mlsecops rescan ab"
        jobs = document["jobs"]
        assert jobs["mlsecops"]["with"] == {"comment": False, "id": "ab", "project": "a, b"}
        assert jobs["tracking-issue"]["steps"][0]["with"]["id"] == "ab"

    def test_each_of_several_projects_is_exported_by_itself(self) -> None:
        projects = (found("services/api", "api"), found("a, b", "ab"))
        made = drafted(choice(several=True, export=True, caller="x"), *projects)
        steps = workflow_files.parse(made[templates.EXPORT])["jobs"]["export"]["steps"]
        assert [each["name"] for each in steps] == ["Export the report of api", "Export the report of ab"]
        assert [(each["with"]["report-artifact"], each["with"]["engagement"]) for each in steps] == [
            ("mlsecops-api-report", "api"),
            ("mlsecops-ab-report", "ab"),
        ]
        assert {each["if"] for each in steps} == {"${{ !cancelled() }}"}

    @pytest.mark.parametrize("name", [None, "Security", "a: [b]"])
    def test_what_runs_afterwards_follows_the_caller_that_is_there(self, name: str | None) -> None:
        made = drafted(choice(fork_comment=True, export=True, caller=name))
        for path in (templates.FORK_COMMENT, templates.EXPORT):
            followed = workflow_files.parse(made[path])["on"]["workflow_run"]["workflows"]
            assert followed == [name or "mlsecops"]
        assert (CALLER in made) is (name is None)

    def test_an_installation_without_templates_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(templates, "FOLDER", tmp_path)
        with pytest.raises(ProjectError, match="run init from a clone"):
            drafted(choice())


class TestFiles:
    def test_what_is_there_is_new_same_or_different(self, top: Path) -> None:
        draft = Draft(".github/a.yml", "a: 1\nb: 2\n")
        assert files.compare(top, draft).state == "new"
        files.write(top, [draft])
        assert files.compare(top, draft).state == "same"
        (top / draft.path).write_bytes(b"a: 1\r\nb: 2\r\n")
        assert files.compare(top, draft).state == "same"
        (top / draft.path).write_text("a: 1\nb: 3\n", encoding="utf-8")
        change = files.compare(top, draft)
        assert change.state == "different"
        assert files.difference(change)[-2:] == ["-b: 3", "+b: 2"]

    def test_a_long_difference_is_cut_and_no_escape_sequence_comes_out(self, top: Path) -> None:
        (top / "a").write_text("  \x1b[31m\n" * 100, encoding="utf-8")
        lines = files.difference(files.compare(top, Draft("a", "b\n")))
        assert len(lines) == 41
        assert lines[3] == "-  \\x1b[31m"
        assert lines[-1] == "… and 64 more lines"

    @pytest.mark.parametrize("link", [".github", ".github/workflows", ".github/workflows/a.yml"])
    def test_nothing_is_written_through_a_link(self, top: Path, tmp_path: Path, link: str) -> None:
        (tmp_path / "outside").mkdir()
        (top / link).parent.mkdir(parents=True, exist_ok=True)
        (top / link).symlink_to(tmp_path / "outside")
        with pytest.raises(ProjectError, match=f"^{link} is a link"):
            files.compare(top, Draft(".github/workflows/a.yml", "x"))

    @pytest.mark.parametrize(
        ("path", "says"), [("a/b", "a is not a folder"), ("folder", "folder is a folder, not a file")]
    )
    def test_what_is_in_the_way_is_named(self, top: Path, path: str, says: str) -> None:
        (top / "a").write_text("", encoding="utf-8")
        (top / "folder").mkdir()
        with pytest.raises(ProjectError, match=says):
            files.compare(top, Draft(path, "x"))

    def test_all_are_written_or_none(self, top: Path) -> None:
        (top / "there").write_text("old", encoding="utf-8")
        (top / "blocked").write_text("", encoding="utf-8")
        with pytest.raises(OSError, match="Not a directory"):
            files.write(top, [Draft("there", "new"), Draft("new/b", "x"), Draft("blocked/c", "x")])
        assert (top / "there").read_text(encoding="utf-8") == "old"
        assert sorted(path.name for path in top.iterdir()) == [".git", "blocked", "there"]

    def test_a_failure_between_two_files_leaves_whole_ones_and_no_rest(self, top: Path) -> None:
        (top / "folder").mkdir()
        with pytest.raises(OSError, match="directory"):
            files.write(top, [Draft("new/a", "whole"), Draft("folder", "x")])
        assert (top / "new" / "a").read_text(encoding="utf-8") == "whole"
        assert [path.name for path in (top / "new").iterdir()] == ["a"]

    def test_a_replaced_file_keeps_its_mode(self, top: Path) -> None:
        (top / "a").write_text("old", encoding="utf-8")
        (top / "a").chmod(0o640)
        files.write(top, [Draft("a", "new")])
        assert (top / "a").stat().st_mode & 0o777 == 0o640
        assert (top / "a").read_text(encoding="utf-8") == "new"


class TestCommand:
    """The whole command, without its process."""

    def run(self, top: Path, *, ask: bool | None = None, **wish: Any) -> list[str]:
        said: list[str] = []

        def answer(question: str) -> bool:
            said.append(question)
            return bool(ask)

        given = Wish(**{"source": "acme/mlsecops", "ref": COMMIT, **wish})
        initialise(top, given, say=said.append, ask=None if ask is None else answer)
        return said

    def text(self, top: Path, path: str = CALLER) -> str:
        return (top / path).read_text(encoding="utf-8")

    def test_a_second_run_changes_nothing(self, top: Path) -> None:
        self.run(top, fork_comment=True, rescan=True)
        before = {path: path.read_bytes() for path in (top / ".github").rglob("*.yml")}
        assert len(before) == 4
        said = self.run(top, fork_comment=True, rescan=True)
        assert said[-1] == "nothing to write"
        assert {path: path.read_bytes() for path in (top / ".github").rglob("*.yml")} == before

    @pytest.mark.parametrize(
        ("ask", "force", "replaced"),
        [(None, False, False), (False, False, False), (True, False, True), (None, True, True)],
    )
    def test_a_file_that_differs_is_replaced_only_when_asked_for(
        self, top: Path, ask: bool | None, force: bool, replaced: bool
    ) -> None:
        self.run(top)
        (top / CALLER).write_text("mine\n", encoding="utf-8")
        (top / policy.DEFAULT_FILE).write_text("fail-on: low\n", encoding="utf-8")
        said = self.run(top, ask=ask, force=force)
        assert "    -mine" in said
        assert (self.text(top) == "mine\n") is not replaced
        assert self.text(top, policy.DEFAULT_FILE) == "fail-on: low\n"
        assert (f"Replace {CALLER}?" in said) is (ask is not None)

    def test_a_dry_run_writes_nothing_and_asks_nothing(self, top: Path) -> None:
        said = self.run(top, dry_run=True)
        assert said[-1] == "would write 2 files; wrote none"
        assert not (top / ".github").exists()
        self.run(top)
        (top / CALLER).write_text("mine\n", encoding="utf-8")
        self.run(top, dry_run=True, force=True)
        said = self.run(top, dry_run=True, ask=True)
        assert self.text(top) == "mine\n"
        assert not any(line.startswith("Replace") for line in said)

    def test_no_second_caller_is_written(self, top: Path) -> None:
        workflows = top / ".github" / "workflows"
        workflows.mkdir(parents=True)
        security = f"name: Security\non: pull_request\njobs:\n  a:\n    uses: {CALL} # v2.3.4\n"
        (workflows / "security.yml").write_text(security, encoding="utf-8")
        said = self.run(top, fork_comment=True, source=None, ref=None)
        assert any("security.yml calls" in line for line in said)
        assert not (top / CALLER).exists()
        text = self.text(top, templates.FORK_COMMENT)
        assert "workflows: [Security]" in text
        # What the caller says of itself, nobody has to say again.
        assert f"acme/mlsecops/actions/comment@{COMMIT} # v2.3.4" in text

    def test_a_re_scan_is_no_second_caller(self, top: Path) -> None:
        self.run(top, rescan=True)
        (top / CALLER).unlink()
        self.run(top)
        assert (top / CALLER).is_file()

    def test_a_folder_within_is_named_as_a_project(self, top: Path) -> None:
        (top / "api").mkdir()
        said = self.run(top / "api")
        assert "api lies within it; to scan that folder alone use --projects api" in said
        assert (top / CALLER).is_file()

    @pytest.mark.parametrize(
        ("wish", "says"),
        [
            ({"source": "mlsecops"}, "--source is 'mlsecops'; it takes OWNER/NAME"),
            ({"ref": "v1"}, "--ref is 'v1'; it takes a full commit"),
            ({"version_name": "1.2"}, "--version-name is '1.2'"),
            ({"ref": None, "version_name": "v1.2.3"}, "give both"),
        ],
    )
    def test_a_source_that_cannot_be_one_is_refused(self, top: Path, wish: dict[str, Any], says: str) -> None:
        with pytest.raises(ProjectError, match=says):
            self.run(top, **wish)

    def clone(self, folder: Path, origin: str = "https://github.com/acme/mlsecops.git") -> tuple[Path, str]:
        """A clone of ours with a release: its templates, and the release's commit."""
        (folder / "templates").mkdir(parents=True)
        (folder / "templates" / "workflows").symlink_to(templates.FOLDER / "workflows")
        (folder / "templates" / "mlsecops.yml").symlink_to(templates.FOLDER / "mlsecops.yml")
        commit = git_repository.commit(folder)
        git_repository.git(folder, "tag", "v3.1.0")
        git_repository.git(folder, "remote", "add", "origin", origin)
        return folder / "templates", commit

    def test_the_clone_that_runs_says_what_to_call(
        self, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, commit = self.clone(tmp_path / "clone")
        monkeypatch.setattr(templates, "FOLDER", folder)
        self.run(top, source=None, ref=None)
        assert f"uses: acme/mlsecops/.github/workflows/secure-ml.yml@{commit} # v3.1.0" in self.text(top)

    def test_another_source_has_other_commits(
        self, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, _ = self.clone(tmp_path / "clone")
        monkeypatch.setattr(templates, "FOLDER", folder)
        said = self.run(top, source="other/mlsecops", ref=None)
        assert f"other/mlsecops/.github/workflows/secure-ml.yml@{'0' * 40}" in self.text(top)
        assert "fill in the forty zeros before you commit" in said[-1]

    @pytest.mark.parametrize("inside_another", [False, True])
    def test_without_a_clone_of_ours_nothing_is_made_up(
        self, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside_another: bool
    ) -> None:
        folder, _ = self.clone(tmp_path / "clone")
        monkeypatch.setattr(templates, "FOLDER", folder)
        if inside_another:
            git_repository.git(folder.parent, "tag", "--delete", "v3.1.0")
            (folder.parent / ".git").rename(tmp_path / ".git")
        else:
            (folder.parent / ".git").rename(tmp_path / "gone")
        said = self.run(top, source=None, ref=None)
        assert "fill in OWNER/mlsecops and the forty zeros before you commit" in said[-1]

    def test_a_branch_that_nothing_says_is_a_guess(self, top: Path) -> None:
        git_repository.git(top, "checkout", "-q", "--detach")
        assert "  branch     main (a guess; name it with --branch)" in self.run(top)
        assert "  branch     trunk (as asked)" in self.run(top, branch="trunk")
