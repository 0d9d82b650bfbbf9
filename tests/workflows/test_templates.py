"""What callers copy: the templates agree with each other, with the schema and with what `init` writes.

That their calls exist, pass known inputs and are granted what is asked for is held elsewhere, for every
file that people copy from: in test_permissions, in test_lint, and by the checks of a release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlsecops import policy
from mlsecops.init import templates as filled
from mlsecops.init.look import Found, Place
from mlsecops.init.templates import Choice, Source
from mlsecops.policy.check import SCHEMA_FILE
from mlsecops.report.comment import is_identifier
from support import git_repository, small_project, workflow_files
from support.acting import events, staging
from support.acting.callers import Caller
from support.acting.chain import ROOT_IMAGE, Chain
from support.acting.runner import RUN, TOKEN, Run
from support.command import mlsecops
from support.github_api import Run as PastRun
from support.workflow_files import REPOSITORY, Json, expressions

TEMPLATES = REPOSITORY / "templates"
WORKFLOWS = {
    source.name.removeprefix("templates/"): source
    for source in workflow_files.sources()
    if source.name.startswith("templates/")
}
# Copied as the workflow that calls us on pull requests.
CALLERS = [f"workflows/mlsecops{kind}.yml" for kind in ("", "-compact", "-monorepo")]
STARTER = "workflow-templates/mlsecops.yml"
EXPORT = "workflows/mlsecops-export.yml"
CALLER = filled.CALLER
POLICY = (TEMPLATES / "mlsecops.yml").read_text(encoding="utf-8")
SCHEMA: Json = json.loads(SCHEMA_FILE.read_bytes())


def text(name: str) -> str:
    """A template as it is."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


class TestWorkflows:
    @pytest.mark.parametrize("name", ["workflows/mlsecops-fork-comment.yml", EXPORT])
    def test_what_runs_afterwards_follows_every_caller_by_its_name(self, name: str) -> None:
        followed = WORKFLOWS[name].triggers["workflow_run"]["workflows"]
        assert {WORKFLOWS[name].document["name"] for name in [*CALLERS, STARTER]} == set(followed)

    def test_callers_that_are_one_are_written_once(self) -> None:
        usual = text(CALLERS[0])
        assert text(CALLERS[1]) == usual.replace("/secure-ml.yml@", "/secure-ml-compact.yml@")
        assert text(STARTER) == usual.replace("branches: [main]", "branches: [$default-branch]")

    @pytest.mark.parametrize("name", [*CALLERS, STARTER])
    def test_a_caller_runs_where_a_verdict_is_due(self, name: str) -> None:
        assert set(WORKFLOWS[name].triggers) == {"pull_request", "push", "merge_group"}

    @pytest.mark.parametrize("name", [*CALLERS, STARTER])
    def test_only_the_older_run_of_a_pull_request_is_ever_ended(self, name: str) -> None:
        concurrency = WORKFLOWS[name].document["concurrency"]
        assert concurrency == {
            "group": "${{ github.workflow }}-${{ github.event.pull_request.number || github.run_id }}",
            "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
        }

    def test_no_called_workflow_has_a_group_of_its_own_that_could_end_the_callers(self) -> None:
        called = [each for each in workflow_files.sources() if "workflow_call" in each.triggers]
        assert called
        for source in called:
            assert "concurrency" not in source.text.replace("# concurrency", ""), source.name

    def test_a_required_workflow_is_never_ended_nor_steered_from_outside(self) -> None:
        required = WORKFLOWS["workflows/required.yml"]
        assert required.triggers == {"pull_request": None, "merge_group": None}
        assert "concurrency" not in required.document
        # GitHub hands a required run no inputs, and the policy is the repository's own.
        assert "with" not in required.jobs["mlsecops"]

    def test_the_projects_of_the_monorepo_have_names_that_work(self) -> None:
        rows = WORKFLOWS["workflows/mlsecops-monorepo.yml"].jobs["mlsecops"]["strategy"]["matrix"]["include"]
        assert all(is_identifier(row["id"]) for row in rows)

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_the_convenient_reference_is_to_what_is_used(self, name: str) -> None:
        used = re.findall(
            r"uses: (OWNER/\S+)@0{40} # v(\d+)\.\d+\.\d+\n(?:\s+# .*: (\S+)@v(\d+)\n)?", text(name)
        )
        assert len(used) == len(list(WORKFLOWS[name].uses()))
        for path, major, convenient, moving in used:
            assert (convenient, moving) in {(path, major), ("", "")}

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_no_token_or_secret_is_named_but_the_keys_of_an_export(self, name: str) -> None:
        named = {
            each for each in expressions(WORKFLOWS[name].document) if "secrets" in each or "token" in each
        }
        keys = {"secrets.DEFECTDOJO_API_KEY", "secrets.DEPENDENCY_TRACK_API_KEY"}
        assert named == (keys if name == EXPORT else set())

    def test_the_starter_workflow_is_described_to_github(self) -> None:
        properties = json.loads(text("workflow-templates/mlsecops.properties.json"))
        assert set(properties) == {"name", "description", "iconName", "categories", "filePatterns"}
        assert properties["iconName"].startswith("octicon ")
        patterns = [re.compile(each) for each in properties["filePatterns"]]

        def offered(name: str) -> bool:
            return any(pattern.search(name) for pattern in patterns)

        assert all(map(offered, ["pyproject.toml", "requirements.txt", "requirements-dev.txt", "uv.lock"]))
        assert not any(map(offered, ["README.md", "package.json", "Cargo.lock"]))

    def test_the_page_names_every_template(self) -> None:
        named = re.findall(r"`((?:[\w-]+/)*[\w.-]*/?)`", text("README.md"))
        files = [path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.yml")]
        missing = [each for each in files if each not in named and f"{Path(each).parent}/" not in named]
        assert missing == []


class TestPolicy:
    @staticmethod
    def uncommented() -> str:
        """The policy with every setting on: a hash and a key, not a hash and prose."""
        return re.sub(r"(?m)^(\s*)#(?! \S)", r"\1", POLICY)

    def test_as_it_is_it_holds(self) -> None:
        rules = policy.parse(POLICY.encode(), "mlsecops.yml")
        assert rules.default_threshold == "high"
        assert rules.required == {"test", "sca", "sast", "model", "container", "dast"}
        assert rules.waivers == ()

    def test_with_every_comment_off_it_holds(self) -> None:
        rules = policy.parse(self.uncommented().encode(), "mlsecops.yml")
        assert len(rules.waivers) == 2
        assert rules.test.python == "3.12"

    def test_every_key_of_the_schema_is_in_it(self) -> None:
        document = yaml.safe_load(self.uncommented())
        there = set(keys(document))
        # Of a caller's three keys only one may be there; the list of identities shows them all.
        assert set(schema_keys(SCHEMA)) - there == {"/dast/auth/key", "/dast/auth/login"}

    def test_every_key_is_explained(self) -> None:
        lines = POLICY.splitlines()
        for key in SCHEMA["properties"]:
            [at] = [number for number, line in enumerate(lines) if re.match(rf"#?{key}:", line)]
            assert lines[at - 1].startswith("# ") or "# " in lines[at], key

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("new-only", "Default: true."),
            ("on-missing-base", "all (the default)"),
            ("max-data-age", "Default: 7d."),
        ],
    )
    def test_the_defaults_are_those_of_the_schema(self, key: str, said: str) -> None:
        before = POLICY[: POLICY.index(f"\n#{key}:")].rpartition("\n\n")[2]
        assert said in " ".join(before.replace("\n# ", " ").split())
        default = SCHEMA["properties"][key]["default"]
        assert f"\n#{key}: {json.dumps(default).strip(chr(34))}\n" in POLICY

    def test_the_example_of_a_time_limit_is_its_default(self) -> None:
        timeout = SCHEMA["properties"]["test"]["properties"]["timeout"]["default"]
        assert f"#  # How long they may take: a number and s, m or h. Default: {timeout}.\n" in POLICY


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Every key of a structure with those above it; items of lists have none of their own."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{path}/{key}"
            yield from keys(each, f"{path}/{key}")
    elif isinstance(value, list):
        for each in value:
            yield from keys(each, path)


def schema_keys(schema: Json, path: str = "") -> Iterator[str]:
    """The same for all that a schema knows."""
    if reference := schema.get("$ref"):
        schema = SCHEMA["$defs"][reference.rpartition("/")[2]]
    for key, each in schema.get("properties", {}).items():
        yield f"{path}/{key}"
        yield from schema_keys(each, f"{path}/{key}")
    for each in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        yield from schema_keys(each, path)


class TestInit:
    """What `init` fills in, and nothing else, differs from the templates."""

    UNKNOWN = Choice(
        source=Source(None, None, None), branch="main", fork_comment=True, rescan=True, export=True
    )

    def test_unfilled_they_are_the_templates(self) -> None:
        due = ("test", "sca", "sast", "model", "container", "dast")
        made = filled.drafts(self.UNKNOWN, [Found(Place(".", "default"), {}, due, "")])
        for draft in made:
            name = draft.path.replace(".github/", "")
            assert draft.text == text(name), name
        assert len(made) == 5

    def test_a_filled_in_workflow_has_the_structure_of_its_template(self) -> None:
        choice = replace(self.UNKNOWN, source=Source("a/b", "1" * 40, "v9.8.7"), branch="x")
        for draft in filled.drafts(choice, [Found(Place(".", "default"), {}, ("sast",), "")]):
            template = text(draft.path.replace(".github/", ""))
            assert set(keys(workflow_files.parse(draft.text))) == set(keys(workflow_files.parse(template)))


def made_by_init(folder: Path, *options: str) -> Caller:
    """A repository as a new user would have it: a project, `mlsecops init`, a commit; no image is built."""
    git_repository.commit(folder)
    source = ("--source", staging.OURS, "--ref", staging.SHA, "--version-name", "v1.0.0")
    done = mlsecops("init", *source, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    for policy_file in folder.glob("**/.github/mlsecops.yml"):
        with policy_file.open("a", encoding="utf-8") as written:
            written.write("container: {image: when-available}\n")
    git_repository.commit(folder, "scan with mlsecops")
    return Caller(folder)


def granted(caller: Caller) -> dict[str, Any]:
    """The permissions that the caller's workflow grants."""
    document = workflow_files.parse((caller.folder / CALLER).read_text(encoding="utf-8"))
    permissions: dict[str, Any] = document["jobs"]["mlsecops"]["permissions"]
    return permissions


def past(run: Run, caller: Caller) -> PastRun:
    """The run as GitHub lists it later."""
    ended = "success" if run.exit_code == 0 else "failure"
    return PastRun(
        RUN, "push", "main", caller.sha, events.REPOSITORY, conclusion=ended, name="mlsecops", path=CALLER
    )


class TestExecuted:
    def test_a_repository_made_by_init_alone_gets_comment_summary_sarif_and_verdict(
        self, chain: Chain
    ) -> None:
        caller = made_by_init(small_project.make(chain.folder / "caller"), "--fork-comment", "--rescan")
        chain.platform.state.tokens[TOKEN] = granted(caller)

        pushed = chain.run(caller, events.push("0" * 40, caller.sha), workflow=CALLER)

        assert pushed.exit_code == 0, pushed.text
        assert pushed.job("mlsecops/report").step("report").outputs["verdict"] == "passed"
        chain.platform.keep(pushed, past(pushed, caller))

        proposed = events.pull_request(*caller.propose(ROOT_IMAGE))
        run = chain.run(caller, proposed, workflow=CALLER, run=RUN + 1)

        outputs = run.job("mlsecops/report").step("report").outputs
        assert (run.exit_code, outputs["verdict"]) == (1, "blocked")
        # Known only because the first run's report was found, with the permissions that the caller grants.
        assert int(outputs["new"]) >= 1
        assert "mlsecops blocked" in run.summary
        (comment,) = chain.platform.comments
        assert "mlsecops blocked" in comment
        assert "Dockerfile" in comment
        assert len(chain.platform.uploads) == 2
        places = {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for result in chain.platform.uploads[1].results
        }
        assert "Dockerfile" in places
        # What init wrote is scanned with the rest, and nothing is wrong with it.
        assert not [place for place in places if place.startswith(".github/workflows/mlsecops")]

    def test_projects_chosen_with_init_each_get_a_verdict_and_a_comment(self, chain: Chain) -> None:
        folder = chain.folder / "caller"
        for name in ("api", "training"):
            small_project.make(folder / name)
        caller = made_by_init(folder, "--projects", "api,train=training", "--compact")
        chain.platform.state.tokens[TOKEN] = granted(caller)
        change = {f"api/{name}": content for name, content in ROOT_IMAGE.items()}

        run = chain.run(caller, events.pull_request(*caller.propose(change)), workflow=CALLER)

        assert run.exit_code == 1
        assert {"mlsecops-api-report", "mlsecops-train-report"} <= set(run.artifacts)
        verdicts = {
            name: json.loads(files["report.json"])["verdict"]["word"]
            for name, files in run.artifacts.items()
            if name.endswith("-report")
        }
        assert verdicts == {"mlsecops-api-report": "blocked", "mlsecops-train-report": "passed"}
        assert len(chain.platform.comments) == 2
