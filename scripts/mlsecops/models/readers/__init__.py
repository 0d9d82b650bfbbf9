"""Readers of model formats, one module for each."""

from __future__ import annotations

from mlsecops.models.readers.gguf import GgufReader
from mlsecops.models.readers.joblib import JoblibReader
from mlsecops.models.readers.numpy_files import NpyReader
from mlsecops.models.readers.safetensors import SafetensorsReader
from mlsecops.models.readers.template_files import TemplateReader
from mlsecops.models.walk import Reader

READERS: tuple[Reader, ...] = (
    JoblibReader(),
    NpyReader(),
    SafetensorsReader(),
    GgufReader(),
    TemplateReader(),
)
