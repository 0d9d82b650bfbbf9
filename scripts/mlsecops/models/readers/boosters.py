"""Models of gradient boosting libraries: trees in JSON, UBJSON and text, which loading only parses.

XGBoost: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, LightGBM: `Booster.save_model`,
CatBoost: https://catboost.ai/docs/en/concepts/export-coreml (and the other exports beside it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.cursor import CUT_OFF
from mlsecops.models.embedded import add_text
from mlsecops.models.json_stream import texts
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_XGBOOST = re.compile(rb'\s*\{\s*"(?:learner|version|Config)"\s*:')
_CATBOOST = re.compile(
    rb'"(?:features_info|oblivious_trees|model_info|scale_and_bias|ctr_data|float_features)"\s*:'
)
_PROGRAM = re.compile(rb"^class catboost_model\(object\)|^static const struct CatboostModel\b", re.MULTILINE)
_LIGHTGBM = b"tree\n"
_LINE = re.compile(
    rb"tree|end of (?:trees|parameters)|parameters:|feature_importances:|pandas_categorical:.*|[\w ]{1,80}=.*"
    rb"|\[\w{1,80}: .*|\s*",
    re.DOTALL,
)
_LOOKED_AT, _LONGEST_TEXT, _CATBOOST_HEADER = 4096, 1 << 20, 8
_SHORT = 16  # texts that no command fits into


@dataclass(frozen=True, slots=True)
class BoosterJsonReader:
    """JSON of XGBoost and CatBoost."""

    format: str = "trees as JSON"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the first name of XGBoost's, or one of the sections of CatBoost's."""
        if head.lstrip()[:1] != b"{":
            return False
        tail = source.at(max(source.size - _LOOKED_AT, 0), _LOOKED_AT)
        return (_XGBOOST.match(head) is not None and b'"learner"' in head + tail) or (
            _CATBOOST.search(head) is not None
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Make sure that it is JSON to its end."""
        seen = b""
        for text in texts(source):
            if len(seen) < _LONGEST_TEXT and len(text) > _SHORT:
                seen += text[:_LOOKED_AT] + b"\n"
        add_text(seen.decode("utf-8", "replace"), source, walk)
        walk.found.producer = walk.found.producer or (
            "xgboost" if _XGBOOST.match(source.at(0, 64)) else "catboost"
        )


@dataclass(frozen=True, slots=True)
class LightGbmReader:
    """Text of LightGBM: names and numbers by line."""

    format: str = "LightGBM"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its first two lines."""
        del source
        lines = head.replace(b"\r\n", b"\n")
        return lines.startswith(b"tree\nversion=v") or (
            lines.startswith(_LIGHTGBM) and b"\nnum_class=" in lines
        )

    def read(self, source: Source, walk: Walk) -> None:
        """Make sure that every line is one of those that LightGBM writes."""
        ended = wrong = False
        for line in _lines(source):
            if wrong:
                raise UnreadableError("it has a line that LightGBM does not write")
            wrong = not _LINE.fullmatch(line)
            ended |= line == b"end of trees"
            if line.startswith((b"[", b"pandas_categorical")):
                add_text(line.decode("utf-8", "replace"), source, walk)
        if wrong or not ended:
            raise UnreadableError(CUT_OFF)
        walk.found.producer = walk.found.producer or "lightgbm"


def _lines(source: Source) -> Iterator[bytes]:
    """The beginnings of all lines."""
    rest = b""
    for piece in source.chunks():
        first, *others = piece.split(b"\n")
        if len(rest) < _LOOKED_AT:
            rest += first[:_LOOKED_AT]
        for other in others:
            yield rest.rstrip(b"\r")
            rest = other[:_LOOKED_AT]
    if rest:
        yield rest


@dataclass(frozen=True, slots=True)
class CatBoostReader:
    """Binary files of CatBoost: a header and a table of flatbuffers."""

    format: str = "CatBoost"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By its first four bytes, or the class that its exports as programs define."""
        del source
        return head.startswith(b"CBM1") or _PROGRAM.search(head) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Check how long the table is, and look at the texts in it."""
        if not source.at(0, 4).startswith(b"CBM1"):
            raise UnreadableError(
                "it is a program (an export of CatBoost): read it as code, or save it as .cbm"
            )
        size = int.from_bytes(source.at(4, 4), "little")
        if size < _CATBOOST_HEADER or size > source.size - _CATBOOST_HEADER:
            raise UnreadableError(CUT_OFF)
        root = int.from_bytes(source.at(_CATBOOST_HEADER, 4), "little")
        if root + 4 > size or b"FlabuffersModel_v1" not in source.at(0, _LONGEST_TEXT):
            raise UnreadableError("its table cannot be read")
        add_text(source.at(_CATBOOST_HEADER, min(size, _LONGEST_TEXT)).decode("latin-1"), source, walk)
        walk.found.producer = walk.found.producer or "catboost"
