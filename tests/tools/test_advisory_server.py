"""The real pip-audit against our server: what it finds, and how a server that knows nothing is noticed."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlsecops.advisories.build import build
from mlsecops.advisories.live import CANARY, CANARY_IDS, LiveOsv
from mlsecops.advisories.server import Backend, package_key, serve
from mlsecops.advisories.snapshot import load
from mlsecops.advisories.source import SEED, choose_source
from mlsecops.advisories.transport import JsonService
from mlsecops.toolbox import Toolbox
from packaging.utils import canonicalize_name
from packaging.version import Version
from support.advisory_service import Answer, osv_record, service

PINS = (
    *(
        ("Flask", "2.0.1"),
        ("Jinja2", "2.11.2"),
        ("PyYAML", "5.3"),
        ("pillow", "8.0.0"),
        ("requests", "2.31.0"),
    ),
    *(
        ("tensorflow", "2.4.0"),
        ("mlflow", "2.2.0"),
        ("urllib3", "1.26.4"),
        ("numpy", "1.26.4"),
        ("Werkzeug", "2.0.0"),
    ),
    *(
        ("definitely-private-package", "1.0"),
        ("scikit_learn", "1.3.0"),
        ("onnx", "1.13.0"),
        ("gradio", "3.30.0"),
    ),
)


@dataclass(frozen=True)
class Audit:
    """What pip-audit said: exit code, ids (with aliases) and fixed versions by package."""

    exit_code: int
    stderr: str
    found: Mapping[tuple[str, str], tuple[frozenset[str], ...]]
    fixed: Mapping[str, frozenset[str]]


@pytest.fixture(scope="session")
def pip_audit() -> Path:
    return Toolbox.default().environment("pip-audit") / "bin" / "pip-audit"


def audit(
    pip_audit: Path, folder: Path, url: str, pins: tuple[tuple[str, str], ...], environ: Mapping[str, str]
) -> Audit:
    """Run pip-audit in the way the SCA stage does, in a home of its own."""
    listed, output = folder / "pins.txt", folder / "audit.json"
    output.unlink(missing_ok=True)
    listed.write_text("".join(f"{name}=={version}\n" for name, version in pins))
    done = subprocess.run(
        [
            str(pip_audit),
            "-r",
            str(listed),
            "--no-deps",
            "--disable-pip",
            "--progress-spinner=off",
            "-s",
            "osv",
        ]
        + ["--osv-url", url, "-f", "json", "-o", str(output), "--cache-dir", str(folder / "cache")],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **environ},
    )
    report: Any = json.loads(output.read_text()) if output.exists() else {"dependencies": []}
    return Audit(
        done.returncode,
        done.stderr,
        {
            (entry["name"], entry["version"]): tuple(
                frozenset((vuln["id"], *vuln["aliases"])) for vuln in entry["vulns"]
            )
            for entry in report["dependencies"]
        },
        {
            vuln["id"]: frozenset(vuln["fix_versions"])
            for entry in report["dependencies"]
            for vuln in entry["vulns"]
        },
    )


def run(
    pip_audit: Path, folder: Path, backend: Backend, *pins: tuple[str, str]
) -> tuple[Audit, set[tuple[str, str]]]:
    with serve(backend) as server:
        told = audit(pip_audit, folder, server.query_url, pins, server.environment)
        return told, set(server.answered)


def independent(name: str, version: str) -> set[str]:
    """Ids that affect a version: the raw lines of the shipped file, by the specification's own loop."""
    v, found = Version(version), set()
    for line in load(SEED).lines:
        record = json.loads(line)
        for affected in record["affected"]:
            if affected["name"] != canonicalize_name(name):
                continue
            for events in affected.get("ranges", []):
                vulnerable = False
                for event in sorted(events, key=lambda event: Version(next(iter(event.values())))):
                    if "introduced" in event:
                        vulnerable = vulnerable or v >= Version(event["introduced"])
                    elif "fixed" in event and v >= Version(event["fixed"]):
                        vulnerable = False
                if vulnerable:
                    found.add(record["id"])
    return found


def test_pip_audit_finds_what_an_independent_check_finds(pip_audit: Path, tmp_path: Path) -> None:
    told, answered = run(pip_audit, tmp_path, load(SEED), *PINS)
    assert told.exit_code == 1
    assert answered == set(told.found) == {package_key(*pin) for pin in PINS}
    for name, version in PINS:
        reported = {name for ids in told.found[package_key(name, version)] for name in ids}
        assert {n for n in reported if n.startswith("PYSEC-")} == independent(name, version), (name, version)
    assert told.fixed["PYSEC-2023-62"] == {"2.2.5", "2.3.2"}
    vulnerable = {package for package, ids in told.found.items() if ids}
    assert {
        ("flask", "2.0.1"),
        ("mlflow", "2.2.0"),
        ("tensorflow", "2.4.0"),
        ("gradio", "3.30.0"),
    } <= vulnerable
    assert ("definitely-private-package", "1.0") not in vulnerable


def test_the_canary_comes_back(pip_audit: Path, tmp_path: Path) -> None:
    told, answered = run(pip_audit, tmp_path, load(SEED), CANARY)
    assert {name for ids in told.found[CANARY] for name in ids} >= CANARY_IDS
    assert answered == {CANARY}


def test_a_server_that_knows_nothing_passes_pip_audit_but_neither_the_canary_nor_the_probe(
    pip_audit: Path, tmp_path: Path
) -> None:
    """The false pass this package exists for: exit code 0 and "No known vulnerabilities found"."""
    with service(lambda *_: Answer({})) as portal:
        told = audit(pip_audit, tmp_path, f"{portal.url}/v1/query", (("flask", "2.0.1"), CANARY), {})
        source = choose_source(today=dt.date(2026, 11, 20), osv_url=portal.url)
    assert told.exit_code == 0
    assert "No known vulnerabilities found" in told.stderr
    assert told.found[CANARY] == (), "the canary tells"
    assert source.kind == "snapshot"
    assert source.advisories("flask", "2.0.1")


def test_a_service_that_fails_behind_the_server_is_no_clean_bill(pip_audit: Path, tmp_path: Path) -> None:
    def one_fails(_: str, request: Any) -> Answer:
        return Answer(status=403) if request["package"]["name"] == "flask" else Answer({})

    with service(one_fails) as running:
        osv = LiveOsv(JsonService(running.url))
        with serve(osv) as server:
            told = audit(
                pip_audit,
                tmp_path,
                server.query_url,
                (("a-first", "1"), ("flask", "2.0.1")),
                server.environment,
            )
            assert server.answered == {("a-first", "1")}
            assert list(server.failed) == [("flask", "2.0.1")]
        osv.close()
    assert told.exit_code == 1
    assert told.found == {}


def test_a_proxy_in_the_environment_does_not_come_between(pip_audit: Path, tmp_path: Path) -> None:
    with service(lambda *_: Answer({})) as proxy, serve(load(SEED)) as server:
        environ = {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url}
        diverted = audit(pip_audit, tmp_path, server.query_url, (CANARY,), environ)
        assert (diverted.exit_code, server.answered) == (0, set()), (
            "without our variables it is asked instead"
        )
        direct = audit(pip_audit, tmp_path, server.query_url, (CANARY,), {**environ, **server.environment})
    assert direct.exit_code == 1
    assert server.answered == {CANARY}


def test_github_and_malware_records_reach_the_report_whole(pip_audit: Path, tmp_path: Path) -> None:
    """Several release lines, a local build, an empty date, a fixed version that is none."""
    jinja = osv_record(
        "GHSA-h5c8-rqwp-cp95", "Jinja2", {"introduced": "0"}, {"fixed": "3.1.3"}, aliases=["CVE-2024-22195"]
    )
    lines = osv_record("GHSA-2", "Torch", {"introduced": "0"}, {"fixed": "1.13.1"}, published="")
    lines["affected"] += osv_record("x", "torch", {"introduced": "2.0.0"}, {"fixed": "2.0.1"})["affected"]
    lines["affected"] += osv_record("x", "torch", {"introduced": "2.5"}, {"fixed": "2019-09-12"})["affected"]
    evil = osv_record("MAL-2026-1", "evil_package", {"introduced": "0"}, published="2026-01-01")
    dump = tmp_path / "dump"
    dump.mkdir()
    for record in (jinja, lines, evil):
        (dump / f"{record['id']}.json").write_text(json.dumps(record))
    snapshot = build([dump], kev=None, built=dt.date(2026, 11, 20))
    pins = (("jinja2", "3.0.0"), ("torch", "2.0.0+cpu"), ("evil-package", "9.9"))
    told, answered = run(pip_audit, tmp_path, snapshot, *pins)
    assert answered == set(pins)
    assert told.found["jinja2", "3.0.0"] == (frozenset({"GHSA-h5c8-rqwp-cp95", "CVE-2024-22195"}),)
    assert told.found["torch", "2.0.0+cpu"] == (frozenset({"GHSA-2"}),)
    assert told.fixed["GHSA-2"] == {"1.13.1", "2.0.1"}
    assert told.found["evil-package", "9.9"] == (frozenset({"MAL-2026-1"}),)
    assert set(told.fixed) == {"CVE-2024-22195", "GHSA-2", "MAL-2026-1"}, "pip-audit names a GHSA by its CVE"
