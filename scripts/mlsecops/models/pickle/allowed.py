"""What libraries write into their pickles, by full dotted path; `scripts/make-model-imports` asked them.

`data/model-imports.json.gz` holds one text for each library, which is taken apart when a name of it comes up.
A line is `module kind versions names...`, the kind being one of

- `call`: written as something that is called (a class, or a helper that puts an object together);
- `class`: written as the class of an object, which is made without calling it;
- `name`: a function, only ever named;
- `!code`, `!process`, `!file`, ...: not allowed, for its code reaches such a thing when it is called.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from mlsecops.models.pickle.dangers import by_name
from mlsecops.models.pickle.python_names import PYTHON

Kind = Literal["call", "class", "name"]
_FILE = Path(__file__).parents[2] / "data" / "model-imports.json.gz"
_KINDS: Mapping[str, Kind] = {"call": "call", "class": "class", "name": "name"}
# Types that a TorchScript archive brings along; its programs have a reader of their own.
_SCRIPTED = re.compile(r"__torch__(?:\.(?:___torch_mangle_\d+|(?!__)\w+))+")
# Modules that were renamed, and copies of one library within another.
_SAME = (
    ("numpy._core.", "numpy.core."),
    ("sklearn.externals.joblib.", "joblib."),
    ("numpy.core.", "numpy._core."),
    ("scipy._lib.array_api_compat.", "scipy._external.array_api_compat."),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An allowed name: how it is used, whose it is, and in which versions it was seen."""

    kind: Kind
    library: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Library:
    """One library's names; `short` has those that may move, `reach` dangers by their last names."""

    entries: Mapping[str, Entry]
    dangers: Mapping[str, str]
    short: Mapping[str, Entry] = field(default_factory=dict)
    reach: Mapping[str, str] = field(default_factory=dict)


def entry(name: str) -> Entry | None:
    """The allowed name, or None; what another version keeps in another module of its library, too."""
    if kind := PYTHON.get(name):
        return Entry(kind, "python")
    if _SCRIPTED.fullmatch(name):
        return Entry("class", "torch")
    top, _, rest = name.partition(".")
    if not rest or (library := known(top)) is None:
        return None
    if found := library.entries.get(name):
        return found
    for old, new in _SAME:
        if name.startswith(old) and (found := _plain(new + name[len(old) :])):
            return found
    moved = library.short.get(name.rpartition(".")[2])
    return None if moved is None or danger(name) or danger_elsewhere(name) or by_name(name) else moved


def danger(name: str) -> str:
    """What calling a name of a known library reaches ("code", "process", ...), or ""."""
    library = known(name.partition(".")[0])
    return library.dangers.get(name, "") if library else ""


def danger_elsewhere(name: str) -> str:
    """As `danger`, of what another module of that library has under the same last name: it may import it."""
    library = known(name.partition(".")[0])
    return library.reach.get(name.rpartition(".")[2], "") if library else ""


def is_known(name: str) -> bool:
    """Whether the name is of a library whose pickles are known."""
    return name.partition(".")[0] in _document()["libraries"]


def is_module(name: str) -> bool:
    """Whether the name is that of a known library itself, or of a module of it that has allowed names."""
    library = None if by_name(name) else known(name.partition(".")[0])
    return library is not None and any(path.startswith(f"{name}.") for path in library.entries)


def versions() -> Mapping[str, tuple[str, ...]]:
    """The versions of each library that were looked at."""
    return {name: tuple(found) for name, found in _document()["versions"].items()}


def _plain(name: str) -> Entry | None:
    library = known(name.partition(".")[0])
    return library.entries.get(name) if library else None


@cache
def _document() -> Mapping[str, Mapping[str, str]]:
    document: Mapping[str, Mapping[str, str]] = json.loads(gzip.decompress(_FILE.read_bytes()))
    return document


@cache
def known(top: str) -> Library | None:
    """A library by the name of its outermost package; None where its pickles are not known."""
    text = _document()["libraries"].get(top)
    if text is None:
        return None
    seen = _document()["versions"].get(top, ())
    entries: dict[str, Entry] = {}
    dangers: dict[str, str] = {}
    short: dict[str, Entry] = {}
    shared: dict[tuple[str, str], Entry] = {}
    reach: dict[str, str] = {}
    for line in text.split("\n"):
        module, kind, letters, *names = line.split(" ")
        if kind.startswith("!"):
            dangers.update((f"{module}.{name}", kind[1:]) for name in names)
            reach.update(dict.fromkeys(names, kind[1:]))
            continue
        where = (top, tuple(seen[ord(each) - ord("a")] for each in letters if each != "-"))
        one = shared.setdefault((kind, letters), Entry(_KINDS[kind], *where))
        for name in names:
            path = f"{module}.{name}"
            entries.setdefault(path, one)
            if kind == "class":
                short[name] = one
            elif kind == "name" and not name.startswith("_"):
                short.setdefault(name, one)
    return Library(entries, dangers, short, reach)
