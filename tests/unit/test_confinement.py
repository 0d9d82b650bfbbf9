"""Code of a scanned project: what it may do to the machine, and that none of its processes stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest
from mlsecops.confinement import confined, kept, shortcomings
from mlsecops.job import Job
from mlsecops.programs.confined import confine, version
from mlsecops.tools.pytest import Pytest
from support.contexts import context
from support.waiting import eventually

# It says for each deed whether it went well.
DEEDS = """
import json, os, pathlib, shutil, sys
work, other, home, parent = sys.argv[1:]
deeds = {
    "write in the folder": lambda: pathlib.Path(work, "mine").write_text("x"),
    "rename in the folder": lambda: os.rename(f"{work}/mine", f"{work}/new"),
    "write elsewhere": lambda: pathlib.Path(other, "theirs").write_text("x"),
    "write over": lambda: pathlib.Path(other, "file").write_text("x"),
    "cut off": lambda: os.truncate(f"{other}/file", 0),
    "remove": lambda: os.remove(f"{other}/file"),
    "make a folder": lambda: os.mkdir(f"{other}/folder"),
    "link out": lambda: os.link(f"{other}/file", f"{work}/link"),
    "write through a link": lambda: (
        os.symlink(f"{other}/file", f"{work}/soft"), pathlib.Path(work, "soft").write_text("x")
    ),
    "read elsewhere": lambda: pathlib.Path(other, "file").read_text(),
    "read at home": lambda: pathlib.Path(home, "secret").read_text(),
    "read what is shown": lambda: pathlib.Path(home, "shown", "file").read_text(),
    "look into another process": lambda: pathlib.Path(f"/proc/{parent}/environ").read_bytes(),
    "look into its memory": lambda: open(f"/proc/{parent}/mem", "rb").close(),
    "end another process": lambda: os.kill(int(parent), 0),
    "print": lambda: print(file=open("/dev/null", "w")),
}
done = []
for name, deed in deeds.items():
    try:
        deed()
    except OSError:
        continue
    done.append(name)
print(json.dumps(done))
"""
ALLOWED = [
    *("write in the folder", "rename in the folder", "read elsewhere", "read what is shown"),
    "print",
]


def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job whose user is at home in a folder with a secret, and a folder that is none of its business."""
    for each in ("home/secret", "home/shown/file", "other/file"):
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / each).write_text("secret")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for each in ("project", "job"):
        (tmp_path / each).mkdir()
    around = context("test", tmp_path / "project", tmp_path)
    return Job(tool=Pytest(), context=around, targets=(), work=tmp_path / "job")


def deeds(tmp_path: Path, within: Iterable[str]) -> list[str]:
    """What a program can do behind the beginning of a command."""
    folders = [str(tmp_path / each) for each in ("job", "other", "home")]
    command = [*within, sys.executable, "-c", DEEDS, *folders, str(os.getpid())]
    done: list[str] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return done


def ended(pid: int) -> bool:
    """Whether a process is no more than a row in a table."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(version() < 6, reason="this kernel's Landlock is off, or keeps no process from others")
def test_code_of_the_project_reaches_its_own_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = job(tmp_path, monkeypatch)
    assert set(deeds(tmp_path, ())) > set(ALLOWED)
    (tmp_path / "other" / "file").write_text("whole")
    (tmp_path / "job" / "link").unlink(missing_ok=True)
    (tmp_path / "job" / "soft").unlink()
    (tmp_path / "way-around").symlink_to("home")
    assert deeds(tmp_path, confined(due, [tmp_path / "home" / "shown"])) == ALLOWED
    assert (tmp_path / "other" / "file").read_text() == "whole"


def test_without_landlock_it_runs_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert version() == 0
    (told,) = shortcomings()
    assert told.startswith("this system has no Landlock")
    confine([], "", [])
    (tmp_path / "file").write_text("still allowed")


def test_a_command_that_is_not_there_ends_as_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "nothing")
    for within in (kept(), confined(job(tmp_path, monkeypatch))):
        done = subprocess.run([*within, missing], check=False, capture_output=True, text=True)
        assert done.returncode == 127
        assert done.stderr.splitlines()[0] == f"{missing}: No such file or directory"


@pytest.mark.parametrize(("code", "ends"), [("raise SystemExit(7)", 7), ("os.kill(os.getpid(), 11)", -11)])
def test_what_left_its_session_ends_with_the_command(tmp_path: Path, code: str, ends: int) -> None:
    begin = "import os, subprocess\nleft = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    program = f"{begin}print(left.pid, flush=True)\n{code}"
    done = subprocess.run([*kept(), sys.executable, "-c", program], check=False, capture_output=True)
    assert done.returncode == ends
    assert ended(int(done.stdout))


def test_processes_that_go_on_making_new_ones_end(tmp_path: Path) -> None:
    bomb = "while os.path.exists('go'):\n    if os.fork():\n        os._exit(0)\n    os.setsid()\n"
    (tmp_path / "go").touch()
    program = f"import os\nprint(os.getpid(), flush=True)\nif not os.fork():\n    os.close(1)\n    {bomb!r}\n"
    program = program.replace(repr(bomb), f"exec({bomb!r})")
    done = subprocess.run(
        [*kept(), sys.executable, "-c", program], check=True, cwd=tmp_path, capture_output=True, timeout=60
    )
    assert done.returncode == 0
    assert not [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == str(tmp_path)]


def test_whoever_ends_it_ends_all(tmp_path: Path) -> None:
    program = (
        "import subprocess\nprint(subprocess.Popen(['setsid', 'sleep', '300']).pid, flush=True)\ninput()"
    )
    with subprocess.Popen(
        [*kept(), sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        child = int(started.stdout.readline())
        started.send_signal(signal.SIGTERM)
        assert started.wait() == -signal.SIGTERM
    assert ended(child)


def test_it_ends_with_who_started_it(tmp_path: Path) -> None:
    command = [*kept(), "/bin/sh", "-c", "echo $$; exec sleep 300"]
    program = f"import subprocess\nsubprocess.run({command!r})"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        child = int(started.stdout.readline())
        started.kill()
    assert eventually(lambda: ended(child))
