"""Objects of pandas.

Runs inside of scratch environments, from Python 3.7 on.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any


def table_objects() -> Iterator[Any]:
    """All of them."""
    for make in (_indexes, _arrays, _frames, _times):
        for each in make():
            with suppress(Exception):
                yield each()


def _called(module: str, name: str, *arguments: Any) -> Any:
    return getattr(importlib.import_module(module), name)(*arguments)


def _indexes() -> Iterator[Callable[[], Any]]:
    pd = importlib.import_module("pandas")
    yield lambda: pd.Index([1, 2])
    yield lambda: pd.Index([1.5, 2])
    yield lambda: pd.Index([1, 2], dtype="uint64")
    yield lambda: pd.Index(["a", "b"])
    yield lambda: pd.Index([True, False])
    yield lambda: pd.RangeIndex(3)
    yield lambda: pd.MultiIndex.from_product([["a"], [1, 2]])
    yield lambda: pd.CategoricalIndex(["a", "b"])
    yield lambda: pd.date_range("2020", periods=3)
    yield lambda: pd.date_range("2020", periods=3, tz="Europe/Berlin")
    yield lambda: pd.date_range("2020", periods=3, tz="UTC")
    yield lambda: pd.period_range("2020", periods=3, freq="D")
    yield lambda: pd.timedelta_range("1D", periods=3)
    yield lambda: pd.interval_range(0, 3)
    yield lambda: pd.Index([None, "a"], dtype=object)
    yield lambda: pd.Int64Index([1])
    yield lambda: pd.Float64Index([1])
    yield lambda: pd.UInt64Index([1])


def _arrays() -> Iterator[Callable[[], Any]]:
    pd = importlib.import_module("pandas")
    for name in (
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float32",
        "Float64",
    ):
        yield partial(pd.array, [1, None], dtype=name)
        yield partial(pd.api.types.pandas_dtype, name)
    for name in ("boolean", "string", "category", "str"):
        yield partial(pd.array, [None], dtype=name)
        yield partial(pd.api.types.pandas_dtype, name)
        yield partial(pd.Series, [None], dtype=name)
    yield lambda: pd.Series(["a", "b"], dtype="string[python]")
    yield lambda: pd.Categorical(["a", "b"], ordered=True)
    yield lambda: pd.arrays.SparseArray([0, 0, 1])
    yield lambda: pd.arrays.IntervalArray.from_breaks([0, 1, 2])
    yield lambda: pd.Series(pd.arrays.SparseArray([0, 0, 1]))
    yield lambda: pd.CategoricalDtype(["a"])
    yield lambda: pd.SparseDtype(float)
    yield lambda: pd.PeriodDtype("D")
    yield lambda: pd.IntervalDtype("int64")
    yield lambda: pd.DatetimeTZDtype("ns", "UTC")
    yield lambda: pd.NA
    yield lambda: pd.NaT


def _frames() -> Iterator[Callable[[], Any]]:
    pd = importlib.import_module("pandas")
    mixed = {
        "a": [1, 2],
        "b": ["x", "y"],
        "c": [1.5, None],
        "d": pd.to_datetime(["2020", "2021"]),
        "e": pd.Categorical(["x", "y"]),
        "f": [True, False],
        "g": pd.to_timedelta([1, 2], unit="D"),
        "h": pd.to_datetime(["2020", "2021"]).tz_localize("UTC"),
        "i": [None, {"a": 1}],
    }
    yield lambda: pd.DataFrame(mixed)
    yield lambda: pd.DataFrame(mixed).set_index("b")
    yield lambda: pd.DataFrame(mixed).T
    yield pd.DataFrame
    yield lambda: pd.DataFrame({"a": [1, 2]}).sparse
    yield lambda: pd.Series([1, 2], name="s")
    yield lambda: pd.Series(["a", "b"])
    yield lambda: pd.DataFrame(mixed).groupby("b")
    yield lambda: pd.DataFrame(mixed).dtypes
    yield lambda: pd.Series([1, 2]).rolling(2)
    yield lambda: pd.Series([1, 2]).describe()
    yield lambda: pd.DataFrame(mixed)["a"].values
    yield lambda: pd.cut(pd.Series([1, 2, 3]), 2)
    yield lambda: pd.NamedAgg("a", "sum")
    yield lambda: pd.IndexSlice
    yield lambda: pd.Panel({})


def _times() -> Iterator[Callable[[], Any]]:
    pd = importlib.import_module("pandas")
    yield lambda: pd.Timestamp("2020")
    yield lambda: pd.Timestamp("2020", tz="Europe/Berlin")
    yield lambda: pd.Timestamp("2020", tz="UTC")
    yield lambda: pd.Timedelta("1D")
    yield lambda: pd.Period("2020", "M")
    yield lambda: pd.Interval(0, 1)
    offsets = importlib.import_module("pandas.tseries.offsets")
    yield from (found for found in list(vars(offsets).values()) if isinstance(found, type))
    calendars = importlib.import_module("pandas.tseries.holiday")
    yield calendars.USFederalHolidayCalendar
    yield lambda: offsets.CustomBusinessDay(calendar=calendars.USFederalHolidayCalendar())
    for zone in ("UTC", "Europe/Berlin"):
        for module, name in (("pytz", "timezone"), ("dateutil.tz", "gettz"), ("zoneinfo", "ZoneInfo")):
            yield partial(_called, module, name, zone)
    yield lambda: importlib.import_module("dateutil.relativedelta").relativedelta(days=1)
    yield lambda: importlib.import_module("dateutil.tz").tzlocal()
    yield lambda: importlib.import_module("dateutil.tz").tzutc()
    yield lambda: importlib.import_module("dateutil.tz").tzoffset("a", 60)
    yield lambda: importlib.import_module("pytz").FixedOffset(60)
