"""A running service: started, waited for, asked whether it is still alive, ended."""

from __future__ import annotations

import base64
import json
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil

from mlsecops.bounds import blanked, spellings
from mlsecops.confinement import confined, program_folders
from mlsecops.dast.service.isolation import Isolation
from mlsecops.dast.service.ports import Address, listening_in, listening_of
from mlsecops.dast.service.watch import Watch, watching
from mlsecops.job import Job, ToolError, fresh_folder, printable
from mlsecops.project.reading import read_tail
from mlsecops.toolbox import Limits, StartError

_ASK = Path(__file__).with_name("ask.py")
_ANSWER_SECONDS, _MOST_BYTES, LOG_BYTES = 10.0, 1 << 20, 256 << 20
_SLICE, _PAUSE = 3.0, 0.05
_ERROR = re.compile(r"error|exception|fatal|fail|refused|denied|not found|no such|missing", re.IGNORECASE)
_TAIL_LINES, _TAIL_BYTES, _LINE = 10, 16_384, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is started: `port` where it is to listen (None: wherever it does), `health` the path to wait for.

    `seconds` it may take to answer for the first time, `memory` in bytes. `hidden` never comes out.
    """

    argv: tuple[str, ...]
    folder: Path
    env: Mapping[str, str]
    port: int | None
    health: str | None
    seconds: float
    memory: int
    hidden: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """One plain request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `status` 0 and why not, where nothing did. Names of headers are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: str = ""

    def header(self, name: str) -> str:
        """The first header of that name, "" without one."""
        return next((value for each, value in self.headers if each == name), "")


@dataclass(frozen=True, kw_only=True)
class Service:
    """One that answers, or did. `ask` and `alive` may be used from any thread."""

    job: Job
    start: Start
    isolation: Isolation
    process: Popen[bytes]
    log: Path
    watch: Watch
    address: Address = ("", 0)

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:8000`."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def pid(self) -> int | None:
        """Its first process, as we see it."""
        with_child = bool(self.isolation.process)
        if self.isolation.prefix and not with_child:
            return self.isolation.holder  # of a container
        try:
            children = psutil.Process(self.process.pid).children() if with_child else []
        except psutil.Error:
            return None
        return children[0].pid if children else None if with_child else self.process.pid

    def ask(self, requests: Sequence[Request], *, wait: float = 0.0, strict: bool = False) -> list[Answer]:
        """Send requests, one after the other; with `wait` the first one until it is answered.

        Raises ToolError when the program that sends them fails.
        """
        host, port = self.address
        order = {
            "host": host,
            "port": port,
            "seconds": _ANSWER_SECONDS,
            "most": _MOST_BYTES,
            "wait": wait,
            "strict": strict,
            "requests": [_sent(each) for each in requests],
        }
        path = fresh_folder(self.job.work / "asking") / "order.json"
        path.write_text(json.dumps(order), encoding="utf-8")
        argv = (*self.isolation.prefix, sys.executable, "-I", str(_ASK), str(path))
        seconds = wait + _ANSWER_SECONDS * (2 * len(requests) + 1)
        return [_received(each) for each in self.job.execute_json(argv, exit_codes=(0,), timeout=seconds)]

    def alive(self) -> str:
        """ "" when it answers, else why not, in words that follow "the service"."""
        ended = self.ended()
        if ended:
            return ended
        try:
            answers = self.ask([Request("GET", self.start.health or "/")])
        except ToolError as error:
            return f"could not be asked: {error}"
        failure = answers[0].failure
        return self.ended() or (f"does not answer any more ({failure}){self.last_words()}" if failure else "")

    def ended(self) -> str:
        """Why it does not run any more; "" while it does."""
        if self.watch.exceeded:
            return self.watch.exceeded.removeprefix("it ")
        code = self.process.poll()
        if code is None:
            return ""
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
            how = "was killed, as a system does that runs out of memory"
        return f"{how}{self.last_words()}"

    def still_running(self) -> None:
        """Raise ToolError when it ended before it ever answered."""
        ended = self.ended()
        if ended:
            raise self.failed(f"the service did not start: it {ended}")

    def inside(self, isolation: Isolation) -> Service:
        """The same, where it has turned out to be."""
        return replace(self, isolation=isolation)

    def last_words(self) -> str:
        """The last line of its log that tells of an error, as the end of a sentence."""
        telling = [line for line in self.tail() if _ERROR.search(line)]
        return f": {telling[-1].strip()}" if telling else ""

    def tail(self) -> list[str]:
        """The last lines of its log, printable, the keys of this run blanked."""
        try:
            whole = read_tail(str(self.log), _TAIL_BYTES)
        except OSError:  # it put something else there
            return []
        if len(whole) == _TAIL_BYTES:
            # A line without its beginning may hold half a key.
            whole = whole.partition(b"\n")[2]
        text = blanked(whole.decode("utf-8", "replace"), spellings(self.start.hidden))
        lines = [printable(line.rstrip().expandtabs()) for line in text.splitlines() if line.strip()]
        return [line[:_LINE] for line in lines[-_TAIL_LINES:]]

    def failed(self, sentence: str) -> ToolError:
        """The sentence as an error, with the end of the log as notes."""
        return ToolError(sentence, {"notes": [f"service log: {line}" for line in self.tail()]})


@contextmanager
def running(job: Job, isolation: Isolation, start: Start) -> Iterator[Service]:
    """Start a service and wait until it answers; it is ended with the block.

    Raises ToolError when it does not start, with the end of its log.
    """
    log = fresh_folder(job.work / "service") / "log"
    watch = Watch(start.memory)
    python = Path(start.env.get("VIRTUAL_ENV", sys.prefix), "bin", "python").resolve()
    within = confined(job, [python.parents[1], *program_folders()])
    command = isolation.command((*within, *start.argv), start.folder)
    limits = Limits(memory=start.memory, file_size=LOG_BYTES)
    processes = job.context.toolbox.processes
    try:
        with (
            processes.background(command, cwd=start.folder, env=start.env, log=log, limits=limits) as process,
            watching(watch, process, isolation.holder),
        ):
            service = Service(
                job=job, start=start, isolation=isolation, process=process, log=log, watch=watch
            )
            yield answering(service)
    except StartError as error:
        raise ToolError(f"the service could not be started: {error}") from error


def answering(service: Service) -> Service:
    """The service with its address, once it answers there."""
    until = time.monotonic() + service.start.seconds
    last = ""
    while time.monotonic() < until:
        service.still_running()
        for address in _addresses(service):
            found = replace(service, address=address)
            health = Request("GET", service.start.health or "/")
            left = max(0.1, min(_SLICE, until - time.monotonic()))
            answer = found.ask([health], wait=left, strict=service.start.health is not None)[0]
            if answer.status and (answer.status < 400 or service.start.health is None):
                return found
            last = f"; GET {health.path} gave {answer.status or answer.failure}"
        time.sleep(_PAUSE)
    service.still_running()
    listens = _addresses(service)
    where = f"on port {service.start.port}" if service.start.port else "anywhere"
    why = last if listens else f"; it does not listen {where}"
    seconds = f"{service.start.seconds:g} s"
    raise service.failed(f"the service did not answer within {seconds}{why}{service.last_words()}")


def _addresses(service: Service) -> list[Address]:
    """Where it listens: on the port that it was told, else wherever it does."""
    holder = service.isolation.holder
    found = listening_in(holder) if holder is not None else listening_of(service.process.pid)
    wanted = service.start.port
    return [each for each in found if each[1] == wanted] if wanted else found


def _sent(request: Request) -> dict[str, Any]:
    body = None if request.body is None else base64.b64encode(request.body).decode()
    return {
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": body,
    }


def _received(answer: Mapping[str, Any]) -> Answer:
    if "error" in answer:
        return Answer(0, failure=printable(str(answer["error"]))[:200])
    headers = tuple((str(name), str(value)) for name, value in answer["headers"])
    return Answer(int(answer["status"]), headers, base64.b64decode(answer["body"]))
