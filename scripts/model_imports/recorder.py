"""Pickles things in every way there is and notes by what they are rebuilt.

Runs inside of scratch environments, from Python 3.7 on.
"""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

KINDS = ("name", "class", "call")


class Recorder:
    """Names seen, each with its gravest use: called, rebuilt as an object, or only named."""

    def __init__(self) -> None:
        self.seen = {}  # type: dict[tuple[str, str], str]
        self.tried = 0
        self.written = 0

    def note(self, module: str, name: str, kind: str) -> None:
        """Keep a name."""
        known = self.seen.get((module, name), KINDS[0])
        self.seen[module, name] = max(known, kind, key=KINDS.index)

    def pickle(self, thing: Any) -> None:
        """Write a thing with every protocol and as joblib does, noting what a loader would call."""
        self.tried += 1
        with self.listening():
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with suppress(Exception):
                    vars(pickle)["_Pickler"](io.BytesIO(), protocol).dump(thing)
                    self.written += protocol == 2
            with suppress(Exception):
                importlib.import_module("joblib").dump(thing, io.BytesIO())

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, all that the Python pickler writes is noted."""
        pickler = vars(pickle)["_Pickler"]
        reduce, name = pickler.save_reduce, pickler.save_global
        recorder = self

        def save_reduce(self: Any, func: Any, args: Any, *rest: Any, **named: Any) -> Any:
            recorder.note_call(func, args)
            return reduce(self, func, args, *rest, **named)

        def save_global(self: Any, obj: Any, name_: Any = None) -> Any:
            recorder.note_name(obj, name_)
            return name(self, obj, name_)

        pickler.save_reduce, pickler.save_global = save_reduce, save_global
        by_type = {key: function for key, function in pickler.dispatch.items() if function is name}
        pickler.dispatch.update(dict.fromkeys(by_type, save_global))
        try:
            yield
        finally:
            pickler.save_reduce, pickler.save_global = reduce, name
            pickler.dispatch.update(by_type)

    def note_call(self, func: Any, args: Any) -> None:
        """Note what an object is rebuilt with."""
        helper = getattr(func, "__name__", "")
        if helper in ("__newobj__", "__newobj_ex__", "_reconstructor") and args:
            self.note(*_path(args[0], None), "class")
        elif helper == "_ufunc_reconstruct":
            self.note(str(args[0]), str(args[1]), "name")
            self.note(*_path(func, None), "call")
        else:
            self.note(*_path(func, None), "call")

    def note_name(self, obj: Any, name: Any) -> None:
        """Note what is written by name."""
        self.note(*_path(obj, name), "class" if isinstance(obj, type) else "name")


def _path(obj: Any, name: Any) -> tuple[str, str]:
    name = name or getattr(obj, "__qualname__", None) or getattr(obj, "__name__", "?")
    return str(vars(pickle)["whichmodule"](obj, name)), str(name)
