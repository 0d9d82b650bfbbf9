"""Outcomes kept from one run to the next: by content, by version, and only where nobody else can write."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from mlsecops.models import cache as module
from mlsecops.models.cache import Cache, folder_for, identity, version
from mlsecops.models.inspection import Fact, Inspection, Unread
from mlsecops.models.outcome import Inspected


def read(digest: str = "d" * 64, unread: tuple[Unread, ...] = ()) -> Inspected:
    found = Inspection(formats=["pickle"], unread=list(unread))
    found.add(Fact(rule="model-runs-code", subject="posix.system", message="It calls it.", offset=3))
    return Inspected(found=found, size=9, sha256=digest)


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"a model")
    return path


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests write is old enough to be sure of."""
    later = time.time() + 60
    monkeypatch.setattr("mlsecops.models.cache.time.time", lambda: later)


def kept(folder: Path | None, model: Path, seen: Inspected) -> Inspected | None:
    """What a second run knows of a file that a first run read."""
    first = Cache.opened(folder)
    first.put(seen, identity(model, settled=True))
    first.save()
    return Cache.opened(folder).get(model)


def test_a_second_run_knows_what_the_first_one_read(folder: Path, model: Path) -> None:
    assert kept(folder, model, read()) == read()
    assert [path.name for path in folder.iterdir()] == [f"{version()}.json"]


def test_a_folder_is_ours_alone(folder: Path, model: Path) -> None:
    kept(folder, model, read())
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o770)
    assert Cache.opened(folder).get(model) is None
    assert kept(folder, model, read()) is None


def test_a_link_to_a_folder_is_not_trusted(folder: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert kept(folder, model, read()) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_not_trusted(folder: Path, model: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    os.chown(folder, 12345, 12345)
    assert kept(folder, model, read()) is None


def test_a_changed_file_is_not_known(folder: Path, model: Path) -> None:
    kept(folder, model, read())
    model.write_bytes(b"a m0del")
    os.utime(model, ns=(model.stat().st_atime_ns, model.stat().st_mtime_ns + 1))
    assert Cache.opened(folder).get(model) is None


def test_times_that_were_set_back_do_not_deceive(folder: Path, model: Path) -> None:
    before = model.stat()
    kept(folder, model, read())
    model.write_bytes(b"a m0del")
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Cache.opened(folder).get(model) is None


def test_a_file_that_changed_just_now_is_read_again(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert identity(model)
    assert identity(model, settled=True) == ""
    assert kept(folder, model, read()) is None


def test_what_could_not_be_read_is_tried_again(folder: Path, model: Path) -> None:
    assert kept(folder, model, read(unread=(Unread("", "it is cut off"),))) is None
    assert kept(folder, model, read("")) is None


def test_no_file_and_no_folder(folder: Path, model: Path, tmp_path: Path) -> None:
    assert identity(tmp_path / "missing") == ""
    assert Cache.opened(folder).get(tmp_path / "missing") is None
    assert kept(None, model, read()) is None
    (tmp_path / "file").write_text("")
    assert kept(tmp_path / "file" / "models", model, read()) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"outcomes": 1, "stats": 2}', b"[" * 100_000, b"\xff", b'{"outcomes": {}}'],
)
def test_a_broken_cache_knows_nothing(folder: Path, model: Path, content: bytes) -> None:
    kept(folder, model, read())
    (folder / f"{version()}.json").write_bytes(content)
    assert Cache.opened(folder).get(model) is None


def test_an_outcome_of_another_shape_is_none(folder: Path, model: Path) -> None:
    kept(folder, model, read())
    file = folder / f"{version()}.json"
    known = json.loads(file.read_bytes())
    known["outcomes"]["d" * 64]["facts"] = [{"rule": "r"}]
    file.write_text(json.dumps(known))
    assert Cache.opened(folder).get(model) is None


def test_a_cache_that_is_too_large_or_no_file_is_left_alone(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(folder, model, read())
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    assert Cache.opened(folder).get(model) is None
    (folder / f"{version()}.json").unlink()
    (folder / f"{version()}.json").mkdir()
    assert Cache.opened(folder).get(model) is None


def test_only_as_much_is_kept_as_may_be(folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 4000)
    monkeypatch.setattr(module, "MOST_FILES", 64)
    cache = Cache.opened(folder)
    for number in range(100):
        cache.put(read(f"{number:064}"), f"mark{number}")
    cache.put(read(), identity(model))
    cache.save()
    assert (folder / f"{version()}.json").stat().st_size <= 4000
    assert Cache.opened(folder).get(model) == read()


def test_caches_of_other_versions_go(folder: Path, model: Path) -> None:
    kept(folder, model, read())
    (folder / f"{'0' * 32}.json").write_text("{}")
    kept(folder, model, read("e" * 64))
    assert [path.name for path in folder.iterdir()] == [f"{version()}.json"]


def test_a_run_with_nothing_new_writes_nothing(folder: Path) -> None:
    Cache.opened(folder).save()
    assert list(folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path, model: Path) -> None:
    cache = Cache.opened(folder)
    cache.put(read(), identity(model))
    folder.rmdir()
    cache.save()


def test_the_version_is_of_every_source_and_of_the_data(tmp_path: Path) -> None:
    data, package = tmp_path / "data", tmp_path / "package"
    (package / "readers").mkdir(parents=True)
    source = package / "readers" / "a.py"
    source.write_text("1")
    versions = {version(package, data)}
    source.write_text("2")
    versions.add(version(package, data))
    data.mkdir()
    (data / "model-imports.json.gz").write_bytes(b"1")
    versions.add(version(package, data))
    assert len(versions) == 3


def test_on_ci_nothing_is_kept(tmp_path: Path) -> None:
    assert folder_for(tmp_path, {"GITHUB_ACTIONS": "true"}) is None
    assert folder_for(tmp_path, {"CI": "1"}) is None
    assert folder_for(tmp_path, {}) == tmp_path / "models"
