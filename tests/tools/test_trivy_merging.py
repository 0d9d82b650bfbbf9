"""What Trivy tells and others tell too: secrets, packages of SCA, updates of the distribution."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops.containers.canary import Made
from mlsecops.findings import Finding, build_report
from mlsecops.policy import Policy
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.scan import scan
from mlsecops.tools.image_checks import ImageChecks
from mlsecops.tools.security_updates import SecurityUpdates
from mlsecops.tools.trivy import Trivy
from support import sarif_logs
from support.contexts import NOW
from support.images import run
from support.sarif_logs import advisory
from support.security_archive import STATUS, mirror
from support.trivy_images import BASE, python_package
from support.trivy_runs import RECIPES, TOKEN, around, lines, own


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "project"


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


def test_samples_of_secrets_in_packages_are_nobodys(tool: Trivy, root: Path, tmp_path: Path) -> None:
    folders = (
        "opt/venv/lib/python3.13/site-packages/x",
        "usr/share/doc/x",
        "usr/lib/x",
        "app/node_modules/x",
    )
    samples = [Made(f"{folder}/sample.ini", TOKEN) for folder in folders]
    done = run(tool, around(root, tmp_path, *samples))
    assert set(lines(done)) == {"image-pending-security-update"}
    report = json.loads(next(tmp_path.rglob("image/secrets.json")).read_text(encoding="utf-8"))
    assert not any(each["Class"] == "secret" for each in report["Results"])
