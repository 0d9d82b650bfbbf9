"""XGBoost, LightGBM, statsmodels, ONNX and HDF5, each in the ways that it has."""

from __future__ import annotations

from functools import partial
from typing import Any

from corpus.real.saving import Saving, found

BOOSTERS, STATSMODELS, ONNX, HDF5 = "XGBoost and LightGBM", "statsmodels", "ONNX", "HDF5"


def save(saving: Saving) -> None:
    """Each library in turn."""
    numpy = found("numpy")
    random = numpy.random.RandomState(0)
    table, classes = random.rand(60, 4), numpy.arange(60) % 2
    _boosters(saving, table, classes)
    _statsmodels(saving, table, classes)
    _onnx(saving, table, classes)
    _hdf5(saving, table)


def _boosters(saving: Saving, table: Any, classes: Any) -> None:
    pipeline = found("sklearn.pipeline:make_pipeline")
    scaler = found("sklearn.preprocessing:StandardScaler")
    for name, options in (
        ("xgboost:XGBClassifier", {}),
        ("xgboost:XGBRegressor", {}),
        ("xgboost:XGBRanker", {"group": [30, 30]}),
        ("lightgbm:LGBMClassifier", {}),
        ("lightgbm:LGBMRegressor", {}),
        ("lightgbm:LGBMRanker", {"group": [30, 30]}),
    ):
        settings = {"verbose": -1} if name.startswith("lightgbm") else {}
        model = found(name)(n_estimators=3, **settings).fit(table, classes, **options)
        saving.pickled(model, name, BOOSTERS)
        saving.dumped(model, name, BOOSTERS)
        if not options:
            saving.dumped(pipeline(scaler(), model).fit(table, classes), f"Pipeline with {name}", BOOSTERS)
        booster = model.get_booster() if name.startswith("xgboost") else model.booster_
        saving.pickled(booster, f"{name}, the booster", BOOSTERS)
        suffixes = (".json", ".ubj") if name.startswith("xgboost") else (".txt",)
        for suffix in suffixes:
            saving.written(booster.save_model, suffix, f"{name}, its own format", BOOSTERS)


def _statsmodels(saving: Saving, table: Any, classes: Any) -> None:
    api, formula = found("statsmodels.api"), found("statsmodels.formula.api")
    frame = found("pandas:DataFrame")(table, columns=list("abcd"))
    arima = found("statsmodels.tsa.arima.model:ARIMA")
    smoothing = found("statsmodels.tsa.holtwinters:ExponentialSmoothing")
    results = {
        "OLS": api.OLS(table[:, 0], table[:, 1:]).fit(),
        "OLS by formula": formula.ols("a ~ b + c", frame).fit(),
        "GLM": api.GLM(classes, table, family=api.families.Binomial()).fit(),
        "Logit": api.Logit(classes, table).fit(disp=0),
        "ARIMA": arima(table[:, 0], order=(1, 0, 0)).fit(),
        "ExponentialSmoothing": smoothing(table[:, 0]).fit(),
    }
    for name, result in results.items():
        saving.written(result.save, ".pickle", name, STATSMODELS)
        saving.dumped(result, name, STATSMODELS)


def _onnx(saving: Saving, table: Any, classes: Any) -> None:
    onnx, helper = found("onnx"), found("onnx.helper")
    convert = found("skl2onnx:to_onnx")
    for name in (
        "linear_model:LogisticRegression",
        "ensemble:RandomForestClassifier",
        "svm:SVC",
        "cluster:KMeans",
    ):
        model = found(f"sklearn.{name}")().fit(table, classes)
        converted = convert(model, table[:1].astype("float32"))
        saving.written(partial(onnx.save, converted), ".onnx", name, ONNX)
    info = helper.make_tensor_value_info("x", 1, [1, 4])
    numpy = found("numpy")
    weights = found("onnx.numpy_helper:from_array")(numpy.zeros((4, 400), "float32"), "w")
    out = helper.make_tensor_value_info("y", 1, [1, 400])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "main", [info], [out], [weights]
    )
    model = helper.make_model(graph)
    saving.written(lambda file: onnx.save(model, file), ".onnx", "by hand", ONNX)
    saving.written(
        lambda file: onnx.save(
            model, file, save_as_external_data=True, location="model.onnx.data", size_threshold=100
        ),
        ".onnx",
        "with external data beside it",
        ONNX,
    )


def _hdf5(saving: Saving, table: Any) -> None:
    create = found("h5py:File")

    def plain(file: str) -> None:
        with create(file, "w") as stream:
            stream["x"] = table
            stream.create_dataset("packed", data=table, compression="gzip", chunks=(10, 4))
            stream["x"].attrs["unit"] = "mm"

    def weights(file: str, version: str = "earliest") -> None:
        with create(file, "w", libver=version) as stream:
            stream.attrs["backend"] = "tensorflow"
            stream.attrs["keras_version"] = "2.13.1"
            stream.attrs["layer_names"] = [b"dense", b"dense_1"]
            for layer in ("dense", "dense_1"):
                group = stream.create_group(layer)
                group.attrs["weight_names"] = [b"kernel:0"]
                group["kernel:0"] = table

    saving.written(plain, ".h5", "datasets", HDF5)
    saving.written(weights, ".weights.h5", "weights of Keras", HDF5)
    saving.written(lambda file: weights(file, "latest"), ".h5", "weights of Keras, newest layout", HDF5)
