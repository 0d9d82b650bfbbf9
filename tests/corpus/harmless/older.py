"""Pickles of libraries' older versions, whose names have moved since."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.assembler import Build, Call, Global
from corpus.formats import joblib
from corpus.sample import Sample, Variation

FAMILY = "older versions"
MOVED = (
    ("sklearn.linear_model.logistic", "LogisticRegression"),
    ("sklearn.linear_model.base", "LinearRegression"),
    ("sklearn.ensemble.forest", "RandomForestClassifier"),
    ("sklearn.tree.tree", "DecisionTreeClassifier"),
    ("sklearn.preprocessing.data", "StandardScaler"),
    ("sklearn.preprocessing.label", "LabelEncoder"),
    ("sklearn.svm.classes", "SVC"),
    ("sklearn.cluster.k_means_", "KMeans"),
    ("sklearn.decomposition.pca", "PCA"),
    ("sklearn.naive_bayes", "GaussianNB"),
    ("sklearn.neural_network.multilayer_perceptron", "MLPClassifier"),
)


def samples(vary: Variation) -> Iterator[Sample]:
    """Estimators with an array each, and arrays by their older ways."""
    for module, name in MOVED:
        state = {"C": 1.0, "coef_": array(), "_sklearn_version": "0.19.1"}
        made = vary.pick((Call(Global(module, name), (), "NEWOBJ"), _reconstructed(module, name)))
        yield _sample(f"{module}.{name}", vary.pickled(Build(made, state), vary.pick((3, 2, 4))))
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        for protocol in range(5):
            yield _sample(f"array by {module}, protocol {protocol}", vary.pickled([array(module)], protocol))


def _sample(technique: str, data: bytes) -> Sample:
    return Sample(
        name="model.pkl",
        data=data,
        family=FAMILY,
        technique=technique,
        source="https://scikit-learn.org/stable/model_persistence.html",
        expected="harmless",
    )


def _reconstructed(module: str, name: str) -> Call:
    """As `object.__reduce_ex__` has it in protocols 0 and 1."""
    base = Global("builtins", "object")
    return Call(Global("copyreg", "_reconstructor"), (Global(module, name), base, None))


def array(module: str = "numpy.core.multiarray") -> Build:
    """Two floats."""
    made = Call(Global(module, "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"))
    return Build(made, (1, (2,), joblib.dtype(), False, bytes(16)))
