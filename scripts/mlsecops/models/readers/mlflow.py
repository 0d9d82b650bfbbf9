"""Settings of Hydra, MLflow, BentoML and TorchServe."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from mlsecops.models.readers.settings import Check, Settings
from mlsecops.models.rules.configs import CALLS, MODEL_CODE

_HANDLERS = re.compile(
    r"(?:image_classifier|image_segmenter|object_detector|text_classifier|text_to_speech_handler|base_handler"
    r"|text_handler|vision_handler)(?:\.py)?"
)


def _target(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    del node
    if isinstance(value, str) and "${" not in value:
        settings.name(value, key)


def _old_target(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """Older configurations: `target` beside `params`."""
    if isinstance(value, str) and "params" in node:
        settings.name(value, key, only_dangerous=True)


def _served(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """`MANIFEST.json` of a model archive: the handler is a program."""
    del node
    if not isinstance(value, dict) or "modelName" not in value:
        return
    handler = value.get("handler")
    if isinstance(handler, str) and not _HANDLERS.fullmatch(handler):
        settings.code(handler.rpartition("/")[2], f"{key}.handler")
    for name in ("handler", "serializedFile", "modelFile", "requirementsFile"):
        if isinstance(value.get(name), str):
            settings.path(value[name].partition(":")[0], f"{key}.{name}")


def _flavors(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """`MLmodel`: the module that loads the model, and files that it needs."""
    del node
    for flavor, entry in value.items() if isinstance(value, dict) else ():
        for name, each in entry.items() if isinstance(entry, dict) else ():
            where = f"{key}.{flavor}.{name}"
            if not isinstance(each, str):
                continue
            if name == "loader_module":
                _loader(settings, where, each)
            elif name in ("code", "model_code_path", "code_path"):
                settings.path(each, where)
                message = f"The setting `{where}` has loaders run Python files of the model, `{each[:200]}`."
                settings.add(MODEL_CODE.id, where, message)
            elif name in (
                "data",
                "model_path",
                "pickled_model",
                "model_data",
                "saved_model_dir",
                "python_model",
            ):
                settings.path(each, where)


def _loader(settings: Settings, key: str, value: Any, node: dict[str, Any] | None = None) -> None:
    """A module that is imported for its function of a known name."""
    del node
    if not isinstance(value, str):
        return
    if value.partition(".")[0] in sys.stdlib_module_names:
        message = f"The setting `{key}` has loaders call a function of `{value[:200]}`, which loads no model."
        settings.add(CALLS.id, value, message)
    elif value.partition(".")[0] not in ("mlflow", "bentoml"):
        settings.name(value, key)


def _store(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """`model.yaml` of BentoML."""
    if "bentoml_version" in str(node.get("context")) or "bentoml" in str(value):
        _loader(settings, key, value)


CHECKS: Mapping[str, Check] = {
    "_target_": _target,
    "target": _old_target,
    "model": _served,
    "flavors": _flavors,
    "module": _store,
}
