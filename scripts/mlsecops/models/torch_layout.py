"""Which of PyTorch's archives a zip is, by the names in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["PyTorch", "TorchScript", "torch.package", "torch.export", "TorchServe"]


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of archive below `root`, a folder's name with its slash or ""; `roots` are all in the zip."""

    kind: Kind
    root: str
    roots: tuple[str, ...] = ()

    def judges(self, name: str) -> bool:
        """Whether the code in a member is for the reader of PyTorch archives to judge."""
        if not name.startswith(self.root):
            return False
        below = name[len(self.root) :]
        if self.kind == "TorchScript":
            return below.startswith("code/")
        if self.kind == "torch.export":
            return "aotinductor/" in below
        return self.kind == "torch.package"


# The first that fits counts; each kind by the end of a name that only it has.
_MARKS: tuple[tuple[str, Kind], ...] = (
    (".data/extern_modules", "torch.package"),
    (".data/python_version", "torch.package"),
    ("serialized_exported_program.json", "torch.export"),
    ("archive_format", "torch.export"),
    ("constants.pkl", "TorchScript"),
    ("bytecode.pkl", "TorchScript"),
    ("MAR-INF/MANIFEST.json", "TorchServe"),
    ("data.pkl", "PyTorch"),
)


def layout_of(names: Iterable[str]) -> Layout | None:
    """The kind of archive, None where it is none of PyTorch's."""
    seen = list(dict.fromkeys(names))
    for mark, kind in _MARKS:
        roots = [name.removesuffix(mark) for name in seen if name.endswith(mark)]
        roots = [root for root in roots if not root or root.endswith("/")]
        if roots:
            return Layout(kind, min(roots, key=len), tuple(roots))
    return None
