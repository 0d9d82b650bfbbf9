"""The list of what libraries write: how names are found in it, and what it must never hold."""

from __future__ import annotations

import pytest
from mlsecops.models.pickle.allowed import Entry, danger, danger_elsewhere, entry, is_known, known, versions
from mlsecops.models.pickle.dangers import by_name
from mlsecops.models.pickle.names import STANDARD

LIBRARIES = """
    numpy scipy pandas sklearn joblib xgboost lightgbm catboost statsmodels patsy torch keras prophet imblearn
    category_encoders sktime umap hdbscan skops
"""
KINDS = {
    "numpy.core.multiarray._reconstruct": "call",
    "numpy.ndarray": "class",
    "numpy.log1p": "name",
    "sklearn.ensemble._forest.RandomForestClassifier": "class",
    "pandas.core.indexes.base._new_Index": "call",
    "builtins.set": "call",
    "fractions.Fraction": "call",
    "math.log": "name",
    "_operator.add": "name",
    "exceptions.KeyError": "call",
    "xgboost.core.Booster": "class",
    "torch._utils._rebuild_tensor_v2": "call",
}
ELSEWHERE = {
    "pandas.core.reshape.encoding.get_dummies": "pandas.get_dummies",
    "pandas.core.arrays.numpy_.NumpyExtensionArray": "pandas.arrays.NumpyExtensionArray",
    "numpy._core._multiarray_umath.expm1": "numpy.core._multiarray_umath.expm1",
    "numpy.core.multiarray.scalar": "numpy._core.multiarray.scalar",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper": "joblib.numpy_pickle.NumpyArrayWrapper",
    "sklearn.ensemble.forest.RandomForestClassifier": "sklearn.ensemble._forest.RandomForestClassifier",
}
NOT_ALLOWED = """
    os.system builtins.eval numpy.load numpy numpy.nowhere sklearn.nowhere.helper joblib.load nowhere.Thing
    sklearn.datasets._openml.fetch_openml pandas.io.pickle.read_pickle numpy.testing._private.utils.runstring
    sklearn.utils.extmath.nowhere pandas.nowhere.HDFStore sklearn.nowhere.Parallel numpy.nowhere._reconstruct
"""
REACHES = {
    "numpy.load": "file",
    "joblib.numpy_pickle.load": "file",
    "numpy.mean": "",
    "nowhere.load": "",
}


@pytest.mark.parametrize("library", LIBRARIES.split())
def test_libraries_that_were_asked(library: str) -> None:
    found = known(library)
    assert found is not None
    assert is_known(f"{library}.anything")
    assert versions()[library]
    kinds = {each.kind for each in found.entries.values()}
    assert kinds <= {"call", "class", "name"}
    assert "class" in kinds
    assert all(each.library == library for each in found.entries.values())


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_names(name: str) -> None:
    found = entry(name)
    assert found is not None
    assert found.kind == KINDS[name]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_that_moved(name: str) -> None:
    found, theirs = entry(name), entry(ELSEWHERE[name])
    assert found is not None
    assert theirs is not None
    assert found.kind == theirs.kind


@pytest.mark.parametrize("name", NOT_ALLOWED.split())
def test_what_is_not_allowed(name: str) -> None:
    assert entry(name) is None


@pytest.mark.parametrize("name", REACHES)
def test_what_functions_reach(name: str) -> None:
    assert danger(name) == REACHES[name]


def test_what_is_imported_from_elsewhere_reaches_the_same() -> None:
    assert danger_elsewhere("sklearn.calibration.Parallel") == "process"
    assert danger_elsewhere("sklearn.calibration.SVC") == ""
    assert danger_elsewhere("nowhere.Parallel") == ""


def test_where_a_name_is_from_is_told() -> None:
    found = entry("sklearn.svm._classes.SVC")
    assert found is not None
    assert found.library == "sklearn"
    assert set(found.versions) < set(versions()["sklearn"])
    assert entry("builtins.set") == Entry("call", "python")
    assert not is_known("os.system")


@pytest.mark.parametrize("library", LIBRARIES.split())
def test_nothing_dangerous_is_called_by_the_list(library: str) -> None:
    found = known(library)
    assert found is not None
    calls = [name for name, each in found.entries.items() if each.kind == "call"]
    assert [name for name in calls if found.dangers.get(name)] == []
    assert [name for name in calls if by_name(name) in ("process", "code", "import", "native")] == []
    assert library not in STANDARD
