"""Building each image once per run, and taking it away at the end, also of a run that was interrupted."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from mlsecops import dockerfiles
from mlsecops.containers.archive import ImageError
from mlsecops.containers.engines import ENGINE_VARIABLE, Engine, NoEngineError, environment, find, new_steps
from mlsecops.containers.image import Image
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.runs import dead, end_orphans, run_name
from mlsecops.dockerfiles import DockerfileError
from mlsecops.job import Job, NotDueError, ToolError, fresh_folder
from mlsecops.project import ProjectError
from mlsecops.toolbox import Limits, Processes, StartError

_ANSWER_SECONDS = 30.0
_SAVE_SECONDS = 900.0
UNDO_SECONDS, _PAUSE = 10.0, 0.2
_LARGEST_ARCHIVE = 64 << 30


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """An image in its engine, under a tag of this run."""

    engine: Engine
    tag: str


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image in its engine, under a tag of this run, and as an archive."""

    recipe: Recipe
    engine: Engine
    tag: str
    archive: Path


def built(job: Job, recipe: Recipe) -> BuiltImage:
    """The image of a recipe and its archive, made by whoever asks first.

    Raises NotDueError when there is no engine and the policy does not require one, ToolError when there is
    none and it does, or when the image cannot be built.
    """
    return job.context.shared.once(("image", recipe), partial(_saving, job, recipe))


def tagged(job: Job, recipe: Recipe) -> TaggedImage:
    """The image of a recipe in its engine, built by whoever asks first; raises NoEngineError, ToolError."""
    engine = available_engine(job)
    return job.context.shared.once(("tagged image", recipe), partial(_building, job, recipe, engine))


def available_engine(job: Job) -> Engine:
    """The engine of the run. Raises NoEngineError."""
    return job.context.shared.once("container engine", partial(_engine, job))


def required(job: Job) -> bool:
    """Whether images must be looked at: as the policy says, else as the caller asked."""
    asked = job.policy.container.image
    return asked == "required" if asked else job.context.options.image_required


@contextmanager
def _engine(job: Job) -> Iterator[Engine]:
    """Find the engine, and take away what dead runs have left in it."""

    def ask(command: Sequence[str], *, silent: bool = False) -> str:
        variables = environment(os.environ)
        try:
            done = job.execute(
                command, exit_codes=(0,), timeout=_ANSWER_SECONDS, env=variables, silent=silent
            )
        except ToolError as error:
            raise NoEngineError(str(error)) from error
        return done.output.read_text(encoding="utf-8", errors="replace")

    engine = find(shutil.which, ask, os.environ.get(ENGINE_VARIABLE, ""))
    end_orphans()
    for there, remove in ((engine.containers(), engine.end), (engine.tags(), engine.remove)):
        with suppress(NoEngineError):
            for name in dead(ask(there, silent=True).split()) if there else ():
                ask(remove(name), silent=True)
    yield engine


def image_of(job: Job, recipe: Recipe) -> Image:
    """The image of a recipe as the checks see it, read by whoever asks first; raises as `built` does."""
    image = built(job, recipe)
    try:
        return job.context.shared.once(("read image", recipe), partial(_reading, job, image))
    except (ImageError, DockerfileError, ProjectError, OSError) as error:
        raise ToolError(str(error)) from error


@contextmanager
def _reading(job: Job, image: BuiltImage) -> Iterator[Image]:
    uri = image.recipe.dockerfile
    dockerfile = dockerfiles.parse(job.project.read_text(uri))
    scratch = fresh_folder(job.work / "layers")
    with Image.opened(image.archive, scratch, uri, dockerfile, image.recipe.target) as read:
        yield read


@contextmanager
def _saving(job: Job, recipe: Recipe) -> Iterator[BuiltImage]:
    try:
        image = tagged(job, recipe)
    except NoEngineError as error:
        reason = f"no image was built: {error}"
        if required(job):
            raise ToolError(reason) from error
        raise NotDueError(reason) from error
    archive = fresh_folder(job.work / "image") / "image.tar"
    try:
        job.execute(
            image.engine.save(image.tag, archive),
            exit_codes=(0,),
            output=archive,
            timeout=_SAVE_SECONDS,
            largest=_LARGEST_ARCHIVE,
            env=environment(os.environ),
        )
        yield BuiltImage(recipe, image.engine, image.tag, archive)
    finally:
        archive.unlink(missing_ok=True)


@contextmanager
def _building(job: Job, recipe: Recipe, engine: Engine) -> Iterator[TaggedImage]:
    tag = f"{run_name()}:{sha256(repr(recipe).encode()).hexdigest()[:12]}"
    work = fresh_folder(job.work / "build")
    steps: list[str] = []
    tagged_steps = 0
    try:
        replace(job, work=work).execute(
            engine.build(recipe, job.root, tag),
            exit_codes=(0,),
            timeout=job.policy.container.timeout,
            env={**environment(os.environ), "BUILDKIT_PROGRESS": "plain"},
            silent=True,
        )
        tagged_steps = 1
        yield TaggedImage(engine, tag)
    except BaseException:
        # Steps are the engine's cache, but nobody knows when a run that was stopped comes back.
        with suppress(OSError):
            said = (work / "runs" / "stdout").read_text(encoding="utf-8", errors="replace")
            steps = new_steps(said)[tagged_steps:]
        raise
    finally:
        undo(engine.remove(tag), work)
        _undo_steps(engine, steps, work)


def _undo_steps(engine: Engine, steps: Sequence[str], work: Path) -> None:
    """Take the images of steps away; the engine still ends the container of the last one."""
    until = time.monotonic() + UNDO_SECONDS
    for step in steps:
        while not undo(engine.remove(step), work) and time.monotonic() < until:
            time.sleep(_PAUSE)


def undo(command: Sequence[str], work: Path) -> bool:
    """Run an engine's command with processes of its own: those of the run may have been stopped."""
    scratch = fresh_folder(work / "undoing")
    with suppress(StartError):
        done = Processes().run(
            command,
            cwd=scratch,
            env=environment(os.environ),
            stdout=scratch / "stdout",
            stderr=scratch / "stderr",
            limits=Limits(seconds=UNDO_SECONDS),
        )
        return done.exit_code == 0
    return False
