"""Microsoft's SARIF multitool, installed once from npm into the cache, with the GitHub rules switched on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlsecops.toolbox import cache_folder

VERSION = "5.7.0"
# The npm package of the Linux program; Node itself is not needed to run it.
PACKAGE = "@microsoft/sarif-multitool-linux"
INTEGRITY = "sha512-NxUbpq6ISCWoTQ/NfOYEwEDKq1Heka/rMoJ5R5LMydcAZQX/X7g5mWHcgxDub+0M07LC96tZ5LZHvF1Qy3gjTA=="
# GH1004 stays off: it has the limits of years ago (5 runs, 1,000 results); sarif.check has those of today.
GITHUB_RULES = (
    "GH1001.ProvideRequiredLocationProperties",
    "GH1002.InlineThreadFlowLocations",
    "GH1003.ProvideRequiredRegionProperties",
    "GH1005.LocationsMustBeRelativeUrisOrFilePaths",
    "GH1006.ProvideCheckoutPath",
    "GH1007.ProvideFullyFormattedMessageStrings",
)
_INSTALL_SECONDS = 300
_RUN_SECONDS = 300
_MAX_KIB = 2_000_000


class MultitoolUnavailableError(Exception):
    """There is no way to get the multitool here; the text says why."""


def program() -> Path:
    """The multitool's program, installed on first use.

    Raises MultitoolUnavailableError when npm is not on PATH or reaches no registry, or when the package is
    not for this machine.
    """
    if os.uname().sysname != "Linux" or os.uname().machine != "x86_64":
        raise MultitoolUnavailableError("the multitool's package is for Linux on x86-64")
    folder = cache_folder() / "tests" / f"sarif-multitool-{VERSION}"
    found = folder / "node_modules" / PACKAGE / "Sarif.Multitool"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").is_file():
            _install(folder)
            found.chmod(0o755)
            (folder / "installed").touch()
    return found


def validate(path: Path, *rule_kinds: str) -> list[dict[str, Any]]:
    """Every defect that the multitool's rules find in a SARIF file: `ruleId`, `level` and `text` of each.

    `rule_kinds` are "Sarif" and "Ghas" unless given. What is said of addresses out of reach is left out.
    """
    with tempfile.TemporaryDirectory() as scratch:
        configuration = Path(scratch, "rules.xml")
        configuration.write_text(_configuration(), encoding="utf-8")
        output = Path(scratch, "defects.sarif")
        finished = run(
            "validate",
            str(path),
            "-c",
            str(configuration),
            "--rule-kind",
            ";".join(rule_kinds or ("Sarif", "Ghas")),
            "--level",
            "Error;Warning;Note",
            "--max-file-size-in-kb",
            str(_MAX_KIB),
            "--quiet",
            "true",
            "-o",
            str(output),
            "--log",
            "ForceOverwrite",
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        found = json.loads(output.read_text(encoding="utf-8-sig"))["runs"][0]
    # The exit code is 0 whatever was found; what was found is in the output alone.
    return [_defect(result) for result in found["results"] if result["ruleId"] != "SARIF2006"]


def errors(path: Path) -> list[dict[str, Any]]:
    """The defects that are errors."""
    return [defect for defect in validate(path) if defect["level"] == "error"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the multitool and wait for its end."""
    environment = {
        "PATH": os.defpath,
        "HOME": tempfile.gettempdir(),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    }
    return subprocess.run(
        [str(program()), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        env=environment,
    )


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MultitoolUnavailableError("npm is not on PATH, and the multitool comes from npm")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in _manifests().items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    finished = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
    )
    assert "EINTEGRITY" not in finished.stderr, "npm offers another multitool than the one that is pinned"
    if finished.returncode != 0:
        raise MultitoolUnavailableError(
            f"npm could not install the multitool: {finished.stderr.strip()[-300:]}"
        )


def _manifests() -> dict[str, Any]:
    """A package and its lock: npm takes nothing but what has this hash."""
    root = {"name": "tools", "version": "0.0.0", "dependencies": {PACKAGE: VERSION}}
    locked = {"version": VERSION, "integrity": INTEGRITY}
    packages = {"": root, f"node_modules/{PACKAGE}": locked}
    lock = {"name": "tools", "version": "0.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    return {"package.json": {**root, "private": True}, "package-lock.json": lock}


def _configuration() -> str:
    """The rules about GitHub that are off unless a file switches them on."""
    rules = "".join(
        f'<Properties Key="{rule}.Options"><Property Key="RuleEnabled" Value="Error"/></Properties>'
        for rule in GITHUB_RULES
    )
    return f'<?xml version="1.0" encoding="utf-8"?><Properties>{rules}</Properties>'


def _defect(result: dict[str, Any]) -> dict[str, Any]:
    message = result["message"]
    text = message.get("text") or " ".join([message.get("id", ""), *message.get("arguments", [])])
    return {"ruleId": result["ruleId"], "level": result.get("level", "warning"), "text": text}
