"""Calls that load model files, by the full name of what is called."""

from __future__ import annotations

import re

# The argument that says what is loaded: its place, and the names that it may be given by.
FIRST = (0, ("file", "filename", "fname", "path", "f", "fp", "filepath", "model_path", "model_uri"))
# Of a booster made from a file only the named argument counts: the first one is no file.
NAMED_ONLY = (None, ("model_file",))

_CALLS = {
    **dict.fromkeys(
        (
            "joblib.load",
            "pickle.load",
            "pickle.loads",
            "pickle.Unpickler",
            "_pickle.load",
            "_pickle.loads",
            "cloudpickle.load",
            "cloudpickle.loads",
            "dill.load",
            "dill.loads",
            "pandas.read_pickle",
            "numpy.load",
            "torch.load",
            "torch.jit.load",
            "torch.package.PackageImporter",
            "torch.export.load",
            "keras.models.load_model",
            "keras.saving.load_model",
            "tensorflow.keras.models.load_model",
            "tensorflow.saved_model.load",
            "tensorflow.compat.v1.saved_model.load",
            "tensorflow.lite.Interpreter",
            "tflite_runtime.interpreter.Interpreter",
            "onnxruntime.InferenceSession",
            "onnx.load",
            "onnx.load_model",
            "skops.io.load",
            "skops.io.loads",
            "safetensors.safe_open",
            "safetensors.torch.load_file",
            "safetensors.numpy.load_file",
            "safetensors.flax.load_file",
            "safetensors.tensorflow.load_file",
            "llama_cpp.Llama",
            "gguf.GGUFReader",
            "fasttext.load_model",
            "sentencepiece.SentencePieceProcessor",
            "coremltools.models.MLModel",
            "paddle.load",
            "paddle.jit.load",
            "pyreadr.read_r",
            "ultralytics.YOLO",
            "sentence_transformers.SentenceTransformer",
            "pypmml.Model.fromFile",
            "pypmml.Model.load",
            "statsmodels.api.load",
            "statsmodels.iolib.smpickle.load_pickle",
            "gensim.models.KeyedVectors.load",
            "gensim.models.Word2Vec.load",
            "huggingface_hub.ModelHubMixin.from_pretrained",
            "transformers.pipeline",
            "spacy.load",
            "h5py.File",
        ),
        FIRST,
    ),
    "lightgbm.Booster": NAMED_ONLY,
    "xgboost.Booster": NAMED_ONLY,
    "llama_cpp.Llama.from_pretrained": (None, ("filename",)),
    "transformers.pipeline": (1, ("model",)),
}
# Methods that load whatever they are called on; the libraries say whether to believe the name alone.
_METHODS = {"load_model": FIRST, "from_pretrained": FIRST, "load_weights": FIRST, "restore": FIRST}
_LIBRARIES = re.compile(
    r"(?:xgboost|lightgbm|catboost|mlflow|keras|tensorflow|tf_keras|transformers|diffusers|peft|sentence_transformers"
    r"|optimum|ctransformers|torch|h2o|fasttext|stable_baselines3)(?:\.|$)"
)
_ALIASES = {
    "tf.": "tensorflow.",
    "np.": "numpy.",
    "pd.": "pandas.",
    "sklearn.externals.joblib.": "joblib.",
    "cPickle.": "pickle.",
    "pickle5.": "pickle.",
    "tf_keras.": "keras.",
    "tensorflow.keras.": "keras.",
    "statsmodels.regression.linear_model.OLSResults.": "statsmodels.api.",
}

Argument = tuple[int | None, tuple[str, ...]]


def loader(name: str) -> Argument | None:
    """Which argument of a call says what is loaded, where a call of this full name loads a model."""
    for short, long in _ALIASES.items():
        if name.startswith(short):
            name = long + name.removeprefix(short)
    if name in _CALLS:
        return _CALLS[name]
    owner, _, method = name.rpartition(".")
    if method in _METHODS and _LIBRARIES.match(owner):
        return _METHODS[method]
    return FIRST if method == "load" and owner.startswith(("gensim.models.", "stable_baselines3.")) else None


def shown(name: str) -> str:
    """The name as people write it: without the call in its middle, such as `xgboost.Booster().load_model`."""
    return name.replace("()", "")
