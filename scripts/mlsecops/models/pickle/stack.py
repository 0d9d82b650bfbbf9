"""The stack of a pickle, with the marks on it."""

from __future__ import annotations

from mlsecops.models.pickle.window import BrokenError

UNDERFLOW = "it takes more from its stack than is there"
HIGHEST = 500_000  # entries


class Stack:
    """Objects above each other; below `fence`, where the last mark is, nothing is taken."""

    __slots__ = ("_marks", "fence", "stack")

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.fence = 0
        self._marks: list[int] = []

    def copy_stack(self, other: Stack) -> None:
        """Have the same on the stack as another one."""
        self.stack = other.stack.copy()
        self._marks, self.fence = other._marks.copy(), other.fence

    def pop(self) -> object:
        """Take the object on top. Raises BrokenError."""
        if len(self.stack) <= self.fence:
            raise BrokenError(UNDERFLOW)
        return self.stack.pop()

    def top(self) -> object:
        """The object on top. Raises BrokenError."""
        if len(self.stack) <= self.fence:
            raise BrokenError(UNDERFLOW)
        return self.stack[-1]

    def mark(self) -> None:
        """Put a mark on the stack."""
        self.fence = len(self.stack)
        self._marks.append(self.fence)
        if len(self._marks) > HIGHEST:
            raise BrokenError(f"it puts more than {HIGHEST:,} marks on its stack")

    def pop_mark(self) -> list[object]:
        """Take everything down to the mark. Raises BrokenError."""
        if not self._marks:
            raise BrokenError("it takes down to a mark that is not there")
        at = self._marks.pop()
        self.fence = self._marks[-1] if self._marks else 0
        items = self.stack[at:]
        del self.stack[at:]
        return items

    def drop(self) -> None:
        """What POP does: take the object on top, or a mark. Raises BrokenError."""
        if self._marks and len(self.stack) == self.fence:
            self.pop_mark()
        else:
            self.pop()
