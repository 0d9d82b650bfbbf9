"""What several tools of one run need and only one should make: a built image, a running service."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar, cast

T = TypeVar("T")


@dataclass(slots=True)
class _Slot:
    """One thing: made by whoever asks first, while others wait; its failure is everybody's."""

    guard: Lock = field(default_factory=Lock)
    made: bool = False
    value: object = None
    failure: Exception | None = None


@dataclass(slots=True)
class Shared:
    """Things made once, on first use, and undone together at the end, the youngest first."""

    _slots: dict[Hashable, _Slot] = field(default_factory=dict, init=False)
    _guard: Lock = field(default_factory=Lock, init=False)
    _exits: ExitStack = field(default_factory=ExitStack, init=False)

    def once(self, key: Hashable, make: Callable[[], AbstractContextManager[T]]) -> T:
        """The thing of this key, made now if nobody has asked for it before.

        Raises whatever making it raised, also for everybody who asks later.
        """
        with self._guard:
            slot = self._slots.setdefault(key, _Slot())
        with slot.guard:
            if not slot.made:
                slot.made = True
                try:
                    manager = make()
                    slot.value = manager.__enter__()
                    with self._guard:
                        self._exits.push(manager)
                except Exception as failure:
                    slot.failure = failure
                    raise
        if slot.failure:
            raise slot.failure
        return cast(T, slot.value)

    def __enter__(self) -> Self:
        """Nothing is made yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo everything, whatever one of them raises."""
        self._exits.__exit__(kind, error, trace)
