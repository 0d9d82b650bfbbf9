"""All objects of a file, from its root group on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from mlsecops.models.hdf5 import contents, dense
from mlsecops.models.hdf5.contents import Attribute, Contents, Dataset, Elsewhere, Link, Problem
from mlsecops.models.hdf5.file import Cursor, File
from mlsecops.models.hdf5.headers import Message, messages
from mlsecops.models.hdf5.heaps import LocalHeap
from mlsecops.models.hdf5.rows import Rows
from mlsecops.models.walk import UnreadableError

Found = Attribute | Dataset | Elsewhere | Problem | Rows
_SOFT = 2
_MOST_LEVELS = 32


def walk(file: File) -> Iterator[Found]:
    """Attributes, datasets and links to other files, in any order; what cannot be read is a Problem."""
    reader = Contents(file)
    due = [("/", file.root)]
    known = {file.root}
    while due:
        path, address = due.pop()
        links: list[Link] = []
        yield from _object(reader, path, address, links)
        for link in links:
            below = f"{path.rstrip('/')}/{link.name}"
            if link.file is not None:
                yield Elsewhere(below, "link", link.file)
            elif link.address is not None and link.address not in known:
                known.add(link.address)
                due.append((below, link.address))


def _object(reader: Contents, path: str, address: int, links: list[Link]) -> Iterator[Found]:
    """What one object header says; the links of a group are put to the others."""
    parts: list[Message] = []
    try:
        parts.extend(messages(reader.file, address))
    except UnreadableError as error:
        yield Problem(path, str(error))
    for part in parts:
        try:
            yield from _message(reader.file, reader, path, part, links)
        except UnreadableError as error:
            yield Problem(path, str(error))
    try:
        dataset = reader.dataset(path, parts)
    except UnreadableError as error:
        yield Problem(path, str(error))
    else:
        if dataset is not None:
            yield dataset
            with suppress(UnreadableError):  # only of use for objects, which the caller then misses
                found = reader.rows(path, parts)
                if found is not None:
                    yield found


def _message(file: File, reader: Contents, path: str, part: Message, links: list[Link]) -> Iterator[Found]:
    """What one message says; links are put to the others."""
    if part.kind in (contents.LAYOUT, contents.EXTERNAL) and not part.shared:
        read: Callable[[str, bytes], list[Elsewhere]]
        read = reader.views if part.kind == contents.LAYOUT else reader.external
        yield from read(path, part.body)
    elif part.kind == contents.ATTRIBUTE:
        if part.shared:
            raise UnreadableError("an attribute in it lies in a table of shared messages")
        yield reader.attribute(path, part.body)
    elif part.kind == contents.ATTRIBUTE_INFO:
        at = Cursor(part.body)
        at.take(1)
        at.take(2 if at.uint(1) & 1 else 0)
        for body in _dense(file, at, dense.ATTRIBUTES_BY_NAME):
            yield reader.attribute(path, body)
    elif part.kind == contents.LINK:
        links.append(reader.link(part.body))
    elif part.kind == contents.LINK_INFO:
        at = Cursor(part.body)
        at.take(1)
        at.take(8 if at.uint(1) & 1 else 0)
        links.extend(reader.link(body) for body in _dense(file, at, dense.LINKS_BY_NAME))
    elif part.kind == contents.SYMBOLS:
        at = Cursor(part.body)
        tree, heap = at.uint(file.offsets), at.uint(file.offsets)
        links.extend(_symbols(file, tree, LocalHeap.of(file, heap), _MOST_LEVELS))


def _dense(file: File, at: Cursor, kind: int) -> Iterator[bytes]:
    heap, tree = at.uint(file.offsets), at.uint(file.offsets)
    if heap != file.undefined:
        yield from (body for _, body in dense.objects(file, heap, tree, kind))


def _symbols(file: File, address: int, names: LocalHeap, levels: int) -> Iterator[Link]:
    """The entries of a group's tree, as links."""
    if levels == 0:
        raise UnreadableError("a tree of its HDF5 structure is too deep")
    file.once(address)
    head = file.block(address, 8, upto=True)
    if head.data[:4] == b"SNOD":
        head.take(6)
        count = head.uint(2)
        entries = file.block(address + 8, count * (2 * file.offsets + 24))
        for _ in range(count):
            name, target, kind = entries.uint(file.offsets), entries.uint(file.offsets), entries.uint(4)
            entries.take(20)
            yield Link(names.text(name), None if kind == _SOFT else target)
        return
    if head.take(4) != b"TREE" or head.uint(1) != 0:
        raise UnreadableError("a tree of its HDF5 structure is broken")
    head.take(1)
    count = head.uint(2)
    at = file.block(address + 8 + 2 * file.offsets, count * (file.lengths + file.offsets))
    for _ in range(count):
        at.take(file.lengths)
        yield from _symbols(file, at.uint(file.offsets), names, levels - 1)
