"""Arrays, tables, sparse matrices and plain objects, as their own libraries save them."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import re
import uuid
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from corpus.real.saving import Saving, found

NUMPY, PANDAS, SCIPY, PLAIN = "NumPy", "pandas", "SciPy", "plain objects"


def save(saving: Saving) -> None:
    """Each library in turn."""
    _arrays(saving)
    _tables(saving)
    _scipy(saving)
    _plain(saving)


def _arrays(saving: Saving) -> None:
    numpy = found("numpy")
    structured = numpy.zeros(3, dtype=[("a", "f8"), ("b", "U4")])
    arrays: dict[str, Any] = {
        "floats": numpy.arange(12.0).reshape(3, 4),
        "integers in columns": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
        "texts": numpy.array(["a", "bb"]),
        "structured": structured,
        "dates": numpy.array(["2024-01-01"], dtype="datetime64[D]"),
        "complex": numpy.array([1j]),
        "objects that are texts": numpy.array(["a", None, "b"], dtype=object),
        "nothing": numpy.zeros((0, 3)),
        "halves": numpy.ones(5, dtype="float16"),
    }
    for name, value in arrays.items():
        saving.written(partial(_save_array, value), ".npy", name, NUMPY)
        saving.pickled(value, f"array of {name}", NUMPY)
    saving.written(lambda file: numpy.savez(file, a=structured), ".npz", "structured", NUMPY)
    saving.written(
        lambda file: numpy.savez_compressed(file, a=arrays["floats"], b=arrays["texts"]), ".npz", "two", NUMPY
    )
    for protocol in range(6):
        saving.pickled(arrays["floats"], "array of floats", NUMPY, protocol)
    generator = numpy.random.default_rng(1)
    masked = numpy.ma.masked_array([1.0, 2.0], [True, False])
    extra = {"Generator": generator, "RandomState": numpy.random.RandomState(1), "masked": masked}
    extra |= {"scalars": [numpy.float64(1.5), numpy.int32(2), numpy.bool_(True), numpy.dtype("f4")]}
    for name, value in extra.items():
        saving.pickled(value, name, NUMPY)
    tensors = {"a": arrays["floats"].astype("float32"), "b": arrays["halves"]}
    save_file = found("safetensors.numpy:save_file")
    saving.written(lambda file: save_file(tensors, file), ".safetensors", "two tensors", "safetensors")
    saving.written(
        lambda file: save_file(tensors, file, {"format": "pt"}),
        ".safetensors",
        "with metadata",
        "safetensors",
    )


def _tables(saving: Saving) -> None:
    pandas = found("pandas")
    days = pandas.date_range("2024-01-01", periods=3, tz="Europe/Berlin")
    frame = pandas.DataFrame({"a": [1.0, 2.0, None], "b": ["x", "y", "z"], "c": days})
    tables = {
        "DataFrame": frame,
        "with categories": frame.assign(b=frame.b.astype("category")),
        "nullable": frame.convert_dtypes(),
        "by date": frame.set_index("c"),
        "by two keys": frame.set_index(["a", "b"]),
        "Series": frame.a,
        "intervals": pandas.interval_range(0, 3),
        "periods": pandas.period_range("2024-01", periods=3, freq="M"),
        "differences": frame.c - frame.c[0],
        "Timestamp": days[0],
        "grouped": {"x": frame, "y": [frame.a, frame.b]},
    }
    for name, value in tables.items():
        saving.pickled(value, name, PANDAS)
    saving.written(frame.to_pickle, ".pkl.gz", "to_pickle, gzip", PANDAS)
    saving.dumped(frame, "DataFrame", PANDAS)


def _scipy(saving: Saving) -> None:
    numpy, sparse = found("numpy"), found("scipy.sparse")
    eye = sparse.eye(4)
    for kind in ("csr", "csc", "coo", "dok", "lil", "dia", "bsr"):
        saving.pickled(eye.asformat(kind), f"{kind} matrix", SCIPY)
    saving.pickled(sparse.csr_array(eye), "csr array", SCIPY)
    saving.written(lambda file: sparse.save_npz(file, eye.tocsr()), ".npz", "sparse matrix", SCIPY)
    points = numpy.arange(8.0)
    saving.pickled(found("scipy.interpolate:CubicSpline")(points, points), "CubicSpline", SCIPY)
    saving.pickled(found("scipy.interpolate:interp1d")(points, points), "interp1d", SCIPY)
    saving.pickled(found("scipy.stats:norm")(1.0, 2.0), "frozen distribution", SCIPY)
    saving.pickled(found("scipy.spatial:cKDTree")(points.reshape(4, 2)), "cKDTree", SCIPY)
    saving.pickled(found("scipy.spatial.transform:Rotation").identity(), "Rotation", SCIPY)


def _plain(saving: Saving) -> None:
    values: dict[str, Any] = {
        "numbers": [1, -2, 1 << 80, 1.5, 2j, True, None],
        "texts": {"name": "über", "tags": ("a", "b"), "raw": b"\x00\xff", "more": bytearray(b"x")},
        "sets": [{1, 2}, frozenset("ab")],
        "collections": [
            collections.OrderedDict(a=1),
            collections.defaultdict(list, a=[1]),
            collections.Counter("abc"),
            collections.deque([1, 2], 5),
        ],
        "time": [
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            dt.date(2024, 1, 1),
            dt.timedelta(1),
            dt.timezone(dt.timedelta(hours=1)),
        ],
        "others": [decimal.Decimal("1.5"), fractions.Fraction(1, 2), uuid.UUID(int=1), range(3), slice(1, 2)],
        "path": PurePosixPath("a/b"),
        "pattern": re.compile(r"\d+", re.IGNORECASE),
    }
    for name, value in values.items():
        saving.pickled(value, name, PLAIN)
    for protocol in range(6):
        saving.pickled(list(values.values()), "all of them", PLAIN, protocol)
    for library in ("cloudpickle", "dill"):
        data = found(f"{library}:dumps")(values)
        saving.written(partial(_write, data), ".pkl", f"{library} of plain objects", PLAIN)


def _save_array(value: Any, file: str) -> None:
    found("numpy").save(file, value, allow_pickle=True)


def _write(data: bytes, file: str) -> None:
    Path(file).write_bytes(data)
