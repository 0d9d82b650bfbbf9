"""Answers that a test orders in the place of the usual ones, and things that happen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from support.github_api.wire import Answer, Call

Kind = Literal["answer", "drop", "cut", "stall", "meanwhile"]


@dataclass
class Fault:
    """What happens to the next `times` requests of a method ("*": any) whose path has `pattern` in it."""

    kind: Kind
    method: str
    pattern: str
    times: int = 1
    answer: Answer = field(default_factory=Answer)
    action: Callable[[], Any] = lambda: None

    def matches(self, call: Call) -> bool:
        """Whether it is for this request."""
        return (
            self.times > 0
            and self.method in {"*", call.method}
            and re.search(self.pattern, call.path) is not None
        )


@dataclass
class Faults:
    """The faults that are still due, in the order in which they were ordered."""

    due: list[Fault] = field(default_factory=list)

    def take(self, call: Call, *kinds: Kind) -> Fault | None:
        """The fault for a request, used up once."""
        for fault in self.due:
            if fault.kind in kinds and fault.matches(call):
                fault.times -= 1
                return fault
        return None
