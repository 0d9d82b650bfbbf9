"""Report folders as a run leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
from mlsecops.conclude import Question, conclude
from mlsecops.policy import Policy, stage_order
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import write
from support.sarif_logs import log

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def report_folder(
    folder: Path,
    *runs: Json,
    expected: Sequence[str] = (),
    doubts: Sequence[str] = (),
    policy: Policy | None = None,
) -> Path:
    """A folder with the reports of a run; `expected` are further stages, of which nothing came back."""
    by_stage: dict[str, list[Json]] = {}
    for each in runs:
        by_stage.setdefault(each["properties"]["mlsecops"]["stage"], []).append(each)
    results = folder / "stages"
    results.mkdir(parents=True, exist_ok=True)
    for stage, own in by_stage.items():
        write(results / f"{stage}.sarif", log(*own))
    due = sorted({*by_stage, *expected}, key=stage_order)
    conclude(results, folder, Question(policy=policy or Policy(), expected=due, generated=NOW, doubts=doubts))
    return folder


def bill(folder: Path, name: str = "sbom.cdx.json", *packages: str) -> bytes:
    """A bill of materials, left in the folder."""
    components = [{"type": "library", "name": each, "version": "1.0"} for each in packages or ("flask",)]
    content = orjson.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
    )
    (folder / name).write_bytes(content)
    return content
