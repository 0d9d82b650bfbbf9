"""Formats that are known by their first bytes, and that nothing here reads to the end."""

from __future__ import annotations

from dataclasses import dataclass

from mlsecops.models.protobuf import Span, Wire, outline
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk


@dataclass(frozen=True, slots=True)
class WithoutReader:
    """Says what a file is, and that it was not looked at."""

    format: str
    magic: tuple[bytes, ...]
    at: int = 0

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a few bytes at one place."""
        del source
        return head.startswith(self.magic, self.at)

    def read(self, source: Source, walk: Walk) -> None:
        """Say so."""
        del source, walk
        raise UnreadableError(f"there is no reader for its format ({self.format})")


@dataclass(frozen=True, slots=True)
class SentencePieceReader:
    """Vocabularies of SentencePiece (sentencepiece_model.proto): pieces of text, settings and tables."""

    format: str = "SentencePiece"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a first piece with a text and a score."""
        if head[:1] != b"\n" or b"<unk>" not in head[:200]:
            return False
        first = outline(source, 4)
        return first is not None and all(
            number == 1 and isinstance(value, Span) and _is_piece(source, value) for number, value in first
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Make sure that it is one sound message of the fields that there are."""
        del walk
        for number, value in Wire(source).fields():
            if number not in (1, 2, 3, 4, 5) or not isinstance(value, Span):
                raise UnreadableError("it has fields that no vocabulary has")


def _is_piece(source: Source, span: Span) -> bool:
    fields = outline(source.part(span.start, span.size, ""), 4)
    return fields is not None and fields[0][0] == 1 and {number for number, _ in fields} <= {1, 2, 3}


WITHOUT_READER = (
    WithoutReader("XGBoost's old binary format; save it as .ubj or .json", (b"binf", b"CONFIG-offset:")),
    WithoutReader("fastText", (b"\xba\x16\x4f\x2f",)),
    WithoutReader("GGML", (b"lmgg", b"tjgg", b"fmgg", b"algg")),
    WithoutReader("ONNX Runtime's ORT; keep the .onnx file", (b"ORTM",), 4),
    WithoutReader("MXNet parameters", (b"\x12\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0",)),
    WithoutReader("ExecuTorch", (b"ET12",), 4),
)
