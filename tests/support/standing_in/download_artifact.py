"""Stands in for actions/download-artifact."""

from __future__ import annotations

import fnmatch
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.standing_in import step


def act(inputs: Mapping[str, str]) -> dict[str, object]:
    """Unzip what the inputs name; several artifacts each into its own folder, unless they are to merge."""
    if inputs["name"] and inputs["artifact-ids"]:
        raise step.RefusedError("Inputs 'name' and 'artifact-ids' cannot be used together.")
    if inputs["run-id"] != os.environ["GITHUB_RUN_ID"]:
        raise step.RefusedError("nothing stands in for artifacts of other runs")
    step.choice(inputs, "digest-mismatch", "ignore", "info", "warn", "error")
    step.choice(inputs, "skip-decompress", "false")
    merged = step.flag(inputs, "merge-multiple")
    target = Path(inputs["path"] or os.environ["GITHUB_WORKSPACE"]).expanduser().resolve()
    found = _wanted(inputs)
    for each in found:
        together = merged or bool(inputs["name"]) or len(found) == 1
        _fetch(each["name"], target if together else target / each["name"])
    print(f"Total of {len(found)} artifact(s) downloaded")
    return {"download-path": target}


def _wanted(inputs: Mapping[str, str]) -> list[dict[str, Any]]:
    there = step.artifacts()
    if name := inputs["name"]:
        found = [each for each in there if each["name"] == name]
        if not found:
            raise step.RefusedError(f"Unable to download artifact(s): Artifact '{name}' not found")
        return found
    if inputs["artifact-ids"]:
        return _by_identifier(inputs["artifact-ids"], there)
    return [each for each in there if fnmatch.fnmatchcase(each["name"], inputs["pattern"] or "*")]


def _by_identifier(given: str, there: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = [each.strip() for each in given.split(",") if each.strip()]
    if strange := [each for each in wanted if not each.isdecimal()]:
        raise step.RefusedError(f"Invalid artifact ID: '{strange[0]}'. Must be a number.")
    found = [each for each in there if each["databaseId"] in wanted]
    if not found:
        raise step.RefusedError("None of the provided artifact IDs were found")
    if missing := sorted(set(wanted) - {each["databaseId"] for each in found}):
        print(f"::warning::Could not find the following artifact IDs: {', '.join(missing)}")
    return found


def _fetch(name: str, target: Path) -> None:
    where = step.results("GetSignedArtifactURL", name=name)["signedUrl"]
    with zipfile.ZipFile(io.BytesIO(step.request("GET", where))) as archive:
        archive.extractall(target)


if __name__ == "__main__":
    step.run(act)
