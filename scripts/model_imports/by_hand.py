"""Names that no script can find here: of libraries that could not be run, and of versions between ours."""

from __future__ import annotations

from model_imports.rows import Listing

_STORAGES = (
    *("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"),
    *(
        "ComplexDouble",
        "ComplexFloat",
        "QInt8",
        "QUInt8",
        "QInt32",
        "QUInt4x2",
        "QUInt2x4",
        "Untyped",
        "Typed",
    ),
)
_TYPES = (
    *("float64", "double", "float32", "float", "float16", "half", "bfloat16", "complex32", "complex64"),
    *("complex128", "int64", "long", "int32", "int", "int16", "short", "int8", "uint8", "uint16", "uint32"),
    *("uint64", "bool", "qint8", "quint8", "qint32", "quint4x2", "quint2x4", "float8_e4m3fn", "float8_e5m2"),
    *("float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "strided", "sparse_coo", "sparse_csr"),
    *("sparse_csc", "sparse_bsr", "sparse_bsc", "contiguous_format", "channels_last", "channels_last_3d"),
    *("preserve_format", "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine"),
    *("per_channel_symmetric", "per_channel_affine_float_qparams"),
)
_FUNCTIONS = (
    *("relu", "tanh", "sigmoid", "softmax", "log_softmax", "selu", "celu", "exp", "log", "sin", "cos", "abs"),
    *("sqrt", "sum", "mean", "add", "mul", "cat", "stack", "matmul", "argmax", "max", "min", "square"),
)
# What `torch.load(weights_only=True)` may call, and older ones of torch/_utils.py: `_get_allowed_globals` in
# https://github.com/pytorch/pytorch/blob/main/torch/_weights_only_unpickler.py.
_REBUILD = (
    *("tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state", "qtensor", "sparse_tensor"),
    *("meta_tensor_no_storage", "nested_tensor", "wrapper_subclass", "device_tensor_from_numpy"),
    *("device_tensor_from_cpu_tensor", "sparse_csr_tensor", "xla_tensor", "mlc_tensor", "ort_tensor"),
)

TORCH = (
    *(("torch", f"{each}Storage", "class", "") for each in _STORAGES),
    *(("torch.cuda", f"{each}Storage", "class", "") for each in _STORAGES),
    *(("torch", f"{each}Tensor", "class", "") for each in _STORAGES),
    *(("torch", each, "name", "") for each in (*_TYPES, *_FUNCTIONS)),
    *(
        ("torch._C._nn", each, "name", "")
        for each in ("gelu", "relu6", "elu_", "softplus", "hardtanh", "silu")
    ),
    *(("torch._utils", f"_rebuild_{each}", "call", "") for each in _REBUILD),
    *(("torch", each, "call", "") for each in ("Size", "device", "Generator", "Tensor", "finfo", "iinfo")),
    ("torch", "dtype", "class", ""),
    ("torch._tensor", "_rebuild_from_type_v2", "call", ""),
    ("torch._tensor", "_rebuild_from_type", "call", ""),
    ("torch.tensor", "_rebuild_from_type", "call", ""),
    ("torch.serialization", "_get_layout", "call", ""),
    ("torch.nn.parameter", "Parameter", "call", ""),
    ("torch.nn.parameter", "Buffer", "call", ""),
    ("torch.nn.parameter", "UninitializedParameter", "call", ""),
    ("torch.nn", "Parameter", "call", ""),
    ("torch.cuda.amp.grad_scaler", "GradScaler", "class", ""),
    ("torch.cuda.amp.grad_scaler", "_refresh_per_optimizer_state", "name", ""),
)
NUMPY = (
    ("numpy.core", "_ufunc_reconstruct", "call", ""),
    ("numpy._core", "_ufunc_reconstruct", "call", ""),
    ("numpy._core", "_DType_reconstruct", "call", ""),
    ("numpy.core.multiarray", "_reconstruct", "call", ""),
    ("numpy.core.multiarray", "scalar", "call", ""),
    ("numpy.core.numeric", "_frombuffer", "call", ""),
    ("numpy.ma.core", "_mareconstruct", "call", ""),
    ("numpy.random", "__RandomState_ctor", "call", ""),
    ("numpy", "memmap", "name", ""),  # joblib names it as the class of an array
)
OLD = (
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", "class", ""),
    ("sklearn.externals.joblib.numpy_pickle", "NDArrayWrapper", "class", ""),
    ("sklearn.tree.tree", "DecisionTreeClassifier", "class", ""),
    ("sklearn.neighbors.dist_metrics", "newObj", "call", ""),
    ("sklearn.neighbors._dist_metrics", "newObj", "call", ""),
    ("sklearn.neighbors.kd_tree", "newObj", "call", ""),
    ("sklearn.neighbors.ball_tree", "newObj", "call", ""),
    ("sklearn.neighbors._ball_tree", "newObj", "call", ""),
    ("sklearn.neighbors.kd_tree", "KDTree", "class", ""),
    ("sklearn.neighbors.ball_tree", "BallTree", "class", ""),
    ("sklearn.linear_model.sgd_fast", "Hinge", "call", ""),
    ("sklearn.linear_model.sgd_fast", "Log", "call", ""),
    ("sklearn.linear_model.sgd_fast", "SquaredLoss", "call", ""),
    ("sklearn.linear_model.sgd_fast", "Huber", "call", ""),
    *(
        (module, each, "call", "")
        for module in ("sklearn.linear_model._sgd_fast", "sklearn.linear_model.sgd_fast")
        for each in (
            *("Hinge", "SquaredHinge", "Log", "SquaredLoss", "Huber", "EpsilonInsensitive", "ModifiedHuber"),
            *("SquaredEpsilonInsensitive",),
        )
    ),
    *(
        ("sklearn._loss._loss", f"CyHalf{each}", "call", "")
        for each in (
            *("BinomialLoss", "GammaLoss", "PoissonLoss", "SquaredError", "TweedieLoss"),
            *("TweedieLossIdentity", "MultinomialLoss"),
        )
    ),
    *(
        ("sklearn._loss._loss", f"Cy{each}", "call", "")
        for each in (*("AbsoluteError", "PinballLoss", "HuberLoss", "ExponentialLoss"),)
    ),
)
PANDAS = (
    ("pandas._libs.tslibs.timestamps", "_unpickle_timestamp", "call", ""),
    ("pandas._libs.tslibs.nattype", "__nat_unpickle", "call", ""),
    ("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle", "call", ""),
    ("pandas._libs.tslibs.timestamps", "Timestamp", "call", ""),
    ("pandas._libs.sparse", "BlockIndex", "call", ""),
    ("pandas._libs.tslib", "Timestamp", "call", ""),
    ("pandas.tslib", "Timestamp", "call", ""),
    ("pandas._period", "Period", "call", ""),
    ("pandas.indexes.base", "_new_Index", "call", ""),
    ("pandas.indexes.base", "Index", "class", ""),
    ("pandas.indexes.range", "RangeIndex", "class", ""),
    ("pandas.core.index", "_new_Index", "call", ""),
    ("pandas.core.index", "Index", "class", ""),
    ("pandas.core.internals", "BlockManager", "call", ""),
    ("pandas.core.internals", "SingleBlockManager", "call", ""),
    ("pandas.core.internals.managers", "SingleBlockManager", "call", ""),
    *(
        ("pandas.core.indexes.numeric", each, "class", "")
        for each in ("Int64Index", "Float64Index", "UInt64Index")
    ),
)
XGBOOST = (("xgboost.core", "Booster", "class", ""),)


def listings() -> list[Listing]:
    """The tables above, as if from one version more."""
    return [
        Listing(library, "by hand", [], list(rows))
        for library, rows in (
            ("torch", TORCH),
            ("numpy", NUMPY),
            ("sklearn", OLD),
            ("pandas", PANDAS),
            ("xgboost", XGBOOST),
        )
    ]
