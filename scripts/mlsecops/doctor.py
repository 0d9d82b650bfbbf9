"""Which tools are here, in which versions, what is missing and how to get it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlsecops.containers.trivy.program import GET_IT, RELEASE, refuse_poisoned
from mlsecops.job import ToolError, printable
from mlsecops.toolbox import Toolbox, ToolboxError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a run needs or can use."""

    name: str
    sound: bool
    version: str
    remark: str


def examine(toolbox: Toolbox, console: Console) -> bool:
    """Make every tool environment that is not there yet and print a table; whether all are sound."""
    names = toolbox.environments.names()
    with ThreadPoolExecutor(8) as pool:
        tools = list(pool.map(lambda name: _tool(toolbox, name), names))
    rows = [Finding("python", True, sys.version.split()[0], sys.executable), *tools, *optional(shutil.which)]
    console.print(_table(rows))
    return all(tool.sound for tool in tools)


def optional(which: Callable[[str], str | None]) -> Sequence[Finding]:
    """Programs that some stages use when they are there."""
    engines = [name for name in ("docker", "podman", "buildah") if which(name)]
    remark = "found: " + ", ".join(engines) if engines else "none found; only needed to scan built images"
    apart = all(which(name) for name in ("unshare", "nsenter"))
    network = (
        "unshare and nsenter found" if apart else "unshare or nsenter is missing: services run on loopback"
    )
    return [
        Finding("container engine", True, "", remark),
        _trivy(which("trivy")),
        Finding("namespaces", True, "", network),
    ]


def _trivy(path: str | None) -> Finding:
    """Trivy on PATH, or what is done without it."""
    if path is None:
        remark = f"not on PATH; release {RELEASE.version} is fetched when an image is scanned, or {GET_IT}"
        return Finding(RELEASE.program, True, "", remark)
    try:
        refuse_poisoned(Path(path))
    except ToolError as error:
        return Finding(RELEASE.program, False, "", f"{path}: {error}")
    return Finding(RELEASE.program, True, "", path)


def _tool(toolbox: Toolbox, name: str) -> Finding:
    try:
        version = toolbox.environments.version(name)
        there = toolbox.environments.is_ready(name)
        toolbox.environment(name)
    except (ToolboxError, OSError) as error:
        remark = f"{error}. Set the index for uv or pip (UV_DEFAULT_INDEX, PIP_INDEX_URL) and run this again"
        return Finding(name, False, "", remark)
    return Finding(name, True, version, "ready" if there else "set up just now")


def _table(rows: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "tool", "version", "state"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        sign = Text("ok", style="green") if row.sound else Text("missing", style="red")
        table.add_row(sign, Text(row.name), Text(row.version), Text(printable(row.remark)))
    return table
