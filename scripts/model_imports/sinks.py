"""Whether code reaches something that runs, loads, writes or fetches: looked up in code, nothing is called.

Runs inside of scratch environments, from Python 3.7 on.
"""

from __future__ import annotations

import builtins
import dis
import types
from typing import Any

DEPTH = 5
HANDLES = {"_LIB": "native"}  # how boosting libraries call their own C code, with handles as they are
BUILTINS = {
    "eval": "code",
    "exec": "code",
    "compile": "code",
    "__import__": "import",
    "open": "file",
    "input": "process",
    "breakpoint": "process",
}
MODULES = {
    "subprocess": "process",
    "pty": "process",
    "multiprocessing": "process",
    "ctypes": "native",
    "_ctypes": "native",
    "cffi": "native",
    "importlib": "import",
    "runpy": "code",
    "code": "code",
    "pickle": "load",
    "_pickle": "load",
    "cPickle": "load",
    "dill": "load",
    "cloudpickle": "load",
    "marshal": "load",
    "shelve": "load",
    "shutil": "file",
    "tempfile": "file",
    "zipfile": "file",
    "tarfile": "file",
    "gzip": "file",
    "bz2": "file",
    "lzma": "file",
    "socket": "network",
    "ssl": "network",
    "urllib": "network",
    "http": "network",
    "requests": "network",
    "webbrowser": "network",
    "ftplib": "network",
    "smtplib": "network",
}
# Parts of dangerous modules that only compute or tell.
PLAIN = {
    "importlib": ("util.find_spec", "metadata.version", "metadata.PackageNotFoundError"),
    "pickle": ("dumps", "HIGHEST_PROTOCOL", "PicklingError", "PickleError", "UnpicklingError", "Pickler"),
    "_pickle": ("dumps", "PicklingError"),
    "urllib": ("parse",),
    "tempfile": ("gettempdir",),
    "multiprocessing": ("cpu_count", "current_process"),
    "shutil": ("get_terminal_size", "which"),
    "ctypes": ("c_", "sizeof", "POINTER", "byref", "cast", "addressof", "Structure", "py_object"),
}
OS = {
    "system": "process",
    "popen": "process",
    "startfile": "process",
    "fork": "process",
    "kill": "process",
    "putenv": "process",
    "open": "file",
    "remove": "file",
    "unlink": "file",
    "rmdir": "file",
    "removedirs": "file",
    "rename": "file",
    "renames": "file",
    "replace": "file",
    "makedirs": "file",
    "mkdir": "file",
    "chmod": "file",
    "chown": "file",
    "symlink": "file",
    "link": "file",
    "truncate": "file",
}
# Attributes of whatever object, so telling that the object need not be known.
ATTRIBUTES = {
    "import_module": "import",
    "exec_module": "import",
    "load_module": "import",
    "check_output": "process",
    "check_call": "process",
    "Popen": "process",
    "urlopen": "network",
    "urlretrieve": "network",
    "unlink": "file",
    "rmtree": "file",
    "write_text": "file",
    "write_bytes": "file",
    "read_text": "file",
    "read_bytes": "file",
    "fromfile": "file",
    "tofile": "file",
    "memmap": "file",
    "loadtxt": "file",
    "savetxt": "file",
    "genfromtxt": "file",
    "read_csv": "file",
    "to_csv": "file",
    "read_pickle": "load",
    "to_pickle": "file",
    "CDLL": "native",
    "LoadLibrary": "native",
}


def reached(function: Any, owner: Any, roots: tuple[str, ...], depth: int = DEPTH) -> str:
    """What a function reaches, directly or through functions of `roots`: a word of the tables, or "".

    `owner` is the class whose method it is: `self.other()` is followed through it.
    """
    return _Search(roots, owner).of(function, depth)


class _Search:
    """One search; remembers where it was."""

    def __init__(self, roots: tuple[str, ...], owner: Any) -> None:
        self._roots = roots
        self._owner = owner
        self._seen = set()  # type: set[Any]

    def of(self, function: Any, depth: int) -> str:
        """What a callable reaches within `depth` calls."""
        code, names = _code_of(function)
        if code is None or code in self._seen:
            return ""
        self._seen.add(code)
        return self._of_code(code, names, depth)

    def _of_code(self, code: types.CodeType, names: dict[str, Any], depth: int) -> str:
        for chain in _chains(code):
            sort = self._of_chain(chain, names, depth)
            if sort:
                return sort
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                sort = self._of_code(inner, names, depth)
                if sort:
                    return sort
        return ""

    def _of_chain(self, chain: list[str], names: dict[str, Any], depth: int) -> str:
        first = chain[0]
        for attribute in chain[1:]:
            if attribute in ATTRIBUTES:
                return ATTRIBUTES[attribute]
        if not first:
            return self._of_method(chain, depth)
        if first.startswith("import "):
            top, *rest = first[7:].split(".")
            return _of_module(top, [*rest, *chain[1:]])
        return HANDLES.get(first, "") or self._of_global(chain, names, depth)

    def _of_global(self, chain: list[str], names: dict[str, Any], depth: int) -> str:
        first = chain[0]
        found = names.get(first, getattr(builtins, first, None))
        if found is getattr(builtins, first, object()) and len(chain) == 1:
            return BUILTINS.get(first, "")
        for position, attribute in enumerate(chain[1:], start=1):
            if isinstance(found, types.ModuleType):
                sort = _of_module(found.__name__, chain[position:])
                if sort:
                    return sort
                found = vars(found).get(attribute)
            elif isinstance(found, type):
                found = vars(found).get(attribute)
            else:
                return ""
        return self._of_object(found, depth)

    def _of_method(self, chain: list[str], depth: int) -> str:
        if len(chain) < 2 or self._owner is None or depth <= 0:
            return ""
        for base in self._owner.__mro__:
            if chain[1] in vars(base) and _root(base) in self._roots:
                return self.of(vars(base)[chain[1]], depth - 1)
        return ""

    def _of_object(self, found: Any, depth: int) -> str:
        module = getattr(found, "__module__", None)
        if not isinstance(module, str) or isinstance(found, types.ModuleType):
            return ""
        if _root(found) not in self._roots:
            name = getattr(found, "__name__", "")
            return _of_module(module, [name]) if isinstance(name, str) else ""
        if depth <= 0:
            return ""
        if isinstance(found, type):
            return _Search(self._roots, found).of(vars(found).get("__init__"), depth - 1)
        return self.of(found, depth - 1)


def _root(found: Any) -> str:
    return str(getattr(found, "__module__", "") or "").split(".")[0]


def _code_of(function: Any) -> tuple[Any, dict[str, Any]]:
    for _ in range(8):
        if isinstance(function, (staticmethod, classmethod)):
            function = function.__func__
        elif isinstance(function, property):
            function = function.fget
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "func") and callable(function.func):
            function = function.func
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return None, {}
    names = dict(getattr(function, "__globals__", {}))
    cells = getattr(function, "__closure__", None) or ()
    for position, name in enumerate(code.co_freevars):
        if position < len(cells):
            try:
                names[name] = cells[position].cell_contents
            except ValueError:  # not filled yet
                continue
    return code, names


def _of_module(module: str, rest: list[str]) -> str:
    top, _, below = module.partition(".")
    path = ".".join([*([below] if below else []), *rest])
    if top in ("os", "posix", "nt"):
        name = rest[0] if rest else ""
        if module == "os.path":
            return ""
        return "process" if name.startswith(("exec", "spawn", "posix_spawn")) else OS.get(name, "")
    if top in ("io", "_io"):
        return "file" if rest and rest[0] in ("open", "FileIO", "open_code") else ""
    if top not in MODULES or not rest or path.startswith(PLAIN.get(top, ())):
        return ""
    return MODULES[top]


def _chains(code: types.CodeType) -> list[list[str]]:
    """Names that code looks up: `["np", "load"]`; "" for its first argument, "import x" for a module."""
    own = (code.co_varnames if code.co_argcount else ("",))[0]
    aliases = {}  # type: dict[str, str]
    chains = []  # type: list[list[str]]
    imported = ""
    for step in dis.get_instructions(code):
        name = step.argval if isinstance(step.argval, str) else ""
        operation = step.opname
        if operation in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            chains.append([name])
        elif operation.startswith("LOAD_FAST"):
            for each in _locals(step.argval):
                known = aliases.get(each)
                chains.append([known] if known else ["", *(() if each == own else ("",))])
        elif operation in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR") and chains:
            chains[-1].append(name)
        elif operation == "IMPORT_NAME":
            imported = name
            chains.append(["import " + name])
        elif operation == "IMPORT_FROM":
            chains.append(["import " + imported, name])
        elif operation == "STORE_FAST":
            aliases.update(_bound(name, chains))
        elif not operation.startswith(
            ("PUSH_NULL", "CACHE", "EXTENDED_ARG", "PRECALL", "COPY_FREE", "RESUME")
        ):
            chains.append(["", ""])
    return [chain for chain in chains if chain != ["", ""]]


def _bound(name: str, chains: list[list[str]]) -> dict[str, str]:
    """A local name that is given to what was imported just before."""
    if not chains or not chains[-1][0].startswith("import "):
        return {}
    return {name: "import " + ".".join([chains[-1][0][7:], *chains[-1][1:]])}


def _locals(argument: Any) -> tuple[str, ...]:
    return tuple(argument) if isinstance(argument, tuple) else (str(argument),)
