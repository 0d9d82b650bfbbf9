"""Trivy itself, over images made by hand and with a database of a few advisories."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlsecops.containers.canary import Made
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.trivy.database import JAVA, Database, database_of
from mlsecops.containers.trivy.program import Program
from mlsecops.findings import Finding, build_report
from mlsecops.job import Context, Job, ToolError, fresh_folder
from mlsecops.policy import ContainerSettings, Policy, TrivySettings
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.scan import scan
from mlsecops.tools.image_checks import ImageChecks
from mlsecops.tools.security_updates import SecurityUpdates
from mlsecops.tools.trivy import Trivy
from support import sarif_logs, trivy_images
from support.contexts import NOW, toolbox
from support.images import run
from support.oci_registry import registry
from support.sarif_logs import advisory
from support.security_archive import STATUS, mirror
from support.trivy_images import BASE, python_package

RECIPES = (Recipe("Dockerfile", ""),)
TOKEN = b"token = ghp_" + b"aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY5zA7"


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture(name="tool")
def _tool(trivy_program: Path) -> Trivy:
    return Trivy(RECIPES, which=lambda _: str(trivy_program))


def own(done: Json) -> Json:
    properties: Json = done["properties"]["mlsecops"]
    return properties


def status(done: Json) -> tuple[str, str]:
    return own(done)["status"], own(done)["reason"]


def lines(done: Json) -> dict[str, int]:
    """The line of each rule's result."""
    return {
        each["ruleId"]: each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in done["results"]
    }


def around(
    root: Path, tmp_path: Path, *members: Made, base: tuple[Made, ...] = BASE, **image: Any
) -> Context:
    return replace(trivy_images.around(root, tmp_path, *members, base=base, **image), now=lambda: NOW)


def test_everything_is_told_on_the_line_that_brought_it(tool: Trivy, root: Path, tmp_path: Path) -> None:
    done = run(
        tool,
        around(
            root,
            tmp_path,
            *(python_package("Flask", "2.0.1"), python_package("six", "1.16.0")),
            Made("app/settings.ini", TOKEN),
        ),
    )
    assert status(done) == ("findings", "")
    assert lines(done) == {"image-pending-security-update": 1, "CVE-2023-30861": 2, "image-secret-file": 2}
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (6, 6, "found")
    assert own(done)["data"] == {"source": str(tmp_path / "database"), "date": NOW.date().isoformat()}
    assert done["tool"]["driver"]["semanticVersion"] == "0.74.0"
    assert own(done)["notes"] == [
        (
            "Dockerfile: vulnerabilities that the distribution has not fixed yet are not listed: "
            "1 in 1 of its packages, the worst high (CVE-2005-2541 in tar)"
        ),
        "image-sbom.cdx.json lists the 5 packages of the image of Dockerfile",
    ]
    text = json.dumps(done)
    assert TOKEN.decode().partition(" = ")[2] not in text
    assert "sha256:" not in text


def test_fingerprints_outlive_a_build(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Another image in another place, with the same packages."""
    prints = []
    for each in ("one", "two"):
        members = (
            python_package("Flask", "2.0.1"),
            Made("app/settings.ini", TOKEN),
            Made(each, each.encode()),
        )
        done = run(tool, around(root, tmp_path / each, *members))
        prints.append({each["partialFingerprints"]["mlsecops/v1"] for each in done["results"]})
    assert prints[0] == prints[1]
    assert len(prints[0]) == 3


def test_the_bill_of_materials_is_kept(tool: Trivy, root: Path, tmp_path: Path) -> None:
    run(tool, around(root, tmp_path, python_package("six", "1.16.0")))
    text = (tmp_path / "keep/image-sbom.cdx.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "Dockerfile"
    assert {each["name"] for each in document["components"]} == {
        "debian",
        "libssl3t64",
        "openssl",
        "tar",
        "six",
    }
    assert str(tmp_path) not in text


def test_an_image_with_nothing_wrong(tool: Trivy, root: Path, tmp_path: Path) -> None:
    done = run(tool, around(root, tmp_path, python_package("six", "1.16.0"), base=()))
    assert status(done) == ("passed", "")
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (2, 2, "found")


def test_nothing_of_the_image_or_the_project_or_the_machine_configures_it(
    tool: Trivy, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.mkdir()
    ignored = "CVE-2023-30861\nCVE-2025-9230\nCVE-2025-9232\n"
    config = "severity: [UNKNOWN]\nscan: {skip-dirs: [/opt, /app]}\n"
    secrets = "disable-rules: [github-pat]\n"
    files = {".trivyignore": ignored, "trivy.yaml": config, "trivy-secret.yaml": secrets}
    home = tmp_path / "home"
    home.mkdir()
    for folder in (root, home):
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    inside = [
        Made(f"{folder}{name}", text.encode()) for folder in ("", "app/") for name, text in files.items()
    ]
    flask, secret = python_package("Flask", "2.0.1"), Made("app/settings.ini", TOKEN)
    there = around(root, tmp_path, flask, secret, *inside)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRIVY_SEVERITY", "UNKNOWN")
    monkeypatch.setenv("TRIVY_IGNOREFILE", str(root / ".trivyignore"))
    monkeypatch.setenv("TRIVY_SKIP_DIRS", "/opt,/app")
    done = run(tool, there)
    assert status(done) == ("findings", "")
    assert {"image-pending-security-update", "CVE-2023-30861", "image-secret-file"} == set(lines(done))


def test_a_release_that_the_database_does_not_know(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Trivy itself finds nothing and says that all is well."""
    base = (BASE[0], Made("etc/debian_version", b"11.1\n"), BASE[2])
    done = run(tool, around(root, tmp_path, base=base))
    assert own(done)["status"] == "incomplete"
    assert "did not find the known-bad canary (image-pending-security-update)" in own(done)["reason"]
    assert "image-ended-distribution" in lines(done)


def test_packages_that_it_does_not_see(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Without the file that names the release it looks at no package of the distribution."""
    done = run(tool, around(root, tmp_path, base=(BASE[0], BASE[2])))
    assert own(done)["status"] == "incomplete"
    assert "looked at 1 of 4, not at Dockerfile: libssl3t64 3.5.1-1" in own(done)["reason"]


def test_a_secret_that_a_later_step_deletes(tool: Trivy, root: Path, tmp_path: Path) -> None:
    secret = Made("app/settings.ini", TOKEN)
    done = run(tool, around(root, tmp_path, Made("app/.wh.settings.ini"), base=(*BASE, secret)))
    assert lines(done)["image-deleted-secret"] == 1


def test_a_secret_of_the_repository_is_left_to_those_who_read_that(
    tool: Trivy, root: Path, tmp_path: Path
) -> None:
    root.mkdir()
    (root / "settings.ini").write_bytes(TOKEN)
    done = run(tool, around(root, tmp_path, Made("app/settings.ini", TOKEN)))
    assert set(lines(done)) == {"image-pending-security-update"}


def test_samples_of_secrets_in_packages_are_counted(tool: Trivy, root: Path, tmp_path: Path) -> None:
    sample = Made("opt/venv/lib/python3.13/site-packages/x/sample.ini", TOKEN)
    done = run(tool, around(root, tmp_path, sample))
    assert set(lines(done)) == {"image-pending-security-update"}
    assert (
        "Dockerfile: what looks like secrets in 1 files of installed packages is not listed"
        in own(done)["notes"]
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


APK = b"C:Q1x=\nP:zlib\nV:1.3.1-r2\nA:x86_64\no:zlib\n\nP:.python-rundeps\nV:20251120.1\nA:noarch\n\n"
UBUNTU = (
    b"Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 2.39-0ubuntu8\n\n"
    b"Package: x\nStatus: hold ok installed\nArchitecture: all\nVersion: 1:1.2-3\n\n"
)
DISTRIBUTIONS: dict[str, tuple[Made, ...]] = {
    "alpine": (
        Made("etc/os-release", b"ID=alpine\nVERSION_ID=3.22.1\n"),
        Made("etc/alpine-release", b"3.22.1\n"),
        Made("lib/apk/db/installed", APK),
    ),
    "wolfi": (
        Made("etc/os-release", b"ID=wolfi\nVERSION_ID=20230201\n"),
        Made("usr/lib/apk/db/installed", APK),
    ),
    "ubuntu": (
        Made("etc/os-release", b'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n'),
        Made("etc/lsb-release", b"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\n"),
        Made("var/lib/dpkg/status", UBUNTU),
    ),
    "distroless": (
        *BASE[:2],
        Made("var/lib/dpkg/status.d/base", b"Package: base-files\nVersion: 13.8\nArchitecture: amd64\n"),
        Made("var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 2025b-4\nArchitecture: all\n\n"),
    ),
}


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_distributions(name: str, tool: Trivy, root: Path, tmp_path: Path) -> None:
    """We read the same packages as Trivy, and the canary is one of the same release."""
    done = run(tool, around(root, tmp_path, base=DISTRIBUTIONS[name]))
    assert status(done) == ("passed", "")
    assert (own(done)["expected"], own(done)["scanned"], own(done)["canary"]) == (3, 3, "found")


def test_a_package_whose_description_trivy_cannot_read(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """It leaves such packages out without a word."""
    path = "opt/venv/lib/python3.13/site-packages/six-1.16.0.dist-info/METADATA"
    marked = Made(path, b"\xef\xbb\xbfName: six\nVersion: 1.16.0\n\n")
    done = run(tool, around(root, tmp_path, marked))
    assert own(done)["status"] == "incomplete"
    assert "looked at 4 of 5" in own(done)["reason"]


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


def one_log(*runs: Json) -> list[Finding]:
    """The findings that people read of these runs."""
    text = {"$schema": SCHEMA, "version": "2.1.0", "runs": list(runs)}
    report = build_report(text, policy=Policy(), expected=(), generated=NOW, baseline=None)
    return list(report.findings)


def test_what_sca_tells_too_is_one_finding(tool: Trivy, root: Path, tmp_path: Path) -> None:
    """By any name of the advisory; nothing of either tool's result is lost."""
    done = run(tool, around(root, tmp_path, python_package("Flask", "2.0.1"), base=()))
    told = advisory("PYSEC-2023-62", line=3, aliases=["CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"])
    sca = sarif_logs.run("sca", "pip-audit", [told])
    (finding,) = one_log(sca, done)
    assert (finding.tools, finding.stages) == (("pip-audit", "trivy"), ("sca", "container"))
    assert (finding.package, finding.installed) == ("flask", "2.0.1")
    assert len(done["results"]) == len(sca["results"]) == 1


def test_a_secret_is_one_finding(tool: Trivy, root: Path, tmp_path: Path) -> None:
    secrets = Made("app/settings.ini", TOKEN), Made("app/gone.ini", TOKEN.replace(b"aB", b"aC"))
    there = around(root, tmp_path, Made("app/.wh.gone.ini"), secrets[0], base=(secrets[1],))
    with there.shared:
        both = [scan(each, ("Dockerfile",), there) for each in (ImageChecks(RECIPES), tool)]
    told = {each.rule_id: each.tools for each in one_log(*both) if "secret" in each.rule_id}
    assert told == {
        "image-secret-file": ("image-checks", "trivy"),
        # Ours leaves what the base has to those who make the base.
        "image-deleted-secret": ("trivy",),
    }


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_secrets_of_the_configuration(builder: str, tool: Trivy, root: Path, tmp_path: Path) -> None:
    """Of the environment, a build argument and a command; what ours finds too is the same finding."""
    first, second, third = (TOKEN.decode().partition(" = ")[2].replace("aB3", f"{each}B3") for each in "abc")
    kept = "/bin/sh -c #(nop)  " if builder == "classic" else ""
    run_, end = ("", "") if builder == "classic" else ("RUN ", " # buildkit")
    steps = (
        (f"{kept}ENV API_TOKEN={first}", False),
        (f"{kept}ARG DEPLOY_KEY", False),
        (f"{run_}|1 DEPLOY_KEY={second} /bin/sh -c use{end}", True),
        (f"{run_}/bin/sh -c curl -H {third}{end}", False),
    )
    text = "FROM base:1\nENV API_TOKEN=x\nARG DEPLOY_KEY\nRUN use\nRUN curl\n"
    there = around(root, tmp_path, dockerfile=text, steps=steps, environment=[f"API_TOKEN={first}"], base=())
    with there.shared:
        both = [scan(each, ("Dockerfile",), there) for each in (ImageChecks(RECIPES), tool)]
    told = {(each.rule_id, each.line): each.tools for each in one_log(*both) if "secret" in each.rule_id}
    every = ("image-checks", "trivy")
    assert told == {
        ("image-secret-in-environment", 2): every,
        ("image-secret-in-history", 3): every,
        ("image-secret-in-history", 5): every,
    }
    assert not any(each in json.dumps(both) for each in (first, second, third))


def test_a_variable_that_is_emptied_later_and_the_default_of_an_argument(
    tool: Trivy, root: Path, tmp_path: Path
) -> None:
    token = TOKEN.decode().partition(" = ")[2]
    text = "FROM base:1\nARG KEY=x\nENV API_TOKEN=$KEY\nENV API_TOKEN=\nRUN step\n"
    kept = "/bin/sh -c #(nop)  "
    steps = (
        (f"{kept}ARG KEY={token}", False),
        (f"{kept}ENV API_TOKEN={token}", False),
        (f"{kept}ENV API_TOKEN=", False),
        ("/bin/sh -c step", True),
    )
    done = run(
        tool, around(root, tmp_path, dockerfile=text, steps=steps, environment=["API_TOKEN="], base=())
    )
    assert lines(done) == {"image-secret-in-history": 4}


def test_secrets_of_the_base_s_configuration(tool: Trivy, root: Path, tmp_path: Path) -> None:
    token = TOKEN.decode().partition(" = ")[2]
    text = "FROM base:1\nRUN step\n"
    steps = ((f"/bin/sh -c use {token}", False), ("/bin/sh -c step", True))
    done = run(tool, around(root, tmp_path, dockerfile=text, steps=steps, environment=[token], base=()))
    assert lines(done) == {"image-secret-in-history": 1, "image-secret-in-environment": 1}


def test_a_pending_update_is_one_finding(
    tool: Trivy, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index tells that there is one, Trivy how bad what it fixes is."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    mirror(tmp_path / "mirror")
    status = Made("var/lib/dpkg/status", STATUS.encode())
    known = around(root, tmp_path, base=(BASE[0], BASE[1], status))
    rules = replace(known.policy.container, security_index=str(tmp_path / "mirror"))
    there = replace(known, policy=replace(known.policy, container=rules))
    with there.shared:
        both = [scan(each, ("Dockerfile",), there) for each in (SecurityUpdates(RECIPES), tool)]
    assert [own(each)["status"] for each in both] == ["findings", "findings"]
    (finding,) = one_log(*both)
    assert finding.tools == ("security-updates", "trivy")
    assert (finding.package, finding.fixed_in, finding.severity) == ("example", "1.0-1+deb13u1", "medium")


def wrapped(real: Path, folder: Path, change: str) -> Trivy:
    """Trivy behind a program that changes something; `arguments` are its own, `output` where it writes."""
    program = folder / "trivy"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, subprocess, sys\n"
        "arguments = sys.argv[1:]\n"
        f"def run(): return subprocess.run([{str(real)!r}, *arguments]).returncode\n"
        "where = arguments.index('--output') + 1 if '--output' in arguments else 0\n"
        "output = pathlib.Path(arguments[where])\n"
        f"{change}\n"
        "sys.exit(run())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return Trivy(RECIPES, which=lambda _: str(program))


def test_a_report_of_another_image(trivy_program: Path, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    around(tmp_path / "two", tmp_path / "other", Made("x", b"x"))
    given = f"arguments = [{str(tmp_path / 'other/image.tar')!r} if each.endswith('/image.tar') else each"
    done = run(wrapped(trivy_program, tmp_path, f"{given} for each in arguments]"), there)
    assert own(done)["status"] == "incomplete"
    assert "its report is about another image" in own(done)["reason"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"bomFormat": "CycloneDX", "components": []}', "its bill of materials lists 0 of 3 packages"),
        ('{"bomFormat": "SPDX"}', "its bill of materials cannot be read: it is no CycloneDX document"),
    ],
)
def test_a_bill_of_materials_that_is_not_whole(
    document: str, reason: str, trivy_program: Path, root: Path, tmp_path: Path
) -> None:
    change = f"if arguments[0] == 'convert':\n    output.write_text({document!r})\n    sys.exit(0)"
    done = run(wrapped(trivy_program, tmp_path, change), around(root, tmp_path))
    assert own(done)["status"] == "incomplete"
    assert reason in own(done)["reason"]
    assert list(tmp_path.glob("keep/*")) == []


def test_an_image_that_cannot_be_had(tool: Trivy, root: Path, tmp_path: Path) -> None:
    there = around(root, tmp_path)
    (tmp_path / "image.tar").write_bytes(b"no archive")
    done = run(tool, there)
    assert own(done)["status"] == "incomplete"
    assert "its image cannot be looked at: its archive is broken" in own(done)["reason"]
