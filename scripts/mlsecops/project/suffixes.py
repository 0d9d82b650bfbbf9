"""What suffixes say about files: models, perhaps models, and what is something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlsecops.project.inventory import Format

# Names that end so are models whatever is in them.
SURE: dict[str, Format] = {
    **dict.fromkeys(("pkl", "pickle", "pckl", "dill", "cloudpickle", "sav"), "pickle"),
    "joblib": "joblib",
    **dict.fromkeys(("pt", "pth", "ckpt", "ptl", "pte", "torchscript", "mar", "t7", "nemo"), "torch"),
    "keras": "keras",
    **dict.fromkeys(("h5", "hdf5"), "hdf5"),
    "tflite": "tflite",
    **dict.fromkeys(("onnx", "ort"), "onnx"),
    "gguf": "gguf",
    **dict.fromkeys(("ggml", "ggjt"), "ggml"),
    "safetensors": "safetensors",
    "skops": "skops",
    "npy": "numpy",
    "npz": "npz",
    "pmml": "pmml",
    "mlmodel": "coreml",
    **dict.fromkeys(("bst", "ubj", "xgb"), "xgboost"),
    **dict.fromkeys(("lgb", "lgbm"), "lightgbm"),
    "cbm": "catboost",
    **dict.fromkeys(("pdmodel", "pdparams", "pdopt"), "paddle"),
    **dict.fromkeys(("rds", "rda", "rdata"), "r"),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names that end so are models when the content or the surroundings say so.
AMBIGUOUS = _words(
    "bin dat data p pb pbtxt model msgpack params weights engine plan lite caffemodel jit index meta z"
)

# Files of these kinds are no models unless their content says so.
OTHER = (
    _words("png jpg jpeg gif bmp ico tif tiff webp psd heic avif svg svgz dcm nii")
    | _words("mp3 mp4 wav ogg flac avi mov mkv webm m4a")
    | _words("pdf doc docx xls xlsx ppt pptx odt ods odp epub ttf otf woff woff2 eot")
    | _words(
        "so dll dylib exe o a lib obj pyd pyc pyo class jar war whl egg wasm dex apk deb rpm ko cubin ptx"
    )
    | _words("parquet feather arrow avro orc db sqlite sqlite3 mdb dbf tfrecord tfevents lmdb rdb")
    | _words("shp shx sbn sbx prj qix gpkg las laz nc nc4 mat h5ad loom he5 cdf fits grib grb grb2 edf bdf")
    | _words("xpt dta sas7bdat pcap idx pack rev mo snap swp ds_store lockb")
    | _words("csv tsv json jsonl ndjson txt xml yaml yml toml ini cfg log html htm css md rst tex")
    | _words(
        "py pyi pyx ipynb js ts jsx tsx r rmd jl sh bat ps1 c cc cpp cxx h hpp cu java scala kt go rs rb"
    )
    | _words("php sql")
)

# Data formats that are HDF5 inside.
HDF5_DATA = _words("nc nc4 mat h5ad loom he5 cxi nxs l5 cool mcool")

# A folder or a file that is called so holds models, or is one.
MODEL_LIKE = re.compile(
    r"(?:^|[/._\- ])"
    r"(?:[a-z]*(?:model|weight|checkpoint|ckpt|artifact|artefact|estimator|classifier|regressor|predictor)s?"
    r"|pretrained|mlruns|snapshots)"
    r"(?=$|[/._\- \d])"
)

_WRAPPINGS = _words("gz bz2 xz lzma zst lz4 z tar")
_NUMBER = re.compile(r"\d+")
_SHARD = re.compile(r"data-\d+-of-\d+")


# What Python and Jupyter run.
CODE = frozenset(("py", "pyw", "ipynb"))


def suffix_of(name: str) -> str:
    """Suffix that tells the format, lower case, without the dot and without those of compressions.

    `model.pkl.gz` has the suffix `pkl`, `weights.pth.tar` has `pth`, `model.pkl.01` has `pkl`; a name without
    a dot has "".
    """
    parts = name.lower().split(".")[1:]
    while len(parts) > 1 and parts[-1] in _WRAPPINGS:
        parts.pop()
    if len(parts) > 1 and _NUMBER.fullmatch(parts[-1]):
        parts.pop()
    if not parts:
        return ""
    return "data" if _SHARD.fullmatch(parts[-1]) else parts[-1]


def is_model_name(name: str) -> bool:
    """Whether a path is a model's by its suffix alone."""
    return suffix_of(name.rpartition("/")[2]) in SURE


def may_be_model_name(name: str) -> bool:
    """Whether a path is a model's by its suffix, or by its suffix and what it is called."""
    suffix = suffix_of(name.rpartition("/")[2])
    return suffix in SURE or (suffix in AMBIGUOUS and bool(MODEL_LIKE.search(name.lower())))
