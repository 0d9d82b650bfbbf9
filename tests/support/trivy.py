"""Trivy and a small vulnerability database for it, both made once from Trivy's own sources into the cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlsecops.toolbox import cache_folder
from support.act import UNGUARDED

VERSION = "0.74.0"
OLDEST_GO = (1, 26)
_MODULE = "github.com/aquasecurity/trivy"
_SOURCE = Path(__file__).parent / "trivy_database" / "main.go"
_GO_MOD = f"module mlsecops.test/trivy\n\ngo 1.26.3\n\nrequire {_MODULE} v{VERSION}\n"
_BUILD_SECONDS = 3600


class TrivyUnavailableError(Exception):
    """There is no way to get Trivy here; the text says why."""


def installation() -> Path:
    """The folder in whose `bin` Trivy and the builder of databases are, both built on first use.

    Raises TrivyUnavailableError when Go is missing or too old, or reaches no module proxy.
    """
    key = sha256(_SOURCE.read_bytes()).hexdigest()[:8]
    made = cache_folder() / "tests" / f"trivy-{VERSION}-{key}"
    made.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{made}.lock"):
        if not (made / "installed").is_file():
            _build(made)
            (made / "installed").touch()
    return made


def program() -> Path:
    """Trivy itself."""
    return installation() / "bin/trivy"


def database(
    into: Path, *, updated: datetime, advisories: Sequence[Mapping[str, Any]], sources: Mapping[str, str]
) -> Path:
    """A database with these advisories in a new folder; each names its bucket, package, id and versions.

    What an advisory says beside these is of the vulnerability itself: title, severity, CVSS.
    """
    given = {
        "UpdatedAt": updated.isoformat(),
        "NextUpdate": (updated + timedelta(days=1)).isoformat(),
        "Sources": {bucket: {"ID": name, "Name": name} for bucket, name in sources.items()},
        "Advisories": [
            {"Bucket": each["bucket"], "Package": each["package"], "ID": each["id"]}
            | {"Advisory": each["advisory"]}
            for each in advisories
        ],
        "Vulnerabilities": {each["id"]: each["vulnerability"] for each in advisories},
    }
    into.mkdir(parents=True)
    facts = into / "facts.json"
    facts.write_text(json.dumps(given), encoding="utf-8")
    builder = installation() / "bin/make-database"
    done = subprocess.run([str(builder), str(facts), str(into)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    facts.unlink()
    return into


def _build(made: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise TrivyUnavailableError("go is not on PATH, and Trivy is built with it")
    source = made / "source"
    environment = {name: value for name, value in os.environ.items() if name not in UNGUARDED}
    # What its own builds switch on.
    environment |= {"GOTOOLCHAIN": "local", "GOEXPERIMENT": "jsonv2", "GOFLAGS": "-mod=mod -trimpath"}
    _refuse_old(go, environment)
    shutil.rmtree(made, ignore_errors=True)
    source.mkdir(parents=True)
    (source / "go.mod").write_text(_GO_MOD, encoding="utf-8")
    shutil.copy(_SOURCE, source)
    stamp = f"-s -w -X {_MODULE}/pkg/version/app.ver={VERSION}"
    # A module that requires it, not `go install`: that asks for the list of all versions as well.
    for command in (
        ("build", "-ldflags", stamp, "-o", str(made / "bin/trivy"), f"{_MODULE}/cmd/trivy"),
        ("build", "-o", str(made / "bin/make-database"), "."),
    ):
        finished = _go(go, environment, *command, cwd=source)
        assert "SECURITY ERROR" not in finished.stderr, finished.stderr
        if finished.returncode != 0:
            raise TrivyUnavailableError(f"go could not build Trivy: {finished.stderr.strip()[-300:]}")


def _refuse_old(go: str, environment: Mapping[str, str]) -> None:
    said = _go(go, environment, "version").stdout
    version = re.search(r"\bgo(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GO:
        oldest = ".".join(map(str, OLDEST_GO))
        raise TrivyUnavailableError(f"Trivy needs Go {oldest} or newer, this is {said.strip()}")


def _go(
    go: str, environment: Mapping[str, str], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [go, *arguments],
            check=False,
            cwd=cwd,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise TrivyUnavailableError(f"go did not build Trivy within {_BUILD_SECONDS} s") from error
