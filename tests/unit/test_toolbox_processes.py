"""External processes: their limits, and that none is left behind."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from mlsecops.toolbox import Finished, Limits, Processes, StartError


def run(processes: Processes, tmp_path: Path, code: str, limits: Limits | None = None) -> Finished:
    return processes.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={},
        stdout=tmp_path / "out",
        stderr=tmp_path / "err",
        limits=limits or Limits(seconds=60),
    )


def gone(pid: int) -> bool:
    """Whether a process has ended, waiting a moment for the kernel to say so."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_output_goes_to_files_and_the_exit_code_is_kept(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    finished = run(Processes(), tmp_path, code)
    assert (finished.exit_code, finished.timed_out) == (7, False)
    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "err").read_text() == "err\n"


def test_standard_input_is_empty(tmp_path: Path) -> None:
    assert run(Processes(), tmp_path, "import sys; sys.exit(len(sys.stdin.read()))").exit_code == 0


def test_a_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    finished = run(Processes(), tmp_path, "import os; os.kill(os.getpid(), 11)")
    assert finished.exit_code == -signal.SIGSEGV


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    finished = run(Processes(), tmp_path, "import time; time.sleep(60)", Limits(seconds=0.5))
    assert finished.timed_out
    assert finished.seconds < 30


def test_one_that_ignores_the_polite_signal_is_ended_all_the_same(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    finished = run(Processes(), tmp_path, code, Limits(seconds=0.5))
    assert finished.timed_out
    assert finished.exit_code == -signal.SIGKILL


def test_memory_is_limited(tmp_path: Path) -> None:
    code = "bytearray(2 << 30)"
    finished = run(Processes(), tmp_path, code, Limits(seconds=60, memory=1 << 30))
    assert finished.exit_code == 1
    assert "MemoryError" in (tmp_path / "err").read_text()


def test_the_size_of_written_files_is_limited(tmp_path: Path) -> None:
    code = "open('big', 'wb').write(b'x' * (1 << 22))"
    finished = run(Processes(), tmp_path, code, Limits(seconds=60, file_size=1 << 20))
    assert finished.exit_code != 0
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_what_a_process_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "print(child.pid)"
    )
    assert run(Processes(), tmp_path, code).exit_code == 0
    assert gone(int((tmp_path / "out").read_text()))


def test_stop_ends_running_processes_and_their_children_in_other_sessions(tmp_path: Path) -> None:
    processes = Processes()
    code = (
        "import subprocess, sys, time\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(300)']\n"
        "print(subprocess.Popen(sleep, start_new_session=True).pid, flush=True)\n"
        "time.sleep(300)"
    )
    thread = threading.Thread(target=run, args=(processes, tmp_path, code))
    thread.start()
    out = tmp_path / "out"
    for _ in range(200):
        if out.exists() and out.read_text().strip():
            break
        time.sleep(0.05)
    assert processes.stop() == 1
    thread.join(30)
    assert not thread.is_alive()
    assert gone(int(out.read_text()))


def test_after_stop_nothing_starts(tmp_path: Path) -> None:
    processes = Processes()
    processes.stop()
    with pytest.raises(StartError, match="interrupted"):
        run(processes, tmp_path, "")


def test_a_program_that_is_not_there_is_a_known_exit_code(tmp_path: Path) -> None:
    finished = Processes().run(
        [str(tmp_path / "nothing")], cwd=tmp_path, env={}, stdout=tmp_path / "out", stderr=tmp_path / "err"
    )
    assert finished.exit_code == 127


def test_a_working_folder_that_is_not_there_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="could not be started"):
        Processes().run(
            ["true"], cwd=tmp_path / "no", env={}, stdout=tmp_path / "out", stderr=tmp_path / "err"
        )
