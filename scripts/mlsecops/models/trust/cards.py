"""What model cards say: front matter of a README.md as on Hugging Face, and MLflow's MLmodel.

https://huggingface.co/docs/hub/model-cards, https://mlflow.org/docs/latest/ml/model/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from mlsecops.policy.document import DocumentError, read

MAX_CARD = 1_000_000
_LONGEST = 300
_MOST = 200
_FRONT = re.compile(r"\A(?:\ufeff)?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_CARD_KEYS = frozenset(
    ("model-index", "library_name", "pipeline_tag", "base_model", "datasets", "metrics", "model_name")
)
# MLflow's flavors: the package, and the key with its version.
_FLAVORS = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "catboost": ("catboost", "catboost_version"),
    "pytorch": ("torch", "pytorch_version"),
    "keras": ("keras", "keras_version"),
    "tensorflow": ("tensorflow", "tensorflow_version"),
    "transformers": ("transformers", "transformers_version"),
    "sentence_transformers": ("sentence-transformers", "sentence_transformers_version"),
    "onnx": ("onnx", "onnx_version"),
    "statsmodels": ("statsmodels", "statsmodels_version"),
    "prophet": ("prophet", "prophet_version"),
    "pmdarima": ("pmdarima", "pmdarima_version"),
    "spacy": ("spacy", "spacy_version"),
    "spark": ("pyspark", "pyspark_version"),
}


class CardError(ValueError):
    """A model card that cannot be read; the text says on which line and why."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured or named quality, and on which data."""

    type: str
    value: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is said of a model; "" and () where nothing is. A `version` is that of a package of PyPI."""

    name: str = ""
    task: str = ""
    library: str = ""
    version: str = ""
    licenses: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    base: tuple[str, ...] = ()


def merged(readme: Card, mlmodel: Card) -> Card:
    """What both say of a model; of the library MLflow knows best, of all else the person."""
    maker = mlmodel if mlmodel.library else readme
    mine = {each.name: getattr(readme, each.name) or getattr(mlmodel, each.name) for each in fields(Card)}
    return Card(**{**mine, "library": maker.library, "version": maker.version})


def cards_of(
    paths: Iterable[str], uris: Iterable[str], read: Callable[[str], bytes]
) -> tuple[dict[str, Card], dict[str, str]]:
    """The card of each model that has one, and the cards that cannot be read with the reason.

    The nearest README.md with a card counts, in the model's folder or above it; so does the nearest MLmodel.
    """
    above = {path: list(_folders(path)) for path in paths}
    folders = {folder for several in above.values() for folder in several}
    shelves: dict[str, dict[str, Card]] = {name: {} for name in _READERS}
    problems: dict[str, str] = {}
    for uri in sorted(uris):
        folder, _, name = uri.rpartition("/")
        if name.lower() in _READERS and folder in folders:
            try:
                card = _READERS[name.lower()](read(uri))
            except CardError as error:
                problems[uri] = str(error)
            except OSError as error:
                problems[uri] = error.strerror or str(error)
            else:
                shelves[name.lower()].setdefault(folder, card or Card())
    found = {
        path: merged(*(_nearest(shelves[name], several) for name in _READERS))
        for path, several in above.items()
    }
    return {path: card for path, card in found.items() if card != Card()}, problems


def _folders(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def _nearest(shelf: Mapping[str, Card], folders: Iterable[str]) -> Card:
    found = (shelf.get(folder, Card()) for folder in folders)
    return next((card for card in found if card != Card()), Card())


def read_readme(content: bytes) -> Card | None:
    """The card in a README's front matter; None where there is none. Raises CardError."""
    front = _FRONT.match(content[:MAX_CARD].decode("utf-8", errors="replace"))
    data = _data(front[1].encode(), 1) if front else None
    if not isinstance(data, dict) or not data.keys() & _CARD_KEYS or "sdk" in data:
        return None
    index = next((each for each in _list(data.get("model-index")) if isinstance(each, dict)), {})
    measured = tuple(_measured(index))[:_MOST]
    named = tuple(Metric(each) for each in _texts(data.get("metrics")))
    on = tuple(dict.fromkeys(metric.data for metric in measured if metric.data))
    return Card(
        name=_text(index.get("name")) or _text(data.get("model_name")),
        task=_text(data.get("pipeline_tag")),
        library=_text(data.get("library_name")),
        licenses=_texts(data.get("license_name")) or _texts(data.get("license")),
        datasets=_texts(data.get("datasets")) or on,
        metrics=measured or named,
        base=_texts(data.get("base_model")),
    )


def _measured(index: Mapping[str, Any]) -> Iterator[Metric]:
    for result in _list(index.get("results")):
        if isinstance(result, dict):
            data = result.get("dataset")
            name = _text(data.get("name")) or _text(data.get("type")) if isinstance(data, dict) else ""
            for metric in _list(result.get("metrics")):
                if isinstance(metric, dict):
                    kind = _text(metric.get("type")) or _text(metric.get("name"))
                    yield Metric(kind, _text(metric.get("value")), name)


def read_mlmodel(content: bytes) -> Card:
    """The card that MLflow's MLmodel is. Raises CardError."""
    data = _data(content, 0)
    if not isinstance(data, dict) or not isinstance(data.get("flavors"), dict):
        raise CardError("line 1: it names no flavors")
    flavors = data["flavors"]
    found = next((each for each in _FLAVORS if each in flavors), "")
    library, key = _FLAVORS.get(found, ("", ""))
    settings = flavors.get(found)
    metadata = data.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    metrics = said.get("metrics")
    pairs = metrics.items() if isinstance(metrics, dict) else ()
    return Card(
        library=library,
        version=_text(settings.get(key)) if isinstance(settings, dict) else "",
        datasets=_texts(said.get("datasets")),
        metrics=tuple(Metric(_text(name), _text(value)) for name, value in pairs)[:_MOST],
    )


def _data(content: bytes, before: int) -> Any:
    try:
        return read(content).data
    except DocumentError as error:
        raise CardError(f"line {error.line + before}: {error.text}") from error


def _list(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them."""
    several = value if isinstance(value, list) else [value]
    return tuple(text for text in map(_text, several[:_MOST]) if text)


def _text(value: Any) -> str:
    """A scalar on one line, control characters gone."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    printable = (each if each.isprintable() else " " for each in str(value)[:_LONGEST])
    return " ".join("".join(printable).split())


_READERS: Mapping[str, Callable[[bytes], Card | None]] = {"readme.md": read_readme, "mlmodel": read_mlmodel}
