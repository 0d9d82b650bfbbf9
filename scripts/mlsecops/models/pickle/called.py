"""What is to be said of a call by a name: whose it is, what it can do, and what it is handed."""

from __future__ import annotations

import re

from mlsecops.models.pickle.allowed import Entry, danger, danger_elsewhere, entry, is_known
from mlsecops.models.pickle.arguments import looks_dangerous, names_something, shown
from mlsecops.models.pickle.dangers import by_name, by_words
from mlsecops.models.pickle.judgement import (
    CALLED,
    COMPILED,
    FUNCTION,
    KEEPS,
    UNUSUAL,
    Judgement,
    dangerous,
    harmless,
    judge_import,
    never_written,
    owner_of,
    unknown,
)
from mlsecops.models.pickle.names import is_standard, looks_like_class, words
from mlsecops.models.pickle.shapes import hands_tool, is_class
from mlsecops.models.pickle.values import Call, Constant, Cut, Result

_REBUILDS = re.compile(
    r"_*(?:re)?(?:construct|build|unpickle|new|ctor|from_state|restore)|__pyx_unpickle|.*_ctor\Z"
)
_EXCEPTION = re.compile(r"(?:Error|Exception|Warning)\Z")
# Functions of numbers, which others may well write into their pickles.
_NUMBERS = re.compile(r"(?:numpy|builtins|math|cmath|_?operator|scipy\.special)(?:\._ufuncs)?\.\w+")
_DISTRIBUTIONS = re.compile(r"(?:scipy\.stats|statsmodels\.distributions)\.")  # run their texts when made


def judge_called(call: Call, name: str) -> Judgement:
    """What a call of this name, as Python 3 has it, does."""
    spelt = call.target or name
    found = entry(name)
    if found is not None and found.kind == "call":
        return _allowed(call, name, spelt)
    if is_known(name) and COMPILED in name:
        return harmless(spelt) if _rebuilds(call) else unknown(spelt, f"calls `{spelt}`", CALLED)
    if KEEPS.fullmatch(name):
        return _kept(call, spelt)
    base = judge_import(spelt)
    if base.kind == "dangerous":
        return Judgement(
            base.kind, base.subject, base.sentence.removesuffix(".") + shown(call) + ".", base.severity
        )
    if ability := _ability(call, name, found):
        return dangerous(spelt, ability, call)
    if found is not None and found.kind == "class":
        if not call.arguments and call.opcode in ("INST", "OBJ"):
            return harmless(spelt)  # how Python 2 made instances
        return unknown(
            spelt, f"calls the class `{spelt}`, which its library does not do{shown(call)}", FUNCTION
        )
    if found is not None and _NUMBERS.fullmatch(name):
        return unknown(spelt, f"calls the function `{spelt}`{shown(call)}", FUNCTION)
    return never_written(spelt, call) if found is not None else _called_unknown(call, name, spelt)


def _ability(call: Call, name: str, found: Entry | None) -> str:
    """What the name itself can do, or, of an allowed name, what it is handed."""
    if _DISTRIBUTIONS.match(name) and names_something(call):
        return "code"
    return danger(name) or by_name(name) or (looks_dangerous(call) if found is not None else "")


def _allowed(call: Call, name: str, spelt: str) -> Judgement:
    tool = hands_tool(name, call.arguments)
    if not tool:
        return harmless(spelt)
    text = f"Loading this file hands `{tool}` to `{spelt}`, which no library does{shown(call)}."
    return Judgement("dangerous", spelt, text, UNUSUAL)


def _rebuilds(call: Call) -> bool:
    """The shape in which Cython puts its objects together: class, checksum, state."""
    return (
        len(call.arguments) >= 2 and is_class(call.arguments[0]) and isinstance(call.arguments[1], Constant)
    )


def _kept(call: Call, spelt: str) -> Judgement:
    """A model within the pickle: what is in it is for its own reader to say."""
    match call.arguments:
        case (Constant(bytes()) | Cut(bytes()) | Result(held=Constant() | Cut()),):
            return harmless(spelt)
        case (Result(),):
            return unknown(spelt, f"loads another model that is kept inside, through `{spelt}`", FUNCTION)
    return dangerous(spelt, "load", call)


def _called_unknown(call: Call, name: str, spelt: str) -> Judgement:
    standard, known = is_standard(name), is_known(name)
    strong = not (known or standard or (names_something(call) and not looks_like_class(name)))
    if ability := by_words(words(name), strong=strong) or looks_dangerous(call):
        return dangerous(spelt, ability, call)
    if standard:
        wrong = not _EXCEPTION.search(name)
    else:
        a_class = looks_like_class(name) or _REBUILDS.match(name.rpartition(".")[2]) is not None
        wrong = known and (not a_class or bool(danger_elsewhere(name)))
    if wrong or owner_of(name) is not None:
        return never_written(spelt, call)
    return unknown(spelt, f"calls `{spelt}`, which may be any code{shown(call)}", CALLED)
