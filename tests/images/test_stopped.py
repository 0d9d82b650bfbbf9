"""However a run ends that builds an image and starts it, the engine and the machine are as before."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from mlsecops.containers.building import available_engine
from mlsecops.containers.runs import container_name, run_name
from support import services
from support.command import COMMAND
from support.docker_engine import DockerEngine
from support.waiting import eventually

HANGING = "\ndef post(self):\n    time.sleep(300)\n\n\nHandler.do_POST = post\n"
DOCKERFILE = """FROM base:1 AS base
FROM base
COPY service.py /app/
RUN mkdir /data
{step}
CMD ["python", "/app/service.py"]
"""
POLICY = "version: 1\ndast:\n  target: image\n"


def building(engine: DockerEngine) -> bool:
    return any("sleep 1000" in each for each in engine.leftovers())


def scanning(engine: DockerEngine) -> bool:
    return any(each.startswith("mlsecops-run/") for each in engine.leftovers())


def attacking(engine: DockerEngine) -> bool:
    """The attack's first request is answered, the next one hangs."""
    running = engine.docker("ps", "--format", "{{.Names}}").split()
    return bool(running) and any("ask.py" in " ".join(each) for each in command_lines())


def command_lines() -> Iterator[list[str]]:
    for each in psutil.process_iter(["cmdline"]):
        with suppress(psutil.Error):
            yield each.info["cmdline"] or []


def namespaces(processes: Iterable[int]) -> set[str]:
    """The network namespaces that processes are in, but for our own."""
    found = set()
    for each in processes:
        with suppress(OSError):
            found.add(str(Path(f"/proc/{each}/ns/net").readlink()))
    return found - {str(Path("/proc/self/ns/net").readlink())}


def of_run(engine: DockerEngine, run: int) -> set[str]:
    """The network namespaces of a run's processes and containers."""
    below = [each.pid for each in psutil.Process(run).children(recursive=True)]
    containers = engine.docker("ps", "--quiet").split()
    inside = [engine.docker("inspect", "--format", "{{.State.Pid}}", each) for each in containers]
    return namespaces([*below, *map(int, inside)])


def gone(spaces: set[str]) -> bool:
    """Whether nobody is in any of these namespaces."""
    return not spaces & namespaces(psutil.pids())


MOMENTS: dict[str, tuple[str, str, Callable[[DockerEngine], bool]]] = {
    "build": ("container", "RUN sleep 1000", building),
    "scan": ("container", "ENV PORT=8080", scanning),
    "attack": ("dast", "ENV PORT=8080", attacking),
}


@contextmanager
def stopped(
    engine: DockerEngine, root: Path, moment: str, signals: Sequence[int]
) -> Iterator[tuple[int, set[str]]]:
    """A run to which these signals were sent at a moment: its exit code, and the namespaces that it had."""
    stage, step, reached = MOMENTS[moment]
    services.make(root, HANGING)
    (root / "Dockerfile").write_text(DOCKERFILE.format(step=step), encoding="utf-8")
    (root / ".github").mkdir()
    (root / ".github" / "mlsecops.yml").write_text(POLICY, encoding="utf-8")
    command = [*COMMAND, "run", str(root), "--stage", stage, "--out", str(root.parent / "out")]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: reached(engine), 60.0)
        spaces = of_run(engine, run.pid)
        assert spaces or moment != "attack"
        for sign in signals:
            run.send_signal(sign)
            time.sleep(0.3)
        yield run.wait(60), spaces
    finally:
        run.kill()
        run.wait()


@pytest.mark.parametrize(
    ("moment", "signals"),
    [
        ("build", [signal.SIGTERM]),
        ("build", [signal.SIGINT, signal.SIGTERM]),
        ("scan", [signal.SIGINT]),
        ("attack", [signal.SIGINT]),
        ("attack", [signal.SIGTERM]),
        ("attack", [signal.SIGINT, signal.SIGTERM]),
    ],
)
def test_a_run_that_is_stopped_leaves_nothing(
    engine: DockerEngine, tmp_path: Path, moment: str, signals: Sequence[int]
) -> None:
    """Not even its steps, which are the engine's cache after a whole run. A job timeout sends two signals."""
    before = engine.everything()
    with stopped(engine, tmp_path / "p", moment, signals) as (code, spaces):
        # A last signal can meet Python at its own end.
        assert code in ((130,) if len(signals) == 1 else (130, -signals[-1]))
    assert eventually(lambda: engine.everything() == before), engine.docker("image", "ls", "--all")
    assert eventually(lambda: gone(spaces))
    assert not [each for each in command_lines() if str(tmp_path) in " ".join(each)]


def next_run(folder: Path) -> None:
    """All of a run that looks at what others have left."""
    job = services.job(services.make(folder / "next"), folder)
    with job.context.shared:
        available_engine(job)


@pytest.mark.parametrize("moment", ["build", "attack"])
def test_a_run_that_is_killed_is_cleaned_up_by_the_next(
    engine: DockerEngine, tmp_path: Path, moment: str
) -> None:
    """What it built, its container, and the engine's client, which goes on without it."""
    with stopped(engine, tmp_path / "p", moment, [signal.SIGKILL]) as (code, spaces):
        assert code == -signal.SIGKILL
    assert engine.leftovers()
    next_run(tmp_path)
    assert eventually(lambda: not engine.leftovers())
    assert eventually(lambda: gone(spaces))
    assert not [each for each in command_lines() if str(tmp_path) in " ".join(each)]


def test_what_others_have_stays(engine: DockerEngine, tmp_path: Path) -> None:
    """Tags and containers of a run that is still going, and those that are nobody's."""
    own, dead = (f"{run_name()}:x", f"{run_name()}:x".replace(f"-{os.getpid()}-", "-4194304-"))
    kept = [own, "mlsecops-run/of-somebody:1"]
    names = [container_name(own), "mlsecops-run.of-somebody"]
    for tag in (*kept, dead):
        engine.docker("tag", "base:1", tag)
    for name in (*names, container_name(dead)):
        engine.docker("run", "--detach", "--name", name, "--network", "none", "base:1", "sleep", "1000")
    next_run(tmp_path)
    there = engine.docker("ps", "--all", "--format", "{{.Names}}").split()
    tags = [each for each in engine.leftovers() if each.startswith("mlsecops-run/")]
    for name in there:
        engine.docker("rm", "--force", name)
    for tag in tags:
        engine.docker("image", "rm", tag)
    assert sorted(there) == sorted(names)
    assert sorted(tags) == sorted(kept)
