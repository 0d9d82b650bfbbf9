"""Trivy's program: the one on PATH, or the release that is pinned here."""

from __future__ import annotations

import mmap
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mlsecops.job import Job, ToolError
from mlsecops.toolbox import ToolboxError
from mlsecops.toolbox.releases import Release, fetch

# SHA-256 of the release's own list, as two projects that check it quote it: cert-manager/makefile-modules
# (modules/tools/00_mod.mk, all four) and the build of several others that download the Linux archives.
RELEASE = Release(
    program="trivy",
    version="0.74.0",
    address="https://github.com/aquasecurity/trivy/releases/download/v{version}/{file}",
    files=MappingProxyType(
        {
            "Linux-x86_64": (
                "trivy_0.74.0_Linux-64bit.tar.gz",
                "2ae6fe3ee734b7fdf11335663e18c75ea12dccc76062f09f164a3b0f8be4371a",
            ),
            "Linux-arm64": (
                "trivy_0.74.0_Linux-ARM64.tar.gz",
                "b94ce1976bbf3c15b514b605ee88be7c6d94a29be2302847ff01cb794d47aad5",
            ),
            "Darwin-x86_64": (
                "trivy_0.74.0_macOS-64bit.tar.gz",
                "472816f6888dda689d075c30254d4210b4d1035acf365aa72332f584c2f60485",
            ),
            "Darwin-arm64": (
                "trivy_0.74.0_macOS-ARM64.tar.gz",
                "1caada5e0e2091909357c7525d3aa76f4b660b13821bc143b190c7483e31cc11",
            ),
        }
    ),
)
GET_IT = f"install Trivy {RELEASE.version} from its project's releases and put it on PATH"
# Releases of March 2026 that somebody else made, with a thief of secrets in them (CVE-2026-33634).
POISONED = frozenset({(0, 69, 4), (0, 69, 5), (0, 69, 6)})
OLDEST = (0, 70, 0)
_VERSION = re.compile(r"^Version: v?(\d+)\.(\d+)\.(\d+)\S*$", re.MULTILINE)
_MODULE = b"mod\tgithub.com/aquasecurity/trivy\tv"
_BUILT_FROM = re.compile(re.escape(_MODULE) + rb"(\d+\.\d+\.\d+)[\t\n]")
_LONGEST = 100
_LOGGED = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z\\t[A-Z]+\\t(?:Fatal error\\t)?")
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """Trivy, and the version that it says it has."""

    path: str
    version: str


def program_of(job: Job, which: Callable[[str], str | None] = shutil.which) -> Program:
    """Trivy from PATH, else the pinned release. Raises ToolError when there is none that may be used."""
    found = which(RELEASE.program)
    if found is None:
        try:
            tools = job.context.toolbox
            found = str(fetch(RELEASE, tools.cache, stopped=lambda: tools.processes.stopped))
        except ToolboxError as error:
            raise ToolError(f"it is missing: it is not on PATH, and {error}; {GET_IT}") from error
    refuse_poisoned(Path(found))
    said = job.execute(
        [str(Path(found).absolute()), "--version"], exit_codes=(0,), timeout=_ANSWER_SECONDS
    ).output.read_text(encoding="utf-8", errors="replace")
    return Program(found, checked(said))


def plain(error: ToolError) -> ToolError:
    """The failure of a command without the time and the level of Trivy's last line."""
    return ToolError(_LOGGED.sub("", str(error)), error.properties)


def refuse_poisoned(path: Path) -> None:
    """Raise ToolError for a program of a bad version, by what Go wrote into it: nothing of it runs."""
    with (
        suppress(OSError, ValueError),  # what cannot be read, or is empty, does not run either
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at = content.find(_MODULE)
        while at >= 0:
            match = _BUILT_FROM.match(content[at : at + _LONGEST])
            if match:
                checked(f"Version: {match[1].decode()}")
            at = content.find(_MODULE, at + 1)


def checked(said: str) -> str:
    """The version that `trivy --version` says. Raises ToolError when it must not be used."""
    match = _VERSION.search(said)
    if match is None:
        raise ToolError(f"its version cannot be read; {GET_IT}")
    version = tuple(int(part) for part in match.groups())
    shown = ".".join(match.groups())
    if version in POISONED:
        raise ToolError(
            f"version {shown} is malicious (CVE-2026-33634): remove it, revoke every secret that the machine "
            f"could reach, and {GET_IT}"
        )
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ToolError(f"version {shown} is older than {oldest}, the oldest that is known to work; {GET_IT}")
    return shown
