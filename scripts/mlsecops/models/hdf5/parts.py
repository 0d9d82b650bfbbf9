"""Parts of messages: shapes, filter pipelines and selections of elements."""

from __future__ import annotations

from mlsecops.models.hdf5.file import Cursor
from mlsecops.models.walk import UnreadableError


def dimensions(body: bytes, width: int) -> list[int]:
    """The dimensions of a dataspace; none for a single value, and 0 for no value."""
    at = Cursor(body)
    version, rank = at.uint(1), at.uint(1)
    if version not in (1, 2) or rank > 32:
        raise UnreadableError("the shape of something in it is broken")
    at.take(1)
    kind = at.uint(1)
    if version == 1:
        at.take(4)
    elif kind == 2:
        return [0]
    return [at.uint(width) for _ in range(rank)]


def filters(body: bytes) -> tuple[int, ...]:
    """The numbers of the filters in a pipeline."""
    if not body:
        return ()
    at = Cursor(body)
    version, count = at.uint(1), at.uint(1)
    if version == 1:
        at.take(6)
    found: list[int] = []
    for _ in range(count):
        number = at.uint(2)
        length = at.uint(2) if version == 1 or number >= 256 else 0
        at.take(2)
        values = at.uint(2)
        at.take(-(-length // 8) * 8 if version == 1 else length)
        at.take(4 * values + (4 if version == 1 and values % 2 else 0))
        found.append(number)
    return tuple(found)


def take_selection(at: Cursor) -> None:
    """Take a serialised selection of elements: all, none or a hyperslab."""
    kind, version = at.uint(4), at.uint(4)
    if kind in (0, 3) and version == 1:
        at.take(8)
    elif kind == 2 and version == 1:
        at.take(4)
        at.take(at.uint(4))
    elif kind == 2 and version == 2:
        at.take(1)
        at.take(at.uint(4))
    elif kind == 2 and version == 3:
        regular, width, rank = at.uint(1), at.uint(1), at.uint(4)
        at.take(4 * rank * width if regular else 2 * rank * width * at.uint(width))
    else:
        raise UnreadableError("a dataset is a view of others in an unknown way")
