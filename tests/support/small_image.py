"""A small Debian image, and the client of an engine that says it has built it and gives its archive back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsecops.containers.canary import Made, archive_of, layer
from mlsecops.containers.engines import Engine
from mlsecops.job import Context
from mlsecops.policy import ContainerSettings
from support.images import BASE
from support.security_archive import OS_RELEASE, STATUS, mirror

PROGRAM = "docker"
SETTINGS = ContainerSettings(image="required", security_index="mirror", timeout=2.0)
_CONFIG = {"User": "1", "Healthcheck": {"Test": ["CMD", "x"]}}
_HISTORY = [
    *(BASE, ("/bin/sh -c useradd app", True)),
    *(("/bin/sh -c #(nop)  USER app", False), ('/bin/sh -c #(nop)  CMD ["python"]', False)),
]
_CLIENT = """#!{python}
import os, pathlib, shutil, sys

built = pathlib.Path(os.environ["TMPDIR"]).parent
if "build" in sys.argv:
    shutil.copy({archive!r}, built / "built.tar")
elif "save" in sys.argv:
    target = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
    images = list(built.rglob("built.tar"))
    target.write_bytes(images[0].read_bytes() if images else bytes(10240))
"""


def make(folder: Path, root: Path, *members: Made) -> Path:
    """A folder with a `bin/docker` that builds members on Debian, and the index in the project in `root`."""
    mirror(root / "mirror")
    base = layer([Made("etc/os-release", OS_RELEASE), Made("var/lib/dpkg/status", STATUS.encode())])
    archive = folder / "image.tar"
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    archive.write_bytes(archive_of([base, layer(members)], _CONFIG, _HISTORY))
    client = folder / "bin" / PROGRAM
    client.write_text(_CLIENT.format(python=sys.executable, archive=str(archive)), encoding="utf-8")
    client.chmod(0o755)
    return folder


def use(around: Context, folder: Path) -> None:
    """Let a run use the engine whose client is in a folder."""
    engine = Engine("docker", str(folder / "bin" / PROGRAM))
    around.shared.once("container engine", lambda: _ready(engine))


@contextmanager
def _ready(engine: Engine) -> Iterator[Engine]:
    yield engine
