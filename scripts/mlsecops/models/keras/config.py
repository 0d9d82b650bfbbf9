"""A walk through a Keras configuration: every object in it, and what rebuilding it does."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlsecops.models.inspection import Fact
from mlsecops.models.json_text import walk as values
from mlsecops.models.keras import modules
from mlsecops.models.known_names import words
from mlsecops.models.places import leads
from mlsecops.models.rules import keras as rules
from mlsecops.sarif.build import Rule

_PLAIN = frozenset(
    ["__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"]
)
_SHAPES = frozenset(["TensorShape", "TypeSpec", "CompositeTensor"])
_SYMBOL_LAYERS = {"TFOpLambda": "function", "ClassMethod": "cls_ref", "InstanceMethod": "method"}
_FILE_KEYS = words(
    """vocabulary idf_weights filepath file_path vocabulary_file vocab_file merges_file proto handle origin
    url uri fname weights_path checkpoint_path directory cache_dir export_dir model_path"""
)
_ALWAYS_FILES = frozenset(["filepath", "vocabulary", "idf_weights", "handle"])
_FILE_LAYERS = frozenset(
    [
        "StringLookup",
        "IntegerLookup",
        "IndexLookup",
        "TextVectorization",
        "TFSMLayer",
        "KerasLayer",
        "FeatureSpace",
    ]
)
_OPERATOR = re.compile(r'"?\bop"?\s*:\s*"([^"]{1,100})"')
_MOST_CODE = 1 << 20
_TELLING = re.compile(
    rb"\b(os|sys|subprocess|socket|system|popen|Popen|exec|eval|open|compile|__import__|builtins|importlib|urllib|"
    rb"urlopen|requests|shutil|pty|spawn|base64|marshal|pickle|ctypes|getattr|globals|environ)\b"
)


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a configuration, as Keras names it."""

    class_name: str
    module: str | None
    registered: str | None
    config: Any

    @property
    def label(self) -> str:
        """Its own name, or what it is."""
        name = self.config.get("name") if isinstance(self.config, dict) else None
        return name if isinstance(name, str) and name else self.class_name

    @property
    def full_name(self) -> str:
        """Module and class."""
        return f"{self.module}.{self.class_name}" if self.module else self.class_name


def facts(value: Any, part: str, *, revived: bool = False) -> Iterator[Fact]:
    """What loading a configuration does beyond building Keras' own layers.

    `revived`: it stands in a SavedModel, where classes that are not known are rebuilt from their graph.
    """
    labels: dict[str, str] = {}
    for path, each in values(value):
        if not isinstance(each, dict):
            continue
        yield from _stored_code(each, part)
        name = each.get("class_name")
        if isinstance(name, str) and "config" in each:
            found = Object(
                name, _text(each.get("module")), _text(each.get("registered_name")), each["config"]
            )
            if name == "__lambda__":
                yield _code(found.config, f"the layer `{_owner(path, labels)[:80]}`", part)
                continue
            labels[path] = found.label
            yield from _object(found, each, part, revived=revived)


def class_names(value: Any) -> Iterator[str]:
    """The classes of the layers and other objects that a configuration describes."""
    for _, each in values(value):
        if isinstance(each, dict) and "config" in each and isinstance(each.get("class_name"), str):
            yield each["class_name"]


def _owner(path: str, labels: dict[str, str]) -> str:
    """The name of the innermost object around a path."""
    while path and path not in labels:
        path = path.rpartition(".")[0]
    return labels.get(path, "Lambda")


def _object(found: Object, item: dict[str, Any], part: str, *, revived: bool) -> Iterator[Fact]:
    if found.class_name == "__typespec__":
        spec = _text(item.get("spec_name")) or ""
        if not (spec.endswith("Spec") and (found.module or "").startswith(("tensorflow.", "keras."))):
            yield from _named(f"{found.module}.{spec}", modules.of_class(found.module, spec), part)
    elif found.class_name == "function" and isinstance(found.config, str):
        name, module = found.config, found.module
        yield from _named(f"{module}.{name}" if module else name, modules.of_function(module, name), part)
    elif found.class_name not in _PLAIN and not (found.module is None and found.class_name in _SHAPES):
        yield from _class(found, part, revived=revived)


def _class(found: Object, part: str, *, revived: bool) -> Iterator[Fact]:
    name = found.full_name
    standing = modules.of_class(found.module, found.class_name) if found.module else "known"
    if standing == "known" and (found.module is None or ">" in (found.registered or "")):
        name = found.registered or found.class_name
        standing = modules.of_registered(name)
    if standing == "dangerous" or not revived:
        yield from _named(name, standing, part)
    if isinstance(found.config, dict):
        yield from _arguments(found, found.config, part)


def _named(name: str, standing: modules.Standing, part: str) -> Iterator[Fact]:
    if standing == "dangerous":
        yield _fact(
            rules.IMPORT,
            name,
            f"Loading this model imports `{name[:200]}`, which is no part of a model, and may call it.",
            part,
        )
    elif standing == "unknown":
        yield _fact(
            rules.CUSTOM,
            name,
            f"Loading this model needs `{name[:200]}`, which is not part of Keras: code from elsewhere runs.",
            part,
        )


def _stored_code(item: dict[Any, Any], part: str) -> Iterator[Fact]:
    """Functions as older versions write them: the code under one key, "lambda" under `..._type`."""
    for key, kind in item.items():
        if kind == "lambda" and isinstance(key, str) and key.endswith("_type"):
            code = item.get(key.removesuffix("_type"))
            if code is not None:
                yield _code(code, f"the layer `{_text(item.get('name')) or 'Lambda'}`"[:120], part)


def _code(value: Any, where: str, part: str) -> Fact:
    refers = _names_in(value)
    tail = f"; it refers to {', '.join(f'`{name}`' for name in refers)}" if refers else ""
    message = f"Loading or calling this model runs Python bytecode that is stored in {where}{tail}."
    return _fact(rules.LAMBDA, where, message, part)


def _names_in(value: Any) -> list[str]:
    """Telling names among the constants of marshalled code, which is never unmarshalled."""
    names: dict[str, None] = {}
    for _, each in values(value):
        if isinstance(each, str) and len(each) < _MOST_CODE:
            try:
                code = base64.b64decode(each.encode("utf-8", "replace"))
            except (binascii.Error, ValueError):
                continue
            names.update((match[1].decode(), None) for match in _TELLING.finditer(code))
    return list(names)[:6]


def _arguments(found: Object, config: dict[str, Any], part: str) -> Iterator[Fact]:
    """What single arguments of a layer make it do."""
    if found.class_name == "TorchModuleWrapper":
        message = (
            f"Loading this model unpickles a PyTorch module that is stored in the layer `{found.label[:80]}`."
        )
        yield _fact(rules.TORCH, found.label, message, part)
    if found.class_name == "Lambda" and config.get("function_type") != "lambda":
        yield from _lambda(found, config, part)
    symbol = config.get(_SYMBOL_LAYERS.get(found.class_name, ""))
    if isinstance(symbol, str):
        yield from _named(f"tensorflow.{symbol}", modules.of_symbol(symbol), part)
    for key, value in config.items():
        if isinstance(value, str) and value and key in _FILE_KEYS:
            yield from _file(found, key, value, part)


def _lambda(found: Object, config: dict[str, Any], part: str) -> Iterator[Fact]:
    """A function by its name, or its code without being called so."""
    function, module = config.get("function"), _text(config.get("module"))
    if isinstance(function, str) and function.isidentifier():
        module = None if module == "__main__" else module
        full = f"{module}.{function}" if module else function
        yield from _named(full, modules.of_function(module, function), part)
    elif isinstance(function, str | list):
        yield _code(function, f"the layer `{found.label[:80]}`", part)


def _file(found: Object, key: str, value: str, part: str) -> Iterator[Fact]:
    where = leads(value)
    shown = value[:200]
    if where == "network":
        message = f"Loading this model fetches `{shown}` for the layer `{found.label[:80]}`."
    elif where == "outside":
        message = f"Loading this model opens `{shown}` of the machine for the layer `{found.label[:80]}`."
    elif found.class_name in _FILE_LAYERS and key in _ALWAYS_FILES:
        message = f"Loading this model opens the file `{shown}` for the layer `{found.label[:80]}`."
        yield _fact(rules.OUTSIDE, value, message, part, severity=5.3)
        return
    else:
        return
    yield _fact(rules.OUTSIDE, value, message, part)


def operators(value: Any) -> Iterator[str]:
    """TensorFlow operators that layers of a configuration wrap, by name."""
    for _, each in values(value):
        if isinstance(each, dict) and each.get("class_name") == "TensorFlowOpLayer":
            for _, inner in values(each):
                if isinstance(inner, str):
                    yield from _OPERATOR.findall(inner)
                elif isinstance(inner, dict) and isinstance(inner.get("op"), str):
                    yield inner["op"]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _fact(rule: Rule, subject: str, message: str, part: str, severity: float | None = None) -> Fact:
    return Fact(rule=rule.id, subject=subject[:300], message=message, part=part, severity=severity)
