"""Merges 20 SARIF runs of 25,000 results with this project, Microsoft's multitool and sarif-tools.

`.venv-dev/bin/python tests/benchmarks/merge.py` prints wall and CPU seconds and peak memory of each.
It ends 0 when ours is five times as fast as the faster of the others, within 1 GB, and loses no result.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from mlsecops.sarif.build import SCHEMA, Json
from mlsecops.toolbox import cache_folder
from uv import find_uv_bin

AIM_RATIO = 5.0
AIM_BYTES = 1_000_000_000
MARK = b'"mlsecops/v1"'  # once in every result
OURS = "this project"
OWN_MERGE = """
import sys
from pathlib import Path
from mlsecops.sarif.limits import GITHUB
from mlsecops.sarif.merge import merge
limits = GITHUB if sys.argv[1] == "limits" else None
merge([Path(each) for each in sys.argv[3:]], Path(sys.argv[2]), limits=limits)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one merge took, and how many results its output has."""

    name: str
    wall: float
    cpu: float
    peak: int
    results: int
    size: int


def main() -> int:
    """Make the files, merge them with every tool, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--results", type=int, default=25_000)
    parser.add_argument("--repeat", type=int, default=3, help="how often ours runs; the median counts")
    options = parser.parse_args()
    multitool, sarif_tools = _multitool(), _sarif_tools()
    with tempfile.TemporaryDirectory(prefix="mlsecops-merge-") as scratch:
        folder = Path(scratch)
        paths = [folder / f"tool{number:02}.sarif" for number in range(options.runs)]
        for number, path in enumerate(paths):
            write_log(path, number, options.results)
        size = sum(path.stat().st_size for path in paths)
        print(
            f"{options.runs} files, {options.runs * options.results:,} results, {size / 1e6:.0f} MB,", end=" "
        )
        print(f"{size / options.runs / options.results:.0f} bytes a result, {os.cpu_count()} cores")
        output = folder / "out" / "merged.sarif"
        output.parent.mkdir()
        inputs = [str(path) for path in paths]
        own = [sys.executable, "-c", OWN_MERGE]
        rounds = [measure(OURS, [*own, "all", str(output), *inputs], output) for _ in range(options.repeat)]
        ours = sorted(rounds, key=lambda each: each.wall)[len(rounds) // 2]
        limited = measure("ours, with GitHub's limits", [*own, "limits", str(output), *inputs], output)
        others = [
            measure(
                "SARIF multitool merge",
                [
                    *(str(multitool), "merge", *inputs, "--log", "ForceOverwrite"),
                    *(f"--output-directory={output.parent}", f"--output-file={output.name}"),
                ],
                output,
            ),
            measure("sarif-tools copy", [str(sarif_tools), "copy", "-o", str(output), *inputs], output),
        ]
    return report(ours, limited, others, options.runs * options.results)


def report(ours: Measured, limited: Measured, others: Sequence[Measured], results: int) -> int:
    """Print absolute figures and ratios; 0 when the aims are met, else 1."""
    print(
        f"{'':28}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'results':>10}{'out MB':>9}{'x wall':>8}{'x CPU':>8}"
    )
    for each in (ours, limited, *others):
        print(
            f"{each.name:28}{each.wall:9.2f}{each.cpu:9.2f}{each.peak / 1e6:9.0f}{each.results:10,}"
            f"{each.size / 1e6:9.0f}{each.wall / ours.wall:8.1f}{each.cpu / ours.cpu:8.1f}"
        )
    ratio = min(each.wall for each in others) / ours.wall
    whole = ours.results == results
    print(f"{ratio:.1f} times faster than the faster of the others (aim {AIM_RATIO:g}), ", end="")
    print(f"{ours.peak / 1e6:.0f} MB (aim {AIM_BYTES / 1e6:.0f}), {'no' if whole else 'A'} result lost")
    return 0 if ratio >= AIM_RATIO and ours.peak < AIM_BYTES and whole else 1


def measure(name: str, command: Sequence[str], output: Path) -> Measured:
    """Run a merge in a process of its own, count what it wrote and remove it."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0 or not output.is_file():
        raise SystemExit(f"{name} ended with {process.returncode} and {output.is_file()=}")
    measured = Measured(
        name=name,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * 1024,
        results=_count(output),
        size=output.stat().st_size,
    )
    output.unlink()
    return measured


def write_log(path: Path, number: int, count: int) -> None:
    """Write the log of one tool, result by result: children inherit this process's peak memory."""
    rules = [_rule(place) for place in range(200)]
    run = {
        "tool": {"driver": {"name": f"tool{number}", "semanticVersion": "1.0.0", "rules": rules}},
        "automationDetails": {"id": f"mlsecops/sast/tool{number}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
    }
    with path.open("w", encoding="utf-8") as handle:
        handle.write(f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{json.dumps(run)[:-1]},"results":[')
        for place, result in enumerate(_results(number, count)):
            handle.write("," * (place > 0) + json.dumps(result, separators=(",", ":")))
        handle.write("]}]}")


def _rule(place: int) -> Json:
    return {
        "id": f"rule-{place}",
        "name": f"Rule{place}",
        "shortDescription": {"text": "What the rule looks for"},
        "fullDescription": {"text": "What the rule looks for, and why that is no good idea"},
        "help": {"text": "What to do instead", "markdown": "What to do **instead**"},
        "defaultConfiguration": {"level": "warning"},
        "properties": {
            "precision": "high",
            "security-severity": f"{4 + place % 5}.0",
            "tags": ["security", "external/cwe/cwe-502"],
        },
    }


def _results(number: int, count: int) -> Iterator[Json]:
    for place in range(count):
        identity = hashlib.sha256(f"{number} {place}".encode()).hexdigest()
        line = place % 900 + 1
        region: Json = {"startLine": line, "startColumn": 5, "endLine": line, "endColumn": 44}
        region["snippet"] = {"text": f"    model_{place} = pickle.load(handle)"}
        yield {
            "ruleId": f"rule-{place % 200}",
            "ruleIndex": place % 200,
            "level": "warning",
            "message": {
                "text": f"Loading model number {place} from a file that others can write runs any code that "
                "they put there; load a format that holds numbers only, or check where the file comes from."
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {
                            "uri": f"src/package_{place % 300}/module_{place % 1000}.py",
                            "uriBaseId": "%SRCROOT%",
                        },
                        "region": region,
                    }
                }
            ],
            "partialFingerprints": {
                "primaryLocationLineHash": f"{identity[:16]}:1",
                "mlsecops/v1": identity[32:],
            },
            "properties": {"mlsecops": {"severity": 5.0}, "confidence": "HIGH"},
        }


def _count(path: Path) -> int:
    """How many results a log has, without holding it."""
    found, rest = 0, b""
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 22):
            text = rest + chunk
            found += text.count(MARK)
            rest = text[-(len(MARK) - 1) :]
    return found


def _multitool() -> Path:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.multitool import program

    installed: Callable[[], Path] = program
    return installed()


def _sarif_tools() -> Path:
    """The program of sarif-tools, in an environment of its own made from the lock beside this file."""
    lock = Path(__file__).with_name("requirements.txt")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = cache_folder() / "tests" / f"benchmarks-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").is_file():
            uv = find_uv_bin()
            subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
            python = str(folder / "bin" / "python")
            install = [uv, "pip", "install", "-q", "--require-hashes", "--no-deps", "--python", python]
            subprocess.run([*install, "--only-binary", ":all:", "-r", str(lock)], check=True)
            (folder / "installed").touch()
    return folder / "bin" / "sarif"


if __name__ == "__main__":
    sys.exit(main())
