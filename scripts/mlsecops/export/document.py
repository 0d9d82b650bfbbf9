"""What of report.json an export needs, and nothing that is not as our schema has it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mlsecops.export.errors import ExportUsageError
from mlsecops.report.escape import plain, shorten
from mlsecops.sarif.build import Status

_MOST_BYTES = 16 << 20

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,39}\Z")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class GivenTool(msgspec.Struct):
    """A tool's run."""

    name: str
    version: str
    status: Status
    reason: str
    expected: int
    scanned: int
    started: _Moment | None


class GivenStage(msgspec.Struct):
    """A stage and its tools."""

    name: _Name
    status: Status
    reason: str
    tools: list[GivenTool]


class _Condition(msgspec.Struct):
    kind: str


class _Verdict(msgspec.Struct):
    conditions: list[_Condition]


class Document(msgspec.Struct):
    """The whole of it."""

    schema: Literal["urn:mlsecops:schema:report:v1"] = msgspec.field(name="$schema")
    project: str
    mlsecops: str
    generated: _Moment
    verdict: _Verdict
    stages: list[GivenStage]

    @property
    def in_doubt(self) -> bool:
        """Whether more is incomplete than its stages: a doubt, or files that nothing could read."""
        conditions = sum(each.kind == "incomplete" for each in self.verdict.conditions)
        return conditions > sum(each.status == "incomplete" for each in self.stages)


def read_document(path: Path) -> Document:
    """The document in a file. Raises ExportUsageError, OSError."""
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ExportUsageError(f"{path} is no report of ours: it is larger than {_MOST_BYTES >> 20} MiB")
    try:
        document = msgspec.json.decode(text, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = shorten(plain(str(error)), 200)
        raise ExportUsageError(f"{path} is no report of ours, or not whole: {said}") from None
    if len({each.name for each in document.stages}) < len(document.stages):
        raise ExportUsageError(f"{path} is no report of ours: it has a stage twice")
    return document
