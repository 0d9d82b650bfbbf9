"""Dotted names of what a pickle imports: what can be told from a name alone."""

from __future__ import annotations

import _compat_pickle
import re
import sys
from collections.abc import Sequence

# Where Python 3 has something else under the same name this is kept apart.
_PYTHON_2_TEXT = """
    __builtin__ commands popen2 imp pipes asyncore asynchat smtpd telnetlib nntplib cgi cgitb crypt
    distutils lib2to3 xdrlib uu sndhdr imghdr msilib ossaudiodev spwd nis mailcap aifc audioop chunk sunau
    formatter parser symbol macpath binhex _bootlocale dummy_threading urllib2 httplib cPickle cStringIO
    StringIO anydbm _xxsubinterpreters _interpreters _posixsubprocess posix nt _winapi exceptions copy_reg
    _aix_support _osx_support _pyrepl test _testcapi os2 ce _bootsubprocess _ctypes whichdb dbhash
    ConfigParser Queue SocketServer BaseHTTPServer SimpleHTTPServer thread xmlrpclib DocXMLRPCServer
    cookielib Cookie htmlentitydefs HTMLParser robotparser Tkinter _testinternalcapi sitecustomize
    usercustomize __phello__ __hello__ md5 sets compiler
"""
_PYTHON_2 = frozenset(_PYTHON_2_TEXT.split())
STANDARD = frozenset(sys.stdlib_module_names) | _PYTHON_2
# Dunders that libraries themselves write.
_PLAIN_DUNDERS = re.compile(
    r"__pyx_unpickle_\w+|__(generator|randomstate|bit_generator|RandomState)_ctor|__nat_unpickle|__main__"
    r"|__mp_main__|__newobj(_ex)?__|__builtin__|__future__"
)
# Dunders, and attributes of functions, frames and classes that lead to globals or to all classes.
_MACHINERY = re.compile(
    r"__\w+|func_(?:globals|code|closure)|f_(?:globals|locals|builtins|back|code)|(?:gi|cr|ag)_(?:frame|code)"
    r"|tb_frame|mro|im_(?:func|self|class)|co_\w+"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDENTIFIER = re.compile(r"(?:[^\W\d]|_)\w*\Z")
# Modules of Python that are known by name wherever they turn up within another module.
_INNER_TEXT = """
    os sys subprocess builtins __builtin__ posix nt importlib ctypes runpy pty _os pickle _pickle cPickle
    marshal shutil socket tempfile multiprocessing imp _sys webbrowser commands cloudpickle dill pkgutil
    zipimport linecache _winapi _imp inspect gc threading _thread urllib asyncio _subprocess _io requests
"""
_INNER = frozenset(_INNER_TEXT.split())
# A module of another library may well be called so; its classes are not Python's.
_COMMON_TEXT = """
    inspect gc requests threading asyncio imp commands urllib pickle _io
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def canonical(name: str) -> str:
    """The name as Python 3 has it: `__builtin__.eval` is `builtins.eval`."""
    module, _, rest = name.rpartition(".")
    if (module, rest) in _compat_pickle.NAME_MAPPING:
        return ".".join(_compat_pickle.NAME_MAPPING[module, rest])
    top, _, rest = name.partition(".")
    return f"{_compat_pickle.IMPORT_MAPPING.get(top, top)}.{rest}" if rest else name


def strange(name: str) -> str:
    """The first part of a name that leads into Python's own machinery, such as `__globals__`, or ""."""
    for part in name.replace("()", "").split("."):
        if _MACHINERY.fullmatch(part) and not _PLAIN_DUNDERS.fullmatch(part):
            return part
    return ""


def inner(name: str) -> str | None:
    """The end of a path through another module's imports: `torch.hub.os.system` -> `os.system`."""
    parts = name.split(".")
    for place in range(len(parts) - 2, 0, -1):
        if parts[place] not in _INNER or (parts[place] in _COMMON and not _is_theirs(parts, place)):
            continue
        module = parts[place].lstrip("_") if parts[place] in ("_os", "_sys") else parts[place]
        return ".".join([module, *parts[place + 1 :]])
    return None


def _is_theirs(parts: Sequence[str], place: int) -> bool:
    """Whether a common word is Python's module: its own package stands before it or its function behind."""
    return parts[0] in STANDARD or parts[place + 1] in _THEIRS


_THEIRS_TEXT = """
    load loads get post request urlopen getoutput getstatusoutput load_source get_objects
    create_subprocess_shell create_subprocess_exec Thread Timer Unpickler FileIO open
"""
_THEIRS = frozenset(_THEIRS_TEXT.split())


def is_standard(name: str) -> bool:
    """Whether the name is in Python's own library."""
    return name.partition(".")[0] in STANDARD


def is_plain(name: str) -> bool:
    """Whether a name is what compilers make: identifiers, dots and `()`, no computed nonsense."""
    return all(_IDENTIFIER.match(part.removesuffix("()")) for part in name.split("."))


def words(name: str) -> tuple[str, ...]:
    """The words of the last part of a name, in lower case: `_runString` -> ("run", "string")."""
    return tuple(word.lower() for word in _WORD.findall(name.rpartition(".")[2]))


def looks_like_class(name: str) -> bool:
    """Whether the last part is spelt as classes are."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()
