"""GitHub's own description of its API: fetched once, and what the tests use of it cut out into the cache."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlsecops.toolbox import cache_folder

Json = dict[str, Any]

VERSION = "23.0.2"
PACKAGE = "@octokit/openapi"
INTEGRITY = "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
MEMBER = "package/generated/api.github.com.json"
REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = (
    "GET ",
    "GET /actions/artifacts",
    "GET /actions/artifacts/{artifact_id}",
    "GET /actions/artifacts/{artifact_id}/{archive_format}",
    "GET /actions/runs",
    "GET /actions/runs/{run_id}",
    "GET /actions/runs/{run_id}/artifacts",
    "GET /actions/runs/{run_id}/jobs",
    "GET /code-scanning/alerts",
    "GET /commits/{commit_sha}/pulls",
    "GET /commits/{ref}",
    "GET /contents/{path}",
    "GET /git/ref/{ref}",
    "GET /issues",
    "POST /issues",
    "GET /issues/comments/{comment_id}",
    "PATCH /issues/comments/{comment_id}",
    "DELETE /issues/comments/{comment_id}",
    "GET /issues/{issue_number}",
    "PATCH /issues/{issue_number}",
    "GET /issues/{issue_number}/comments",
    "POST /issues/{issue_number}/comments",
    "GET /pulls",
    "GET /pulls/{pull_number}",
    "GET /pulls/{pull_number}/files",
)
_PACK_SECONDS = 300
_MOST_BYTES = 64 << 20


class DescriptionUnavailableError(Exception):
    """There is no way to get GitHub's description here; the text says why."""


@functools.cache
def description() -> Json:
    """The OpenAPI document of the operations that the double serves.

    Raises DescriptionUnavailableError when it is not in the cache and npm is missing or reaches no registry.
    """
    wanted = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    path = cache_folder() / "tests" / f"github-api-{VERSION}-{wanted}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.is_file():
            part = path.with_suffix(".part")
            part.write_text(json.dumps(_cut(_whole())), encoding="utf-8")
            part.replace(path)
    document: Json = json.loads(path.read_text(encoding="utf-8"))
    return document


def _whole() -> Json:
    """The description of all operations, out of the npm package that has the pinned hash."""
    npm = shutil.which("npm")
    if npm is None:
        raise DescriptionUnavailableError("npm is not on PATH, and GitHub's description comes from npm")
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--pack-destination", scratch]
        try:
            finished = subprocess.run(
                command, check=False, cwd=scratch, capture_output=True, text=True, timeout=_PACK_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise DescriptionUnavailableError("npm does not bring GitHub's description in time") from error
        if finished.returncode != 0:
            said = finished.stderr.strip()[-300:]
            raise DescriptionUnavailableError(f"npm could not fetch GitHub's description: {said}")
        (archive,) = Path(scratch).glob("*.tgz")
        assert _digest(archive) == INTEGRITY, "npm offers another description than the one that is pinned"
        with tarfile.open(archive) as members:
            member = members.extractfile(MEMBER)
            assert member is not None
            document: Json = json.loads(member.read(_MOST_BYTES))
    return document


def _digest(path: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def _cut(whole: Json) -> Json:
    """The operations of OPERATIONS and every component that they need."""
    document: Json = {name: whole[name] for name in ("openapi", "info", "servers")}
    paths: Json = {}
    for operation in OPERATIONS:
        method, path = operation.split(" ")
        path = f"{REPOSITORY}{path}"
        paths.setdefault(path, {})[method.lower()] = whole["paths"][path][method.lower()]
    document["paths"], document["components"] = paths, {}
    due, seen = [paths], set[str]()
    while due:
        for reference in set(_references(due.pop())) - seen:
            seen.add(reference)
            _, _, kind, name = reference.split("/")
            component = whole["components"][kind][name]
            document["components"].setdefault(kind, {})[name] = component
            due.append(component)
    _amend(document)
    return document


def _amend(document: Json) -> None:
    """Where the description says less than GitHub does: the repository of a deleted fork is null."""
    schemas = document["components"]["schemas"]
    for name in ("pull-request", "pull-request-simple"):
        head = schemas[name]["properties"]["head"]["properties"]
        head["repo"] = {**schemas[head["repo"]["$ref"].rpartition("/")[2]], "nullable": True}
    _let_enums_be_null(document)


def _let_enums_be_null(value: object) -> None:
    """`nullable` beside `enum` means that null is one more value, though OpenAPI wants it listed."""
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _let_enums_be_null(entry)
    if isinstance(value, dict) and value.get("nullable") is True and isinstance(value.get("enum"), list):
        value["enum"] = [*value["enum"], None]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for entry in value.values():
            yield from _references(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _references(entry)
