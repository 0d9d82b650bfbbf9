"""Programs that go wrong in one way each: wrappers around the real program of a tool."""

from __future__ import annotations

import sys
from pathlib import Path

FAULTS = (
    "missing",
    "not executable",
    "crashes",
    "hangs",
    "unknown exit code",
    "empty output",
    "garbage output",
    "half-written output",
    "output left from before",
    "nothing scanned",
    "canary lost",
)

# What the sentence must say, in one of these forms.
REASONS = {
    "missing": ("missing",),
    "not executable": ("not executable",),
    "crashes": ("signal 11",),
    "hangs": ("did not end within 2 s",),
    "unknown exit code": ("exit code 77: cannot go on",),
    "empty output": ("wrote no output",),
    "garbage output": (
        "cannot be read",
        "archive is broken",
        "did not end its report",
        "without saying which tests",
    ),
    "half-written output": ("cannot be read", "is broken", "did not end its report"),
    "output left from before": ("wrote no output",),
    "nothing scanned": (
        *("looked at ", "could not read", "nothing to look at"),
        *("ended with exit code 1", "ended with exit code 2"),
    ),
    "canary lost": ("did not find the known-bad canary",),
}

_WRAPPER = '''#!{python}
import os, pathlib, signal, subprocess, sys, time

FAULT, REAL, SOURCES, CANARY = {fault!r}, {real!r}, {sources!r}, {canary!r}
SOUND = {sound!r}
arguments = sys.argv[1:]


def outputs():
    """Files that the arguments name as output, as `-o FILE` or `--option=FILE`."""
    named = [word.split("=", 1)[-1] for word in arguments]
    named += [part.split("=", 1)[-1] for part in os.environ.get("PYTEST_ADDOPTS", "").split()]
    if "MLSECOPS_EVIDENCE" in os.environ:
        named.append(os.environ["MLSECOPS_EVIDENCE"])
    suffixes = (".json", ".sarif", ".xml", ".tar")
    return [pathlib.Path(name) for name in named if name.endswith(suffixes)]


def blind(pattern):
    """Take away what the files hold that a pattern names, below the tool's scratch folder."""
    work = pathlib.Path(os.environ["TMPDIR"]).parent
    for path in [each for each in work.rglob(pattern) if each.is_file()]:
        if pattern.startswith("pins"):
            path.write_text(blank(path.read_text()))
        elif FAULT == "canary lost":
            path.write_text("")
        else:
            path.unlink()


def blank(pins):
    lines = pins.splitlines(keepends=True)
    keep = (lambda line: not is_canary(line)) if FAULT == "canary lost" else is_canary
    return "".join(line for line in lines if keep(line))


def is_canary(line):
    return line.startswith(("pyyaml==5.3\\n", "mlsecops-canary=="))


if SOUND in sys.argv:
    os.execv(REAL, [REAL, *arguments])
if FAULT == "crashes":
    os.kill(os.getpid(), signal.SIGSEGV)
elif FAULT == "hangs":
    time.sleep(120)
elif FAULT == "unknown exit code":
    print("cannot go on", file=sys.stderr)
    sys.exit(77)
elif FAULT in ("empty output", "output left from before"):
    sys.exit({code})
elif FAULT == "garbage output":
    for path in outputs():
        path.write_text("<html>please log in</html>")
    print("<html>please log in</html>")
    sys.exit({code})
elif FAULT == "nothing scanned":
    for pattern in SOURCES:
        blind(pattern)
elif FAULT == "canary lost":
    for pattern in CANARY:
        blind(pattern)

done = subprocess.run([REAL, *arguments], stdout=subprocess.PIPE)
text = done.stdout
if FAULT == "half-written output":
    for path in outputs():
        if path.exists():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    text = text[: len(text) // 2]
sys.stdout.buffer.write(text)
sys.exit(done.returncode)
'''


def environment(
    folder: Path,
    real: Path,
    program: str,
    fault: str,
    *,
    code: int,
    sources: tuple[str, ...],
    canary: tuple[str, ...],
    sound: str = "",
) -> Path:
    """A tool environment whose program has a fault; `code` is what it ends with when all seems well.

    With the argument `sound` it has none.
    `sources` and `canary` are patterns of the files that the tool reads, below its scratch folder.
    """
    binaries = folder / "bin"
    binaries.mkdir(parents=True)
    if fault == "missing":
        return folder
    wrapper = binaries / program
    text = _WRAPPER.format(
        python=sys.executable,
        fault=fault,
        real=str(real / "bin" / program),
        sources=sources,
        canary=canary,
        code=code,
        sound=sound,
    )
    wrapper.write_text(text, encoding="utf-8")
    wrapper.chmod(0o644 if fault == "not executable" else 0o755)
    return folder
