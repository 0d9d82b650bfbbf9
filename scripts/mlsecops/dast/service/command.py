"""What is started, from the policy or by a guess, and who the scan is to the service."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsecops.dast.service.guess import Guess
from mlsecops.dast.service.placeholders import Placeholders
from mlsecops.dast.service.ports import free_port
from mlsecops.dast.service.running import Start
from mlsecops.dast.target import Identity
from mlsecops.job import ToolError, printable
from mlsecops.policy import Caller, DastSettings
from mlsecops.project_environment import ProjectEnvironment

OWN_PORT = 8000  # nobody else listens in a namespace that was just made
_PORT = "{port}"
_HEADER = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the service's files are: the copy of the project, what it is run by, folders of its own."""

    source: Path
    environment: ProjectEnvironment
    home: Path
    scratch: Path


def start(
    settings: DastSettings, guess: Guess | None, place: Place, placeholders: Placeholders, *, alone: bool
) -> Start:
    """What is started; `alone` says that the service has a network of its own.

    Raises ToolError when a program is missing, a port is taken or a variable is not set.
    """
    port = _port(settings, alone=alone)
    filled = placeholders.knowing(port=str(port))
    env = {name: filled.fill(value, f"dast.env.{name}") for name, value in settings.env.items()}
    if settings.start:
        words = [filled.fill(word, "dast.start") for word in settings.start]
        argv = (str(program(words[0], place)), *words[1:])
    elif guess:
        argv = guess.argv(place.environment.python, place.source, port)
    else:
        raise ToolError("there is nothing to start")
    told = settings.port or (guess is not None and bool(guess.app.name)) or _mentions_port(settings)
    return Start(
        argv=argv,
        folder=place.source,
        env={**variables(place), "PORT": str(port), **env},
        port=port if told else None,
        health=settings.health,
        seconds=settings.start_timeout,
        memory=settings.memory,
    )


def texts(settings: DastSettings) -> Iterator[str]:
    """All texts of the policy that may name a secret."""
    yield from (*settings.start, *settings.env.values())
    for caller in callers(settings):
        yield from (*(each for each in (caller.header, caller.key) if each), *caller.login)


def callers(settings: DastSettings) -> list[Caller]:
    """Everybody who calls, the one for everything first."""
    return [*([settings.auth] if settings.auth else []), *settings.identities]


def identity(caller: Caller, number: int, printed: str, placeholders: Placeholders) -> Identity:
    """What a caller adds to its requests; `printed` is what its login command said.

    Raises ToolError when that is no header.
    """
    what = "dast.auth" if number == 0 else f"dast.identities[{number}]"
    name = f"identity {number + 1}"
    objects = {each: placeholders.fill(value, f"{what}.objects") for each, value in caller.objects.items()}
    if caller.key:
        key, _, value = placeholders.fill(caller.key, what).partition("=")
        return Identity(name=name, query={key: value}, objects=objects)
    text = placeholders.fill(caller.header, what) if caller.header else printed
    headers = dict(_headers(text))
    if not headers:
        raise ToolError(f"the login command of the policy's {what} printed no header")
    return Identity(name=name, headers=headers, objects=objects)


def program(name: str, place: Place) -> Path:
    """A script of the project, or a program of its environment, or of the system."""
    if "/" in name:
        return place.source / name
    own = place.environment.folder / "bin" / name
    found = own if own.exists() else shutil.which(name)
    if found is None:
        raise ToolError(f"the service cannot be started: there is no {printable(name)} here")
    return Path(found)


def variables(place: Place) -> Mapping[str, str]:
    """The environment of the service before the policy adds to it: nothing of ours is in it."""
    return {
        "PATH": os.pathsep.join([str(place.environment.folder / "bin"), os.defpath.lstrip(":")]),
        "HOME": str(place.home),
        "TMPDIR": str(place.scratch),
        "LANG": "C.UTF-8",
        "VIRTUAL_ENV": str(place.environment.folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _headers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if _HEADER.fullmatch(name.strip()) and value.strip():
            yield name.strip(), value.strip()


def _mentions_port(settings: DastSettings) -> bool:
    return any(_PORT in text for text in (*settings.start, *settings.env.values()))


def _port(settings: DastSettings, *, alone: bool) -> int:
    """The policy's port, else one that is free."""
    if alone:
        return settings.port or OWN_PORT
    if settings.port is None:
        return free_port()
    with socket.socket() as listener:
        # As a server does that is started again soon after it was ended.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", settings.port))
        except OSError as error:
            raise ToolError(f"port {settings.port} of this machine is taken by somebody else") from error
    return settings.port
