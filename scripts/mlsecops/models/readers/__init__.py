"""Readers of model formats, one module for each."""

from __future__ import annotations

from mlsecops.models.pickle.judge import judge, judge_name
from mlsecops.models.readers.checkpoint import CheckpointReader
from mlsecops.models.readers.compressed import COMPRESSED
from mlsecops.models.readers.joblib import JoblibReader
from mlsecops.models.readers.keras_h5 import Hdf5Reader
from mlsecops.models.readers.keras_zip import KerasConfigReader
from mlsecops.models.readers.other_archives import OtherArchives
from mlsecops.models.readers.others import other_readers
from mlsecops.models.readers.pickle import PickleReader
from mlsecops.models.readers.pickle_behind import PickleBehindReader
from mlsecops.models.readers.seven_zip import SevenZip
from mlsecops.models.readers.tar import Tar
from mlsecops.models.readers.tensorflow import TensorFlowReader, TensorFlowTextReader
from mlsecops.models.readers.tflite import TfLiteReader
from mlsecops.models.readers.torch import Torch, TorchPrograms
from mlsecops.models.readers.zip import Zip
from mlsecops.models.walk import Reader

READERS: tuple[Reader, ...] = (
    PickleReader(judge),
    JoblibReader(),
    Tar(),
    SevenZip(),
    OtherArchives(),
    *COMPRESSED,
    TorchPrograms(),
    Hdf5Reader(),
    KerasConfigReader(),
    TensorFlowReader(),
    TensorFlowTextReader(),
    CheckpointReader(),
    TfLiteReader(),
    *other_readers(judge_name),
    Zip(),
    Torch(),
    PickleBehindReader(judge),
)
