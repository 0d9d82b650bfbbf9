"""The state of a pickle being interpreted, and the loop that goes from opcode to opcode.

Follows CPython's two unpicklers (Modules/_pickle.c and Lib/pickle.py); opcodes are described in
https://github.com/python/cpython/blob/main/Lib/pickletools.py. Where only one of the two would stop, we go
on, for the file may be meant for the other. Nothing is imported, called or decoded by a codec of its choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlsecops.models.pickle.effort import Effort
from mlsecops.models.pickle.memo import LOST, Memo, Spilled
from mlsecops.models.pickle.objects import LONGEST_NAME, Items, Pairs
from mlsecops.models.pickle.stack import HIGHEST, Stack
from mlsecops.models.pickle.values import Cut, Event, Global, Import, Result, Unknown
from mlsecops.models.pickle.window import BrokenError, Window
from mlsecops.models.source import Source

_NAMES = 50_000  # different names and targets that are held once each
_PLENTY = 300_000  # units of some 64 bytes in containers; then these hold less
_MANY, _FEW, _SHORT = 256, 8, 24
_KEEP, _KEEP_DEEP, _DEEP = 4096, 64, 10_000
_PICKLED = 64
_NOT_HELD = Unknown("it is one of too many objects to be held")
Handler = Callable[["Machine", Window], None]


class Machine(Stack):
    """One pickle stream; `steps` runs it to its STOP, to its end, or to where unpicklers fail.

    Then `end` is the offset behind STOP, or None with the `reason`; `value` is what it makes, `protocol` the
    last it named. `arrays` counts the arrays of joblib in it; `plain` is a machine that goes on behind the
    first of them as unpicklers do that know nothing of such arrays. `pickled` says where bytes lie that begin
    like a pickle, `taken` how many opcodes were taken of those asked for.
    """

    __slots__ = (
        "_kept",
        "_names",
        "_said",
        "_table",
        "arrays",
        "effort",
        "emitted",
        "end",
        "extensions",
        "memo",
        "nested",
        "offset",
        "pickled",
        "plain",
        "protocol",
        "raw_arrays",
        "reason",
        "short_frame",
        "source",
        "taken",
        "text",
        "text_at",
        "value",
        "window",
    )

    def __init__(
        self, source: Source, offset: int, table: list[Handler | None], *, raw_arrays: bool = True
    ) -> None:
        super().__init__()
        self.source = source
        self.window = Window(source, offset)
        self.offset = offset
        self.raw_arrays = raw_arrays
        self.memo = Memo()
        self.emitted: list[Event] = []
        self.nested: Machine | None = None
        self.arrays = 0
        self.taken = 0
        self.pickled: list[tuple[int, int]] = []
        self.plain: Machine | None = None
        self.extensions: dict[int, str] = {}  # that the pickle itself registers
        self.end: int | None = None
        self.reason: str | None = None
        self.value: object = None
        self.effort = Effort()
        self.protocol = 0
        self.short_frame = False  # a frame is longer than the file: only the C unpickler minds
        self.text: object = None  # the last text that was read, and where
        self.text_at = 0
        self._names: dict[str, Global | Result] = {}
        self._said: set[str] = set()
        self._kept = 0
        self._table = table

    def steps(self, most: int | None = None) -> Iterator[Event]:
        """Interpret up to `most` opcodes; what loading would do comes in order."""
        try:
            yield from self._run(most)
        except BrokenError as error:
            self.reason = str(error)
        yield from self.emitted
        self.emitted.clear()

    def _run(self, most: int | None) -> Iterator[Event]:
        window, emitted, table = self.window, self.emitted, self._table
        while self.end is None and most != 0:
            if window.at >= len(window.data):
                if not window.fill():
                    raise BrokenError("it ends before its end mark")
                if len(self.stack) > HIGHEST:
                    raise BrokenError(f"it puts more than {HIGHEST:,} objects on its stack")
            at = window.at
            handler = table[window.data[at]]
            window.at = at + 1
            self.offset = window.base + at
            if handler is None:
                raise BrokenError(f"the byte {window.data[at]:#04x} is no instruction")
            handler(self, window)
            if most is not None:
                most -= 1
                self.taken += 1
            if emitted:
                yield from emitted
                emitted.clear()
            if self.nested is not None:
                yield from self._inner(self.nested)

    def _inner(self, nested: Machine) -> Iterator[Event]:
        self.nested = None
        yield from nested.steps()
        if nested.end is None:
            raise BrokenError(nested.reason or "")
        self.window.seek(nested.end)

    def inner(self, offset: int) -> Machine:
        """A machine for a pickle within this one that knows nothing of it; `nested` has it run next."""
        return Machine(self.source, offset, self._table, raw_arrays=False)

    def fork(self, offset: int) -> Machine:
        """A machine in the same state that goes on elsewhere; the two do not see what the other does."""
        other = Machine(self.source, offset, self._table, raw_arrays=False)
        other.copy_stack(self)
        other.memo = self.memo.copy()
        other.protocol = self.protocol
        return other

    # What is remembered

    def remember(self, index: int) -> None:
        """Keep the object on top under a number. Raises BrokenError."""
        value = self.top()
        text_at = self.text_at if value is self.text else None
        self.memo.put(index, value, text_at=text_at, shared=isinstance(value, Global | Result))

    def recall(self, index: int) -> None:
        """Put on the stack what is kept under a number. Raises BrokenError."""
        try:
            value = self.memo.get(index)
        except KeyError:
            raise BrokenError(f"it remembers nothing under the number {index}") from None
        if isinstance(value, Spilled):
            here, self.offset = self.offset, value.offset
            window = Window(self.source, value.offset)
            handler = self._table[window.take(1)[0]]
            if handler is not None:
                handler(self, window)
            self.offset = here
        else:
            self.stack.append(_NOT_HELD if value is LOST else value)

    def keep(self) -> int:
        """How many bytes of a text to hold."""
        return _KEEP if len(self.stack) < _DEEP else _KEEP_DEEP

    def read_text(self, value: str | bytes | Cut) -> None:
        """Put a text or bytes on the stack, just read at `offset`."""
        self.text, self.text_at = value, self.offset
        self.stack.append(value)

    def saw_pickle(self, start: int, length: int) -> None:
        """Note that bytes begin like a pickle."""
        if len(self.pickled) < _PICKLED:
            self.pickled.append((start, length))

    # Containers

    def extend(self, container: Items, items: list[object]) -> None:
        """Add items to a list or set, as far as they are held."""
        container.length += len(items)
        room = self._room() - len(container.items)
        if room > 0:
            container.items += map(self._held, items[:room])

    def update(self, container: Pairs, items: list[object]) -> None:
        """Add keys and values to a dict, as far as they are held. Raises BrokenError."""
        if len(items) % 2:
            raise BrokenError("a key of it has no value")
        container.length += len(items) // 2
        room = 2 * (self._room() - len(container.items))
        if room > 0:
            held = list(map(self._held, items[:room]))
            container.items += zip(held[::2], held[1::2], strict=True)

    def _room(self) -> int:
        return _MANY if self._kept < _PLENTY else _FEW

    def _held(self, value: object) -> object:
        size = len(value) if isinstance(value, str | bytes) else 0
        if self._kept < _PLENTY:
            self._kept += 1 + size // 64
            return value
        if isinstance(value, str | bytes):
            return Cut(value[:_SHORT], size, 0) if size > _SHORT else value
        return _NOT_HELD if isinstance(value, Items | Pairs) else value

    # Names

    def say(self, event: Event) -> None:
        """Tell what loading does here."""
        self.emitted.append(event)

    def refer(self, name: str) -> Global:
        """Tell of an import, and return what it gives."""
        name = name[:LONGEST_NAME]
        if name not in self._said:
            if len(self._said) < _NAMES:
                self._said.add(name)
            self.emitted.append(Import(name, self.offset))
        return self.named(name)

    def named(self, name: str) -> Global:
        """A global, the same one for the same name."""
        known = self._names.get(name)
        if not isinstance(known, Global):
            known = Global(name)
            self._hold(name, known)
        return known

    def result(self, target: str | None) -> Result:
        """What a call of something gives, the same one for the same target."""
        key = f"{target}()"
        known = self._names.get(key)
        if not isinstance(known, Result):
            known = Result(target)
            self._hold(key, known)
        return known

    def _hold(self, key: str, value: Global | Result) -> None:
        if len(self._names) < _NAMES:
            self._names[key] = value
