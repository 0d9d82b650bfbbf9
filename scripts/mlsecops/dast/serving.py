"""The service of one run: made by the first tool that asks, attacked by one at a time, ended at the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from mlsecops import project_environment
from mlsecops.bounds import spellings
from mlsecops.dast import preflight
from mlsecops.dast.document.describe import SERVED_AT, describe
from mlsecops.dast.document.servers import at_address
from mlsecops.dast.service.command import Place, callers, identity, program, start, texts, variables
from mlsecops.dast.service.container import NoImageError, as_image, recipe_of
from mlsecops.dast.service.guess import Guess, guess
from mlsecops.dast.service.isolation import isolated
from mlsecops.dast.service.placeholders import Placeholders
from mlsecops.dast.service.running import Request, Service, running
from mlsecops.dast.target import Auth, Identity, Target
from mlsecops.dast.turns import Turns
from mlsecops.job import Job, ToolError

_KEY = "dast service"
_LOGIN_SECONDS = 60.0


class Attacked(Protocol):
    """A service to attack; operations in `absent` are known not to answer."""

    @property
    def target(self) -> Target: ...
    @property
    def absent(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running service and what is known of it; `absent` are operations that do not answer, and why."""

    target: Target
    service: Service
    absent: dict[str, str]
    notes: tuple[str, ...]


@contextmanager
def attacking(job: Job) -> Iterator[Served]:
    """The service for one tool alone, alive before and after.

    Raises ToolError when it does not start, does not live through the block, or no time is left for it.
    """
    turns = Turns.of(job)
    with turns.taken_by(job):
        served = job.context.shared.once(_KEY, lambda: serving(job, turns.hidden))
        _still_alive(served, "before this attack")
        yield served
        _still_alive(served, "during this attack")


@contextmanager
def serving(job: Job, hidden: list[str]) -> Iterator[Served]:
    """Start the project's service, as its image or as a process.

    What must not come out is added to `hidden` as it becomes known. Raises ToolError with the reason, the end
    of its log as notes.
    """
    placeholders = Placeholders.of(secrets.token_hex(16), os.environ)
    hidden += placeholders.secrets(texts(job.policy.dast))
    with ExitStack() as stack:
        try:
            service = stack.enter_context(as_image(job, placeholders, hidden))
        except NoImageError as error:
            launched = stack.enter_context(_as_process(job, placeholders, hidden, str(error)))
        else:
            place = _place(job) if any(each.login for each in callers(job.policy.dast)) else None
            note = f"the service ran as the image of {recipe_of(job).dockerfile}, in a container of its own"
            env = variables(place) if place else {}
            launched = _Launched(service, _main_application(job), place, env, (note,))
        yield _examined(job, launched, placeholders.knowing(url=launched.service.base_url))


@dataclass(frozen=True)
class _Launched:
    """A service that answers, the application in the code that it is, and where its neighbours' programs are.

    `env` are the variables that a neighbour gets.
    """

    service: Service
    guessed: Guess | None
    place: Place | None
    env: Mapping[str, str]
    notes: tuple[str, ...]


@contextmanager
def _as_process(
    job: Job, placeholders: Placeholders, hidden: list[str], no_image: str
) -> Iterator[_Launched]:
    settings = job.policy.dast
    try:
        guessed = None if settings.start else guess(job.project)
    except ToolError as error:
        raise ToolError(
            f"{error}; its image was not started: {no_image}" if no_image else str(error)
        ) from error
    place = _place(job)
    told = f"the service did not run as its image: {no_image}" if no_image else ""
    with isolated(job) as isolation:
        started = start(settings, guessed, place, placeholders, alone=isolation.holder is not None)
        started = replace(started, seconds=min(started.seconds, job.bounds.left()), hidden=hidden)
        with running(job, isolation, started) as service:
            notes = (told, *place.environment.notes, service.isolation.note, _how(guessed))
            yield _Launched(service, guessed, place, started.env, notes)


def _main_application(job: Job) -> Guess | None:
    """The one application that the code makes, if it is one."""
    with suppress(ToolError):
        return guess(job.project)
    return None


def _examined(job: Job, launched: _Launched, placeholders: Placeholders) -> Served:
    """What the service is, once it runs and answers for what it is meant to be."""
    settings, service = job.policy.dast, launched.service
    described = describe(
        job.project,
        settings.document,
        settings.exclude_operations,
        launched.guessed.app if launched.guessed else None,
        lambda: _served_documents(service),
    )
    identities = _identities(job, launched, placeholders)
    target = Target(
        base_url=service.base_url,
        operations=described.operations,
        document=at_address(described.document, described.code.routes, service.base_url),
        document_uri=described.document.uri,
        application=described.application,
        auth=Auth(identities=identities),
        pid=service.pid,
        model_files=tuple(model.uri for model in job.project.models),
        hidden=spellings(service.start.hidden),
        prefix=service.isolation.prefix,
        alive=service.alive,
    )
    absent = _asked(service, target)
    notes = [*launched.notes, *described.notes]
    return Served(target=target, service=service, absent=absent, notes=tuple(filter(None, notes)))


def _asked(service: Service, target: Target) -> dict[str, str]:
    """Ask every operation once. Raises ToolError when the answers are not those of a service."""
    first = target.auth.identities[0] if target.auth.identities else None
    requests = preflight.requests(target.operations, target.document, first)
    judgement = preflight.judge(target.operations, service.ask(requests), known=first is not None)
    ended = service.ended()
    if ended:
        raise service.failed(f"the service did not outlive one plain request to each operation: it {ended}")
    if judgement.doubt:
        raise service.failed(
            f"the service {judgement.doubt}, so attacks on it show nothing{service.last_words()}"
        )
    return dict(judgement.absent)


def _served_documents(service: Service) -> Sequence[bytes]:
    answers = service.ask([Request("GET", path) for path in SERVED_AT])
    return [answer.body for answer in answers if answer.status == 200]


def _identities(job: Job, launched: _Launched, placeholders: Placeholders) -> tuple[Identity, ...]:
    """Who the scan is to the service; what opens it must not come out."""
    found = []
    for number, caller in enumerate(callers(job.policy.dast)):
        words = [placeholders.fill(word, "dast.auth.login") for word in caller.login]
        printed = _logged_in(job, launched, launched.place, words) if words and launched.place else ""
        found.append(identity(caller, number, printed, placeholders))
        launched.service.start.hidden.extend(found[-1].secrets())
    return tuple(found)


def _logged_in(job: Job, launched: _Launched, place: Place, words: list[str]) -> str:
    """What a login command prints, as a neighbour of the service; nothing of it is left behind, or shown."""
    argv = [*launched.service.isolation.prefix, str(program(words[0], place)), *words[1:]]
    try:
        completed = job.execute(
            argv,
            exit_codes=(0,),
            timeout=_LOGIN_SECONDS,
            cwd=place.source,
            env=launched.env,
            silent=True,
            private=True,
        )
    except ToolError as error:
        # Not with the service's log: a key that it gave out may be in it, unknown to us.
        raise ToolError(f"the policy's login command did not work: {error}") from error
    try:
        return completed.stdout.read_text(encoding="utf-8", errors="replace")
    finally:
        completed.stdout.unlink()
        completed.stderr.unlink()


def _place(job: Job) -> Place:
    source = project_environment.copy_project(job)
    environment = project_environment.make(job, source, job.policy.test.python, tests=False)
    home, scratch = job.work / "service-home", job.work / "service-tmp"
    for folder in (home, scratch):
        folder.mkdir()
    return Place(source=source, environment=environment, home=home, scratch=scratch)


def _how(guessed: Guess | None) -> str:
    if guessed is None:
        return ""
    made = guessed.app.name or "run as a script"
    return (
        f"the policy does not say how the service starts: {guessed.app.framework}, {guessed.app.uri} ({made})"
    )


def _still_alive(served: Served, when: str) -> None:
    why = served.service.alive()
    if why:
        raise served.service.failed(f"the service did not live {when}: it {why}")
