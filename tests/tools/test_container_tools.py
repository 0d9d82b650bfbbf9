"""The container stage with the real hadolint."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.job import Context, Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.stages import container
from support.contexts import context

GOOD = f'FROM python:3.13-slim@sha256:{"a" * 64}\nUSER 10001\nHEALTHCHECK CMD ["x"]\n'
BAD = "FROM debian:latest\nRUN sudo apt-get install x\nENV API_KEY=a1b2c3d4e5\nUSER root\n"


def project(root: Path, files: dict[str, str | bytes]) -> Path:
    """A repository with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def runs(around: Context) -> dict[str, Json]:
    """The stage's runs by tool."""
    plan = container.plan(around.project, around.policy, Options(no_exec=True))
    done = [scan(each.tool, each.targets, around) for each in plan if isinstance(each, Scan)]
    return {run["tool"]["driver"]["name"]: run for run in container.settle(done)}


def stage(tmp_path: Path, files: dict[str, str | bytes], policy: Policy | None = None) -> dict[str, Json]:
    """The stage's runs over a repository with these files."""
    return runs(context("container", project(tmp_path / "project", files), tmp_path, policy=policy))


def status(run: Json) -> tuple[str, int, int, str]:
    """Status, units due and looked at, canary."""
    own = run["properties"]["mlsecops"]
    return own["status"], own["expected"], own["scanned"], own["canary"]


def found(run: Json) -> dict[tuple[str, str, int], bool]:
    """Path, rule and line of each result, and whether a comment suppresses it."""
    return {
        (
            each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            each["ruleId"],
            each["locations"][0]["physicalLocation"]["region"]["startLine"],
        ): bool(each.get("suppressions"))
        for each in run["results"]
    }


def test_nothing_to_do(tmp_path: Path) -> None:
    around = context("container", project(tmp_path / "project", {"a.py": ""}), tmp_path)
    plan = container.plan(around.project, Policy(), Options())
    assert [each.tool for each in plan if isinstance(each, Skip)] == [
        *("hadolint", "dockerfile-checks", "image-checks", "security-updates", "trivy")
    ]
    assert all(isinstance(each, Skip) and "looked for Dockerfile" in each.reason for each in plan)


def test_a_good_dockerfile_passes(tmp_path: Path) -> None:
    for run in stage(tmp_path, {"Dockerfile": GOOD}).values():
        assert status(run) == ("passed", 1, 1, "found")
        assert run["results"] == []
        assert len(run["artifacts"]) == 1


def test_a_bad_dockerfile_is_found_by_both(tmp_path: Path) -> None:
    both = stage(tmp_path, {"Dockerfile": BAD})
    for run in both.values():
        assert status(run) == ("findings", 1, 1, "found")
    lint, own = both["hadolint"], both["dockerfile-checks"]
    assert {("Dockerfile", "DL3004", 2), ("Dockerfile", "DL3064", 3), ("Dockerfile", "DL3002", 4)} <= set(
        found(lint)
    )
    assert {("Dockerfile", "dockerfile-root-user", 4), ("Dockerfile", "dockerfile-secret", 3)} <= set(
        found(own)
    )


def test_both_tell_the_same_finding(tmp_path: Path) -> None:
    both = stage(tmp_path, {"Dockerfile": BAD})
    prints = {
        tool: {each["ruleId"]: each["partialFingerprints"]["mlsecops/v1"] for each in run["results"]}
        for tool, run in both.items()
    }
    lint, own = prints["hadolint"], prints["dockerfile-checks"]
    assert lint["DL3002"] == own["dockerfile-root-user"]
    assert lint["DL3004"] == own["dockerfile-sudo"]
    assert lint["DL3007"] == own["dockerfile-base-tag"]
    assert lint["DL3064"] == own["dockerfile-secret"]
    assert len(set(own.values())) == len(own)


ODD_NAMES = [
    "docker/api.Dockerfile",
    "-Dockerfile",
    "a b/Dockerfile",
    "ü%41/Dockerfile",
    "new\nline/Dockerfile",
]


def test_odd_names(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = dict.fromkeys(ODD_NAMES, BAD)
    for run in stage(tmp_path, files).values():
        assert status(run) == ("findings", len(ODD_NAMES), len(ODD_NAMES), "found")
        assert len({uri for uri, _, _ in found(run)}) == len(ODD_NAMES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "there is no instruction in it"),
        (b"# nothing but a comment\n", "there is no instruction in it"),
        (b"FROM a:1\nRUNN x\nUSER root\n", "unknown instruction RUNN"),
        (b"FROM a:1\n\xff\xfe\nUSER 1\n", "unknown instruction"),
        (b"FROM a:1\n" * 6000, "too many instructions"),
    ],
)
def test_a_broken_dockerfile_is_incomplete(tmp_path: Path, content: bytes, reason: str) -> None:
    both = stage(tmp_path, {"Dockerfile": content, "b/Dockerfile": GOOD})
    run = both["dockerfile-checks"]
    assert status(run) == ("incomplete", 2, 1, "found")
    assert reason in run["properties"]["mlsecops"]["reason"]


def test_what_hadolint_cannot_parse(tmp_path: Path) -> None:
    """Valid, yet hadolint stops: our own checks have read it, and a note says so."""
    both = stage(tmp_path, {"Dockerfile": GOOD + "EXPOSE ${PORT:-80}\nUSER 10001\n"})
    lint = both["hadolint"]["properties"]["mlsecops"]
    assert (lint["status"], lint["scanned"], lint["expected"]) == ("passed", 1, 1)
    assert lint["notes"] == ["hadolint could not read Dockerfile, dockerfile-checks did"]


def test_neither_can_parse(tmp_path: Path) -> None:
    both = stage(tmp_path, {"Dockerfile": "FROM a:1\nRUNN x\n"})
    assert {run["properties"]["mlsecops"]["status"] for run in both.values()} == {"incomplete"}
    assert "hadolint cannot parse it" in both["hadolint"]["properties"]["mlsecops"]["reason"]


def test_shell_that_cannot_be_parsed_is_told(tmp_path: Path) -> None:
    lint = stage(tmp_path, {"Dockerfile": GOOD + "RUN sudo x && if y; then z\n"})["hadolint"]
    assert lint["properties"]["mlsecops"]["notes"]
    told = [each["message"]["text"] for each in lint["invocations"][0]["toolExecutionNotifications"]]
    assert any(text.startswith("Dockerfile: shellcheck cannot parse the commands") for text in told)


@pytest.mark.parametrize(
    "text",
    [
        "RUN <<EOF\nsudo x\nEOF\nRUN y",
        "RUN <<-EOF\n\tsudo x\n\tEOF\n# c\nRUN y",
        "RUN y && \\\n\n # c\n sudo x\nRUN y \\",
        "RUN sudo x \\\n",
        "# hadolint ignore=DL3003\nRUN sudo x",
    ],
)
def test_awkward_syntax_is_read_to_the_end(tmp_path: Path, text: str) -> None:
    lint = stage(tmp_path, {"Dockerfile": GOOD + text})["hadolint"]
    assert status(lint) == ("findings", 1, 1, "found")
    assert "DL3004" in {rule for _, rule, _ in found(lint)}


def test_comments_do_not_silence(tmp_path: Path) -> None:
    text = (
        GOOD
        + "# hadolint ignore=DL3004\nRUN sudo x\n# hadolint global ignore=DL3004,DL4000,DL3002\nRUN sudo y\n"
    )
    text += "RUN <<E\n# shellcheck disable=SC2086\necho $X\nE\n"
    lint = stage(tmp_path, {"Dockerfile": text})["hadolint"]
    suppressed = [rule for (_, rule, _), hidden in found(lint).items() if hidden]
    assert suppressed == ["DL3004", "DL3004", "SC2086"]
    assert lint["properties"]["mlsecops"]["suppressed"] == 3


def test_settings_of_the_repository(tmp_path: Path) -> None:
    """They do not count, unless the policy says so; then what they ignore is told."""
    files: dict[str, str | bytes] = {
        "Dockerfile": BAD,
        ".hadolint.yaml": "ignored: [DL3002, DL4000, DL3004]\ntrustedRegistries: example.com\n",
    }
    alone = stage(tmp_path / "a", files)["hadolint"]
    assert not any(found(alone).values())
    allowed = stage(tmp_path / "b", files, Policy(use_project_config=frozenset({"hadolint"})))["hadolint"]
    assert status(allowed) == ("findings", 1, 1, "found")
    assert sorted(rule for (_, rule, _), hidden in found(allowed).items() if hidden) == ["DL3002", "DL3004"]
    assert ("Dockerfile", "DL3026", 1) in found(allowed)


@pytest.mark.parametrize("settings", ["a: [", "- a\n", "ignored: 5\n"])
def test_broken_settings_of_the_repository(tmp_path: Path, settings: str) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": GOOD, ".hadolint.yaml": settings}
    lint = stage(tmp_path, files, Policy(use_project_config=frozenset({"hadolint"})))["hadolint"]
    assert lint["properties"]["mlsecops"]["reason"] == (
        "hadolint: the project's settings .hadolint.yaml cannot be read"
    )


def test_a_local_base_image_is_told(tmp_path: Path) -> None:
    own = stage(tmp_path, {"Dockerfile": "ARG BASE\nFROM $BASE\nUSER 1\n"})["dockerfile-checks"]
    assert own["properties"]["mlsecops"]["notes"] == ["Dockerfile:2: only the build knows the image"]
    assert own["properties"]["mlsecops"]["data"]["date"] == "2026-08-22"


def test_the_example_project_is_clean(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "example-project"
    for run in runs(context("container", example, tmp_path)).values():
        assert run["properties"]["mlsecops"]["status"] in ("passed", "findings")
        severities = {
            rule["id"]: rule["properties"]["security-severity"] for rule in run["tool"]["driver"]["rules"]
        }
        assert all(float(severities[each["ruleId"]]) < 7.0 for each in run["results"])
