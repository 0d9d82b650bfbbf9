"""Real objects of the libraries of a scratch environment, fitted where that is what people save.

Runs inside of scratch environments, from Python 3.7 on: what a library does not have is left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from model_imports.objects_plain import plain_objects
from model_imports.objects_tables import table_objects


def every_object() -> Iterator[Any]:
    """All of them."""
    for make in (plain_objects, table_objects, estimators, compositions, boosters, results):
        yield from _guarded(make)


def _guarded(make: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    found = make()
    with suppress(Exception):
        yield from found


def _data() -> tuple[Any, Any, Any]:
    np = importlib.import_module("numpy")
    random = np.random.RandomState(0)
    x = np.abs(random.randn(60, 4)) + 0.1
    return x, (x[:, 0] > x[:, 1]).astype(int), x.sum(axis=1)


def _libraries() -> Iterator[str]:
    for name in ("sklearn", "imblearn", "category_encoders", "mlxtend", "hdbscan", "umap", "skops", "sktime"):
        with suppress(Exception):
            importlib.import_module(name)
            yield name


def _classes() -> Iterator[type]:
    with suppress(Exception):
        discovery = importlib.import_module("sklearn.utils")
        for _, found in discovery.all_estimators():
            yield found
    with suppress(Exception):
        for _, found in importlib.import_module("imblearn.utils.testing").all_estimators():
            yield found
    for library in ("category_encoders", "hdbscan", "umap", "mlxtend.classifier", "mlxtend.regressor"):
        with suppress(Exception):
            for found in vars(importlib.import_module(library)).values():
                if isinstance(found, type) and hasattr(found, "fit"):
                    yield found


def _variants(found: type) -> Iterator[Any]:
    """Instances of an estimator, with the parts that some of them need."""
    linear = importlib.import_module("sklearn.linear_model")
    parts = (  # type: tuple[dict[str, Any], ...]
        {},
        {"estimator": linear.LogisticRegression()},
        {"base_estimator": linear.LogisticRegression()},
        {"estimator": linear.LinearRegression()},
        {"estimators": [("a", linear.LogisticRegression()), ("b", linear.LogisticRegression())]},
        {"estimators": [("a", linear.LinearRegression()), ("b", linear.LinearRegression())]},
        {"estimator": linear.LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
        {"estimator": linear.LogisticRegression(), "param_distributions": {"C": [0.1, 1.0]}},
        {"transformers": [("a", "passthrough", [0])]},
        {"steps": [("a", linear.LogisticRegression())]},
        {"transformer_list": [("a", importlib.import_module("sklearn.preprocessing").StandardScaler())]},
    )
    for arguments in parts:
        with suppress(Exception):
            yield found(**arguments)


def _fitted(model: Any) -> Iterator[Any]:
    x, classes, numbers = _data()
    texts = ["a few words", "other words", "and more of them"] * 20
    stacked = _data()[0][:, :2]
    np = importlib.import_module("numpy")
    for arguments in (
        (x, classes),
        (x, numbers),
        (x, np.column_stack([classes, 1 - classes])),
        (x, np.column_stack([numbers, numbers])),
        (texts,),
        (texts, classes),
        ([{"a": 1, "b": "c"}, {"a": 2, "b": "d"}],),
        ([["a", "b"], ["c"]],),
        (numbers, numbers),
        (x, stacked),
        (x,),
    ):
        with suppress(Exception):
            yield model.fit(*arguments)
            return
    yield model


def estimators() -> Iterator[Any]:
    """Every estimator there is, fitted where it can be."""
    for found in _classes():
        for model in _variants(found):
            yield from _fitted(model)
    with suppress(Exception):
        metrics = importlib.import_module("sklearn.metrics")
        names = getattr(metrics, "get_scorer_names", lambda: list(metrics.SCORERS))()
        for name in names:
            yield metrics.get_scorer(name)
    selection = importlib.import_module("sklearn.model_selection")
    for found in list(vars(selection).values()):
        if isinstance(found, type):
            with suppress(Exception):
                yield found()
    process = importlib.import_module("sklearn.gaussian_process.kernels")
    for found in list(vars(process).values()):
        if isinstance(found, type):
            with suppress(Exception):
                yield found()


def compositions() -> Iterator[Any]:
    """Pipelines and searches as people build them."""
    np = importlib.import_module("numpy")
    pd = importlib.import_module("pandas")
    x, classes, numbers = _data()
    pipeline = importlib.import_module("sklearn.pipeline")
    compose = importlib.import_module("sklearn.compose")
    pre = importlib.import_module("sklearn.preprocessing")
    trees = importlib.import_module("sklearn.ensemble")
    linear = importlib.import_module("sklearn.linear_model")
    search = importlib.import_module("sklearn.model_selection")
    text = importlib.import_module("sklearn.feature_extraction.text")
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame["e"] = pd.Categorical(["x", "y"] * 30)
    frame["f"] = ["text a", "text b"] * 30
    steps = [
        ("n", pre.StandardScaler(), ["a", "b"]),
        ("m", pre.FunctionTransformer(np.log1p, validate=False), ["c"]),
        ("c", pre.OneHotEncoder(handle_unknown="ignore"), ["e"]),
        ("t", text.TfidfVectorizer(), "f"),
    ]
    with suppress(Exception):
        steps.append(("s", "passthrough", compose.make_column_selector(dtype_include=np.number)))
    columns = compose.ColumnTransformer(steps, remainder="drop")
    yield pipeline.Pipeline([("c", columns), ("m", trees.RandomForestClassifier(5))]).fit(frame, classes)
    with suppress(Exception):
        yield pipeline.make_pipeline(columns, linear.Ridge()).set_output(transform="pandas")
    yield search.GridSearchCV(linear.LogisticRegression(), {"C": [0.1, 1]}, cv=3).fit(x, classes)
    stats = importlib.import_module("scipy.stats")
    for spread in (stats.uniform(0, 1), stats.randint(1, 9), stats.loguniform(1, 9)):
        yield search.RandomizedSearchCV(
            linear.LogisticRegression(), {"C": spread}, n_iter=2, cv=3, random_state=np.random.RandomState(1)
        )
    for name in ("log1p", "expm1", "sqrt", "exp", "abs", "sin", "cos", "square", "log", "log10", "identity"):
        yield pre.FunctionTransformer(getattr(np, name, np.abs))
    yield compose.TransformedTargetRegressor(linear.Ridge(), func=np.log1p, inverse_func=np.expm1).fit(
        x, numbers
    )
    yield pre.FunctionTransformer(np.log1p).transform
    yield pipeline.make_pipeline(pre.StandardScaler(), linear.Ridge()).fit(x, numbers).predict
    for name in ("HistGradientBoostingClassifier", "IsolationForest", "StackingClassifier"):
        with suppress(Exception):
            model = getattr(trees, name)
            yield (model([("a", linear.Ridge())]) if name[0] == "S" else model()).fit(x, classes)


def boosters() -> Iterator[Any]:
    """Gradient boosting of the three libraries, by their own and scikit-learn's interfaces."""
    x, classes, numbers = _data()
    with suppress(Exception):
        xgb = importlib.import_module("xgboost")
        for name in ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"):
            yield getattr(xgb, name)()
            with suppress(Exception):
                yield getattr(xgb, name)(n_estimators=2).fit(x, classes)
        yield xgb.train({}, xgb.DMatrix(x, numbers), 2)
        with suppress(Exception):
            yield xgb.XGBRegressor(n_estimators=2, callbacks=[xgb.callback.EarlyStopping(1)])
    with suppress(Exception):
        lgb = importlib.import_module("lightgbm")
        for name in ("LGBMClassifier", "LGBMRegressor", "LGBMRanker"):
            with suppress(Exception):
                yield getattr(lgb, name)(n_estimators=2).fit(x, classes)
            yield getattr(lgb, name)()
        yield lgb.train({"verbose": -1}, lgb.Dataset(x, numbers), 2)
    with suppress(Exception):
        cat = importlib.import_module("catboost")
        for name in ("CatBoostClassifier", "CatBoostRegressor", "CatBoost"):
            arguments = {"iterations": 2, "allow_writing_files": False, "verbose": 0}
            yield getattr(cat, name)(arguments) if name == "CatBoost" else getattr(cat, name)(**arguments)
            with suppress(Exception):
                yield getattr(cat, name)(arguments).fit(x, numbers)
            with suppress(Exception):
                yield getattr(cat, name)(**arguments).fit(x, classes)
        yield cat.Pool(x, classes)


def _call(make: Callable[[], Any]) -> Any:
    return make()


def results() -> Iterator[Any]:
    """Models and results of statsmodels."""
    sm = importlib.import_module("statsmodels.api")
    smf = importlib.import_module("statsmodels.formula.api")
    pd = importlib.import_module("pandas")
    x, classes, numbers = _data()
    series = pd.Series(numbers, index=pd.date_range("2020-01-01", periods=60, freq="D"))
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame["y"] = numbers
    tsa = sm.tsa
    makers = (
        lambda: sm.OLS(numbers, sm.add_constant(x)),
        lambda: sm.GLS(numbers, x),
        lambda: sm.WLS(numbers, x),
        lambda: sm.RLM(numbers, x),
        lambda: sm.QuantReg(numbers, x),
        lambda: sm.Logit(classes, x[:, :1]),
        lambda: sm.Probit(classes, x[:, :1]),
        lambda: sm.MNLogit(classes, x[:, :1]),
        lambda: sm.Poisson(classes, x),
        lambda: sm.NegativeBinomial(classes, x),
        lambda: sm.GLM(numbers, x, family=sm.families.Gamma(sm.families.links.Log())),
        lambda: sm.GLM(classes, x, family=sm.families.Binomial()),
        lambda: sm.GLM(classes, x, family=sm.families.Poisson()),
        lambda: sm.GEE(numbers, x, groups=classes),
        lambda: sm.MixedLM(numbers, x, groups=classes),
        lambda: sm.PHReg(numbers, x),
        lambda: smf.ols("y ~ a + b", frame),
        lambda: smf.glm("y ~ a + C(b > 1)", frame),
        lambda: smf.mixedlm("y ~ a", frame, groups=classes),
        lambda: tsa.ARIMA(series, order=(1, 0, 0)),
        lambda: tsa.SARIMAX(series, order=(1, 0, 0)),
        lambda: tsa.AutoReg(series, 1),
        lambda: tsa.AR(series),
        lambda: tsa.ARMA(series, (1, 0)),
        lambda: tsa.VAR(frame),
        lambda: tsa.VARMAX(frame[["a", "b"]], order=(1, 0)),
        lambda: tsa.ExponentialSmoothing(series, trend="add"),
        lambda: tsa.SimpleExpSmoothing(series),
        lambda: tsa.Holt(series),
        lambda: tsa.UnobservedComponents(series, "level"),
        lambda: tsa.MarkovRegression(series, 2),
        lambda: tsa.statespace.ExponentialSmoothing(series),
        lambda: sm.PCA(x),
        lambda: tsa.seasonal_decompose(series, period=7),
        lambda: tsa.STL(series, period=7),
        lambda: sm.nonparametric.KDEUnivariate(numbers),
        lambda: sm.GLMGam(numbers, x),
    )
    for make in makers:
        with suppress(Exception):
            model = _call(make)
            yield model
            with suppress(Exception):
                try:
                    fitted = model.fit(disp=0)
                except TypeError:
                    fitted = model.fit()
                yield fitted
                yield fitted.remove_data()
