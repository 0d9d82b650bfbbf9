"""Readers of formats that hold no pickles: graphs, trees, tables, settings and documents."""

from __future__ import annotations

from mlsecops.models.embedded import ExecutableReader
from mlsecops.models.named import JudgeName
from mlsecops.models.readers.boosters import BoosterJsonReader, CatBoostReader, LightGbmReader
from mlsecops.models.readers.configs import JsonConfigReader, YamlConfigReader
from mlsecops.models.readers.core_ml import CoreMlReader
from mlsecops.models.readers.documents import PmmlReader
from mlsecops.models.readers.gguf import GgufReader
from mlsecops.models.readers.numpy_files import NpyReader
from mlsecops.models.readers.onnx import OnnxReader
from mlsecops.models.readers.paddle import PaddleJsonReader, PaddleParametersReader, PaddleProgramReader
from mlsecops.models.readers.r_data import RReader
from mlsecops.models.readers.safetensors import SafetensorsReader
from mlsecops.models.readers.skops import SkopsReader
from mlsecops.models.readers.template_files import TemplateReader
from mlsecops.models.readers.ubjson import UbjsonReader
from mlsecops.models.readers.without_reader import WITHOUT_READER, SentencePieceReader
from mlsecops.models.walk import Reader


def other_readers(judge_name: JudgeName) -> tuple[Reader, ...]:
    """All of them; `judge_name` says what a name means that a file gives to its loader."""
    return (
        OnnxReader(),
        GgufReader(),
        SafetensorsReader(judge_name),
        NpyReader(),
        SkopsReader(judge_name),
        BoosterJsonReader(),
        UbjsonReader(),
        LightGbmReader(),
        CatBoostReader(),
        PmmlReader(),
        CoreMlReader(),
        PaddleProgramReader(),
        PaddleJsonReader(),
        PaddleParametersReader(),
        RReader(),
        SentencePieceReader(),
        *WITHOUT_READER,
        JsonConfigReader(judge_name),
        YamlConfigReader(judge_name),
        TemplateReader(),
        ExecutableReader(),
    )
