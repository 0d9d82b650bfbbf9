"""Images made by hand, opened as the checks see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlsecops import dockerfiles
from mlsecops.containers.canary import Made, archive_of, layer
from mlsecops.containers.image import Image
from mlsecops.sarif.build import Json

BASE = ("/bin/sh -c #(nop) ADD file:0 in / ", True)


@contextmanager
def image(
    folder: Path,
    dockerfile: str,
    layers: Sequence[Sequence[Made]],
    history: Sequence[tuple[str, bool]],
    config: Json | None = None,
) -> Iterator[Image]:
    """An image with these layers and this history."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "image.tar"
    archive.write_bytes(archive_of([layer(each) for each in layers], config or {}, history))
    with Image.opened(archive, folder, "Dockerfile", dockerfiles.parse(dockerfile)) as opened:
        yield opened


@contextmanager
def on_base(
    folder: Path, *members: Made, base: Sequence[Made] = (), config: Json | None = None
) -> Iterator[Image]:
    """An image of a base and one step, line 2 of its Dockerfile."""
    history = [BASE, ("/bin/sh -c step", True)]
    with image(folder, "FROM base:1\nRUN step\n", [base, members], history, config) as opened:
        yield opened
