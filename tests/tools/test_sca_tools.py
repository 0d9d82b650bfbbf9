"""The SCA stage with the real pip-audit, cyclonedx-bom and uv; the data is the shipped snapshot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from mlsecops.advisories.record import Affected, Record
from mlsecops.advisories.snapshot import make
from mlsecops.advisories.source import OSV_URL_VARIABLE
from mlsecops.job import Context, Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.policy.model import ScaSettings
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.stages import sca
from support.contexts import context, toolbox
from support.wheels import source_distribution, wheel

# Nothing listens there, so the snapshot is asked.
CLOSED = "http://127.0.0.1:9"
ALWAYS_FRESH = timedelta(days=100_000)
HASH = "--hash=sha256:" + "0" * 64
FLASK_CVE, YAML_CVE = "CVE-2023-30861", "CVE-2020-1747"

Runs = dict[str, Json]


@pytest.fixture(name="index", autouse=True)
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few wheels, the only index that uv can reach."""
    folder = tmp_path / "index"
    wheel(folder, "flask", "2.0.1", ["werkzeug>=2", "itsdangerous"])
    wheel(folder, "flask", "3.1.0", ["werkzeug>=3"])
    wheel(folder, "werkzeug", "2.0.0")
    wheel(folder, "werkzeug", "3.1.0")
    wheel(folder, "itsdangerous", "2.2.0")
    wheel(folder, "six", "1.16.0")
    monkeypatch.delenv(OSV_URL_VARIABLE, raising=False)
    for name in os.environ:
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", folder.as_uri())
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return folder


def prepared(
    tmp_path: Path, files: Mapping[str, str | bytes], max_data_age: timedelta = ALWAYS_FRESH
) -> tuple[Context, list[Scan | Skip]]:
    """The context over a project of these files, and what is due in it."""
    root = tmp_path / "project"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    policy = Policy(max_data_age=max_data_age, sca=ScaSettings(osv_url=CLOSED))
    shared = context("sca", root, tmp_path / "run", policy=policy, tools=toolbox(tmp_path / "cache"))
    return shared, sca.plan(shared.project, policy, Options())


def run(tmp_path: Path, files: Mapping[str, str | bytes], max_data_age: timedelta = ALWAYS_FRESH) -> Runs:
    """The runs of both tools, by their names."""
    shared, due = prepared(tmp_path, files, max_data_age)
    return {each.tool.name: scan(each.tool, each.targets, shared) for each in due if isinstance(each, Scan)}


def own(made: Json) -> dict[str, Any]:
    """What the run says of itself."""
    properties: dict[str, Any] = made["properties"]["mlsecops"]
    return properties


def places(made: Json, rule: str) -> list[tuple[str, int]]:
    """Path and line of every finding of a rule."""
    found = [each["locations"][0]["physicalLocation"] for each in made["results"] if each["ruleId"] == rule]
    return [(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in found]


def components(tmp_path: Path) -> list[str]:
    """`name==version` of every component of the SBOM that was kept."""
    document = orjson.loads((tmp_path / "run" / "keep" / "sbom.cdx.json").read_bytes())
    return sorted(f"{each['name']}=={each['version']}" for each in document["components"])


def test_a_hashed_list_is_audited_as_it_is(tmp_path: Path) -> None:
    text = f"# locked\nsix==1.16.0 {HASH}\nflask==2.0.1 \\\n    {HASH}\nPyYAML==5.3.1 {HASH}\n"
    made = run(tmp_path, {"requirements.txt": text})
    audit = made["pip-audit"]
    assert own(audit)["status"] == "findings", own(audit)["reason"]
    assert own(audit)["canary"] == "found"
    assert own(audit)["scanned"] == own(audit)["expected"] == 3
    assert places(audit, FLASK_CVE) == [("requirements.txt", 3)]
    # 5.3 is the canary, whose own vulnerability is not the project's.
    assert places(audit, YAML_CVE) == []
    assert places(audit, "CVE-2020-14343") == [("requirements.txt", 5)]
    (flask,) = [each for each in audit["results"] if each["ruleId"] == FLASK_CVE]
    assert "Use flask 2.2.5 or newer." in flask["message"]["text"]
    assert own(audit)["data"] == {"source": "snapshot shipped with mlsecops", "date": "2024-10-10"}
    assert own(made["cyclonedx-bom"])["status"] == "passed", own(made["cyclonedx-bom"])["reason"]
    assert components(tmp_path) == ["flask==2.0.1", "pyyaml==5.3.1", "six==1.16.0"]


def test_a_vulnerability_is_found_though_pip_audit_calls_it_by_another_name(tmp_path: Path) -> None:
    def record(identifier: str, package: str, fixed: str, *aliases: str) -> Record:
        affected = Affected(package, ((("introduced", "0"), ("fixed", fixed)),))
        return Record(id=identifier, modified="2026-01-01T00:00:00Z", aliases=aliases, affected=(affected,))

    data, day = tmp_path / "own.json.gz", date(2026, 11, 19)
    records = [
        record("GHSA-6757-jp84-gxfx", "pyyaml", "5.3.1", YAML_CVE),
        record("GHSA-aaaa-bbbb-cccc", "six", "2", "CVE-2026-1000", "PYSEC-2026-7"),
    ]
    make(records, name="own", date=day, built=day, sources=(), kev={}).save(data)
    shared, _ = prepared(tmp_path, {"requirements.txt": f"six==1.16.0 {HASH}\n"})
    due = sca.plan(shared.project, shared.policy, Options(advisories=data))
    (audit,) = [each for each in due if isinstance(each, Scan) and each.tool.name == "pip-audit"]
    made = scan(audit.tool, audit.targets, shared)
    assert own(made)["status"] == "findings", own(made)["reason"]
    assert own(made)["canary"] == "found"
    assert places(made, "CVE-2026-1000") == [("requirements.txt", 1)]


def test_a_clean_list_passes(tmp_path: Path) -> None:
    made = run(tmp_path, {"requirements.txt": f"six==1.16.0 {HASH}\n"})
    assert {own(each)["status"] for each in made.values()} == {"passed"}


def test_a_project_that_has_the_canary_itself_is_told(tmp_path: Path) -> None:
    made = run(tmp_path, {"requirements.txt": f"pyyaml==5.3 {HASH}\n"})
    assert places(made["pip-audit"], YAML_CVE) == [("requirements.txt", 1)]
    assert own(made["pip-audit"])["canary"] == "found"


def test_two_versions_of_a_package_are_two_packages(tmp_path: Path) -> None:
    files = {
        "requirements.txt": f"flask==2.0.1 {HASH}\n",
        "api/requirements.txt": f"\nflask==3.1.0 {HASH}\n",
        "old/uv.lock": 'version = 1\n[[package]]\nname = "flask"\nversion = "0.12"\n',
    }
    made = run(tmp_path, files)
    audit = made["pip-audit"]
    assert own(audit)["scanned"] == own(audit)["expected"] == 3
    assert places(audit, FLASK_CVE) == [("requirements.txt", 1), ("old/uv.lock", 2)] or places(
        audit, FLASK_CVE
    ) == [("old/uv.lock", 2), ("requirements.txt", 1)]
    assert components(tmp_path) == ["flask==0.12", "flask==2.0.1", "flask==3.1.0"]


def test_what_is_not_pinned_is_resolved_and_found_on_the_line_that_brings_it(tmp_path: Path) -> None:
    made = run(tmp_path, {"requirements.in": "six\n\nflask<3\n-c limits.txt\n", "limits.txt": "werkzeug<3\n"})
    audit = made["pip-audit"]
    assert own(audit)["status"] == "findings", own(audit)["reason"]
    assert own(audit)["scanned"] == own(audit)["expected"] == 4
    assert places(audit, FLASK_CVE) == [("requirements.in", 3)]
    assert places(audit, "CVE-2023-46136") == [("requirements.in", 3)]  # werkzeug, by the constraint
    (result,) = [each for each in audit["results"] if each["ruleId"] == "CVE-2023-46136"]
    assert "It comes with flask." in result["message"]["text"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("requirements.txt", "\ufeff# saved by an editor\r\nflask == 2.0.1\r\n".encode("utf-16-le"), 2),
        ("requirements.txt", "\ufeffflask==2.0.1\n".encode(), 1),
        ("req.txt", b"flask~=2.0.1\n", 1),
        ("pyproject.toml", b'[project]\nname = "own"\n\ndependencies = ["flask~=2.0.1"]\n', 4),
        ("pyproject.toml", b'[tool.poetry.dependencies]\npython = "^3.8"\nflask = "~2.0.1"\n', 3),
        ("Pipfile", b'[packages]\nflask = "==2.0.1"\n', 2),
        ("environment.yml", b"dependencies:\n- python=3.8\n- six\n- pip:\n  - flask==2.0.1\n", 5),
        ("environment.yml", b"dependencies:\n- flask=2.0.1=py_0\n", 2),
        ("setup.py", b"setup(\n  install_requires=['flask<3'])\n", 2),
        ("train.py", b"# /// script\r\n# dependencies = ['flask<3']\r\n# ///\r\n", 2),
        ("requirements.txt", b"flask==2.0.1; python_version < '3'\n", 1),
    ],
)
def test_awkward_manifests_are_audited(name: str, content: bytes, line: int, tmp_path: Path) -> None:
    audit = run(tmp_path, {name: content})["pip-audit"]
    assert own(audit)["status"] == "findings", own(audit)["reason"]
    assert places(audit, FLASK_CVE) == [(name, line)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", b"flask=2.0.1\n"),
        ("requirements.txt", b"six==1.16.0\n-r gone.txt\n"),
        ("pyproject.toml", b'[project\ndependencies = ["flask==2.0.1"]\n'),
        ("pyproject.toml", b'[project]\nname = "own"\ndynamic = ["dependencies"]\n'),
        ("poetry.lock", b"<<<<<<< HEAD\n"),
        ("setup.py", b"setup(install_requires=needed())\n"),
        ("setup.py", b"setup(**settings)\n"),
        ("Pipfile.lock", b"{"),
        ("pixi.toml", b'[dependencies]\nflask = "*"\n'),
    ],
)
def test_what_cannot_be_read_is_incomplete_with_its_name(name: str, content: bytes, tmp_path: Path) -> None:
    made = run(tmp_path, {name: content})
    for each in made.values():
        assert own(each)["status"] == "incomplete"
        assert f"could not read {name}" in own(each)["reason"]


def test_vcs_lines_and_local_files_are_findings(tmp_path: Path) -> None:
    text = "six==1.16.0\ngit+https://example.org/forked@main#egg=forked\nlocal @ file:///opt/work/local\n"
    made = run(tmp_path, {"requirements.txt": text})
    audit = made["pip-audit"]
    assert own(audit)["status"] == "findings", own(audit)["reason"]
    assert places(audit, "dependency-not-auditable") == [("requirements.txt", 2), ("requirements.txt", 3)]
    assert any("forked, local" in note for note in own(made["cyclonedx-bom"])["notes"])


def test_a_private_package_is_incomplete_and_the_pinned_ones_are_audited(tmp_path: Path) -> None:
    made = run(tmp_path, {"requirements.txt": "flask==2.0.1\nour-private-thing>=1\n"})
    audit = made["pip-audit"]
    assert own(audit)["status"] == "incomplete"
    assert "our-private-thing was not found" in own(audit)["reason"]
    assert "only 1 pinned were audited" in own(audit)["reason"]
    assert places(audit, FLASK_CVE) == [("requirements.txt", 1)]
    assert own(made["cyclonedx-bom"])["status"] == "incomplete"


def test_old_data_is_incomplete_and_its_age_is_told(tmp_path: Path) -> None:
    files = {"requirements.txt": f"six==1.16.0 {HASH}\n"}
    audit = run(tmp_path, files, max_data_age=timedelta(days=7))["pip-audit"]
    assert own(audit)["status"] == "incomplete"
    assert "2024-10-10" in own(audit)["reason"]
    assert "days old, the policy allows 7" in own(audit)["reason"]
    assert own(audit)["scanned"] == 1


def test_no_code_of_a_source_distribution_runs(tmp_path: Path, index: Path) -> None:
    marker = tmp_path / "built"
    source_distribution(index, "only-source", "1.0", marker)
    made = run(tmp_path, {"requirements.txt": "flask==2.0.1\nonly-source\n"})
    assert not marker.exists()
    assert own(made["pip-audit"])["status"] == "incomplete"
    assert "only-source" in own(made["pip-audit"])["reason"]
    assert places(made["pip-audit"], FLASK_CVE) == [("requirements.txt", 1)]
    # The same distribution does leave its mark when uv may build.
    asked = tmp_path / "asked.in"
    asked.write_text("only-source\n")
    uv = str(toolbox().environments.uv)
    subprocess.run(
        [uv, "pip", "compile", "--quiet", str(asked)], check=False, capture_output=True, cwd=tmp_path
    )
    assert marker.exists()


def test_settings_of_the_repository_do_not_reach_uv(tmp_path: Path, index: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    wheel(elsewhere, "flask", "99.0")
    files = {
        "requirements.txt": f"--find-links {elsewhere}\nflask\n",
        "uv.toml": f'find-links = ["{elsewhere}"]\n[pip]\nfind-links = ["{elsewhere}"]\n',
    }
    made = run(tmp_path, files)
    assert own(made["pip-audit"])["expected"] == 2
    assert components(tmp_path) == ["flask==3.1.0", "werkzeug==3.1.0"]


def test_a_repository_without_manifests_is_skipped_and_says_what_was_looked_for(tmp_path: Path) -> None:
    _, due = prepared(tmp_path, {"notes.md": "# nothing\n", "requirements.txt": ""})
    assert [each.tool for each in due if isinstance(each, Skip)] == ["pip-audit", "cyclonedx-bom"]
    assert all("requirements" in each.reason for each in due if isinstance(each, Skip))


def test_the_sbom_is_what_the_tool_itself_holds_for_valid(tmp_path: Path) -> None:
    run(tmp_path, {"requirements.txt": f"flask==2.0.1 {HASH}\nsix==1.16.0 {HASH}\n"})
    program = toolbox().environment("cyclonedx-bom") / "bin" / "python"
    check = (
        "import sys; from cyclonedx.validation.json import JsonStrictValidator as Validator;"
        "from cyclonedx.schema import SchemaVersion;"
        "print(Validator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))"
    )
    text = (tmp_path / "run" / "keep" / "sbom.cdx.json").read_text(encoding="utf-8")
    answer = subprocess.run(
        [str(program), "-c", check], input=text, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "None"
