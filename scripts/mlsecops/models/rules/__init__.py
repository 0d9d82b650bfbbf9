"""The rules of findings in model files, one module for each family."""

from __future__ import annotations

from collections.abc import Mapping

from mlsecops.models.rules import (
    archives,
    configs,
    documents,
    gguf,
    keras,
    numpy,
    onnx,
    pickle,
    pickle_stream,
    skops,
    tensorflow,
)
from mlsecops.sarif.build import Rule

_FAMILIES: tuple[tuple[Rule, ...], ...] = (
    pickle.RULES,
    pickle_stream.RULES,
    archives.RULES,
    keras.RULES,
    tensorflow.RULES,
    onnx.RULES,
    skops.RULES,
    numpy.RULES,
    gguf.RULES,
    configs.RULES,
    documents.RULES,
)
RULES: Mapping[str, Rule] = {rule.id: rule for family in _FAMILIES for rule in family}
