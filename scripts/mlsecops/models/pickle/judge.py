"""What is to be said of an import or a call in a pickle: harmless, dangerous, or unknown.

Harmless is what a known library writes, in the shape in which it writes it; dangerous what can run, load,
write or fetch; unknown all the rest, as grave as what the name could stand for.
"""

from __future__ import annotations

from mlsecops.models.pickle.allowed import danger, entry
from mlsecops.models.pickle.arguments import looks_dangerous, names_something, shown
from mlsecops.models.pickle.brought import judge_brought
from mlsecops.models.pickle.called import judge_called
from mlsecops.models.pickle.dangers import ABILITIES, by_name, by_words
from mlsecops.models.pickle.judgement import (
    CALLED,
    FUNCTION,
    OBJECT,
    UNUSUAL,
    Judgement,
    Verdict,
    dangerous,
    harmless,
    judge_import,
    never_written,
    unknown,
)
from mlsecops.models.pickle.names import canonical, strange, words
from mlsecops.models.pickle.objects import LONGEST_NAME
from mlsecops.models.pickle.python_names import METACLASSES
from mlsecops.models.pickle.shapes import SHAPES
from mlsecops.models.pickle.states import bad_state
from mlsecops.models.pickle.values import Call, Global, Import, Result

_MADE = frozenset({"NEWOBJ", "NEWOBJ_EX"})
_FILLING = frozenset({"append", "extend", "add", "__setitem__", "update"})
_NAMELESS = 7.5
_TWINS = ("_operator.", "_functools.")


def judge(event: Import | Call) -> Judgement:
    """What loading does by importing or calling this."""
    return judge_import(event.name) if isinstance(event, Import) else judge_call(event)


def judge_name(name: str) -> Verdict:
    """The kind of `judge_import`; of a name that is longer than any, by its beginning."""
    return judge_import(name[:LONGEST_NAME]).kind


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
    return judge_called(call, name)


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
        return Judgement("dangerous", subject, text, UNUSUAL)
    if strange(method):
        return dangerous(subject, "inside", call)
    strong = base.kind != "harmless" and not names_something(call)
    if ability := by_words(words(subject), strong=strong) or looks_dangerous(call):
        return dangerous(subject, ability, call)
    if base.kind == "harmless":
        return never_written(subject, call)
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
        return Judgement("dangerous", spelt, text, UNUSUAL)
    first = call.arguments[0] if call.arguments else None
    if name.startswith("copyreg.") and isinstance(first, Global):
        return _made(first.name)
    if isinstance(first, Result) and name.startswith("copyreg."):
        return unknown(spelt, "makes an object of a class that it brings along", CALLED)
    return harmless(spelt)
