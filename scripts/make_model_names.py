"""Makes `mlsecops/data/model-names.json.gz`: what Keras and TensorFlow themselves bring along, by name.

Run in a scratch environment that has `tensorflow`, `keras` and `tf_keras`:

    python scripts/make_model_names.py scripts/mlsecops/data/model-names.json.gz

Classes are those that a Keras configuration can name; functions those that a layer, loss or metric may be;
operators all that a TensorFlow without plug-ins has registered, callers those of them that call functions.
"""

from __future__ import annotations

import gzip
import importlib
import inspect
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

_ROOTS = ("keras.src", "tf_keras.src", "tensorflow.python.keras")
_FUNCTION_HOMES = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "quantizers",
    "regularizers",
)
_LEFT_OUT = ("_test", ".testing", ".callbacks", ".datasets", ".distribute", ".trainers.data_adapters")
_NO_MODELLING = ("get", "serialize", "deserialize", "from_config")


def main(out: Path) -> None:
    """Write the names."""
    warnings.simplefilter("ignore")
    classes: set[str] = set()
    functions: set[str] = set()
    versions: dict[str, str] = {}
    for root in _ROOTS:
        for module in _modules(root):
            classes.update(_classes(module, root))
            functions.update(_functions(module, root))
    for library in ("tensorflow", "keras", "tf_keras"):
        versions[library] = importlib.import_module(library).__version__
    names = {
        "versions": versions,
        "classes": sorted(classes),
        "functions": sorted(functions - set(_NO_MODELLING)),
        **_operators(),
    }
    text = json.dumps(names, separators=(",", ":")).encode()
    out.write_bytes(gzip.compress(text, 9, mtime=0))


def _modules(root: str) -> Iterator[ModuleType]:
    with suppress(ImportError):
        package = importlib.import_module(root)
        for found in pkgutil.walk_packages(package.__path__, root + ".", onerror=lambda _: None):
            if any(part in found.name for part in _LEFT_OUT):
                continue
            with suppress(Exception):
                yield importlib.import_module(found.name)


def _classes(module: ModuleType, root: str) -> Iterator[str]:
    for name, value in vars(module).items():
        own = inspect.isclass(value) and value.__module__.startswith(root.split(".", 1)[0])
        if own and (hasattr(value, "from_config") or hasattr(value, "get_config")):
            yield name
            yield value.__name__


def _functions(module: ModuleType, root: str) -> Iterator[str]:
    home = module.__name__.removeprefix(root + ".").split(".", 1)[0]
    if home in _FUNCTION_HOMES:
        for name, value in vars(module).items():
            own = inspect.isfunction(value) and value.__module__.startswith(f"{root}.{home}")
            if own and not name.startswith(("_", "get_")):
                yield name


def _operators() -> dict[str, list[str]]:
    """All operators, and those of them that call functions of the graph."""
    session = importlib.import_module("tensorflow.python.client.pywrap_tf_session")
    definitions = importlib.import_module("tensorflow.core.framework.op_def_pb2").OpList()
    definitions.ParseFromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
    callers = [each for each in definitions.op if any("func" in value.type for value in each.attr)]
    return {
        "operators": sorted(each.name for each in definitions.op),
        "callers": sorted(each.name for each in callers),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
