"""Archives of images: every part is what its hash says, or nothing is believed."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlsecops.containers.archive import Archive, ImageError, Step, opened
from mlsecops.containers.canary import Made, archive_of, layer
from mlsecops.containers.layers import Filesystem, merged

LAYER = layer([Made("etc", None, 0o755), Made("etc/a", b"content")])


def read(archive: bytes, folder: Path) -> tuple[Archive, Filesystem]:
    path = folder / "image.tar"
    path.write_bytes(archive)
    with opened(path, folder) as image:
        return image, merged(image.layers)


def members(archive: bytes) -> dict[str, bytes]:
    content = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for each in packed:
            file = packed.extractfile(each)
            assert file is not None
            content[each.name] = file.read()
    return content


def repacked(change: Callable[[dict[str, bytes]], None]) -> bytes:
    files = members(archive_of([LAYER], {}, [("x", True)]))
    change(files)
    return layer([Made(name, content) for name, content in files.items()])


def test_a_whole_archive(tmp_path: Path) -> None:
    config = {
        "User": "1",
        "Env": ["A=b"],
        "WorkingDir": "/app",
        "Entrypoint": ["python"],
        "Cmd": ["-m", "app"],
        "Healthcheck": {"Test": ["CMD", "x"]},
    }
    image, files = read(archive_of([LAYER], config, [("step", True), ("none", False)]), tmp_path)
    assert image.config.user == "1"
    assert image.config.environment == ("A=b",)
    assert image.config.workdir == "/app"
    assert image.config.entrypoint + image.config.command == ("python", "-m", "app")
    assert image.config.health == ("CMD", "x")
    assert image.config.architecture == "amd64"
    assert image.config.steps == (Step("step", False), Step("none", True))
    assert sorted(files.entries) == ["etc", "etc/a"]


@pytest.mark.parametrize(("test", "health"), [(None, None), (["NONE"], ()), (["CMD"], ("CMD",))])
def test_health(test: list[str] | None, health: tuple[str, ...] | None, tmp_path: Path) -> None:
    image, _ = read(archive_of([], {"Healthcheck": {"Test": test}}, []), tmp_path)
    assert image.config.health == health


def test_a_compressed_layer(tmp_path: Path) -> None:
    def compress(files: dict[str, bytes]) -> None:
        files["0/layer.tar"] = gzip.compress(files["0/layer.tar"])

    _, files = read(repacked(compress), tmp_path)
    assert "etc/a" in files.entries


def test_a_layer_that_comes_twice_is_a_link(tmp_path: Path) -> None:
    archive = members(archive_of([LAYER, LAYER], {}, [("x", True), ("y", True)]))
    parts = [Made(name, content) for name, content in archive.items() if name != "1/layer.tar"]
    parts.append(Made("1/layer.tar", kind=tarfile.SYMTYPE, target="../0/layer.tar"))
    image, _ = read(layer(parts), tmp_path)
    assert len(image.layers) == 2


def _other_layer(files: dict[str, bytes]) -> None:
    files["0/layer.tar"] = files["0/layer.tar"].replace(b"content", b"CONTENT")


def _no_layer(files: dict[str, bytes]) -> None:
    del files["0/layer.tar"]


def _no_manifest(files: dict[str, bytes]) -> None:
    del files["manifest.json"]


def _two_images(files: dict[str, bytes]) -> None:
    files["manifest.json"] = json.dumps([{}, {}]).encode()


def _fewer_layers(files: dict[str, bytes]) -> None:
    manifest: Any = json.loads(files["manifest.json"])
    manifest[0]["Layers"] = []
    files["manifest.json"] = json.dumps(manifest).encode()


def _no_json(files: dict[str, bytes]) -> None:
    files["manifest.json"] = b"<html>"


def _no_names(files: dict[str, bytes]) -> None:
    files["manifest.json"] = b"[{}]"


def _huge_document(files: dict[str, bytes]) -> None:
    files["manifest.json"] = b" " * ((16 << 20) + 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_other_layer, "layer 1 of 1 is not what its hash says"),
        (_no_layer, "its archive lacks 0/layer.tar"),
        (_no_manifest, "its archive lacks manifest.json"),
        (_two_images, "does not hold one image"),
        (_fewer_layers, "other layers than its configuration says"),
        (_no_json, "its archive is broken"),
        (_no_names, "its archive is broken"),
        (_huge_document, "manifest.json is too large"),
    ],
)
def test_what_does_not_fit(change: Callable[[dict[str, bytes]], None], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=reason):
        read(repacked(change), tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_no_archive_at_all(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        read(content, tmp_path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    whole = archive_of([LAYER], {}, [("x", True)])
    end = len(whole.rstrip(b"\0"))
    for length in range(0, end, 997):
        with pytest.raises(ImageError):
            read(whole[:length], tmp_path)
