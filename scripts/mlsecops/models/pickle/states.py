"""State that objects of allowed classes are given: some classes do more with it than keeping it."""

from __future__ import annotations

import re

from mlsecops.models.pickle.names import strange
from mlsecops.models.pickle.shapes import is_function, text_of
from mlsecops.models.pickle.values import Constant, Sequence, Value
from mlsecops.models.pickle.values import Mapping as Pairs

# What scipy.stats runs with `exec` when a distribution is unpickled (`_attach_argparser_methods` in
# https://github.com/scipy/scipy/blob/main/scipy/stats/_distn_infrastructure.py).
_TEMPLATE = re.compile(
    r"\s*(?:def _parse_args(?:_rvs|_stats)?\(self,[\w ,=.'()+-]*\):\s+return (?:self\._argcheck_rvs)?"
    r"\(?[\w ,='()+.-]*\)?[\w ,=()+.-]*\s*){1,3}"
)
_TEMPLATE_KEY, _SHAPES = "_parse_arg_template", re.compile(r"[\w, ]*")
_CALLED = re.compile(
    r"\b(?!_parse_args(?:_rvs|_stats)?\b|_argcheck_rvs\b|return\b)\w+\s*\(|[)'\"\]]\s*\(|__|\bimport\b|\blambda\b"
)
_WRAPPERS = (".NDArrayWrapper", ".ZNDArrayWrapper")


def bad_state(owner: str, state: Value) -> str:
    """Why the state of an allowed class is not to be trusted, or "".

    `code`: text that the class runs; `file`: a path elsewhere; `hidden`: it cannot be seen; `inside`: names
    of Python's own machinery among its slots.
    """
    if isinstance(state, Sequence) and len(state.items) == 2 and isinstance(state.items[1], Pairs):
        slots = state.items[1]
        if any(strange(text_of(key) or "") for key, _ in slots.items):
            return "inside"
    if isinstance(state, Pairs) and _runs(state):
        return "code"
    if owner.startswith(("scipy.stats", "statsmodels.distributions")):
        if _has_shapes(state):
            return "code"
        return "" if _is_distribution(state) else "hidden"
    if owner == "functools.partial" and isinstance(state, Sequence):
        return "" if state.items and is_function(state.items[0]) else "hidden"
    if owner.endswith(_WRAPPERS) and isinstance(state, Pairs):
        names = [text_of(value) for key, value in state.items if text_of(key) == "filename"]
        return "file" if any(name is None or re.search(r"[/\\]|^\.\.?$", name) for name in names) else ""
    return ""


def _is_distribution(state: Value) -> bool:
    """What scipy itself makes of a distribution: its attributes, or, before 1.6, what it was made with."""
    match state:
        case Constant():
            return True
        case Pairs():
            return state.whole
        case Sequence("tuple", (Pairs() as made, _)):
            names = [text_of(key) for key, _ in made.items]
            return made.whole and None not in names and _TEMPLATE_KEY not in names
    return False


def _has_shapes(state: Value) -> bool:
    """Whether there are names of parameters for scipy's `exec` that are no names."""
    made = state.items[0] if isinstance(state, Sequence) and state.items else state
    if not isinstance(made, Pairs):
        return False
    shapes = [value for key, value in made.items if text_of(key) == "shapes"]
    return any(value != Constant(None) and not _SHAPES.fullmatch(text_of(value) or "-") for value in shapes)


def _runs(state: Pairs) -> bool:
    """Whether there is text for scipy's `exec` that scipy itself would not write."""
    texts = [text_of(value) for key, value in state.items if text_of(key) == _TEMPLATE_KEY]
    return any(text is None or _CALLED.search(text) or not _TEMPLATE.fullmatch(text) for text in texts)
