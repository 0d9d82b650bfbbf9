"""Names of a Keras configuration, `module` and `class_name`: what they stand for.

After `keras.saving.deserialize_keras_object` of Keras 2.11 to 3
(https://keras.io/api/models/model_saving_apis/serialization_utils/).
"""

from __future__ import annotations

import re
import sys
from typing import Literal

from mlsecops.models.known_names import known_names, words

Standing = Literal["known", "dangerous", "unknown"]

_KERAS = ("keras", "tf_keras", "keras_core", "keras.api")
_WITHIN = (
    "tensorflow.keras",
    "tensorflow.python.keras",
    "tensorflow_core.keras",
    "tensorflow_core.python.keras",
    "tensorflow.compat.v1.keras",
    "tensorflow.compat.v2.keras",
)
# Libraries that hold layers and models for Keras; Keras itself imports classes from the first three.
_COMPANIONS = ("keras_hub", "keras_cv", "keras_nlp", "tensorflow_addons", "keras_tuner", "keras_rs")
_COMPANION_PREFIXES = (*_COMPANIONS, "Addons", "Keras", "keras")
_OWN_PACKAGE = "Custom"  # what an object registers under by default; Keras 2 writes its optimizers so as well
_TENSORFLOW_FUNCTIONS = re.compile(
    r"tensorflow\.(?:python\.)?(?:nn|math|ops\.(?:nn|math|array|clip|gen_nn|gen_math|gen_array)_ops"
    r"|ops\.nn_impl|ops\.nn|ops\.special_math_ops|ops\.linalg_ops|ops\.weak_tensor_math_ops|ops\.signal\.\w+)"
)
_TENSORFLOW_FILES = re.compile(
    r"read|write|file|save|restore|py_func|numpy_func|print|load|open", re.IGNORECASE
)
_MODELLING = re.compile(
    r"\.(?:layers|models|optimizers|losses|metrics|initializers|regularizers|constraints|engine|activations)\b"
)
_IDENTIFIER = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CLASS = re.compile(r"_*[A-Z]\w*")
# Libraries whose functions read, run or fetch things; classes of theirs are custom objects like any other.
_FOREIGN = words(
    """tensorflow numpy scipy pandas torch torchvision jax flax sklearn joblib cloudpickle dill requests
    urllib3 yaml PIL matplotlib transformers datasets huggingface_hub fsspec IPython pip setuptools
    pkg_resources distutils _distutils_hack wheel absl google h5py cffi pexpect psutil paramiko fabric
    invoke sh plumbum six boto3 botocore botocore httpx aiohttp django flask mlflow ray dask pyspark
    onnx onnxruntime numba cython pydoc_data test nt posix mx win32api win32com pywin32 py _pytest
    pytest"""
)


def of_class(module: str | None, name: str) -> Standing:
    """What a class is; without a module it is looked up by name among Keras' own and custom ones."""
    if module is None:
        return "known" if name in known_names().classes else "unknown"
    if not _IDENTIFIER.fullmatch(module) or not _IDENTIFIER.fullmatch(name):
        return "dangerous"
    if _is_keras(module):
        if name in known_names().classes:
            return "known"
        fits = _CLASS.fullmatch(name) and _MODELLING.search(module)
        return "unknown" if fits else "dangerous"
    return _elsewhere(module, name)


def of_function(module: str | None, name: str) -> Standing:
    """What a function by that name is; `builtins` stands for Keras' own and custom ones, as it is written."""
    if module is None:
        return "known" if name in known_names().functions else "unknown"
    if not _IDENTIFIER.fullmatch(module) or not _IDENTIFIER.fullmatch(name.rpartition(">")[2]):
        return "dangerous"
    if name in known_names().functions | known_names().classes and (
        module == "builtins" or _is_keras(module)
    ):
        return "known"
    if name == "preprocess_input" and (module == "builtins" or "applications" in module.split(".")):
        return "known"
    if module == "builtins":
        return "dangerous" if name in dir(sys.modules["builtins"]) else "unknown"
    if _is_keras(module):
        return "dangerous"
    if _TENSORFLOW_FUNCTIONS.fullmatch(module) and not _TENSORFLOW_FILES.search(name):
        return "known"
    return _elsewhere(module, name)


def of_registered(name: str) -> Standing:
    """What a name of a registered object is, such as `package>Class`."""
    package, _, plain = name.rpartition(">")
    if package in _COMPANION_PREFIXES or (package == _OWN_PACKAGE and plain in known_names().classes):
        return "known"
    return "unknown" if package else of_class(None, plain)


def of_symbol(name: str) -> Standing:
    """What a symbol of TensorFlow's API is that a TFOpLambda layer calls, such as `math.add`."""
    parts = name.removeprefix("tf.").removeprefix("compat.v1.").removeprefix("compat.v2.").split(".")
    last = parts[-1]
    if parts[0] == "io":
        return "known" if last.startswith(("decode_", "encode_", "parse_")) else "dangerous"
    if parts[0] in _DANGEROUS_SYMBOLS or last in _DANGEROUS_SYMBOLS:
        return "dangerous"
    if parts[0] == "raw_ops" or _TENSORFLOW_FILES.search(last):
        return "unknown" if not _TENSORFLOW_FILES.search(last) else "dangerous"
    return "known" if len(parts) == 1 or parts[0] in _SYMBOLS else "unknown"


_DANGEROUS_SYMBOLS = words(
    """py_function numpy_function py_func saved_model data load_op_library load_library train summary
    debugging distribute config sysconfig autograph experimental profiler tpu print print_v2 test app
    flags gfile resource_loader user_ops estimator hub keras lite mlir xla __internal__ read_file
    write_file"""
)
_SYMBOLS = words(
    """__operators__ math nn linalg image strings signal random ragged sparse sets bitwise dtypes
    quantization audio lookup feature_column nest types initializers regularizers layers losses metrics
    raw_math"""
)


def _is_keras(module: str) -> bool:
    top = module.split(".", 1)[0]
    return top in _KERAS or any(module == each or module.startswith(each + ".") for each in _WITHIN)


def _elsewhere(module: str, name: str) -> Standing:
    top = module.split(".", 1)[0]
    is_class = bool(_CLASS.fullmatch(name.rpartition(">")[2].rpartition(".")[2]))
    if top in _COMPANIONS:
        return "known" if is_class else "unknown"
    if top in sys.stdlib_module_names or top == "builtins":
        return "dangerous"
    return "dangerous" if top in _FOREIGN and not is_class else "unknown"
