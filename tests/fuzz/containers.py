"""Changes inside archives and compressed streams, which are made anew around them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from dataclasses import replace

from corpus.formats.zips import DEFLATED, STORED, Member, tar_of, zip_of

from fuzz.bytewise import boundary
from fuzz.change import Change

_LARGEST = 1 << 20


def in_zip(data: bytes, change: Change) -> bytes:
    """A member's content, name or headers, or the members as such."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [
            Member(
                name=each.filename,
                data=archive.open(each).read(_LARGEST),
                method=DEFLATED if each.compress_type else STORED,
            )
            for each in archive.infolist()
        ]
    chance = change.chance
    at = chance.below(len(members) or 1)
    one = members[at]
    if chance.below(3):
        members[at] = replace(one, data=change.of(one.data))
        return zip_of(members)
    text = change.of(one.name.encode()).decode("utf-8", "replace")[:60_000]
    odd: tuple[list[Member], ...] = (
        [replace(one, name=text)],
        [replace(one, local_name=text)],
        [replace(one, method=chance.choice((STORED, DEFLATED, 12, 14, 99)))],
        [replace(one, flags=chance.below(1 << 16))],
        [replace(one, checksum=1)],
        [replace(one, sizes=False)],
        [replace(one, hidden=True)],
        [replace(one, unpacked=boundary(chance, len(one.data)) % (1 << 32))],
        [],
        [one] * chance.choice((2, 3, 1000)),
        [one, replace(one, data=change.of(one.data))],
    )
    members[at : at + 1] = chance.choice(odd)
    return zip_of(members)


def in_tar(data: bytes, change: Change) -> bytes:
    """The content of one member."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        files = {each: archive.extractfile(each) for each in archive if each.isfile()}
        members = {each.name: stream.read(_LARGEST) for each, stream in files.items() if stream}
    name = change.chance.choice(list(members))
    return tar_of({**members, name: change.of(members[name])})


def in_compressed(data: bytes, change: Change) -> bytes:
    """What comes out of gzip, zlib, bz2, xz or lzma. Raises ValueError for anything else."""
    if data.startswith((b"\x1f\x8b", b"\x78")):
        content = change.of(zlib.decompressobj(wbits=47).decompress(data, _LARGEST))
        return zlib.compress(content) if data[:1] == b"\x78" else gzip.compress(content, mtime=0)
    if data.startswith(b"BZh"):
        return bz2.compress(change.of(bz2.BZ2Decompressor().decompress(data, _LARGEST)))
    if not data.startswith((b"\xfd7zXZ", b"]\0\0")):
        raise ValueError
    form = lzma.FORMAT_XZ if data[:1] == b"\xfd" else lzma.FORMAT_ALONE
    return lzma.compress(change.of(lzma.LZMADecompressor(form).decompress(data, _LARGEST)), form, preset=0)
