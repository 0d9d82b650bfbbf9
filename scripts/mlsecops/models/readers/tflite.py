"""TFLite: the operators of a flat buffer (https://github.com/google-ai-edge/LiteRT, schema.fbs)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.inspection import Fact
from mlsecops.models.places import leads
from mlsecops.models.rules import tensorflow as rules
from mlsecops.models.source import Source
from mlsecops.models.tensorflow import operators
from mlsecops.models.walk import Endless, UnreadableError, Walk

_IDENTIFIER = b"TFL3"
_OPERATOR_CODES, _GROUPS = 1, 8
_CUSTOM_CODE = 1
_FLEX = "Flex"
_MOST_OPERATORS, _MOST_TEXT = 10_000, 200
# Custom operators that the runtime itself, or Google's task libraries, bring along.
_BUNDLED = frozenset(
    [
        *("TFLite_Detection_PostProcess", "AudioSpectrogram", "Mfcc", "RFFT2D", "Convolution2DTransposeBias"),
        *("MaxPoolingWithArgmax2D", "MaxUnpooling2D", "NumericVerify", "HashtableV2", "edgetpu-custom-op"),
    ]
)


@dataclass(frozen=True, slots=True)
class TfLiteReader(Endless):
    """Reads the table of operators; the numbers do nothing."""

    format: str = "TFLite"

    def recognises(self, head: bytes, source: Source) -> bool:
        """Whether it has TFLite's identifier."""
        return head[4:8] == _IDENTIFIER and source.size > len(_IDENTIFIER) + 4

    def read(self, source: Source, walk: Walk) -> None:
        """Name operators that are no part of the runtime, and files that the numbers lie in."""
        table = _Table(source, _uint(source, 0, 4))
        for code in table.tables(_OPERATOR_CODES):
            name = code.text(_CUSTOM_CODE)
            walk.found.has_operators([name or ""])
            if name is not None and name not in _BUNDLED:
                for fact in _custom(name, source.name):
                    walk.found.add(fact)
        for group in table.tables(_GROUPS):
            place = group.text(0)
            if place and leads(place) != "beside":
                message = f"Loading this model maps the file `{place}` into memory."
                fact = Fact(rule=rules.OUTSIDE.id, subject=place, message=message, part=source.name)
                walk.found.add(fact)
        walk.found.streams += 1


def _custom(name: str, part: str) -> Iterator[Fact]:
    """A custom operator; those whose name starts with Flex are TensorFlow's own."""
    deed = operators.of(name.removeprefix(_FLEX)) if name.startswith(_FLEX) else None
    if deed is not None:
        inner = name.removeprefix(_FLEX)
        yield Fact(
            rule=deed.rule.id, subject=inner, message=deed.message(inner), part=part, severity=deed.given
        )
    elif not name.startswith(_FLEX):
        message = f"Running this model needs the operator `{name}`, no part of TFLite: native code."
        yield Fact(rule=rules.CUSTOM.id, subject=name, message=message, part=part)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a flat buffer, which starts with a signed way back to the list of its fields.

    https://flatbuffers.dev/internals/
    """

    source: Source
    place: int

    def _field(self, number: int) -> int | None:
        """Where a field's value lies, or None where it has its default."""
        back = _uint(self.source, self.place, 4)
        fields = self.place - (back - (1 << 32) if back >= 1 << 31 else back)
        if 4 + 2 * number + 2 > _uint(self.source, fields, 2):
            return None
        offset = _uint(self.source, fields + 4 + 2 * number, 2)
        return self.place + offset if offset else None

    def _target(self, number: int) -> int | None:
        """Where a field points to."""
        field = self._field(number)
        return None if field is None else field + _uint(self.source, field, 4)

    def text(self, number: int) -> str | None:
        """The text of a field, cut off when it is long."""
        target = self._target(number)
        if target is None:
            return None
        length = min(_uint(self.source, target, 4), _MOST_TEXT)
        return self.source.at(target + 4, length).decode("utf-8", "replace")

    def tables(self, number: int) -> Iterator[_Table]:
        """The tables that a field lists."""
        target = self._target(number)
        count = 0 if target is None else _uint(self.source, target, 4)
        if count > _MOST_OPERATORS:
            raise UnreadableError("it has more operators than any real model")
        for index in range(count):
            place = (target or 0) + 4 + 4 * index
            yield _Table(self.source, place + _uint(self.source, place, 4))


def _uint(source: Source, place: int, width: int) -> int:
    data = source.at(place, width)
    if len(data) < width:
        raise UnreadableError("it points behind its own end")
    return int.from_bytes(data, "little")
