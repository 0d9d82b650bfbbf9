"""The service as its image ships it: in a container without a network, which the attack enters."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlsecops.containers.building import TaggedImage, available_engine, tagged, undo
from mlsecops.containers.engines import NoEngineError, environment
from mlsecops.containers.recipes import Recipe, recipes
from mlsecops.containers.runs import container_name
from mlsecops.dast.service.command import OWN_PORT
from mlsecops.dast.service.isolation import Isolation
from mlsecops.dast.service.placeholders import Placeholders
from mlsecops.dast.service.running import LOG_BYTES, Service, Start, answering
from mlsecops.dast.service.watch import MOST_PROCESSES, Watch, watching
from mlsecops.job import Job, ToolError, fresh_folder
from mlsecops.toolbox import Limits, StartError

_PAUSE, _SECONDS, _ENDING = 0.05, 30.0, 5.0


class NoImageError(Exception):
    """The service cannot be started as an image here; the text says why, "" when nobody asked for it."""


@contextmanager
def as_image(job: Job, placeholders: Placeholders, hidden: list[str]) -> Iterator[Service]:
    """Start the image of the project's Dockerfile and wait until it answers; it is ended with the block.

    Raises NoImageError when there is no image to start, or none that can be reached, and ToolError when
    it does not start, or cannot be built though the policy asks for it.
    """
    image = _image(job)
    name = container_name(image.tag)
    folder = fresh_folder(job.work / "service")
    start = replace(_start(job, image, name, placeholders, folder), hidden=hidden)
    watch = Watch(start.memory)
    limits = Limits(file_size=LOG_BYTES)
    try:
        with job.context.toolbox.processes.background(
            start.argv, cwd=folder, env=start.env, log=folder / "log", limits=limits
        ) as process:
            try:
                service = Service(
                    job=job,
                    start=start,
                    isolation=Isolation(),
                    process=process,
                    log=folder / "log",
                    watch=watch,
                )
                isolation = _entered(service, image, name)
                with watching(watch, process, isolation.holder):
                    yield answering(service.inside(isolation))
            finally:
                undo(image.engine.end(name), job.work)
    except StartError as error:
        raise ToolError(f"the service could not be started: {error}") from error


def recipe_of(job: Job) -> Recipe:
    """How the service's image is built. Raises NoImageError when it is not to be, or nobody knows how."""
    settings = job.policy.dast
    if settings.target == "process" or (settings.start and settings.target is None):
        raise NoImageError("")
    builds = recipes(job.project, job.policy.container)
    if not builds:
        raise NoImageError("there is no Dockerfile" if settings.target else "")
    if len(builds) > 1:
        named = ", ".join(each.dockerfile for each in builds[:3])
        raise NoImageError(f"there are several Dockerfiles ({named}); name one in container.dockerfiles")
    return builds[0]


def _image(job: Job) -> TaggedImage:
    recipe = recipe_of(job)
    try:
        if not available_engine(job).runs:
            raise NoImageError("buildah builds images, and does not start them")
        return tagged(job, recipe)
    except NoEngineError as error:
        raise NoImageError(str(error)) from error
    except ToolError as error:
        sentence = f"the image of {recipe.dockerfile} cannot be built: {error}"
        if job.policy.dast.target == "image":
            raise ToolError(sentence) from error
        raise NoImageError(sentence) from error


def _start(job: Job, image: TaggedImage, name: str, placeholders: Placeholders, folder: Path) -> Start:
    settings = job.policy.dast
    filled = placeholders.knowing(port=str(settings.port or OWN_PORT))
    values = {each: filled.fill(text, f"dast.env.{each}") for each, text in settings.env.items()}
    broken = [each for each, value in values.items() if "\n" in value]
    if broken:
        raise ToolError(f"a container's variable has one line, and dast.env.{broken[0]} has more")
    variables = folder / "variables"
    variables.touch(0o600)
    variables.write_text("".join(f"{each}={value}\n" for each, value in values.items()), encoding="utf-8")
    told = any("{port}" in text for text in settings.env.values())
    argv = image.engine.start(
        image.tag,
        name,
        variables=variables,
        memory=settings.memory,
        processes=MOST_PROCESSES,
        read_only=settings.read_only,
    )
    return Start(
        argv=tuple(argv),
        folder=folder,
        env=environment(os.environ),
        port=settings.port or (OWN_PORT if told else None),
        health=settings.health,
        seconds=min(settings.start_timeout, job.bounds.left()),
        memory=settings.memory,
    )


def _entered(service: Service, image: TaggedImage, name: str) -> Isolation:
    """A way into the container's network. Raises ToolError when it ended, NoImageError without a way."""
    pid, host = _first_process(service, image, name)
    for enter in ways(pid):
        if _said(service.job, [*enter, "--uts", "--", "uname", "-n"]) == host:
            return Isolation(prefix=(*enter, "--"), holder=pid)
    if not Path(f"/proc/{pid}").exists():
        _wait_for_end(service)
    service.still_running()
    raise NoImageError("the container's network cannot be entered from here")


def _wait_for_end(service: Service) -> None:
    """Give the engine's client the time to say how a container ended that is gone already."""
    until = time.monotonic() + _ENDING
    while time.monotonic() < until and service.process.poll() is None:
        time.sleep(_PAUSE)


def _first_process(service: Service, image: TaggedImage, name: str) -> tuple[int, str]:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        service.still_running()
        pid, _, host = _said(service.job, image.engine.process(name)).partition(" ")
        if pid.isdecimal() and int(pid):
            return int(pid), host
        time.sleep(_PAUSE)
    raise service.failed(f"the service did not start within {_SECONDS:g} s")


def ways(pid: int) -> Iterator[tuple[str, ...]]:
    """Commands that may enter the network of a process: as we are, as its owner, as root."""
    nsenter, sudo = shutil.which("nsenter"), shutil.which("sudo")
    if nsenter is None:
        return
    enter = (nsenter, f"--target={pid}", "--net")
    yield enter
    yield (*enter, "--user", "--preserve-credentials")
    if sudo and os.geteuid():
        ours = (f"--setuid={os.geteuid()}", f"--setgid={os.getegid()}")
        yield (sudo, "--non-interactive", "--preserve-env", *enter, *ours)


def _said(job: Job, command: Sequence[str]) -> str:
    """What a command printed, "" when it failed."""
    try:
        done = job.execute(command, exit_codes=(0,), timeout=_SECONDS, env=environment(os.environ))
    except ToolError:
        return ""
    return done.output.read_text(encoding="utf-8", errors="replace").strip()
