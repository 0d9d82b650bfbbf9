"""One tool at a time has the service; all of them share the time that the policy gives the stage."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Self

from mlsecops.job import Job, ToolError

_KEY = "dast turns"


@dataclass(slots=True)
class Turns:
    """`left` are the seconds that remain for whoever comes next; `hidden` never comes out of any of them."""

    given: float
    left: float
    hidden: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, job: Job) -> Self:
        """Those of the run that a job is part of."""
        seconds = job.policy.dast.timeout
        turns: Self = job.context.shared.once(_KEY, lambda: nullcontext(cls(seconds, seconds)))
        return turns

    @contextmanager
    def taken_by(self, job: Job) -> Iterator[None]:
        """A job's turn: whatever it starts ends with the time of the stage.

        Raises ToolError when no time is left.
        """
        limit = f"the policy gives the stage {self.given:g} s (dast.timeout)"
        with self._guard:
            job.bounds.hidden = self.hidden
            if self.left <= 0:
                raise ToolError(f"there was no time left for it: {limit}")
            started = time.monotonic()
            job.bounds.until = started + self.left
            job.bounds.why = f"it was stopped before its end: {limit}"
            try:
                yield
            finally:
                self.left -= time.monotonic() - started
                job.bounds.until = math.inf
