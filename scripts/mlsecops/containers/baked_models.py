"""Model files in an image: which the repository does not have, and files for our readers to look at."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlsecops.containers import image_rules as rules
from mlsecops.containers.check_contents import Known
from mlsecops.containers.image import Image
from mlsecops.containers.layers import Entry
from mlsecops.dockerfiles.found import Found
from mlsecops.project.opcodes import is_pickle
from mlsecops.project.reading import HEAD
from mlsecops.project.suffixes import may_be_model_name

_OF_SYSTEM = re.compile(r"^(?:usr/(?:share|lib|include)|lib|lib64|etc|var/lib/dpkg|proc|sys)/")
_OF_PACKAGES = re.compile(r"(?:^|/)(?:site-packages|dist-packages)/")


@dataclass(frozen=True, slots=True)
class Baked:
    """A model file that came into the image while it was built."""

    entry: Entry
    sha256: str
    of_package: bool


def baked(image: Image, known: Known) -> list[Baked]:
    """Model files above the base that the repository does not have."""
    found = []
    for entry in image.own:
        if entry.kind == "file" and entry.size and _is_model(entry):
            digest = _sha256(entry)
            if not known(entry.size, digest):
                found.append(Baked(entry, digest, bool(_OF_PACKAGES.search(entry.path))))
    return found


def _is_model(entry: Entry) -> bool:
    """By its name, or because it is a pickle, which runs whatever it is called."""
    if may_be_model_name(entry.path):
        return not _OF_SYSTEM.match(entry.path)
    if _OF_SYSTEM.match(entry.path) or _OF_PACKAGES.search(entry.path) or entry.content is None:
        return False
    head = entry.read(HEAD)
    return is_pickle(
        head, entry.size, b"" if entry.size <= HEAD else entry.content.at(entry.size - HEAD, HEAD)
    )


def check_models(image: Image, models: Collection[Baked]) -> Iterator[Found]:
    """Models that nobody reviewed; those within installed packages are the packages' own."""
    for each in models:
        if not each.of_package:
            text = f"/{each.entry.path} is a model file that is not in the repository."
            yield Found(rules.UNSEEN_MODEL, text, image.line(each.entry), about=(each.entry.path,))


def write(models: Collection[Baked], folder: Path) -> dict[str, Baked]:
    """Files with the models' content under names of our own: path -> model."""
    folder.mkdir()
    written = {}
    for number, each in enumerate(models):
        path = folder / f"{number:05}"
        with path.open("wb") as out:
            for piece in each.entry.content.chunks() if each.entry.content else ():
                out.write(piece)
        written[str(path)] = each
    return written


def _sha256(entry: Entry) -> str:
    digest = hashlib.sha256()
    for piece in entry.content.chunks() if entry.content else ():
        digest.update(piece)
    return digest.hexdigest()
