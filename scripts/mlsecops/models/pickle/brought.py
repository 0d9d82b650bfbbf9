"""Functions and classes that cloudpickle and dill put into a pickle whole: their code comes with the file.

To make them runs nothing. What they would do when they are used is told by the names in their code
(`co_names`): without `eval`, `system`, `socket` and the like it is unknown, with them dangerous.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlsecops.models.pickle.judgement import (
    CALLED,
    Judgement,
    dangerous,
    harmless,
    judge_import,
    unknown,
)
from mlsecops.models.pickle.python_names import MAKERS, METACLASSES, brought_by
from mlsecops.models.pickle.shapes import SHAPES, Fits, is_brought, is_function, text_of
from mlsecops.models.pickle.values import Call, Constant, Global, Result, Sequence, Value
from mlsecops.models.pickle.values import Mapping as Pairs

Arguments = tuple[Value, ...]

# Names in code that run, import, load, delete or fetch, or lead to those that do.
_NAMES_TEXT = """
    eval exec execfile breakpoint __import__ __builtins__ __globals__ __subclasses__ __code__ __loader__
    __getattribute__ __mro__ __base__ __bases__ mro globals locals vars f_globals f_builtins f_back os nt
    posix system popen Popen subprocess pty commands check_output check_call getoutput getstatusoutput
    spawn spawnl spawnv execv execve execvp execl fork forkpty startfile multiprocessing importlib
    import_module exec_module load_module runpy run_path run_module builtins sys _getframe ctypes CDLL cdll
    windll dlopen cffi socket create_connection urlopen urlretrieve urllib requests httplib ftplib smtplib
    paramiko pickle cPickle marshal dill cloudpickle shutil rmtree unlink rmdir FunctionType CodeType
    memoryview webbrowser
"""
_NAMES = frozenset(_NAMES_TEXT.split())
_OBJECT = re.compile(r"__call__(?:\(\)\.(?:__setstate__|append|extend|add|update|__setitem__|__new__))?")
# What dill sets of a function, `save_function` in dill/_dill.py.
_FUNCTION_STATE = re.compile(r"__(?:name|qualname|annotations|kwdefaults|defaults|module|doc|type_params)__")


def judge_brought(call: Call, name: str) -> Judgement | None:
    """What a call of a helper of cloudpickle or dill, or of what one of them made, does; None for others."""
    made, _, method = name.partition("().")
    helper = brought_by(made)
    if helper is None:
        return None
    if method:
        return _of_made(call, helper, made, method)
    if helper in MAKERS["code"]:
        return _code(call, name)
    return harmless(name) if call.exact and _SHAPES[helper](call.arguments) else dangerous(name, "code", call)


def _of_made(call: Call, helper: str, made: str, method: str) -> Judgement | None:
    """Of a class that the file brings there are objects; a function of it is only kept, not called."""
    if helper in MAKERS["class"] and _OBJECT.fullmatch(method):
        return unknown(made, f"makes an object of a class that it brings along, through `{made}`", CALLED)
    if helper in MAKERS["function"] and method == "__setstate__" and call.opcode == "BUILD":
        plain = all(map(_is_function_state, call.arguments))
        return harmless(made) if plain else dangerous(made, "inside", call)
    return None


def _code(call: Call, name: str) -> Judgement:
    found = _named(call.arguments)
    if found is None:
        return dangerous(name, "code", call)
    names, where = found
    for each in names:
        if each in _NAMES:
            text = f"Loading this file brings along Python code{where} that names `{each}`."
            return Judgement("dangerous", name, text, 9.0)
    return unknown(name, f"brings along Python code{where}, which may do anything when it is used", CALLED)


def _named(arguments: Arguments) -> tuple[list[str], str] | None:
    """The names in a code object and how to call it, or None where it cannot be seen.

    Its tuples are constants, names and local names, in this order in every version of Python.
    """
    tuples = [each for each in arguments if isinstance(each, Sequence)]
    texts = [text for each in arguments if (text := text_of(each)) is not None]
    names = tuples[1] if len(tuples) > 2 else None
    if names is None or not names.whole or len(texts) < 2:
        return None
    found = [text_of(each) for each in names.items]
    if None in found or not all(map(_is_seen, tuples[0].items)) or not tuples[0].whole:
        return None
    return [each for each in found if each is not None], f", `{texts[1][:80]}`"


def _is_seen(constant: Value) -> bool:
    match constant:
        case Result(target):
            return target is not None and (
                brought_by(target) in MAKERS["code"] or target.startswith("builtins.")
            )
        case Global(name):
            return judge_import(name).kind == "harmless"
    return True


def _is_metaclass(value: Value) -> bool:
    return isinstance(value, Global) and bool(METACLASSES.fullmatch(value.name))


def _is_function_state(value: Value) -> bool:
    match value:
        case Pairs(items=pairs):
            return all(_FUNCTION_STATE.fullmatch(text_of(key) or "") for key, _ in pairs)
        case Sequence(items=items):
            return all(isinstance(each, Pairs | Constant) for each in items) and all(
                _is_function_state(each) for each in items[1:]
            )
    return isinstance(value, Constant)


def _function(arguments: Arguments) -> bool:
    return bool(arguments) and is_brought(arguments[0], "code")


def _function_state(arguments: Arguments) -> bool:
    return bool(arguments) and is_brought(arguments[0], "function")


def _class(arguments: Arguments) -> bool:
    return bool(arguments) and (_is_metaclass(arguments[0]) or is_brought(arguments[0], "class"))


def _enum(arguments: Arguments) -> bool:
    return bool(arguments) and isinstance(arguments[0], Sequence)


def _class_state(arguments: Arguments) -> bool:
    return bool(arguments) and is_brought(arguments[0], "class")


def _any(arguments: Arguments) -> bool:
    del arguments
    return True


def _constants(arguments: Arguments) -> bool:
    return all(isinstance(each, Constant) for each in arguments)


def _cell_content(arguments: Arguments) -> bool:
    return (
        len(arguments) == 3 and is_brought(arguments[0], "cell") and text_of(arguments[1]) == "cell_contents"
    )


def _decorated(arguments: Arguments) -> bool:
    match arguments:
        case (Global(name), *_):
            return judge_import(name).kind == "harmless"
        case (first, *_):
            return first == Constant(None) or is_brought(first, "function")
    return False


def _renamed(arguments: Arguments) -> bool:
    if len(arguments) != 3 or text_of(arguments[1]) != "__qualname__" or text_of(arguments[2]) is None:
        return False
    owner = arguments[0]
    known = isinstance(owner, Global) and judge_import(owner.name).kind != "dangerous"
    return known or is_brought(owner, "class")


def _tuple(arguments: Arguments) -> bool:
    """`_create_namedtuple(name, fields, module)` looks for it in the module first."""
    texts = [text_of(each) for each in arguments]
    if len(texts) < 3 or None in (texts[0], texts[2]):
        return False
    return judge_import(f"{texts[2]}.{texts[0]}").kind != "dangerous"


def _array(arguments: Arguments) -> bool:
    match arguments:
        case (Global(name), *_):
            return name.startswith("numpy.") and name.endswith("._reconstruct")
    return False


def _wrapped(arguments: Arguments) -> bool:
    return len(arguments) > 1 and arguments[0] == Global("functools.partial") and is_function(arguments[1])


_SHAPES: Mapping[str, Fits] = {
    **dict.fromkeys(MAKERS["function"], _function),
    **dict.fromkeys(MAKERS["class"], _class),
    **dict.fromkeys(MAKERS["cell"], _any),
    "_make_skeleton_enum": _enum,
    "_create_namedtuple": _tuple,
    "_get_dataclass_field_type_sentinel": _constants,
    "builtins.setattr": _renamed,
    "_function_setstate": _function_state,
    "_fill_function": _function_state,
    "_class_setstate": _class_state,
    "_rehydrate_skeleton_class": _class_state,
    "_cell_set": _any,
    "_setattr": _cell_content,
    "_make_typevar": _any,
    "_make_dict_keys": _any,
    "_make_dict_values": _any,
    "_make_dict_items": _any,
    "_gen_ellipsis": _constants,
    "_gen_not_implemented": _constants,
    "_create_array": _array,
    "_create_ftype": _wrapped,
    "_create_stringi": _constants,
    "_create_stringo": _constants,
    "_create_lock": _constants,
    "_create_rlock": _constants,
    "subimport": _constants,
    "_import_module": _constants,
    "_builtin_type": _constants,
    "_load_type": _constants,
    "_get_attr": SHAPES["builtins.getattr"],
    "builtins.classmethod": _decorated,
    "builtins.staticmethod": _decorated,
    "builtins.property": _decorated,
}
