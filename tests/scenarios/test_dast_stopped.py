"""However a scan ends, nothing of the service that it started stays behind."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from support import services
from support.command import COMMAND

# A service that hangs, with a child that leaves its group and its session: a daemon.
DAEMON = """
def post(self):
    time.sleep(300)


Handler.do_POST = post
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
"""
POLICY = "version: 1\ndast:\n  start: [python, service.py]\n"


def started(root: Path, out: Path) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """A scan, once its service and the daemon run; and all processes below it."""
    (root / ".github").mkdir()
    (root / ".github" / "mlsecops.yml").write_text(POLICY, encoding="utf-8")
    command = [*COMMAND, "run", str(root), "--stage", "dast", "--out", str(out)]
    scan = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        below = psutil.Process(scan.pid).children(recursive=True)
        if sum(is_service(each) for each in below) >= 2:
            return scan, below
        time.sleep(0.1)
    scan.kill()
    raise AssertionError("the service did not start")


def is_service(process: psutil.Process) -> bool:
    """Whether it is the service or its daemon, and not what starts it."""
    try:
        return process.cmdline()[1:] == ["service.py"]
    except psutil.Error:
        return False


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run a while later."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_a_scan_that_is_stopped_leaves_nothing_behind(how: signal.Signals, tmp_path: Path) -> None:
    scan, below = started(services.make(tmp_path / "p", DAEMON), tmp_path / "out")
    scan.send_signal(how)
    _, said = scan.communicate(timeout=60)
    assert scan.returncode == 130, said
    assert left(below) == []


def test_a_scan_that_is_killed_leaves_nothing_behind_where_namespaces_can_be_made(tmp_path: Path) -> None:
    scan, below = started(services.make(tmp_path / "p", DAEMON), tmp_path / "out")
    isolated = any("holder.py" in " ".join(each.cmdline()) for each in below)
    scan.kill()
    scan.communicate(timeout=60)
    remaining = [each for each in left(below) if is_service(each)]
    for each in remaining:
        each.kill()
    if not isolated:
        pytest.skip("no network namespace can be made here")
    assert remaining == []
