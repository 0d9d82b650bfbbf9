"""Where Trivy and its databases come from, and which of them are not good enough."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlsecops.containers.canary import Made
from mlsecops.containers.trivy.database import JAVA, Database, database_of
from mlsecops.containers.trivy.program import Program
from mlsecops.job import Context, Job, ToolError, fresh_folder
from mlsecops.policy import ContainerSettings, Policy, TrivySettings
from mlsecops.tools.trivy import Trivy
from support import trivy_images
from support.contexts import NOW, toolbox
from support.images import run
from support.oci_registry import registry
from support.trivy_images import python_package
from support.trivy_runs import RECIPES, around, lines, own, status


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "project"


def with_mirror(around_: Context, cache: Path, mirror: str | None, day: int = 20) -> Context:
    """The same context with a cache of its own, on another day."""
    settings = ContainerSettings(trivy=TrivySettings(mirror=mirror))
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    return replace(
        around_,
        policy=Policy(container=settings),
        toolbox=toolbox(cache),
        now=lambda: now,
        shared=around_.shared,
    )


@pytest.mark.parametrize("form", ["file", "mirror"])
def test_java_archives_are_known_by_their_database(
    form: str, tool: Trivy, root: Path, tmp_path: Path
) -> None:
    there = around(root, tmp_path, Made("app/service.jar", trivy_images.java_archive()))
    java = trivy_images.java_database(tmp_path / "java")
    if form == "file":
        java.rename(tmp_path / "database/java-db")
        done = run(tool, there)
    else:
        with registry(tmp_path / "database", java) as mirror:
            done = run(tool, with_mirror(there, tmp_path / "cache", mirror.repository))
    assert status(done) == ("findings", "")
    assert lines(done)["CVE-2021-44228"] == 2
    (found,) = (each for each in done["results"] if each["ruleId"] == "CVE-2021-44228")
    assert found["message"]["text"].startswith(
        "org.apache.logging.log4j:log4j-core 2.14.1 has CVE-2021-44228"
    )


def test_java_archives_without_their_database_are_a_doubt(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """What else there is, is found all the same."""
    done = run(tool, around(root, tmp_path, Made("app/service.jar", trivy_images.java_archive())))
    assert own(done)["status"] == "incomplete"
    assert "its Java archives are not looked at: " in own(done)["reason"]
    assert "is no database of Java archives: it lacks trivy-java.db" in own(done)["reason"]
    assert set(lines(done)) == {"image-pending-security-update"}


def test_a_mirror_that_is_called_otherwise_has_no_other_databases(
    tool: Trivy, root: Path, tmp_path: Path
) -> None:
    there = around(root, tmp_path, Made("app/service.jar", trivy_images.java_archive()))
    settled = with_mirror(there, tmp_path / "cache", "127.0.0.1:9/copies/of-trivy:2")
    job = Job(tool=tool, context=settled, targets=(), work=tmp_path)
    with pytest.raises(ToolError, match="where the mirror has the database of Java archives is not known"):
        database_of(job, Program("trivy", "0.74.0"), JAVA)


def test_an_old_database(tool: Trivy, root: Path, tmp_path: Path) -> None:
    trivy_images.database(tmp_path / "database", NOW - timedelta(days=8))
    done = run(tool, around(root, tmp_path))
    assert own(done)["status"] == "incomplete"
    assert "is of 2026-11-12 and 8 days old, the policy allows 7" in own(done)["reason"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: (data / "trivy.db").unlink(), "is no vulnerability database: it lacks trivy.db"),
        (lambda data: (data / "metadata.json").unlink(), "is no vulnerability database: it lacks"),
        (lambda data: (data / "metadata.json").write_text("{}"), "does not say of when it is"),
        (
            lambda data: (data / "trivy.db").write_bytes(b"x" * 9000),
            "its image cannot be looked at",
        ),
        (shutil.rmtree, "is no vulnerability database"),
    ],
)
def test_a_database_that_cannot_be_used(
    damage: object, reason: str, tool: Trivy, root: Path, tmp_path: Path
) -> None:
    there = around(root, tmp_path)
    assert callable(damage)
    damage(tmp_path / "database")
    done = run(tool, there)
    assert own(done)["status"] == "incomplete"
    assert reason in own(done)["reason"]


def test_a_mirror_is_asked_once_a_day(tool: Trivy, trivy_program: Path, root: Path, tmp_path: Path) -> None:
    data = trivy_images.database(tmp_path / "published")
    there, cache = around(root, tmp_path, python_package("Flask", "2.0.1")), tmp_path / "cache"

    def loaded(repository: str, day: int) -> Database:
        settled = with_mirror(there, cache, repository, day)
        job = Job(tool=tool, context=settled, targets=(), work=fresh_folder(tmp_path / "job"))
        return database_of(job, Program(str(trivy_program), "0.74.0"))

    with registry(data) as mirror:
        first = run(tool, with_mirror(there, cache, mirror.repository))
        assert status(first) == ("findings", "")
        assert own(first)["data"] == {"source": mirror.repository, "date": "2026-11-20"}
        asked = len(mirror.asked)
        assert asked
        assert loaded(mirror.repository, 20).notes == ()
        assert len(mirror.asked) == asked
        assert loaded(mirror.repository, 22).notes == ()
        assert len(mirror.asked) > asked
    gone = loaded(mirror.repository, 23)
    assert gone.notes[0].startswith("no newer vulnerability database could be fetched: ")
    assert sorted(each.name for each in gone.folder.iterdir()) == ["metadata.json", "trivy.db"]
    old = run(tool, with_mirror(around(root, tmp_path), cache, mirror.repository, 28))
    assert "8 days old, the policy allows 7" in own(old)["reason"]


def test_a_mirror_that_is_not_there(tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = with_mirror(around(root, tmp_path), tmp_path / "cache", "127.0.0.1:9/mirror/trivy-db:2")
    done = run(tool, there)
    assert own(done)["status"] == "incomplete"
    assert "the vulnerability database cannot be had: it ended with exit code 1: " in own(done)["reason"]
    assert "the policy can name a copy (container.trivy.database)" in own(done)["reason"]
    assert list((tmp_path / "cache/trivy").glob("next*")) == []


@pytest.mark.parametrize("form", ["archive", "cache", "in the project"])
def test_forms_of_a_local_database(form: str, tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    data = tmp_path / "database"
    named = {"archive": tmp_path / "db.tar.gz", "cache": tmp_path / "cache", "in the project": Path("data")}[
        form
    ]
    if form == "archive":
        # As Trivy's whole cache, with the other database beside it.
        trivy_images.java_database(tmp_path / "java")
        with tarfile.open(named, "w:gz") as out:
            out.add(data, arcname="./db")
            out.add(tmp_path / "java", arcname="./java-db")
    elif form == "cache":
        named.mkdir()
        data.rename(named / "db")
    else:
        data.rename(root / "data")
    settings = ContainerSettings(trivy=TrivySettings(database=str(named)))
    done = run(tool, replace(there, policy=Policy(container=settings)))
    assert status(done) == ("findings", "")
    assert own(done)["data"]["source"] == str(named)


def test_an_archive_that_is_none(tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    (root / "db.tar.gz").write_bytes(b"no archive")
    settings = ContainerSettings(trivy=TrivySettings(database="db.tar.gz"))
    done = run(tool, replace(there, policy=Policy(container=settings)))
    assert own(done)["status"] == "incomplete"
    assert "the vulnerability database cannot be used: file could not be opened" in own(done)["reason"]


def test_the_users_database_stays_as_it_is(tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    data = tmp_path / "database"
    (data / "trivy.db").write_bytes(b"broken" * 4096)
    before = {file.name: file.read_bytes() for file in data.iterdir()}
    assert own(run(tool, there))["status"] == "incomplete"
    assert {file.name: file.read_bytes() for file in data.iterdir()} == before


def test_no_program_at_all(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    there = replace(around(root, tmp_path), toolbox=toolbox(tmp_path / "cache"))
    done = run(Trivy(RECIPES, which=lambda _: None), there)
    assert own(done)["status"] == "incomplete"
    reason = own(done)["reason"]
    assert reason.startswith("trivy: it is missing: it is not on PATH, and trivy_0.74.0_")
    assert reason.endswith("install Trivy 0.74.0 from its project's releases and put it on PATH")
    assert "semanticVersion" not in done["tool"]["driver"]
