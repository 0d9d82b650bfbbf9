"""The canary for engines that are programs of their own: our flawed service, in a namespace of its own."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlsecops.dast.canary_service import described
from mlsecops.dast.service.isolation import isolated
from mlsecops.dast.service.running import Start, running
from mlsecops.dast.target import Target
from mlsecops.job import Job

_SCRIPTS = Path(__file__).resolve().parents[3]
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlsecops.dast.canary_service import main; main()"
)
_SECONDS = 30.0


@contextmanager
def canary(job: Job, paths: Collection[str]) -> Iterator[Target]:
    """The canary with some of its operations, for as long as the block lasts. Raises ToolError."""
    known = described()
    with isolated(job) as isolation:
        start = Start(
            argv=(sys.executable, "-I", "-c", _START, str(_SCRIPTS)),
            folder=job.work,
            env={},
            port=None,
            health="/protected",
            seconds=_SECONDS,
            memory=2**30,
        )
        with running(job, isolation, start) as service:
            yield replace(
                known,
                base_url=service.base_url,
                operations=tuple(each for each in known.operations if each.path in paths),
                prefix=isolation.prefix,
                alive=service.alive,
            )
