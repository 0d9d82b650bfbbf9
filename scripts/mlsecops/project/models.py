"""Which files hold models: by suffix, by content, and by what stands around them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlsecops.project.formats import NOTHING, Content, content_of
from mlsecops.project.inventory import File, Format, ModelFile
from mlsecops.project.model_configs import is_config, may_be_config
from mlsecops.project.pointers import NAMES, dvc_outputs, pointer_of
from mlsecops.project.suffixes import AMBIGUOUS, MODEL_LIKE, OTHER, SURE, suffix_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mlsecops.project.inventory import Pointer, Why
    from mlsecops.project.leftout import Ledger

_BESIDE = (
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "model_index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "MLmodel",
)
_KNOWN_BINARY = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"RIFF",
    b"OggS",
    b"PAR1",
    b"ARROW1",
    b"Obj\x01",
    b"SQLite format 3",
    b"\x00asm",
)
_KERAS_IN_TENSORFLOW = "keras_metadata.pb"  # beside a saved_model.pb
_SPSS = (b"$FL2", b"$FL3")
_SHARD = re.compile(r"(.*)\.data-\d{5}-of-\d{5}", re.DOTALL)
_TEXT_TOO = frozenset(("bin", "weights"))


@dataclass(frozen=True, slots=True)
class _Candidate:
    file: File
    suffix: str
    content: Content
    text: bool
    spss: bool  # a table of SPSS, whose suffix is .sav too
    pointer: Pointer | None


@dataclass(slots=True)
class ModelFinder:
    """Sees every file once, then decides with all paths known."""

    ledger: Ledger
    _candidates: list[_Candidate] = field(default_factory=list)
    _dvc: list[tuple[File, str]] = field(default_factory=list)
    _configs: list[tuple[File, bytes]] = field(default_factory=list)

    def see(self, file: File, head: bytes, *, text: bool) -> None:
        """Take a file into account; `head` are its first bytes, `text` whether they are text."""
        name = file.uri.rpartition("/")[2]
        suffix = suffix_of(name)
        if suffix == "dvc" or name == "dvc.lock":
            self._dvc.append((file, head.decode("utf-8", errors="replace")))
            return
        if text and may_be_config(name, head):
            self._configs.append((file, head))
        pointer = pointer_of(head, file.size)
        content = NOTHING if pointer else self._content(file, suffix, head)
        if (
            content.format
            or suffix in SURE
            or suffix in AMBIGUOUS
            or pointer
            or _is_odd(name, suffix, head, text)
        ):
            spss = suffix == "sav" and head.startswith(_SPSS)
            self._candidates.append(_Candidate(file, suffix, content, text, spss, pointer))

    def models(self, uris: Collection[str], folders: Collection[str]) -> tuple[ModelFile, ...]:
        """Every model file, by path; `uris` are all files that were looked at, `folders` all folders."""
        parts = _parts(uris)
        owned = {part for several in parts.values() for part in several}
        found = [
            model
            for each in self._candidates
            if (each.content.format or each.file.uri not in owned)
            and (model := self._decide(each, uris, parts))
        ]
        for file, text in self._dvc:
            found += self._dvc_models(file, text, uris, folders)
        return tuple(sorted(found, key=lambda model: model.uri))

    def configs(self, models: Collection[ModelFile]) -> tuple[ModelFile, ...]:
        """Files that configure models and are none themselves, by path."""
        folders = {model.uri.rpartition("/")[0] for model in models}
        own = {model.uri for model in models}
        found = [file for file, head in self._configs if is_config(file.uri, head, folders)]
        return tuple(
            ModelFile(file.uri, "config", "content", None, file.size)
            for file in sorted(found, key=lambda file: file.uri)
            if file.uri not in own
        )

    def _content(self, file: File, suffix: str, head: bytes) -> Content:
        try:
            content = content_of(file.absolute, suffix, head, file.size)
        except OSError as error:
            self.ledger.add(file.uri, f"the file cannot be read: {error.strerror}", "unreadable")
            return NOTHING
        if content.unlisted and suffix not in SURE:
            self.ledger.add(file.uri, "the names in the archive cannot be listed", "unreadable")
        return content

    def _decide(
        self, each: _Candidate, uris: Collection[str], parts: dict[str, tuple[str, ...]]
    ) -> ModelFile | None:
        if each.pointer:
            return self._pointer_model(each, each.pointer)
        judged = _judged(each, uris, parts)
        if judged is None:
            return None
        format_, why = judged
        file = each.file
        return ModelFile(
            file.uri, format_, why, None, file.size, each.content.compression, parts.get(file.uri, ())
        )

    def _pointer_model(self, each: _Candidate, pointer: Pointer) -> ModelFile | None:
        file = each.file
        if not named_like_model(file.uri):
            folder = file.uri.rpartition("/")[0] or "."
            self.ledger.add(folder, f"{NAMES[pointer]} pointers, not the files (.{each.suffix})", "pointer")
            return None
        return ModelFile(file.uri, SURE.get(each.suffix, "unknown"), "suffix", pointer, file.size)

    def _dvc_models(
        self, file: File, text: str, uris: Collection[str], folders: Collection[str]
    ) -> Iterator[ModelFile]:
        missing = [path for path in dvc_outputs(text, file.uri) if path not in uris and path not in folders]
        models = [path for path in missing if named_like_model(path)]
        if models:
            format_ = SURE.get(suffix_of(models[0].rpartition("/")[2]), "unknown")
            yield ModelFile(file.uri, format_, "suffix", "dvc", file.size)
        for path in missing:
            self.ledger.add(path, f"kept by DVC ({file.uri}), not in the repository", "pointer")


def link_model(uri: str, pointer: Pointer) -> ModelFile | None:
    """A link whose name is a model's and which leads to nothing that can be looked at."""
    suffix = suffix_of(uri.rpartition("/")[2])
    return ModelFile(uri, SURE[suffix], "suffix", pointer, 0) if suffix in SURE else None


def _judged(each: _Candidate, uris: Collection[str], parts: Collection[str]) -> tuple[Format, Why] | None:
    if each.content.format:
        by_name = each.suffix in SURE or each.suffix in AMBIGUOUS
        return _combined(each.suffix, each.content.format), "both" if by_name else "content"
    if each.suffix in SURE:
        return None if each.spss else (SURE[each.suffix], "suffix")
    if each.file.uri in parts or each.file.uri.rpartition("/")[2] == _KERAS_IN_TENSORFLOW:
        return "tensorflow", "suffix"
    if each.content.archive and MODEL_LIKE.search(each.file.uri.lower()):
        return "archive", "surroundings"
    return ("unknown", "surroundings") if _surrounded(each, uris) else None


def _combined(suffix: str, content: Format) -> Format:
    """The more telling of what the suffix and the content say; the content is the truth where they differ."""
    by_suffix = SURE.get(suffix)
    if content == "pickle" and by_suffix in ("joblib", "torch"):
        return by_suffix
    if content == "archive" and by_suffix:
        return by_suffix
    return content


def _is_odd(name: str, suffix: str, head: bytes, text: bool) -> bool:
    """Binary, and of no kind that is known."""
    return (
        not text and suffix not in OTHER and not head.startswith(_KNOWN_BINARY) and ".tfevents." not in name
    )


def _surrounded(each: _Candidate, uris: Collection[str]) -> bool:
    """Whether the place or the name of a file of unknown content says that it is a model."""
    if each.content.other or each.suffix in OTHER or (each.text and each.suffix not in _TEXT_TOO):
        return False
    uri = each.file.uri
    if MODEL_LIKE.search(uri.lower()):
        return True
    folder = uri[: len(uri) - len(uri.rpartition("/")[2])]
    stem = uri.rpartition(".")[0]
    return each.suffix in AMBIGUOUS and (
        any(f"{folder}{name}" in uris for name in _BESIDE) or (each.suffix == "bin" and f"{stem}.xml" in uris)
    )


def named_like_model(uri: str) -> bool:
    """Whether a path is a model's by its name alone, for files that are not here."""
    suffix = suffix_of(uri.rpartition("/")[2])
    if suffix in SURE or suffix in AMBIGUOUS:
        return True
    return suffix not in OTHER and bool(MODEL_LIKE.search(uri.lower()))


def _parts(uris: Collection[str]) -> dict[str, tuple[str, ...]]:
    """TensorFlow's models of several files: the one that stands for all, and the others."""
    shards: dict[str, list[str]] = {}
    for uri in uris:
        if ".data-" in uri and (match := _SHARD.fullmatch(uri)):
            shards.setdefault(match[1], []).append(uri)
    parts: dict[str, tuple[str, ...]] = {}
    for stem, found in sorted(shards.items()):
        index = f"{stem}.index"
        folder = stem.rpartition("/")[0]
        whole = posixpath.join(posixpath.dirname(folder), "saved_model.pb")
        if posixpath.basename(folder) == "variables" and whole in uris:
            parts[whole] = parts.get(whole, ()) + tuple(uri for uri in (index, *sorted(found)) if uri in uris)
        elif index in uris:
            parts[index] = tuple(sorted(found))
    return parts
