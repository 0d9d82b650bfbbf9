"""Model files as scanners get to see them."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from mlsecops.job import Job
from mlsecops.model_scanning.files import LaidOut, lay_out, loading_lines, unsafe
from mlsecops.project import discover
from mlsecops.tools.picklescan import Picklescan
from support import pickles
from support.contexts import context


def laid_out(tmp_path: Path, files: dict[str, bytes]) -> LaidOut:
    root = tmp_path / "project"
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    shared = context("model", root, tmp_path)
    targets = tuple(model.uri for model in shared.project.models)
    assert set(targets) == set(files)
    work = tmp_path / "scratch"
    work.mkdir()
    return lay_out(Job(tool=Picklescan(), context=shared, targets=targets, work=work))


@pytest.mark.parametrize("how", ["zlib", "gzip", "bz2", "lzma"])
def test_compressed_models_are_laid_out_plain(tmp_path: Path, how: pickles.Compression) -> None:
    content = pickles.harmless()
    models = laid_out(tmp_path, {"m.joblib": pickles.compressed(content, how)})
    [name] = models.origins
    assert name.endswith((".joblib", ".pkl"))
    assert (models.folder / name).read_bytes() == content


def test_suffixes_say_what_the_files_hold(tmp_path: Path) -> None:
    files = {"a.dat": pickles.harmless(), "b.bin": pickles.torch_zip(pickles.harmless())}
    models = laid_out(tmp_path, files)
    assert {uri: Path(name).suffix for name, uri in models.origins.items()} == {
        "a.dat": ".pkl",
        "b.bin": ".pt",
    }


def test_all_zlib_streams_of_a_file_are_read(tmp_path: Path) -> None:
    content = pickles.harmless()
    parts = zlib.compress(content[:10]) + zlib.compress(content[10:])
    models = laid_out(tmp_path, {"m.joblib": parts})
    assert [(models.folder / name).read_bytes() for name in models.origins] == [content]


@pytest.mark.parametrize("cut", [5, 12])
def test_cut_off_and_broken_streams_are_problems(tmp_path: Path, cut: int) -> None:
    whole = zlib.compress(pickles.harmless())
    models = laid_out(tmp_path, {"m.joblib": whole[:-cut]})
    assert [each.uri for each in models.problems] == ["m.joblib"]
    assert not models.origins
    assert not list(models.folder.iterdir())


def test_what_follows_a_stream_is_not_passed_over(tmp_path: Path) -> None:
    models = laid_out(tmp_path, {"m.joblib": zlib.compress(pickles.harmless()) + b"more"})
    assert [each.uri for each in models.problems] == ["m.joblib"]


def test_a_bomb_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsecops.model_scanning.files._ALWAYS_ALLOWED", 1 << 20)
    bomb = zlib.compress(pickles.harmless()[:-1] + b"N0" * (1 << 21))
    models = laid_out(tmp_path, {"m.joblib": bomb})
    assert "grows beyond" in models.problems[0].message
    assert not list(models.folder.iterdir())


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a/data.pkl", pickles.echo())
        archive.writestr("a/data.pkl", pickles.harmless())
    return out.getvalue()


def test_zips_that_readers_read_differently_are_problems(tmp_path: Path) -> None:
    renamed = pickles.torch_zip(pickles.harmless()).replace(b"archive/data.pkl", b"archive/dat4.pkl", 1)
    models = laid_out(
        tmp_path, {"a.pt": _twice(), "b.pt": renamed, "c.pt": pickles.torch_zip(pickles.harmless())}
    )
    assert sorted(each.uri for each in models.problems) == ["a.pt", "b.pt"]
    assert list(models.origins.values()) == ["c.pt"]


def test_a_file_that_is_laid_out_stays_as_it_is(tmp_path: Path) -> None:
    """A hard link would change when the file was last changed, by which an earlier run knows it."""
    models = laid_out(tmp_path, {"m.pkl": pickles.harmless()})
    [path] = models.folder.iterdir()
    assert path.is_symlink()
    assert (tmp_path / "project" / "m.pkl").stat().st_nlink == 1


def test_a_finding_names_where_the_file_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("\n\nm = load('m.pkl')\n", encoding="utf-8")
    project = discover(tmp_path)
    assert [(each.uri, each.start_line) for each in loading_lines(project, "models/m.pkl")] == [("app.py", 3)]
    result = unsafe("models/m.pkl", "os.system\n" + "x" * 999, "picklescan", project)
    assert "app.py, line 3" in result["message"]["text"]
    assert "\n" not in result["message"]["text"]
    assert len(result["message"]["text"]) < 400


@pytest.mark.parametrize("what", ["unknown.unknown", "os.unknown", "unknown.system"])
def test_a_name_that_a_scanner_could_not_tell_is_said_to_be_none(tmp_path: Path, what: str) -> None:
    result = unsafe("m.pkl", what, "picklescan", discover(tmp_path))
    assert result["ruleId"] == "model-called-dangerous"
    assert (
        result["message"]["text"]
        == "picklescan says: Loading this file imports by a name that cannot be told."
    )
    assert (
        unsafe("m.pkl", "a.handle_unknown", "picklescan", discover(tmp_path))["ruleId"] == "model-runs-code"
    )
