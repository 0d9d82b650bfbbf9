"""Images made by hand, opened as the checks see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlsecops import dockerfiles
from mlsecops.containers.building import BuiltImage
from mlsecops.containers.canary import Made, archive_of, layer
from mlsecops.containers.engines import Engine
from mlsecops.containers.image import Image
from mlsecops.containers.recipes import Recipe
from mlsecops.job import Context, Tool
from mlsecops.policy import Policy
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.toolbox import Toolbox
from support.contexts import context

DOCKERFILE = "FROM base:1\nRUN step\nUSER 1\n"
STEPS = (("/bin/sh -c step", True), ("/bin/sh -c #(nop)  USER 1", False))
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


@contextmanager
def _ready(value: object) -> Iterator[object]:
    yield value


def prepared(
    root: Path,
    tmp_path: Path,
    *members: Made,
    base: Sequence[Made] = (),
    policy: Policy | None = None,
    tools: Toolbox | None = None,
    dockerfile: str = DOCKERFILE,
    environment: Sequence[str] = (),
    steps: Sequence[tuple[str, bool]] = STEPS,
) -> Context:
    """A context in which the image of `Dockerfile` is built already."""
    root.mkdir(exist_ok=True)
    (root / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    archive = tmp_path / "image.tar"
    tmp_path.mkdir(exist_ok=True)
    config = {"User": "1", "Healthcheck": {"Test": ["CMD", "x"]}, "Env": list(environment)}
    archive.write_bytes(archive_of([layer(base), layer(members)], config, [BASE, *steps]))
    around = context("container", root, tmp_path, policy=policy, tools=tools)
    recipe = Recipe("Dockerfile", "")
    engine = Engine("docker", "/bin/docker")
    around.shared.once("container engine", lambda: _ready(engine))
    around.shared.once(("image", recipe), lambda: _ready(BuiltImage(recipe, engine, "t:1", archive)))
    return around


def run(tool: Tool, around: Context) -> Json:
    """Scan the image of `Dockerfile`."""
    with around.shared:
        return scan(tool, ("Dockerfile",), around)
