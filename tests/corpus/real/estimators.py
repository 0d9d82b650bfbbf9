"""Every estimator of scikit-learn that fits on a small table, and what people put together from them."""

from __future__ import annotations

import contextlib
import warnings
from functools import partial
from typing import Any

from corpus.real.saving import COMPRESSORS, Saving, found

FAMILY = "scikit-learn"


def save(saving: Saving) -> None:
    """All estimators, by pickle and by joblib in turn, then pipelines and searches."""
    numpy = found("numpy")
    random = numpy.random.RandomState(0)
    table, classes = random.rand(40, 4), numpy.arange(40) % 2
    for number, (name, estimator) in enumerate(_every_estimator(table, classes)):
        if number % 2:
            saving.dumped(estimator, name, FAMILY)
        else:
            saving.pickled(estimator, name, FAMILY)
    for name, estimator in _composed(table, classes):
        saving.pickled(estimator, name, FAMILY)
        saving.dumped(estimator, name, FAMILY)
    forest = found("sklearn.ensemble:RandomForestClassifier")(5).fit(table, classes)
    for compress in COMPRESSORS:
        saving.dumped(forest, "RandomForestClassifier", "joblib", compress)
    for protocol in range(6):
        saving.pickled(forest, "RandomForestClassifier", "joblib", protocol)
    _skops(saving, table, classes)


def _every_estimator(table: Any, classes: Any) -> list[tuple[str, Any]]:
    fitted = []
    for name, kind in found("sklearn.utils:all_estimators")():
        # those that want other data, or another estimator, are left out
        with contextlib.suppress(AttributeError, LookupError, NotImplementedError, TypeError, ValueError):
            decides = any(hasattr(kind, each) for each in ("predict_proba", "decision_function"))
            target = classes if decides or "Classifier" in name else classes + table[:, 0]
            fitted.append((name, kind().fit(table + 0.1, target)))
    return fitted


def _composed(table: Any, classes: Any) -> list[tuple[str, Any]]:
    frame = found("pandas:DataFrame")(table, columns=list("abcd")).assign(e=["x", "y"] * 20)
    numpy, pipeline = found("numpy"), found("sklearn.pipeline")
    preprocessing, linear = found("sklearn.preprocessing"), found("sklearn.linear_model")
    columns = found("sklearn.compose:ColumnTransformer")(
        [("n", preprocessing.StandardScaler(), list("abcd")), ("c", preprocessing.OneHotEncoder(), ["e"])]
    )
    logarithm = preprocessing.FunctionTransformer(numpy.log1p)
    selection = found("sklearn.feature_selection")
    search = found("sklearn.model_selection:GridSearchCV")(linear.Ridge(), {"alpha": [0.1, 1.0]}, cv=2)
    voting = found("sklearn.ensemble:VotingClassifier")(
        [("l", linear.LogisticRegression()), ("t", found("sklearn.tree:DecisionTreeClassifier")())]
    )
    stacking = found("sklearn.ensemble:StackingRegressor")([("r", linear.Ridge())])
    calibrated = found("sklearn.calibration:CalibratedClassifierCV")(linear.LogisticRegression(), cv=2)
    neighbours = found("sklearn.neighbors:KNeighborsClassifier")(algorithm="kd_tree")
    gaussian = found("sklearn.gaussian_process:GaussianProcessRegressor")(
        found("sklearn.gaussian_process.kernels:RBF")()
        + found("sklearn.gaussian_process.kernels:WhiteKernel")()
    )
    words = ["red apple", "green pear", "red pear", "green apple"] * 10
    text = pipeline.make_pipeline(
        found("sklearn.feature_extraction.text:TfidfVectorizer")(), linear.SGDClassifier()
    )
    union = pipeline.make_union(found("sklearn.decomposition:PCA")(2), selection.SelectKBest(k=2))
    return [
        (
            "Pipeline with a ColumnTransformer",
            pipeline.make_pipeline(columns, linear.Ridge()).fit(frame, classes),
        ),
        (
            "FunctionTransformer with numpy.log1p",
            pipeline.make_pipeline(logarithm, linear.Ridge()).fit(table, classes),
        ),
        (
            "SelectKBest with f_regression",
            selection.SelectKBest(selection.f_regression, k=2).fit(table, classes),
        ),
        ("GridSearchCV", search.fit(table, classes)),
        ("VotingClassifier", voting.fit(table, classes)),
        ("StackingRegressor", stacking.fit(table, classes)),
        ("CalibratedClassifierCV", calibrated.fit(table, classes)),
        ("KNeighborsClassifier with a tree", neighbours.fit(table, classes)),
        ("GaussianProcessRegressor with kernels", gaussian.fit(table, classes)),
        ("TfidfVectorizer and SGDClassifier", text.fit(words, classes)),
        ("FeatureUnion", union.fit(table, classes)),
    ]


def _skops(saving: Saving, table: Any, classes: Any) -> None:
    dump = found("skops.io:dump")
    for path in (
        "linear_model:LogisticRegression",
        "ensemble:RandomForestRegressor",
        "svm:SVC",
        "preprocessing:StandardScaler",
        "cluster:KMeans",
        "neural_network:MLPClassifier",
        "naive_bayes:GaussianNB",
        "tree:DecisionTreeRegressor",
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = found(f"sklearn.{path}")().fit(table, classes)
        saving.written(partial(dump, model), ".skops", path, "skops")
    salted = found("sklearn.preprocessing:FunctionTransformer")(kw_args={"a": b"\x00\xff", "b": bytearray(9)})
    saving.written(partial(dump, salted), ".skops", "FunctionTransformer with bytes", "skops")
