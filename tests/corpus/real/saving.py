"""Where a real object goes: one file a call, and an index of all."""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROTOCOLS = (2, 3, 4, 5)
COMPRESSORS: tuple[Any, ...] = (
    0,
    3,
    ("zlib", 9),
    ("gzip", 3),
    ("bz2", 3),
    ("lzma", 3),
    ("xz", 3),
    ("lz4", 3),
)


def found(path: str) -> Any:
    """A name of an installed library, such as `sklearn.linear_model:Ridge`; a module without the colon."""
    module, _, names = path.partition(":")
    thing: Any = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        thing = getattr(thing, name)
    return thing


@dataclass(slots=True)
class Saving:
    """Files in a folder, numbered, with what each one is."""

    folder: Path
    index: list[dict[str, str]] = field(default_factory=list)

    def path(self, suffix: str, technique: str, family: str) -> Path:
        """A new place; a library writes to it."""
        name = f"{len(self.index):04}/model{suffix}"
        self.index.append({"name": name, "technique": technique, "family": family})
        path = self.folder / name
        path.parent.mkdir(parents=True)
        return path

    def pickled(self, value: object, technique: str, family: str, protocol: int = -1) -> None:
        """Save with pickle; the protocol changes from file to file."""
        if protocol < 0:
            protocol = PROTOCOLS[len(self.index) % len(PROTOCOLS)]
        path = self.path(".pkl", f"{technique}, protocol {protocol}", family)
        path.write_bytes(pickle.dumps(value, protocol))

    def dumped(self, value: object, technique: str, family: str, compress: Any = None) -> None:
        """Save with joblib; the compressor changes from file to file."""
        if compress is None:
            compress = COMPRESSORS[len(self.index) % len(COMPRESSORS)]
        path = self.path(".joblib", f"{technique}, joblib compress={compress}", family)
        found("joblib:dump")(value, str(path), compress=compress)

    def written(self, write: Callable[[str], object], suffix: str, technique: str, family: str) -> None:
        """Save with a function of the library that takes a path."""
        write(str(self.path(suffix, technique, family)))

    def close(self) -> None:
        """Write the index."""
        (self.folder / "index.json").write_text(json.dumps(self.index), encoding="utf-8")
