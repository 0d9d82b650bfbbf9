"""What changed in model files since the baseline: a reviewer cannot read them, so they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mlsecops.findings.fields import count, mappings, own_properties, text_of, texts
from mlsecops.sarif.build import Json

Kind = Literal["new", "changed", "renamed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model file as our readers saw it; `size` in bytes, `whole` when none of its names was left out."""

    uri: str
    format: str
    size: int
    sha256: str
    producer: str
    imports: frozenset[str]
    operators: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """A model file before and after; one of both is None where it is new or removed."""

    kind: Kind
    before: Model | None = None
    after: Model | None = None

    @property
    def uri(self) -> str:
        """Where it is, or was."""
        model = self.after or self.before
        return model.uri if model else ""

    def added(self, what: Literal["imports", "operators"]) -> tuple[str, ...]:
        """Names that the file has now and had not before, in order."""
        return tuple(sorted(_names(self.after, what) - _names(self.before, what)))

    def gone(self, what: Literal["imports", "operators"]) -> tuple[str, ...]:
        """Names that the file had before; those of a whole file that went are not listed."""
        return tuple(sorted(_names(self.before, what) - _names(self.after, what))) if self.after else ()

    @property
    def whole(self) -> bool:
        """Whether both sides were read to their end, so that the lists of names are complete."""
        return all(each.whole for each in (self.before, self.after) if each)


def model_changes(log: Json, baseline: Json) -> tuple[ModelChange, ...]:
    """What differs between the models of two logs; nothing where one of them describes no models at all."""
    now, then = _models(log), _models(baseline)
    if now is None or then is None:
        return ()
    changes = _changes(now, then)
    return tuple(each for each in changes if each.kind != "removed" or _is_complete(log))


def _changes(now: Mapping[str, Model], then: Mapping[str, Model]) -> Iterator[ModelChange]:
    gone = {uri: each for uri, each in then.items() if uri not in now}
    by_hash = {each.sha256: uri for uri, each in gone.items() if each.sha256}
    for uri, after in sorted(now.items()):
        before = then.get(uri)
        origin = by_hash.pop(after.sha256, None) if before is None else None
        if origin is not None:
            yield ModelChange(kind="renamed", before=gone.pop(origin), after=after)
        elif before is None:
            yield ModelChange(kind="new", after=after)
        elif before.sha256 != after.sha256:
            yield ModelChange(kind="changed", before=before, after=after)
    for _, before in sorted(gone.items()):
        yield ModelChange(kind="removed", before=before)


def _is_complete(log: Json) -> bool:
    """Whether a model that is not described is really not there."""
    describing = (own_properties(run) for run in mappings(log.get("runs")))
    return all(own.get("status") in {"passed", "findings"} for own in describing if "models" in own)


def _models(log: Json) -> dict[str, Model] | None:
    """The models by path, or None where no run describes any."""
    described = [own_properties(run).get("models") for run in mappings(log.get("runs"))]
    lists = [each for each in described if isinstance(each, list)]
    if not lists:
        return None
    models = (_model(row) for rows in lists for row in mappings(rows))
    return {model.uri: model for model in models if model.uri}


def _model(row: Json) -> Model:
    return Model(
        uri=text_of(row.get("uri")),
        format=text_of(row.get("format")),
        size=count(row.get("size")),
        sha256=text_of(row.get("sha256")),
        producer=text_of(row.get("producer")),
        imports=frozenset(texts(row.get("imports"))),
        operators=frozenset(texts(row.get("operators"))),
        whole=row.get("whole") is True,
    )


def _names(model: Model | None, what: Literal["imports", "operators"]) -> frozenset[str]:
    if model is None:
        return frozenset()
    return model.imports if what == "imports" else model.operators
