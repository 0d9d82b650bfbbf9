from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from mlsecops.project import Project, ProjectError, discover
from support.shapes import BIG, ENVIRONMENT_FILES, SHAPES


def made(shape: str, folder: Path) -> Project:
    root = folder / "project"
    SHAPES[shape](root)
    return discover(root)


def models(project: Project) -> dict[str, tuple[str, str | None]]:
    return {model.uri: (model.format, model.pointer) for model in project.models}


def audited(project: Project) -> list[tuple[str, str]]:
    return [(manifest.uri, manifest.kind) for manifest in project.manifests_to_audit()]


def on_disk(root: Path) -> set[str]:
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found |= {str(Path(folder, name).relative_to(root)) for name in [*files, *links]}
    return found


def is_explained(uri: str, project: Project) -> bool:
    for row in project.left_out:
        if uri == row.path or uri.startswith(f"{row.path}/"):
            return True
        if row.path.startswith("**/") and row.path[3:] in uri.split("/"):
            return True
        if row.kind == "pointer" and row.path in (".", uri.rpartition("/")[0]):
            return True
    target = (project.root / uri).resolve()
    known = {file.path for file in project.files}
    return (project.root / uri).is_symlink() and target in known


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "missing-path"])
def test_every_file_is_looked_at_or_listed_as_left_out(shape: str, tmp_path: Path) -> None:
    project = made(shape, tmp_path)
    seen = {file.uri for file in project.files}
    unexplained = {uri for uri in on_disk(project.root) - seen if not is_explained(uri, project)}
    assert unexplained == set()
    assert all(project.sha256(uri) for uri in seen if project.file(uri).size < BIG)
    assert all(isinstance(project.read_text(uri), str) for uri in project.text_files)


def test_a_missing_path_is_one_sentence(tmp_path: Path) -> None:
    root = tmp_path / "project"
    SHAPES["missing-path"](root)
    with pytest.raises(ProjectError, match=rf"^{root} does not exist$"):
        discover(root)


def test_an_empty_folder_is_a_project_with_nothing(tmp_path: Path) -> None:
    project = made("empty-folder", tmp_path)
    assert (project.files, project.models, project.manifests, project.left_out) == ((), (), (), ())
    assert project.tests.paths == ()
    assert project.name == "project"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("no-manifest", []),
        ("utf16-requirements", [("requirements.txt", "requirements")]),
        ("empty-requirements", [("service/requirements.txt", "requirements")]),
        ("req-txt", [("req.txt", "requirements")]),
        (
            "requirements-in-subfolders",
            [
                ("serving/requirements/dev.txt", "requirements"),
                ("serving/requirements/prod.txt", "requirements"),
                ("training/requirements.txt", "requirements"),
            ],
        ),
        ("requirements-in-only", [("requirements.in", "requirements-in")]),
        ("poetry-lock-only", [("poetry.lock", "poetry-lock")]),
        ("uv-lock-only", [("uv.lock", "uv-lock")]),
        ("conda-environment-only", [("environment.yml", "conda")]),
        ("conda-yaml-only", [("mlruns/0/abc/artifacts/model/conda.yaml", "conda")]),
        ("odd-requirement-lines", [("requirements.txt", "requirements")]),
        ("latin1-sources", [("requirements.txt", "requirements")]),
    ],
)
def test_manifests(shape: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    assert audited(made(shape, tmp_path)) == expected


def test_an_empty_manifest_is_named_with_its_reason(tmp_path: Path) -> None:
    project = made("empty-requirements", tmp_path)
    assert [(each.manifest.uri, each.by, each.reason) for each in project.shadowed] == [
        ("requirements.txt", None, "names no packages")
    ]


def test_utf16_is_read_as_text(tmp_path: Path) -> None:
    project = made("utf16-requirements", tmp_path)
    assert project.read_lines("requirements.txt") == ["flask==3.1.2", "numpy==2.3.4"]
    assert "requirements.txt" in project.text_files


def test_dockerfiles(tmp_path: Path) -> None:
    project = made("five-dockerfiles", tmp_path)
    assert project.dockerfiles == (
        "Dockerfile",
        "Dockerfile.train",
        "deploy/Containerfile.gpu",
        "docker/api.Dockerfile",
        "docker/worker.dockerfile",
    )
    assert project.dockerignores == {".dockerignore"}


def test_a_broken_dockerfile_is_still_one(tmp_path: Path) -> None:
    assert made("broken-dockerfile", tmp_path).dockerfiles == ("Dockerfile",)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("model-at-root", {"model.pkl": ("pickle", None)}),
        (
            "model-in-artifacts",
            {
                "artifacts/model.joblib": ("joblib", None),
                "artifacts/net.pt": ("torch", None),
                "artifacts/scaler.pkl.gz": ("pickle", None),
            },
        ),
        ("model-in-source-folder", {"src/eda/clf.pickle": ("pickle", None)}),
        ("model-in-package", {"src/forecast/data/weights.pkl": ("pickle", None)}),
        (
            "model-named-bin",
            {
                "hub/extra.bin": ("unknown", None),
                "hub/pytorch_model.bin": ("torch", None),
                "model.bin": ("pickle", None),
            },
        ),
        ("model-named-sav", {"finalized_model.sav": ("pickle", None)}),
        ("model-named-dat", {"clf.dat": ("pickle", None)}),
        (
            "model-without-suffix",
            {
                "checkpoints/latest": ("unknown", None),
                "classifier": ("pickle", None),
                "data/batch_1": ("pickle", None),
            },
        ),
        ("models-folder-of-orm", {}),
        (
            "lfs-pointers",
            {
                "models/encoder.onnx": ("onnx", "git-lfs"),
                "models/forecast.pkl": ("pickle", "git-lfs"),
                "models/net.pt.dvc": ("torch", "dvc"),
            },
        ),
        ("looping-links", {"src/model.pkl": ("pickle", "link")}),
        ("leaving-links", {"model.pkl": ("pickle", "link")}),
        ("big-file", {"models/huge.pkl": ("pickle", None)}),
    ],
)
def test_models(shape: str, expected: dict[str, tuple[str, str | None]], tmp_path: Path) -> None:
    assert models(made(shape, tmp_path)) == expected


def test_pointers_for_other_files_are_left_out_by_name(tmp_path: Path) -> None:
    rows = {(row.path, row.reason) for row in made("lfs-pointers", tmp_path).left_out}
    assert ("images", "Git LFS pointers, not the files (.png)") in rows
    assert ("data/train.csv", "kept by DVC (data/train.csv.dvc), not in the repository") in rows


def test_a_committed_virtualenv_is_one_row(tmp_path: Path) -> None:
    project = made("committed-virtualenv", tmp_path)
    assert [(row.path, row.files, row.kind) for row in project.left_out] == [
        ("venv", ENVIRONMENT_FILES, "environment")
    ]
    assert project.python == ("app.py",)


def test_notebooks_without_checkpoints(tmp_path: Path) -> None:
    project = made("notebooks-only", tmp_path)
    assert project.notebooks == ("broken.ipynb", "eda.ipynb", "minified.ipynb", "old.ipynb", "stats.ipynb")
    assert [(row.path, row.files) for row in project.left_out] == [("**/.ipynb_checkpoints", 1)]


def test_sources_that_do_not_parse_are_python_all_the_same(tmp_path: Path) -> None:
    assert made("syntax-errors", tmp_path).python == ("conflict.py", "good.py", "half.py", "nul.py", "old.py")


def test_latin1_is_read_with_and_without_a_declaration(tmp_path: Path) -> None:
    project = made("latin1-sources", tmp_path)
    for uri in ("declared.py", "undeclared.py"):
        assert project.read_lines(uri)[1] == "name = 'Zürich'"


def test_a_production_file_called_like_a_test_is_none(tmp_path: Path) -> None:
    project = made("production-file-named-test", tmp_path)
    assert project.tests.paths == ()
    assert "app/test_rbac.py" in project.python


def test_scripts_under_tests_are_not_imported(tmp_path: Path) -> None:
    project = made("scripts-under-tests", tmp_path)
    assert project.tests.paths == ("tests",)
    assert project.tests.files == ("tests/load_test.py", "tests/test_mean.py")


def test_odd_names_survive_as_they_are(tmp_path: Path) -> None:
    project = made("odd-names", tmp_path)
    assert "line\nbreak.py" in project.python
    assert os.fsdecode(b"latin-\xe9.py") in project.python
    assert {model.uri for model in project.models} == {"tab\there.pkl", os.fsdecode(b"\xff\xfe.pkl")}
    assert all(project.read_text(uri) for uri in project.python)


def test_links_are_explained_and_not_followed(tmp_path: Path) -> None:
    rows = {row.path: row.reason for row in made("looping-links", tmp_path).left_out}
    assert rows == {
        "self": "a link that loops",
        "ping": "a link that loops",
        "pong": "a link that loops",
        "src/up": "a link to a folder that it is in",
        "src/model.pkl": "a link to nothing",
    }


def test_links_that_leave_are_left_out_and_inner_ones_give_their_name(tmp_path: Path) -> None:
    project = made("leaving-links", tmp_path)
    rows = {row.path: row.reason for row in project.left_out}
    assert rows == {
        "passwords": "a link that leaves the repository",
        "system": "a link that leaves the repository",
        "sibling": "a link that leaves the repository",
        "model.pkl": "a link to nothing",
    }
    assert project.python == ("app_impl",)
    assert [app.uri for app in project.apps] == ["app_impl"]


def test_a_big_file_is_not_read_whole(tmp_path: Path) -> None:
    began = time.process_time()
    project = made("big-file", tmp_path)
    assert time.process_time() - began < 1.0
    assert project.file("models/huge.pkl").size == BIG
    assert [(row.path, row.kind) for row in project.left_out] == [("log.txt", "too-large")]
    assert project.text_files == ("train.py",)


def test_pipes_are_never_opened(tmp_path: Path) -> None:
    project = made("special-files", tmp_path)  # would wait for ever
    assert {(row.path, row.reason, row.kind) for row in project.left_out} == {
        ("pipe.py", "a named pipe, never opened", "unreadable"),
        ("model.pkl", "a named pipe, never opened", "unreadable"),
    }
