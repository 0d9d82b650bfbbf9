"""TFLite models as flat buffers (https://flatbuffers.dev/internals/, schema.fbs of LiteRT)."""

from __future__ import annotations

import struct


class Flat:
    """A flat buffer that grows towards its end; what a table points to comes behind it."""

    def __init__(self) -> None:
        self.data = bytearray(8)

    def table(self, fields: dict[int, int]) -> int:
        """A table with that many places for offsets; return where it starts. They are filled in later."""
        count = max(fields, default=-1) + 1
        places = {number: 4 + 4 * index for index, number in enumerate(sorted(fields))}
        slots = [places.get(number, 0) for number in range(count)]
        self.data += bytes(-len(self.data) % 4)
        start = len(self.data)
        self.data += struct.pack(f"<HH{count}H", 4 + 2 * count, 4 + 4 * len(fields), *slots)
        self.data += bytes(-len(self.data) % 4)
        table = len(self.data)
        self.data += struct.pack("<i", table - start) + bytes(4 * len(fields))
        fields.update({number: table + place for number, place in places.items()})
        return table

    def point(self, place: int, target: int) -> None:
        """Let an offset lead to a target behind it."""
        self.data[place : place + 4] = struct.pack("<I", target - place)

    def text(self, value: str) -> int:
        """A text; return where it starts."""
        self.data += bytes(-len(self.data) % 4)
        place = len(self.data)
        self.data += struct.pack("<I", len(value)) + value.encode() + b"\0"
        return place

    def tables(self, texts: list[str | None], number: int) -> int:
        """A list of tables that have a text in one field, or nothing."""
        self.data += bytes(-len(self.data) % 4)
        place = len(self.data)
        self.data += struct.pack("<I", len(texts)) + bytes(4 * len(texts))
        for index, value in enumerate(texts):
            fields = {} if value is None else {number: 0}
            self.point(place + 4 + 4 * index, self.table(fields))
            if value is not None:
                self.point(fields[number], self.text(value))
        return place


def model(operators: list[str | None], files: list[str | None] | None = None) -> bytes:
    """A model with operators that have these names of their own, and numbers in files."""
    flat = Flat()
    fields = {1: 0} if files is None else {1: 0, 8: 0}
    flat.data[:8] = struct.pack("<I", flat.table(fields)) + b"TFL3"
    flat.point(fields[1], flat.tables(operators, 1))
    if files is not None:
        flat.point(fields[8], flat.tables(files, 0))
    return bytes(flat.data)
