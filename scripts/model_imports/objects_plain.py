"""Objects of NumPy, SciPy and Python itself.

Runs inside of scratch environments, from Python 3.7 on.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any


def plain_objects() -> Iterator[Any]:
    """All of them."""
    yield from _arrays()
    yield from _random()
    yield from _sparse()
    yield from _distributions()
    yield from _interpolators()
    yield from _functions()


def _arrays() -> Iterator[Any]:
    np = importlib.import_module("numpy")
    for code in "?bBhHiIlLqQefdgFDGSUOMmV":
        with suppress(Exception):
            yield np.zeros(2, code)
            yield np.asfortranarray(np.zeros((2, 2), code))
            yield np.zeros(2, code)[0]
            yield np.dtype(code)
            yield np.dtype(code).type
            yield type(np.dtype(code))
    yield np.dtype([("a", "<i4"), ("b", "O")])
    yield np.dtype("M8[ns]")
    yield np.zeros(2, [("a", "<i4")])
    yield np.zeros(2, [("a", "<i4")])[0]
    yield np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")])
    yield np.ma.masked_array([1, 2], [True, False])
    yield np.ma.masked
    yield np.matrix([[1]])
    yield np.poly1d([1, 2])
    yield np.char.array(["a", "b"])
    yield np.vectorize(np.abs)
    yield np.finfo(float)
    with suppress(Exception):
        yield np.array(["a"], dtype=np.dtypes.StringDType())
    for name in ("Polynomial", "Chebyshev", "Legendre", "Hermite", "Laguerre", "HermiteE"):
        yield getattr(np.polynomial, name)([1, 2])
    yield np.array([{"a": 1}, None], dtype=object)
    yield np.nditer
    yield np.s_[1:2]
    yield np.float64


def _random() -> Iterator[Any]:
    np = importlib.import_module("numpy")
    yield np.random.RandomState(0)
    yield vars(np.random.mtrand)["_rand"]
    for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        with suppress(Exception):
            yield getattr(np.random, name)(0)
            yield np.random.Generator(getattr(np.random, name)(0))
            yield np.random.RandomState(getattr(np.random, name)(0))
    with suppress(Exception):
        yield np.random.SeedSequence(1)
        yield np.random.default_rng(1)


def _sparse() -> Iterator[Any]:
    sparse = importlib.import_module("scipy.sparse")
    np = importlib.import_module("numpy")
    for name in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia"):
        for kind in ("matrix", "array"):
            with suppress(Exception):
                yield getattr(sparse, name + "_" + kind)(np.eye(2))
    linalg = importlib.import_module("scipy.sparse.linalg")
    yield linalg.aslinearoperator(np.eye(2))


def _distributions() -> Iterator[Any]:
    stats = importlib.import_module("scipy.stats")
    for found in list(vars(stats).values()):
        if isinstance(found, (stats.rv_continuous, stats.rv_discrete)):
            yield found
            count = getattr(found, "numargs", 0)
            with suppress(Exception):
                yield found(*([0.5] * count))
            with suppress(Exception):
                yield found(*([2] * count))
    np = importlib.import_module("numpy")
    yield stats.gaussian_kde(np.random.RandomState(0).randn(20))
    yield stats.rv_histogram(np.histogram(np.arange(9.0)))
    yield stats.rv_discrete(values=([1, 2], [0.5, 0.5]))
    yield stats.multivariate_normal([0, 0])
    yield stats.linregress([1, 2, 3], [2, 3, 5])
    yield stats.ttest_ind([1, 2, 3], [2, 3, 5])
    yield stats.describe([1, 2, 3])
    for name in ("Normal", "Uniform"):
        with suppress(Exception):
            yield getattr(stats, name)()


def _interpolators() -> Iterator[Any]:
    np = importlib.import_module("numpy")
    inter = importlib.import_module("scipy.interpolate")
    x = np.arange(8.0)
    grid = np.random.RandomState(0).rand(8, 2)
    makers = (
        lambda: inter.interp1d(x, x),
        lambda: inter.interp1d(x, x, kind="cubic"),
        lambda: inter.CubicSpline(x, x),
        lambda: inter.PchipInterpolator(x, x),
        lambda: inter.Akima1DInterpolator(x, x),
        lambda: inter.UnivariateSpline(x, x),
        lambda: inter.InterpolatedUnivariateSpline(x, x),
        lambda: inter.LSQUnivariateSpline(x, x, [3.0]),
        lambda: inter.BSpline([0, 1, 2, 3.0], [1, 2], 1),
        lambda: inter.PPoly([[1.0]], [0, 1.0]),
        lambda: inter.BarycentricInterpolator(x, x),
        lambda: inter.KroghInterpolator(x, x),
        lambda: inter.RegularGridInterpolator((x, x), np.ones((8, 8))),
        lambda: inter.RectBivariateSpline(x, x, np.ones((8, 8))),
        lambda: inter.LinearNDInterpolator(grid, x),
        lambda: inter.NearestNDInterpolator(grid, x),
        lambda: inter.CloughTocher2DInterpolator(grid, x),
        lambda: inter.RBFInterpolator(grid, x),
        lambda: inter.Rbf(x, x, x),
        lambda: inter.make_interp_spline(x, x),
        lambda: importlib.import_module("scipy.optimize").minimize(np.sum, [1.0], options={"maxiter": 1}),
        lambda: importlib.import_module("scipy.optimize").Bounds(0, 1),
        lambda: importlib.import_module("scipy.optimize").LinearConstraint([1], 0, 1),
        lambda: importlib.import_module("scipy.spatial").cKDTree(grid),
        lambda: importlib.import_module("scipy.spatial").KDTree(grid),
        lambda: importlib.import_module("scipy.spatial").Delaunay(grid),
        lambda: importlib.import_module("scipy.spatial").ConvexHull(grid),
        lambda: importlib.import_module("scipy.spatial").Voronoi(grid),
        lambda: importlib.import_module("scipy.spatial.transform").Rotation.from_euler("z", 1.0),
        lambda: importlib.import_module("scipy.signal").StateSpace([[1]], [[1]], [[1]], [[1]]),
        lambda: importlib.import_module("scipy.signal").TransferFunction([1], [1, 2]),
        lambda: importlib.import_module("scipy.signal").dlti([1], [1, 2]),
    )
    for make in makers:
        with suppress(Exception):
            yield _call(make)


def _call(make: Callable[[], Any]) -> Any:
    return make()


def _functions() -> Iterator[Any]:
    """Ufuncs and compiled functions: listings that read source do not see them."""
    np = importlib.import_module("numpy")
    for name in (
        "numpy",
        "numpy.linalg",
        "numpy.fft",
        "scipy.special",
        "scipy.stats",
        "scipy.spatial.distance",
    ):
        with suppress(Exception):
            for found in list(vars(importlib.import_module(name)).values()):
                if isinstance(found, np.ufunc) or (name.startswith("scipy.sp") and inspect.isbuiltin(found)):
                    yield found
