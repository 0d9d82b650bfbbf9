"""What is to be said of an event, and of the names that a pickle looks up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mlsecops.models.pickle.allowed import Entry, danger, entry, is_known, is_module
from mlsecops.models.pickle.arguments import shown
from mlsecops.models.pickle.dangers import ABILITIES, by_name, by_words
from mlsecops.models.pickle.names import (
    canonical,
    inner,
    is_plain,
    is_standard,
    looks_like_class,
    strange,
    words,
)
from mlsecops.models.pickle.python_names import is_helper
from mlsecops.models.pickle.shapes import is_class
from mlsecops.models.pickle.values import Call, Global

Verdict = Literal["harmless", "dangerous", "unknown"]
OBJECT, FUNCTION, CALLED = 5.5, 6.0, 6.9  # severities of what is unknown
UNUSUAL = 8.0
COMPILED = ".__pyx_unpickle_"  # what Cython writes to put an object together
_NAMED = frozenset({"numpy.memmap"})  # as the class of an array that joblib keeps
KEEPS = re.compile(
    r"torch\.storage\._load_from_bytes|keras\.(?:\w+\.)+_unpickle_model"
    r"|numba\.core\.serialize\._unpickle__CustomPickled"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an event means: `sentence` says what loading does, `severity` how grave it is, 0 for nothing."""

    kind: Verdict
    subject: str
    sentence: str
    severity: float


def harmless(subject: str) -> Judgement:
    """Nothing is to be said."""
    return Judgement("harmless", subject, "", 0.0)


def unknown(subject: str, text: str, severity: float) -> Judgement:
    """Loading does what nothing can be told of; `text` says what."""
    return Judgement("unknown", subject, f"Loading this file {text}.", severity)


def dangerous(subject: str, ability: str, call: Call | None = None) -> Judgement:
    """Loading does what this ability is, through the subject, shown with the arguments of a call."""
    does = ABILITIES[ability]
    tail = shown(call) if call is not None else ""
    return Judgement(
        "dangerous", subject, f"Loading this file {does.what} through `{subject}`{tail}.", does.severity
    )


def never_written(subject: str, call: Call) -> Judgement:
    """A call of something known which no library makes when it saves a model."""
    text = f"Loading this file calls `{subject}`, which nothing that saves a model writes{shown(call)}."
    return Judgement("dangerous", subject, text, UNUSUAL)


@lru_cache(maxsize=8192)
def judge_import(name: str) -> Judgement:
    """What a name stands for that is looked up and not called."""
    spelt, name = name.replace("()", ""), canonical(name.replace("()", ""))
    if is_helper(name) or _is_allowed(name) or _is_plain_module(name):
        return harmless(spelt)
    if name.endswith(".__new__") and is_class(Global(name.removesuffix(".__new__"))):
        return harmless(spelt)
    if (is_known(name) and COMPILED in name) or KEEPS.fullmatch(name):
        return harmless(spelt)
    if not is_plain(name) or strange(name):
        return dangerous(spelt, "inside")
    hidden = inner(name)
    if hidden and (found := judge_import(hidden)).kind == "dangerous":
        return Judgement(
            "dangerous", spelt, found.sentence.replace(f"`{hidden}`", f"`{spelt}`"), found.severity
        )
    if ability := danger(name) or by_name(name):
        return dangerous(spelt, ability)
    if owner_of(name) is not None:
        return _attribute(spelt)
    return _unknown_name(spelt, name)


def _is_allowed(name: str) -> bool:
    """Whether an allowed name may stand in a file; of functions that read or write, one."""
    found = entry(name)
    return found is not None and (found.kind != "name" or name in _NAMED or not by_name(name))


def _is_plain_module(name: str) -> bool:
    """Whether a name is that of a module that is imported as a whole, and does nothing by it."""
    plain = "." not in name and is_standard(name) and (not by_name(name) or name == "_thread")
    return plain or is_module(name)


def _unknown_name(spelt: str, name: str) -> Judgement:
    what = "class" if looks_like_class(name) else "function"
    severity = OBJECT if looks_like_class(name) else FUNCTION
    if is_standard(name):
        text = f"imports the {what} `{spelt}` of Python's own library, which has no place in a model"
    elif is_known(name):
        text = f"imports `{spelt}`, which no pickle of that library is known to have"
    else:
        text = f"imports the {what} `{spelt}`, which may be any code"
        severity = max(severity, CALLED if by_words(words(name), strong=True) else 0)
    return unknown(spelt, text, severity)


def owner_of(name: str) -> Entry | None:
    """The allowed class that a name is an attribute of."""
    parts = name.split(".")
    for count in range(len(parts) - 1, max(len(parts) - 3, 1), -1):
        found = entry(".".join(parts[:count]))
        if found is not None and found.kind != "name":
            return found
    return None


def _attribute(spelt: str) -> Judgement:
    if ability := by_words(words(spelt), strong=False):
        return unknown(spelt, f"names the method `{spelt}`, which {ABILITIES[ability].what}", FUNCTION)
    return harmless(spelt)
