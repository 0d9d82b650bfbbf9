"""PyTorch's own archives: what is in them beside pickles and weights, which other readers read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlsecops.models import torch_code
from mlsecops.models.inspection import Fact
from mlsecops.models.member_names import shown
from mlsecops.models.rules.archives import AMBIGUOUS, EXPORT, NATIVE, OPERATOR, PACKAGE, SCRIPT
from mlsecops.models.source import Source
from mlsecops.models.torch_code import Reach
from mlsecops.models.torch_layout import Layout, layout_of
from mlsecops.models.walk import UnreadableError, Walk
from mlsecops.models.zip.content import text_of
from mlsecops.models.zip.entries import Entry
from mlsecops.models.zip.structure import is_zip, read_structure
from mlsecops.sarif.build import Rule

_MOST_SOURCE, _MOST_GRAPH = 16 << 20, 32 << 20
_COMPILED = (".so", ".dll", ".dylib", ".pyd", ".o", ".cubin", ".hsaco", ".cpp", ".ptx", ".spv", ".metallib")
_UNKNOWN = 6.0  # severity of what hides which operator it calls
_MOBILE = b"PTMF"
_SENTENCES: Mapping[str, tuple[Rule, str]] = {
    "file": (SCRIPT, "Running this model calls `{}`, which reads or writes a file."),
    "network": (SCRIPT, "Running this model calls `{}`, which talks to another machine."),
    "custom": (OPERATOR, "Running this model needs `{}`, native code from outside of PyTorch."),
    "hidden": (SCRIPT, "The model's program hides which operator it calls: `{}`."),
    "code": (EXPORT, "Loading this exported program calls or evaluates `{}`."),
}


@dataclass(frozen=True, slots=True)
class Torch:
    """Reads the code and graphs in zips of PyTorch; their pickles and weights go through the zip's reader."""

    format: str = "PyTorch"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the names in a zip."""
        return is_zip(head, source) and layout_of(read_structure(source).names) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Note the kind of archive and what its program does. Raises UnreadableError."""
        structure = read_structure(source)
        layout = layout_of(structure.names)
        if layout is None:
            return
        walk.found.producer = walk.found.producer or "torch"
        walk.found.details.setdefault("torch", layout.kind)
        _check_roots(layout, source, walk)
        entries = [entry for entry in structure.entries if not entry.name.endswith("/") and entry.size]
        for entry in entries:
            reader = _reader_of(entry.name, layout)
            if reader is not None:
                _read_text(entry, reader, source, walk)
        if layout.kind == "torch.package":
            _tell_package([entry.name for entry in entries if entry.name.endswith(".py")], source, walk)
        compiled = [entry.name for entry in entries if _is_compiled(entry.name, layout)]
        for name in compiled[:10]:
            message = f"Loading this package runs the native code in `{shown(name)}`."
            walk.found.add(Fact(rule=NATIVE.id, subject=shown(name), message=message, part=source.name))
        walk.found.streams += 1


def _check_roots(layout: Layout, source: Source, walk: Walk) -> None:
    if layout.kind == "PyTorch" and len(layout.roots) > 1:
        names = " and ".join(f"`{shown(root)}data.pkl`" for root in layout.roots[:2])
        message = f"It holds {names}, and loaders differ in which they read."
        walk.found.add(Fact(rule=AMBIGUOUS.id, subject="data.pkl", message=message, part=source.name))


_Look = Callable[[bytes], Iterator[Reach]]


def _reader_of(name: str, layout: Layout) -> _Look | None:
    below = name.removeprefix(layout.root)
    if layout.kind == "TorchScript" and below.startswith("code/") and below.endswith(".py"):
        return _look_at_script
    if layout.kind == "TorchScript" and below == "bytecode.pkl":
        return torch_code.in_bytecode
    if layout.kind == "torch.export" and below.endswith(".json"):
        return torch_code.in_export
    return None


def _look_at_script(data: bytes) -> Iterator[Reach]:
    return torch_code.in_script(data.decode("utf-8", "replace"))


def _read_text(entry: Entry, look: _Look, source: Source, walk: Walk) -> None:
    part = source.part(0, 0, shown(entry.name)).name
    most = _MOST_SOURCE if look is _look_at_script else _MOST_GRAPH
    try:
        data = text_of(entry, source, most)
    except UnreadableError as error:
        walk.found.not_read(part, str(error))
        return
    for reach in look(data):
        rule, sentence = _SENTENCES[reach.kind]
        name = shown(reach.name)
        severity = _UNKNOWN if reach.kind == "hidden" else None
        walk.found.add(
            Fact(rule=rule.id, subject=name, message=sentence.format(name), part=part, severity=severity)
        )


def _tell_package(modules: list[str], source: Source, walk: Walk) -> None:
    if modules:
        more = f" and {len(modules) - 1} more" if len(modules) > 1 else ""
        message = f"Loading this package runs the Python code in it: `{shown(modules[0])}`{more}."
        walk.found.add(Fact(rule=PACKAGE.id, subject="modules", message=message, part=source.name))


def _is_compiled(name: str, layout: Layout) -> bool:
    return layout.kind == "torch.export" and layout.judges(name) and name.endswith(_COMPILED)


@dataclass(frozen=True, slots=True)
class TorchPrograms:
    """Knows the flatbuffers of PyTorch's mobile models, which nothing here reads."""

    format: str = "PyTorch mobile"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the file identifier of a flatbuffer."""
        del source
        return head[4:8] == _MOBILE

    def read(self, source: Source, walk: Walk) -> None:
        """Raises UnreadableError that names the format."""
        del source, walk
        raise UnreadableError("PyTorch's flatbuffer models have no reader here")
