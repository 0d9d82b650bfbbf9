"""What is to be said of an import or a call in a pickle: harmless, dangerous, or unknown.

Harmless is what a known library writes, in the shape in which it writes it; dangerous what can run, load,
write or fetch; unknown all the rest, as grave as what the name could stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlsecops.models.pickle.allowed import danger, danger_elsewhere, entry, is_known
from mlsecops.models.pickle.arguments import looks_dangerous, names_something, shown
from mlsecops.models.pickle.brought import judge_brought
from mlsecops.models.pickle.dangers import ABILITIES, by_name, by_words
from mlsecops.models.pickle.judgement import (
    CALLED,
    COMPILED,
    FUNCTION,
    KEEPS,
    OBJECT,
    Judgement,
    Verdict,
    dangerous,
    harmless,
    judge_import,
    owner_of,
    unknown,
)
from mlsecops.models.pickle.names import (
    canonical,
    is_standard,
    looks_like_class,
    strange,
    words,
)
from mlsecops.models.pickle.python_names import METACLASSES
from mlsecops.models.pickle.shapes import SHAPES, hands_tool, is_class
from mlsecops.models.pickle.states import bad_state
from mlsecops.models.pickle.values import Call, Constant, Cut, Global, Import, Result

_MADE = frozenset({"NEWOBJ", "NEWOBJ_EX"})
_FILLING = frozenset({"append", "extend", "add", "__setitem__", "update"})
_NAMELESS = 7.5
_UNUSUAL = 8.0
_REBUILDS = re.compile(
    r"_*(?:re)?(?:construct|build|unpickle|new|ctor|from_state|restore)|__pyx_unpickle|.*_ctor\Z"
)
_EXCEPTION = re.compile(r"(?:Error|Exception|Warning)\Z")
# Functions of numbers, which others may well write into their pickles.
_NUMBERS = re.compile(r"(?:numpy|builtins|math|cmath|_?operator|scipy\.special)(?:\._ufuncs)?\.\w+")
_TWINS = ("_operator.", "_functools.")


def judge(event: Import | Call) -> Judgement:
    """What loading does by importing or calling this."""
    return judge_import(event.name) if isinstance(event, Import) else judge_call(event)


def judge_name(name: str) -> Verdict:
    """The kind of `judge_import`."""
    return judge_import(name).kind


def allowed_by(patterns: Iterable[str], name: str) -> bool:
    """Whether a policy names this import: `mypackage.module.Name`, or `mypackage.*` for all below."""
    return any(name.startswith(each[:-1]) if each.endswith(".*") else name == each for each in patterns)


def judge_call(call: Call) -> Judgement:
    """What a call does."""
    if call.target is None:
        return _nameless(call)
    if (found := judge_brought(call, canonical(call.target))) is not None:
        return found
    owner, _, method = call.target.rpartition("().")
    if owner:
        return _on_instance(call, owner, method)
    if call.opcode == "BUILD":
        return _changes(call.target)
    name = canonical(call.target)
    if call.opcode in _MADE:
        return _made(call.target)
    if name.endswith(".__new__"):
        return _made(call.target.removesuffix(".__new__"))
    if fits := SHAPES.get(name.removeprefix("_") if name.startswith(_TWINS) else name):
        return _shaped(call, name, fits(call.arguments) and call.exact)
    return _called(call, name)


def _nameless(call: Call) -> Judgement:
    if call.opcode in ("BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"):
        return unknown("unknown object", "fills an object that cannot be known before", FUNCTION)
    text = "Loading this file calls something that cannot be known before."
    return Judgement("dangerous", "unknown call", text, _NAMELESS)


def _made(spelt: str) -> Judgement:
    """An object made without calling its class, whatever the class may be."""
    name = canonical(spelt)
    found = entry(name)
    if METACLASSES.fullmatch(name):
        return dangerous(spelt, "code")
    if found is not None and found.kind != "name":
        return harmless(spelt)
    if found is not None and (ability := danger(name) or by_name(name)):
        return dangerous(spelt, ability)
    base = judge_import(spelt)
    if base.kind == "harmless":
        return unknown(spelt, f"makes an object of `{spelt}`, which is no class that a model has", OBJECT)
    return base


def _changes(target: str) -> Judgement:
    """State given to a class, function or module: everybody in the process sees the change."""
    subject = target.removesuffix(".__setstate__")
    text = f"Loading this file changes `{subject}` itself, for all of the process."
    return Judgement("dangerous", subject, text, ABILITIES["inside"].severity)


def _on_instance(call: Call, owner: str, method: str) -> Judgement:
    spelt = owner.replace("()", "")
    base = judge_import(owner)
    if method == "__setstate__" and call.opcode == "BUILD":
        reason = (
            bad_state(canonical(spelt), call.arguments[0])
            if call.arguments and base.kind == "harmless"
            else ""
        )
        if reason == "hidden":
            return unknown(spelt, f"gives `{spelt}` a state that cannot be known before", CALLED)
        return dangerous(spelt, reason) if reason else _filled(spelt, base)
    if method in _FILLING and call.opcode not in ("REDUCE", "OBJ", "INST"):
        return _filled(spelt, base)
    if base.kind == "dangerous":
        return base
    subject = f"{spelt}.{method}"
    if method == "__call__":
        text = f"Loading this file calls an object of `{spelt}` that it made itself."
        return Judgement("dangerous", subject, text, _UNUSUAL)
    if strange(method):
        return dangerous(subject, "inside", call)
    strong = base.kind != "harmless" and not names_something(call)
    if ability := by_words(words(subject), strong=strong) or looks_dangerous(call):
        return dangerous(subject, ability, call)
    if base.kind == "harmless":
        return _never_written(subject, call)
    return unknown(subject, f"calls the method `{subject}`", CALLED)


def _filled(spelt: str, base: Judgement) -> Judgement:
    if base.kind != "harmless":
        return base
    return harmless(spelt)


def _shaped(call: Call, name: str, fits: bool) -> Judgement:
    spelt = call.target or name
    if not fits:
        if name.endswith("_ufunc_reconstruct"):
            return dangerous(spelt, "import", call)
        text = f"Loading this file calls `{spelt}` in a way in which no library does{shown(call)}."
        return Judgement("dangerous", spelt, text, _UNUSUAL)
    first = call.arguments[0] if call.arguments else None
    if name.startswith("copyreg.") and isinstance(first, Global):
        return _made(first.name)
    if isinstance(first, Result) and name.startswith("copyreg."):
        return unknown(spelt, "makes an object of a class that it brings along", CALLED)
    return harmless(spelt)


def _called(call: Call, name: str) -> Judgement:
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
    if ability := danger(name) or by_name(name):
        return dangerous(spelt, ability, call)
    if ability := looks_dangerous(call) if found is not None else "":
        return dangerous(spelt, ability, call)
    if found is not None and found.kind == "class":
        if not call.arguments and call.opcode in ("INST", "OBJ"):
            return harmless(spelt)  # how Python 2 made instances
        return unknown(
            spelt, f"calls the class `{spelt}`, which its library does not do{shown(call)}", FUNCTION
        )
    if found is not None and _NUMBERS.fullmatch(name):
        return unknown(spelt, f"calls the function `{spelt}`{shown(call)}", FUNCTION)
    return _never_written(spelt, call) if found is not None else _called_unknown(call, name, spelt)


def _allowed(call: Call, name: str, spelt: str) -> Judgement:
    tool = hands_tool(name, call.arguments)
    if not tool:
        return harmless(spelt)
    text = f"Loading this file hands `{tool}` to `{spelt}`, which no library does{shown(call)}."
    return Judgement("dangerous", spelt, text, _UNUSUAL)


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
        return _never_written(spelt, call)
    return unknown(spelt, f"calls `{spelt}`, which may be any code{shown(call)}", CALLED)


def _never_written(spelt: str, call: Call) -> Judgement:
    text = f"Loading this file calls `{spelt}`, which nothing that saves a model writes{shown(call)}."
    return Judgement("dangerous", spelt, text, _UNUSUAL)
