"""The container engines that can build an image here, and their command lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlsecops.containers.recipes import Recipe

Name = Literal["docker", "podman", "buildah"]
NAMES: tuple[Name, ...] = ("docker", "podman", "buildah")
_ASK: Mapping[Name, tuple[str, ...]] = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Version.Version}}"),
    "buildah": ("info", "--format", "{{.host.Distribution}}"),
}
ENGINE_VARIABLE = "MLSECOPS_ENGINE"
"""Names the engine to use, for machines that have several."""

_STEP = re.compile(r"(?:\[[\d/]+\] )?STEP \d+(?:/\d+)? ?: (\w+)", re.IGNORECASE)
_MADE = re.compile(r"\s*-+> ([0-9a-f]{12,64})\s*")

# An engine is the user's own program: it needs its own settings, and nothing else of the user's.
_SETTINGS = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "BUILDAH_", "BUILDKIT_", "BUILDX_", "PODMAN_", "XDG_")
_KEPT = frozenset(
    {
        *("HOME", "PATH", "USER", "LOGNAME", "SSH_AUTH_SOCK", "REGISTRY_AUTH_FILE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    }
)


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. `buildx` says that Docker builds with BuildKit."""

    name: Name
    program: str
    version: str = ""
    buildx: bool = False

    def build(self, recipe: Recipe, root: Path, tag: str) -> list[str]:
        """Build an image under a tag; what a step leaves running or half done goes with it."""
        command = [self.program]
        match self.name:
            case "docker" if self.buildx:
                # The engine's own builder: others may be on machines that cannot give the image back.
                command += ["buildx", "build", "--builder", "default", "--load", "--provenance=false"]
                command += ["--progress", "plain"]
            case "docker":
                command += ["build", "--force-rm"]
            case "podman":
                command += ["build", "--force-rm", "--layers", "--format", "docker"]
            case "buildah":
                command += ["build", "--force-rm", "--layers", "--format", "docker"]
        if recipe.target:
            command += ["--target", recipe.target]
        for name, value in recipe.arguments:
            command += ["--build-arg", f"{name}={value}"]
        return [*command, "--tag", tag, "--file", str(root / recipe.dockerfile), str(root / recipe.context)]

    def save(self, tag: str, file: Path) -> list[str]:
        """Write an image as an archive with a `manifest.json`."""
        match self.name:
            case "docker":
                return [self.program, "image", "save", "--output", str(file), tag]
            case "podman":
                return [self.program, "save", "--format", "docker-archive", "--output", str(file), tag]
            case "buildah":
                return [self.program, "push", "--quiet", tag, f"docker-archive:{file}:{tag}"]

    def remove(self, *images: str) -> list[str]:
        """Take tags away, and images of which that was the last; their steps stay for the next build."""
        match self.name:
            case "docker" | "podman":
                return [self.program, "image", "rm", "--no-prune", *images]
            case "buildah":
                return [self.program, "rmi", *images]

    def tags(self) -> list[str]:
        """List all tags, one `name:tag` on each line."""
        match self.name:
            case "docker" | "podman":
                return [self.program, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
            case "buildah":
                return [self.program, "images", "--noheading", "--format", "{{.Name}}:{{.Tag}}"]

    @property
    def runs(self) -> bool:
        """Whether it has containers that run."""
        return self.name != "buildah"

    def start(
        self, tag: str, name: str, *, variables: Path, memory: int, processes: int, read_only: bool
    ) -> list[str]:
        """Run an image in a container without a network, in the foreground; the file holds its variables."""
        command = [self.program, "run", "--rm", "--name", name, "--pull", "never", "--network", "none"]
        command += ["--memory", str(memory), "--memory-swap", str(memory), "--pids-limit", str(processes)]
        command += ["--env-file", str(variables)]
        if read_only:
            command += ["--read-only", "--tmpfs=/tmp"]
        return [*command, tag]

    def process(self, name: str) -> list[str]:
        """Ask for a container's first process, 0 until it has one, and its host name."""
        return [self.program, "container", "inspect", "--format", "{{.State.Pid}} {{.Config.Hostname}}", name]

    def end(self, name: str) -> list[str]:
        """End a container and take it away."""
        now = ("--time", "0") if self.name == "podman" else ()
        return [self.program, "rm", "--force", "--volumes", *now, name]

    def containers(self) -> list[str]:
        """List the names of all containers; an empty command where there can be none."""
        return [] if not self.runs else [self.program, "ps", "--all", "--format", "{{.Names}}"]


def new_steps(said: str) -> list[str]:
    """The images of steps that a build made, and did not find made, by what it says; the youngest first."""
    made: list[str] = []
    ours = False
    for line in said.splitlines():
        if step := _STEP.match(line):
            ours = step[1].upper() != "FROM"
        elif "Using cache" in line:
            ours = False
        elif ours and (image := _MADE.fullmatch(line)):
            made.append(image[1])
    return made[::-1]


class NoEngineError(Exception):
    """No engine can build here; the text says why, in a few words."""


def find(which: Callable[[str], str | None], ask: Callable[[Sequence[str]], str], wanted: str = "") -> Engine:
    """The first engine that is there and answers, or the `wanted` one; "none" wants none.

    `ask` runs a command for its output, and raises NoEngineError when it fails. Raises NoEngineError.
    """
    if wanted and wanted not in NAMES:
        raise NoEngineError(f"{ENGINE_VARIABLE} names none of {', '.join(NAMES)}")
    reasons = []
    for name in (each for each in NAMES if wanted in ("", each)):
        program = which(name)
        if program is None:
            continue
        try:
            version = ask([program, *_ASK[name]]).strip()
        except NoEngineError as error:
            reasons.append(f"{name} does not answer: {error}")
            continue
        return Engine(name, program, version, name == "docker" and _has_buildx(program, ask))
    missing = f"{wanted} is not installed" if wanted else f"none of {', '.join(NAMES)} is installed"
    raise NoEngineError("; ".join(reasons) or missing)


def _has_buildx(program: str, ask: Callable[[Sequence[str]], str]) -> bool:
    try:
        return "buildx" in ask([program, "buildx", "version"])
    except NoEngineError:
        return False


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that an engine may see."""
    return {
        name: value for name, value in environ.items() if name.upper() in _KEPT or name.startswith(_SETTINGS)
    }
