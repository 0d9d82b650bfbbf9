"""One compressed stream -> the bytes in it, as far as they can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from mlsecops.models.source import Source

CUT_OFF = "it is cut off"
DAMAGED = "it is damaged and cannot be unpacked to its end"
_FIRST_FEED, _FEED, _STEP = 4096, 1 << 16, 1 << 16
_SMALL_STEP = 1 << 8


class DamagedError(Exception):
    """Bytes that are no such compression; the text is the reason as a person reads it."""


class Decoder(Protocol):
    """What the standard library's decompressors have in common; `decompress` raises DamagedError."""

    @property
    def eof(self) -> bool:
        """Whether the stream has come to its end."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without new bytes."""

    @property
    def unused_data(self) -> bytes:
        """Bytes that were given and lie behind the end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The next bytes, at most `max_length`."""


class Unpacking(Protocol):
    """Bytes coming out of a stream; `used` and `trouble` are known once they are out."""

    @property
    def used(self) -> int:
        """How many bytes the stream took."""

    @property
    def trouble(self) -> str:
        """Why it did not come to its end, "" where it did."""

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece; never raises."""


@dataclass(slots=True)
class Stream:
    """What a decoder gets out of a source from its beginning on, with `preface` given to it first.

    `mend` says whether to make an effort for the last bytes before damage, which takes its time.
    """

    source: Source
    decoder: Callable[[], Decoder]
    mend: Callable[[], bool]
    preface: bytes = b""
    used: int = 0
    trouble: str = ""
    _out: int = field(default=0, init=False)
    _last_feed: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece; never raises.

        A decoder that fails keeps back what it had before the damage: then all is unpacked again, the last of
        it byte by byte, so that at most one is lost.
        """
        try:
            yield from self._run(_STEP)
        except DamagedError as error:
            self.trouble = str(error)
        if self.trouble not in ("", CUT_OFF) and self.mend():
            yield from self._mend(_SMALL_STEP)
            yield from self._mend(1, careful_from=self._last_feed)

    def _mend(self, step: int, careful_from: int | None = None) -> Iterator[bytes]:
        """What comes out in small steps beyond what is known already."""
        known = self._out
        try:
            for piece in self._run(step, known, careful_from):
                if self._out > known:
                    yield piece
        except DamagedError:
            return

    def _run(self, step: int, known: int = 0, careful_from: int | None = None) -> Iterator[bytes]:
        decoder, fed, feed = self.decoder(), 0, _FIRST_FEED
        data, ended = self.preface, False
        self._out = 0
        while not ended:
            if not data and decoder.needs_input:
                self._last_feed = fed
                careful = careful_from is not None and fed >= careful_from
                data = self.source.at(fed, 1 if careful else feed)
                fed, feed = fed + len(data), min(feed * 2, _FEED)
                if not data:
                    self.trouble = CUT_OFF
                    break
            room = min(known - self._out, _STEP) if self._out < known else step
            piece = decoder.decompress(data, room)
            ended = decoder.eof
            if not (data or piece or ended or decoder.needs_input):
                raise DamagedError(DAMAGED)
            data = b""
            self._out += len(piece)
            yield piece
        self.used = fed - len(decoder.unused_data)


@dataclass(slots=True)
class Plain:
    """Bytes that are not compressed, `length` of them where they are whole."""

    source: Source
    length: int
    used: int = 0
    trouble: str = ""

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.source.chunks():
            self.used += len(piece)
            yield piece
        if self.used < self.length:
            self.trouble = CUT_OFF
