"""What a service takes: memory and processor time of its first process and of all that it started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

T = TypeVar("T", int, float)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Measures a process; None stands for one that cannot be seen, and for what could not be measured."""

    pid: int | None

    def memory(self) -> int | None:
        """Bytes that are resident now."""
        return self._all(lambda each: each.memory_info().rss)

    def cpu(self) -> float | None:
        """Seconds that processors have spent on it so far, those of children that ended with them."""
        return self._all(lambda each: float(sum(each.cpu_times()[:4])))

    def _all(self, measure: Callable[[psutil.Process], T]) -> T | None:
        if self.pid is None:
            return None
        try:
            root = psutil.Process(self.pid)
            total = measure(root)
            for each in root.children(recursive=True):
                total += measure(each)
        except psutil.Error:
            return None
        return total
