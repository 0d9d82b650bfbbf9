"""What a pickle remembers under numbers, in bounded memory however much that is."""

from __future__ import annotations

from array import array

_NEAR = 150_000  # objects held
_NEAR_BYTES = 24 << 20  # and bytes of texts in them
_FAR = 6_000_000  # offsets and codes held beyond them


class Lost:
    """What was remembered under this number is not held any more."""


LOST = Lost()


class Spilled:
    """Text that is to be read again at an offset of the file."""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset


class Memo:
    """Objects by number; the first are held, of later ones only shared objects and where texts lie.

    `shared` objects are few and held once each, such as globals and what calls of them give.
    """

    __slots__ = ("_base", "_bytes", "_codes", "_far", "_lossy", "_near", "_shared", "count")

    def __init__(self) -> None:
        self.count = 0
        self._near: dict[int, object] = {}
        self._bytes = 0
        self._far = array("q")
        self._base = -1
        self._shared: list[object] = []
        self._codes: dict[int, int] = {}
        self._lossy = False

    def copy(self) -> Memo:
        """One that changes by itself; of what is beyond the objects held it knows nothing."""
        other = Memo()
        other.count = self.count
        other._near = self._near.copy()
        other._lossy = self._lossy or bool(self._far)
        return other

    def get(self, index: int) -> object:
        """What is remembered: an object, Spilled, or LOST. Raises KeyError."""
        if index in self._near:
            return self._near[index]
        at = index - self._base
        if self._base >= 0 and 0 <= at < len(self._far):
            code = self._far[at]
            if code >= 0:
                return Spilled(code)
            return LOST if code == -1 else self._shared[-code - 2]
        if self._lossy:
            return LOST
        raise KeyError(index)

    def put(self, index: int, value: object, *, text_at: int | None, shared: bool) -> None:
        """Remember an object; `text_at` is where it can be read again."""
        if index in self._near:
            self._near[index] = value
            return
        self.count += 1
        if len(self._near) < _NEAR and self._bytes < _NEAR_BYTES:
            self._near[index] = value
            if isinstance(value, str | bytes):
                self._bytes += len(value)
        else:
            self._put_far(index, self._code(value, text_at, shared))

    def _code(self, value: object, text_at: int | None, shared: bool) -> int:
        if text_at is not None:
            return text_at
        if not shared:
            return -1
        code = self._codes.get(id(value))
        if code is None:
            self._shared.append(value)  # held, so that its id stays its own
            code = self._codes[id(value)] = -len(self._shared) - 1
        return code

    def _put_far(self, index: int, code: int) -> None:
        if self._base < 0:
            self._base = index
        at = index - self._base
        if 0 <= at < len(self._far):
            self.count -= 1
            self._far[at] = code
        elif at == len(self._far) < _FAR:
            self._far.append(code)
        else:
            self._lossy = True
