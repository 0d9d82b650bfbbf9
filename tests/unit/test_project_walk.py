from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlsecops.project import Project, ProjectError, discover
from mlsecops.project.reading import read, read_head
from support.shapes import APP, write


def rows(project: Project) -> dict[str, tuple[str, int]]:
    return {row.path: (row.reason, row.files) for row in project.left_out}


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user for whom permissions count, which they do not for root."""
    folder = Path(tempfile.mkdtemp(prefix="project-"))
    if os.geteuid() != 0:
        yield folder
    else:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_reported(unprivileged: Path) -> None:
    write(unprivileged, {"secret.py": "x = 1", "closed/a.py": "x = 1", "open.py": "x = 1"})
    (unprivileged / "secret.py").chmod(0)
    (unprivileged / "closed").chmod(0)
    project = discover(unprivileged)
    assert project.python == ("open.py",)
    assert {row.path: (row.reason, row.kind) for row in project.left_out} == {
        "secret.py": ("the file cannot be read: Permission denied", "unreadable"),
        "closed": ("the folder cannot be listed: Permission denied", "unreadable"),
    }


def test_a_root_that_may_not_be_listed_is_one_sentence(unprivileged: Path) -> None:
    unprivileged.chmod(0)
    try:
        with pytest.raises(ProjectError, match=r"cannot be listed: Permission denied$"):
            discover(unprivileged)
    finally:
        unprivileged.chmod(0o700)


@pytest.mark.parametrize("name", ["missing", "missing/deeper", "nul\0byte", "x" * 300])
def test_a_path_that_cannot_be_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"does not exist$|cannot be listed: .*$"):
        discover(tmp_path / name)


def test_a_file_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError, match=r"is not a folder$"):
        discover(tmp_path / "file")


def test_a_link_may_lead_to_the_project(tmp_path: Path) -> None:
    write(tmp_path / "true", {"app.py": APP})
    (tmp_path / "link").symlink_to("true")
    project = discover(tmp_path / "link")
    assert project.root == (tmp_path / "true").resolve()
    assert project.python == ("app.py",)


def test_a_path_too_long_to_open_is_reported(tmp_path: Path) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=top)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)
    project = discover(tmp_path)
    assert [(row.kind, row.reason) for row in project.left_out] == [
        ("unreadable", "the folder cannot be listed: File name too long")
    ]


def test_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("model.pkl")
        project = discover(tmp_path)
    assert rows(project) == {"model.pkl": ("a socket, never opened", 1)}


def test_a_link_or_a_pipe_that_takes_a_files_place_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"true.py": "x = 1"})
    (tmp_path / "link.py").symlink_to("true.py")
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("link.py", "pipe.py", ""):
        with pytest.raises(OSError, match=r"symbolic|regular|directory"):
            read_head(str(tmp_path / name))
    project = discover(tmp_path)
    (tmp_path / "true.py").unlink()
    os.mkfifo(tmp_path / "true.py")
    with pytest.raises(OSError, match="regular"):
        project.read_text("true.py")


def test_what_tools_install_and_make_is_left_out(tmp_path: Path) -> None:
    names = (
        ".git/config",
        "a/node_modules/x.js",
        "b/site-packages/x.py",
        ".tox/x.py",
        ".mypy_cache/x",
        ".dvc/cache/x",
    )
    write(tmp_path, dict.fromkeys(names, "x"))
    write(
        tmp_path, {"build/lib/x.py": "x = 1", "dist/x.py": "x = 1", ".dvc/config": "", "cache/x.py": "x = 1"}
    )
    project = discover(tmp_path)
    assert project.python == ("build/lib/x.py", "cache/x.py", "dist/x.py")
    assert set(rows(project)) == {
        ".git",
        "a/node_modules",
        "b/site-packages",
        ".tox",
        "**/.mypy_cache",
        "**/cache",
    }


def test_a_cache_is_no_hiding_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "__pycache__/m.cpython-312.pyc": b"\0",
            "a/__pycache__/m.cpython-312.pyc": b"\0",
            "__pycache__/model.pkl": b"x",
            ".ipynb_checkpoints/a-checkpoint.ipynb": "{}",
            ".ipynb_checkpoints/evil.py": "x = 1",
        },
    )
    project = discover(tmp_path)
    assert [model.uri for model in project.models] == ["__pycache__/model.pkl"]
    assert project.python == (".ipynb_checkpoints/evil.py",)
    assert project.notebooks == ()
    assert rows(project) == {
        "**/__pycache__": ("compiled Python", 2),
        "**/.ipynb_checkpoints": ("Jupyter's checkpoints of notebooks", 1),
    }


def environment(prefix: str) -> dict[str, str | bytes]:
    return {
        f"{prefix}pyvenv.cfg": "home = /usr/bin\n",
        f"{prefix}bin/activate": "",
        f"{prefix}bin/tool.py": "x = 1",
        f"{prefix}lib/python3.12/site-packages/flask/app.py": "x = 1",
    }


def test_an_environment_around_the_project_hides_only_itself(tmp_path: Path) -> None:
    write(tmp_path, environment("") | {"app.py": APP, "src/train.py": "x = 1"})
    (tmp_path / "lib64").symlink_to("lib")
    project = discover(tmp_path)
    assert project.python == ("app.py", "src/train.py")
    assert rows(project) == {
        "bin": ("part of a virtual environment", 2),
        "lib": ("part of a virtual environment", 1),
        "lib64": ("part of a virtual environment", 1),
    }


def test_a_root_that_is_an_environment_is_one_row(tmp_path: Path) -> None:
    write(tmp_path, environment(""))
    (tmp_path / "lib64").symlink_to("lib")
    assert rows(discover(tmp_path)) == {".": ("a virtual environment", 5)}


@pytest.mark.parametrize(
    "files",
    [
        {"app/pyvenv.cfg": "home = x", "app/evil.py": "x = 1"},
        {"app/pyvenv.cfg": "home = x", "app/lib/evil.py": "x = 1"},
        {"app/pyvenv.cfg": "home = x", "app/lib/evil.py": "x = 1", "app/Lib/site-packages/x": "x"},
        environment("app/") | {"app/evil.py": "x = 1"},
        {"app/pyvenv.cfg/evil.py": "x = 1"},
    ],
)
def test_pyvenv_cfg_alone_hides_nothing(files: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, files)
    assert any(uri.endswith("evil.py") for uri in discover(tmp_path).python)


def test_packages_of_other_languages_are_named_as_not_audited(tmp_path: Path) -> None:
    write(tmp_path, {"ui/package.json": "{}"})
    project = discover(tmp_path)
    assert rows(project) == {"ui/package.json": ("packages of npm, which are not audited", 1)}
    assert "ui/package.json" in project.text_files


def test_links_inside(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "docker/main": "FROM scratch\n",
            "deps/list": "flask==3.1.2\n",
            "node_modules/x.pkl": "x",
            "src/a.py": "x = 1",
        },
    )
    (tmp_path / "Dockerfile").symlink_to("docker/main")
    (tmp_path / "requirements.txt").symlink_to("deps/list")
    (tmp_path / "model.pkl").symlink_to("node_modules/x.pkl")
    (tmp_path / "source").symlink_to("src")
    project = discover(tmp_path)
    assert project.dockerfiles == ("docker/main",)
    assert [(manifest.uri, manifest.group) for manifest in project.manifests] == [("deps/list", "deps")]
    assert [(model.uri, model.pointer) for model in project.models] == [("model.pkl", "link")]
    assert rows(project) == {
        "model.pkl": ("a link to something that is left out itself", 1),
        "node_modules": ("installed Node.js packages", 1),
    }


def test_reading(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": b"# coding: cp1252\r\nx = '\x80'\r\n", "b.txt": "x" * 100})
    project = discover(tmp_path)
    assert project.read_bytes("b.txt", 10) == b"x" * 10
    assert project.read_lines("a.py") == ["# coding: cp1252", "x = '€'"]
    assert project.sha256("b.txt") == hashlib.sha256(b"x" * 100).hexdigest()
    assert project.file("b.txt").path == tmp_path.resolve() / "b.txt"
    assert read(str(tmp_path / "b.txt")) == b"x" * 100
    with pytest.raises(ProjectError, match=r"^'c' is not a file of the project$"):
        project.read_bytes("c")


def test_the_settings_of_git_and_python_are_not_executed(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    write(
        tmp_path / "project",
        {
            ".git/config": f"[core]\n\tfsmonitor = touch {proof}\n\tpager = touch {proof}\n",
            ".git/HEAD": "ref: refs/heads/main\n",
            "setup.py": f"open({str(proof)!r}, 'w')\nsetup(install_requires=['flask'])\n",
            "conftest.py": f"open({str(proof)!r}, 'w')\n",
            "app.py": f"open({str(proof)!r}, 'w')\nfrom flask import Flask\napp = Flask(__name__)\n",
        },
    )
    project = discover(tmp_path / "project")
    assert [app.name for app in project.apps] == ["app"]
    assert not proof.exists()
