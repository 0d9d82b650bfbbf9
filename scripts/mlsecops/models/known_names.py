"""Names that Keras and TensorFlow bring along themselves; `scripts/make_model_names.py` makes the list."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Names:
    """Classes and functions that a Keras configuration may name, and TensorFlow's registered operators.

    `callers` are the operators that call functions of the graph.
    """

    classes: frozenset[str]
    functions: frozenset[str]
    operators: frozenset[str]
    callers: frozenset[str]


@cache
def known_names() -> Names:
    """The shipped list."""
    packed = files("mlsecops").joinpath("data", "model-names.json.gz").read_bytes()
    names = json.loads(gzip.decompress(packed))
    kinds = ("classes", "functions", "operators", "callers")
    return Names(*(frozenset(names[kind]) for kind in kinds))


def words(text: str) -> frozenset[str]:
    """The words of a text, for tables that are easier to read as one."""
    return frozenset(text.split())
