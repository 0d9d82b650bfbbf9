"""What the chain costs on top of its tools: a warm run beside the same commands called directly.

    .venv-dev/bin/python tests/benchmarks/chain.py [PROJECT]

A first run warms every cache. The second one is measured and keeps its scratch folder; then each command that
it started is started again by itself, one after the other. All figures come from this one call.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Started:
    """One command that a tool's scan started; `tool` is the name of its scratch folder."""

    tool: str
    command: list[str]
    cwd: str
    env: dict[str, str]


def record(project: Path, folder: Path) -> None:
    """In a process of its own: run the command, note what it starts, write the figures."""
    from click.testing import CliRunner
    from mlsecops import cli
    from mlsecops.toolbox import Processes

    started: list[dict[str, Any]] = []
    real = Processes.run

    def run(
        self: Processes, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], **rest: Any
    ) -> Any:
        scratch = Path(rest["stdout"]).relative_to(folder / "cache" / "work").parts[1]
        started.append({"tool": scratch, "command": [*command], "cwd": str(cwd), "env": {**env}})
        return real(self, command, cwd=cwd, env=env, **rest)

    begin = time.perf_counter()
    with mock.patch.object(Processes, "run", run), mock.patch("shutil.rmtree"):
        result = CliRunner().invoke(cli.command, ["run", str(project), "--out", str(folder / "out")])
    wall = time.perf_counter() - begin
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "exit": result.exit_code,
        "wall": wall,
        "own": time.process_time(),
        "tools": children.ru_utime + children.ru_stime,
        "started": started,
    }
    (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def measured(project: Path, folder: Path) -> dict[str, Any]:
    """The figures of one run in a fresh process."""
    real = Path(os.environ.get("MLSECOPS_CACHE") or Path.home() / ".cache" / "mlsecops")
    cache = folder / "cache"
    cache.mkdir(parents=True)
    (cache / "tools").symlink_to(real / "tools")
    environment = {**os.environ, "MLSECOPS_CACHE": str(cache)}
    subprocess.run(
        [sys.executable, __file__, "--record", str(project), str(folder)], check=True, env=environment
    )
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    return figures


def replay(command: Started) -> tuple[float, float]:
    """Wall and CPU seconds of a command started directly."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command.command,
        cwd=command.cwd,
        env=command.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime


def best_schedule(jobs: Sequence[float], cores: int) -> float:
    """The shortest time in which jobs that cannot be split fit on the cores (all placements tried)."""
    if len(jobs) > 14:
        return max(*jobs, sum(jobs) / cores)
    ends = []
    for places in product(range(cores), repeat=len(jobs)):
        loads = [0.0] * cores
        for job, place in zip(jobs, places, strict=True):
            loads[place] += job
        ends.append(max(loads))
    return min(ends)


def main(project: Path) -> None:
    """Run, replay and print."""
    with tempfile.TemporaryDirectory() as temporary:
        measured(project, Path(temporary) / "warm")
        figures = measured(project, Path(temporary) / "measured")
        per_tool: dict[str, list[tuple[float, float]]] = defaultdict(list)
        # What a run makes anew has to be made anew here too: the environment of the project's tests.
        for made in (Path(temporary) / "measured" / "cache" / "work").glob("*/*/environment"):
            shutil.rmtree(made)
        for each in figures["started"]:
            per_tool[each["tool"]].append(replay(Started(**each)))
    print(f"{'tool, called directly':32} {'commands':>8} {'wall s':>8} {'CPU s':>8}")
    walls, total = [], 0.0
    for tool, times in sorted(per_tool.items(), key=lambda item: -sum(wall for wall, _ in item[1])):
        wall, cpu = sum(wall for wall, _ in times), sum(cpu for _, cpu in times)
        walls.append(wall)
        total += cpu
        print(f"{tool:32} {len(times):8} {wall:8.2f} {cpu:8.2f}")
    best = best_schedule(walls, CORES)
    print(f"\n{'sum of the tools':32} {'':8} {sum(walls):8.2f} {total:8.2f}")
    print(f"{'longest tool':32} {'':8} {max(walls):8.2f}")
    print(f"{f'best schedule on {CORES} cores':32} {'':8} {best:8.2f}")
    print(f"{'mlsecops run, warm':32} {'':8} {figures['wall']:8.2f} {figures['own'] + figures['tools']:8.2f}")
    print(f"\nown CPU on top of the tools   {figures['own']:.2f} s (aim: under 1.5 s)")
    print(f"run / best schedule           {figures['wall'] / best:.2f} (aim: at most 1.2)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--record"]:
        record(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else REPOSITORY / "example-project")
