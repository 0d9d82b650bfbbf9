"""A CycloneDX 1.6 bill of materials of model files: https://cyclonedx.org/docs/1.6/json/.

The same models give the same bytes: no random serial number and no time unless they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from mlsecops import __version__
from mlsecops.models.trust.cards import Card, Metric
from mlsecops.models.trust.lock import Entry
from mlsecops.sarif.build import Json, encode_uri

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a bill says of itself: the project's name, and where wanted a time and a serial number."""

    project: str
    made: datetime | None = None
    serial: str = ""


def build(about: About, models: Iterable[Entry], cards: Mapping[str, Card]) -> bytes:
    """The bill as JSON; `cards` are by the path of the model."""
    ordered = sorted(models, key=lambda each: each.path)
    described = [(each, cards.get(each.path, Card())) for each in ordered]
    libraries = {
        _library_ref(library): library for each in described for library in [_maker(*each)] if library[0]
    }
    metadata: Json = {
        "tools": {"components": [{"type": "application", "name": "mlsecops", "version": __version__}]},
        "component": {"type": "application", "bom-ref": _PROJECT, "name": _plain(about.project) or _PROJECT},
    }
    if about.made is not None:
        metadata = {"timestamp": about.made.strftime("%Y-%m-%dT%H:%M:%SZ"), **metadata}
    graph = [{"ref": _PROJECT, "dependsOn": [_ref(each) for each in ordered]}]
    graph += [_depends(entry, card) for entry, card in described]
    graph += [{"ref": ref, "dependsOn": []} for ref in sorted(libraries)]
    document: Json = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        **({"serialNumber": about.serial} if about.serial else {}),
        "version": 1,
        "metadata": metadata,
        "components": [
            *(_component(entry, card) for entry, card in described),
            *(_library(ref, *libraries[ref]) for ref in sorted(libraries)),
        ],
        "dependencies": graph,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _component(entry: Entry, card: Card) -> Json:
    hashes = [{"alg": "SHA-256", "content": entry.sha256}] if entry.sha256 else []
    if entry.md5 and not entry.is_folder:
        hashes.append({"alg": "MD5", "content": entry.md5})
    component: Json = {
        "type": "machine-learning-model",
        "bom-ref": _ref(entry),
        "name": card.name or _plain(entry.path),
        "hashes": hashes,
        "licenses": [{"license": {"name": name}} for name in card.licenses],
        "pedigree": _pedigree(card),
        "modelCard": _model_card(card),
        "properties": _properties(entry),
    }
    return {key: value for key, value in component.items() if value}


def _pedigree(card: Card) -> Json:
    base = [{"type": "machine-learning-model", "name": name} for name in card.base]
    return {"ancestors": base} if base else {}


def _model_card(card: Card) -> Json:
    parameters: Json = {"task": card.task} if card.task else {}
    if card.datasets:
        parameters["datasets"] = [{"type": "dataset", "name": name} for name in card.datasets]
    measured = [_metric(each) for each in card.metrics]
    found: Json = {"modelParameters": parameters} if parameters else {}
    return {**found, **({"quantitativeAnalysis": {"performanceMetrics": measured}} if measured else {})}


def _metric(metric: Metric) -> Json:
    named = {"type": metric.type, "value": metric.value, "slice": metric.data}
    return {key: value for key, value in named.items() if value}


def _properties(entry: Entry) -> list[Json]:
    values = {
        "path": entry.path,
        "format": entry.format,
        "size": "" if entry.size is None else str(entry.size),
        "producer": entry.producer,
        "verdict": entry.verdict,
        "signer": entry.signer,
        "dvc": entry.md5 if entry.is_folder else "",
    }
    return [{"name": f"mlsecops:{key}", "value": _plain(value)} for key, value in values.items() if value]


def _maker(entry: Entry, card: Card) -> tuple[str, str]:
    """Name and version of the library that wrote it: what MLflow says, else its bytes, else a person."""
    if card.version or not entry.producer:
        return card.library, card.version
    name, _, version = _plain(entry.producer).partition(" ")
    return name, version


def _library(ref: str, name: str, version: str) -> Json:
    component: Json = {"type": "library", "bom-ref": ref, "name": name}
    return {**component, "version": version} if version else component


def _library_ref(library: tuple[str, str]) -> str:
    return "library:" + "@".join(quote(part, safe="") for part in library if part)


def _depends(entry: Entry, card: Card) -> Any:
    maker = _maker(entry, card)
    return {"ref": _ref(entry), "dependsOn": [_library_ref(maker)] if maker[0] else []}


def _ref(entry: Entry) -> str:
    return f"model:{encode_uri(entry.path)}"


def _plain(text: str) -> str:
    """Text on one line: control characters and lone surrogates as escapes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )
