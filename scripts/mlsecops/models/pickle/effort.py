"""How much work a pickle makes us do: in proportion to its bytes, however it repeats and nests its calls."""

from __future__ import annotations

from mlsecops.models.pickle.objects import is_fixed
from mlsecops.models.pickle.values import Result

_FREELY, _FEWEST, _BYTES_A_CALL = 100_000, 12, 50
_SAME, _FILLED = 2000, 500
_LITTLE, _MUCH = 64, 16 << 20


class Effort:
    """What was done so far: `shown` objects in the arguments of calls, and calls followed `within` others."""

    __slots__ = ("_fills", "_made", "_same", "shown", "within")

    def __init__(self) -> None:
        self.shown = 0
        self.within = 0
        self._same: dict[tuple[int, int, str], tuple[object, object, Result]] = {}
        self._made = 0
        self._fills: dict[str | None, int] = {}

    def objects(self, offset: int, most: int) -> int:
        """How many objects to show of the arguments of a call."""
        return max(_FEWEST, min(most, _FREELY + offset - self.shown))

    def calls(self, offset: int, most: int) -> int:
        """How many calls to follow within a call."""
        return max(0, min(most, (_FREELY + offset) // _BYTES_A_CALL - self.within))

    def hold(self, size: int) -> bool:
        """Whether to hold what was made by a call, of so many bytes: little always, much not for ever."""
        self._made += size
        return size <= _LITTLE or self._made <= _MUCH

    def same(self, callee: object, arguments: object, opcode: str) -> Result | None:
        """What the very same call gave when it was told before."""
        known = self._same.get((id(callee), id(arguments), opcode))
        return None if known is None else known[2]

    def told(self, callee: object, arguments: object, opcode: str, result: object) -> None:
        """Remember a call of what cannot change: telling it again would say nothing new."""
        if len(self._same) < _SAME and isinstance(result, Result) and is_fixed((callee, arguments)):
            self._same[id(callee), id(arguments), opcode] = (callee, arguments, result)

    def fill(self, path: str | None) -> bool:
        """Whether to tell once more that items go through a method of an object."""
        filled = self._fills.get(path, 0)
        if filled or len(self._fills) < _FILLED:
            self._fills[path] = filled + 1
        return filled < _FILLED
