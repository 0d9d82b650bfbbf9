"""Dependency-Track: each bill of materials of a run becomes what one project of it consists of."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mlsecops.export.errors import ExportError, ExportUsageError, partly
from mlsecops.export.folder import Run, own_file
from mlsecops.export.service import Product, Service, Upload
from mlsecops.report.escape import terminal

DEPENDENCY_TRACK = Product("Dependency-Track", "DEPENDENCY_TRACK_API_KEY", "X-Api-Key")
UPLOAD, PROGRESS = "/api/v1/bom", "/api/v1/event/token"

_MOST_BYTES = 100 << 20
_EVERY = 2.0
_CLOCKS = 2.0  # seconds by which a file system's times are coarser than ours
_IMAGE = re.compile(r"image(-[0-9]{1,3})?-sbom\.cdx\.json")


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of materials of a run, and why it is not to be relied on, or an empty text."""

    name: str
    content: bytes
    doubt: str

    @property
    def part(self) -> str:
        """What of the project it is: nothing for its packages, else the image."""
        found = _IMAGE.fullmatch(self.name)
        return f"image{found[1] or ''}" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The project in Dependency-Track: by its uuid, or by name and version and made where it is missing."""

    uuid: str = ""
    name: str = ""
    version: str = ""
    parent_name: str = ""
    parent_version: str = ""
    latest: bool = False


def base_url(url: str) -> str:
    """The address without the path of the API, which people tend to copy with it."""
    return re.sub(r"/+api(/v1)?/*\Z", "", url.strip().rstrip("/"))


def bills(run: Run, only: Sequence[str] = ()) -> tuple[Bill, ...]:
    """Every bill of materials that the run left, or those of `only`. Raises ExportError, OSError."""
    names = (path.name for path in run.folder.glob("*sbom.cdx.json"))
    every = sorted(filter(_source, names), key=lambda name: (len(name), name))
    missing = [name for name in only if name not in every]
    if missing or not every:
        named = f"no {terminal(missing[0])}" if missing else "no bill of materials"
        raise ExportError(f"{run.folder} holds {named}; the stages sca and container leave them")
    return tuple(_bill(run, own_file(run.folder / name)) for name in every if not only or name in only)


def export(
    service: Service,
    found: Sequence[Bill],
    target: Target,
    *,
    wait: float,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
    now: Callable[[], float],
) -> None:
    """Send every bill, and wait up to so many seconds until it is worked in.

    Raises ExportError that says what was sent and what was not.
    """
    sent: list[str] = []
    for bill in found:
        try:
            token = _token(service.post(UPLOAD, fields(bill, target), Upload("bom", bill.name, bill.content)))
            sent.append(bill.name)
            if wait:
                _await(service, bill, token, wait, sleep, now)
        except ExportError as error:
            raise partly(error, sent, [each.name for each in found[len(sent) :]]) from None
        doubt = f", though {bill.doubt}" if bill.doubt else ""
        say(terminal(f"{bill.name}: sent{' and worked in' if wait else ''}{doubt}"))


def fields(bill: Bill, target: Target) -> Mapping[str, str]:
    """The form beside the file. Images are projects of their own: an upload replaces what a project had."""
    if target.uuid:
        return {"project": target.uuid}
    given = {
        "projectName": f"{target.name} ({bill.part})" if bill.part else target.name,
        "projectVersion": target.version,
        "autoCreate": "true",
        "parentName": target.parent_name,
        "parentVersion": target.parent_version,
        "isLatest": "true" if target.latest else "",
    }
    return {name: value for name, value in given.items() if value}


def _source(name: str) -> tuple[str, str] | None:
    """The stage and tool that leave a bill of that name."""
    if name == "sbom.cdx.json":
        return "sca", "cyclonedx-bom"
    return ("container", "trivy") if _IMAGE.fullmatch(name) else None


def _bill(run: Run, path: Path) -> Bill:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
        written = path.stat().st_mtime
    if len(content) > _MOST_BYTES:
        raise ExportUsageError(f"{path} is larger than {_MOST_BYTES >> 20} MiB")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ExportUsageError(f"{path} is not whole JSON") from None
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise ExportUsageError(f"{path} is no CycloneDX document")
    return Bill(path.name, content, _doubt(run, path.name, written))


def _doubt(run: Run, name: str, written: float) -> str:
    """Why packages may be missing from a bill: what it lacks, Dependency-Track takes for gone."""
    stage, tool = _source(name) or ("", "")
    ran = run.tool(stage, tool)
    if ran is None or ran.status == "skipped":
        return f"{tool} did not run, so it is of an earlier run"
    if not ran.complete:
        return f"{tool} did not finish: {ran.reason}"
    if ran.started is not None and written + _CLOCKS < ran.started.timestamp():
        return f"it was there before {tool} began, so it is of an earlier run"
    return ""


def _token(answer: Mapping[str, Any]) -> str:
    """The token of an upload. Raises ExportError when it is not Dependency-Track that answers."""
    try:
        return str(uuid.UUID(answer.get("token")))
    except (TypeError, ValueError, AttributeError):
        raise ExportError(
            "Dependency-Track's answer has no token, so nothing is known of the upload"
        ) from None


def _await(
    service: Service,
    bill: Bill,
    token: str,
    seconds: float,
    sleep: Callable[[float], None],
    now: Callable[[], float],
) -> None:
    end = now() + seconds
    while True:
        answer = service.get(f"{PROGRESS}/{token}")
        if answer.get("status") == "FAILED":
            raise ExportError(f"Dependency-Track took {bill.name} and could not work it in: see its log")
        if answer.get("processing") is False:
            return
        if answer.get("processing") is not True:
            raise ExportError(f"Dependency-Track does not say what became of {bill.name}, which it took")
        if now() + _EVERY > end:
            raise ExportError(
                f"Dependency-Track has {bill.name} and is still at work on it after {seconds:g} s"
            )
        sleep(_EVERY)
