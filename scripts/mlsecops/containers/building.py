"""Building each image once per run, and taking it away at the end, also of a run that was interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from mlsecops import dockerfiles
from mlsecops.containers.archive import ImageError
from mlsecops.containers.engines import ENGINE_VARIABLE, Engine, NoEngineError, environment, find
from mlsecops.containers.image import Image
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.runs import dead, run_name
from mlsecops.dockerfiles import DockerfileError
from mlsecops.job import Job, NotDueError, ToolError, fresh_folder
from mlsecops.project import ProjectError
from mlsecops.toolbox import Limits, Processes, StartError

_ANSWER_SECONDS = 30.0
_SAVE_SECONDS = 900.0
_LARGEST_ARCHIVE = 64 << 30


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image in its engine, under a tag of this run, and as an archive."""

    recipe: Recipe
    engine: Engine
    tag: str
    archive: Path


def built(job: Job, recipe: Recipe) -> BuiltImage:
    """The image of a recipe, built by whoever asks first.

    Raises NotDueError when there is no engine and the policy does not require one, ToolError when there is
    none and it does, or when the image cannot be built.
    """
    engine = engine_of(job)
    return job.context.shared.once(("image", recipe), partial(_building, job, recipe, engine))


def engine_of(job: Job) -> Engine:
    """The engine of the run; raises as `built` does."""
    try:
        return available(job)
    except NoEngineError as error:
        reason = f"no image was built: {error}"
        if required(job):
            raise ToolError(reason) from error
        raise NotDueError(reason) from error


def available(job: Job) -> Engine:
    """The engine of the run. Raises NoEngineError."""
    return job.context.shared.once("container engine", partial(_engine, job))


def required(job: Job) -> bool:
    """Whether images must be looked at: as the policy says, else as the caller asked."""
    asked = job.policy.container.image
    return asked == "required" if asked else job.context.options.image_required


@contextmanager
def _engine(job: Job) -> Iterator[Engine]:
    """Find the engine, and take away what dead runs have left in it."""

    def ask(command: Sequence[str]) -> str:
        try:
            done = job.execute(command, exit_codes=(0,), timeout=_ANSWER_SECONDS, env=environment(os.environ))
        except ToolError as error:
            raise NoEngineError(str(error)) from error
        return done.output.read_text(encoding="utf-8", errors="replace")

    engine = find(shutil.which, ask, os.environ.get(ENGINE_VARIABLE, ""))
    with suppress(NoEngineError):
        for tag in dead(ask(engine.tags()).split()):
            ask(engine.remove(tag))
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
def _building(job: Job, recipe: Recipe, engine: Engine) -> Iterator[BuiltImage]:
    tag = f"{run_name()}:{sha256(repr(recipe).encode()).hexdigest()[:12]}"
    archive = fresh_folder(job.work / "image") / "image.tar"
    engine_variables = environment(os.environ)
    try:
        job.execute(
            engine.build(recipe, job.root, tag),
            exit_codes=(0,),
            timeout=job.policy.container.timeout,
            env={**engine_variables, "BUILDKIT_PROGRESS": "plain"},
            silent=True,
        )
        job.execute(
            engine.save(tag, archive),
            exit_codes=(0,),
            output=archive,
            timeout=_SAVE_SECONDS,
            largest=_LARGEST_ARCHIVE,
            env=engine_variables,
        )
        yield BuiltImage(recipe, engine, tag, archive)
    finally:
        remove(engine, tag, job.work)
        archive.unlink(missing_ok=True)


def remove(engine: Engine, tag: str, work: Path) -> None:
    """Take a tag away, with processes of its own: those of the run may have been stopped."""
    scratch = fresh_folder(work / "removing")
    with suppress(StartError):
        Processes().run(
            engine.remove(tag),
            cwd=scratch,
            env=environment(os.environ),
            stdout=scratch / "stdout",
            stderr=scratch / "stderr",
            limits=Limits(seconds=_ANSWER_SECONDS),
        )
