"""Readers of model formats, one module for each."""

from __future__ import annotations

from mlsecops.models.readers.compressed import COMPRESSED
from mlsecops.models.readers.gguf import GgufReader
from mlsecops.models.readers.joblib import JoblibReader
from mlsecops.models.readers.keras_h5 import Hdf5Reader
from mlsecops.models.readers.keras_zip import KerasConfigReader
from mlsecops.models.readers.numpy_files import NpyReader
from mlsecops.models.readers.onnx import OnnxReader
from mlsecops.models.readers.safetensors import SafetensorsReader
from mlsecops.models.readers.seven_zip import SevenZip
from mlsecops.models.readers.tar import Tar
from mlsecops.models.readers.template_files import TemplateReader
from mlsecops.models.readers.tensorflow import TensorFlowReader, TensorFlowTextReader
from mlsecops.models.readers.tflite import TfLiteReader
from mlsecops.models.readers.torch import Torch, TorchPrograms
from mlsecops.models.readers.zip import Zip
from mlsecops.models.walk import Reader

READERS: tuple[Reader, ...] = (
    JoblibReader(),
    Zip(),
    Tar(),
    SevenZip(),
    *COMPRESSED,
    Torch(),
    TorchPrograms(),
    Hdf5Reader(),
    KerasConfigReader(),
    TensorFlowReader(),
    TensorFlowTextReader(),
    TfLiteReader(),
    OnnxReader(),
    NpyReader(),
    SafetensorsReader(),
    GgufReader(),
    TemplateReader(),
)
