"""The program that attacks: it runs where the service can be reached, and writes one line of JSON per fact.

    START ORDER CANARY OUTPUT

The order holds a `target` (see `target.py`) and the `seconds` for all of it; the canary is
the target of our own flawed service, which is attacked first, through the same code. Lines: `canary` (a rule
that came back), `answered`, `finding`, `note`, `limited`, `died`, `unfinished`, `end`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from mlsecops.dast.canary_service import CanaryService
from mlsecops.dast.gauge import Gauge
from mlsecops.dast.session import Session
from mlsecops.dast.target import Target
from mlsecops.sarif.build import Json

START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlsecops.dast.attack import main; "
    "sys.exit(main(sys.argv[1:]))"
)


def main(arguments: Sequence[str]) -> int:
    """Attack the canary, then the target; 0 when every line was written."""
    order_file, canary_file, output = map(Path, arguments)
    order = json.loads(order_file.read_text(encoding="utf-8"))
    target = Target.from_json(order["target"])
    deadline = time.monotonic() + float(order["seconds"])
    with output.open("w", encoding="utf-8") as out:
        for rule in sorted(_canary(canary_file, deadline)):
            _write(out, {"type": "canary", "rule": rule})
        gauge = Gauge(target.pid)
        started, own, before = time.monotonic(), time.process_time(), gauge.cpu()
        requests = _attack(target, deadline, lambda line: _write(out, line))
        after = gauge.cpu()
        end = {
            "type": "end",
            "requests": requests,
            "seconds": time.monotonic() - started,
            "cpu": time.process_time() - own,
            "service": None if before is None or after is None else after - before,
        }
        _write(out, end)
    return 0


def _canary(file: Path, deadline: float) -> set[str]:
    """The rules that our own flawed service sets off; none when it is not to be read."""
    try:
        described = Target.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError):
        return set()
    lines: list[Json] = []
    with CanaryService() as service:
        _attack(replace(described, base_url=service.base_url, pid=None), deadline, lines.append, own=True)
    return {line["rule"] for line in lines if line["type"] == "finding"}


def _attack(target: Target, deadline: float, write: Callable[[Json], None], *, own: bool = False) -> int:
    gauge = Gauge(os.getpid() if own else target.pid)
    with Session.opened(target, gauge=gauge, write=write, deadline=deadline) as session:
        session.run()
        return session.client.requests


def _write(out: IO[str], line: Json) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
