"""Tool environments: made once from a lock, and every failure is one sentence."""

from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import pytest
from mlsecops.toolbox import Environments, Toolbox, ToolboxError, cache_folder
from mlsecops.toolbox.environments import installer_environment

LOCK = "tool==1.2.3 \\\n    --hash=sha256:" + "0" * 64 + "\n"
# Stands in for uv: `venv` makes the folder, `pip install` notes that it was called.
FAKE_UV = """#!/bin/sh
for last; do :; done
case "$1" in
  venv) mkdir -p "$last/bin"; sleep 0.2 ;;
  pip) echo called >> "{log}" ;;
esac
"""
FAILING_UV = "#!/bin/sh\necho '  × cannot resolve' >&2\necho '  ╰─▶ the index is not reachable' >&2\nexit 2\n"


@pytest.fixture(name="requirements")
def _requirements(tmp_path: Path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "tool.in").write_text("tool\n")
    (folder / "tool.txt").write_text(LOCK)
    return folder


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def environments(requirements: Path, tmp_path: Path, uv: str = FAKE_UV) -> Environments:
    program = script(tmp_path / "uv", uv.format(log=tmp_path / "log"))
    return Environments(requirements, tmp_path / "tools", program)


def test_an_environment_is_made_once_and_found_again(requirements: Path, tmp_path: Path) -> None:
    first = environments(requirements, tmp_path)
    assert not first.is_ready("tool")
    path = first.ensure("tool")
    assert first.is_ready("tool")
    assert environments(requirements, tmp_path).ensure("tool") == path
    assert (tmp_path / "log").read_text() == "called\n"


def test_many_runs_at_once_make_it_once(requirements: Path, tmp_path: Path) -> None:
    each = [environments(requirements, tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=one.ensure, args=("tool",)) for one in each * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "log").read_text() == "called\n"


def test_a_half_made_environment_is_made_again(requirements: Path, tmp_path: Path) -> None:
    made = environments(requirements, tmp_path)
    left = made.path("tool")
    left.mkdir(parents=True)
    (left / "half").write_text("")
    made.ensure("tool")
    assert not (left / "half").exists()


def test_another_lock_is_another_environment(requirements: Path, tmp_path: Path) -> None:
    before = environments(requirements, tmp_path).path("tool")
    (requirements / "tool.txt").write_text(LOCK.replace("1.2.3", "1.2.4"))
    assert environments(requirements, tmp_path).path("tool") != before


def test_the_version_is_that_for_this_interpreter(requirements: Path, tmp_path: Path) -> None:
    pins = "tool==1 ; python_version < '3' \\\n    --hash=sha256:0\ntool==2 ; python_version >= '3' \\\n"
    (requirements / "tool.txt").write_text(pins, encoding="utf-8")
    made = environments(requirements, tmp_path)
    assert made.version("tool") == "2"


def test_the_version_is_that_of_the_lock(requirements: Path, tmp_path: Path) -> None:
    made = environments(requirements, tmp_path)
    assert made.version("tool") == "1.2.3"
    (requirements / "tool.txt").write_text("other==1\n")
    with pytest.raises(ToolboxError, match="does not pin tool"):
        made.version("tool")
    (requirements / "tool.in").write_text("# nothing\n")
    with pytest.raises(ToolboxError, match="names no package"):
        made.version("tool")


def test_a_tool_may_ask_for_an_interpreter(requirements: Path, tmp_path: Path) -> None:
    made = environments(requirements, tmp_path)
    assert made.python("tool") == str(Path(sys.executable).resolve())
    (requirements / "tool.in").write_text("# python: <3.0\ntool\n")
    assert made.python("tool") == "<3.0"
    (requirements / "tool.in").write_text("# python: >=3.0\ntool\n")
    assert made.python("tool") == str(Path(sys.executable).resolve())


def test_without_a_lock_there_is_no_environment(requirements: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolboxError, match=r"no lock file other\.txt"):
        environments(requirements, tmp_path).ensure("other")


def test_the_last_cause_of_a_failed_installation_is_told_and_it_is_not_tried_twice(
    requirements: Path, tmp_path: Path
) -> None:
    made = environments(requirements, tmp_path, FAILING_UV)
    for _ in range(2):
        with pytest.raises(
            ToolboxError, match=r"^its environment cannot be made: the index is not reachable$"
        ):
            made.ensure("tool")
        script(tmp_path / "uv", "#!/bin/sh\nexit 0\n")


def test_a_cache_that_cannot_be_written_is_one_sentence(requirements: Path, tmp_path: Path) -> None:
    (tmp_path / "tools").write_text("a file in the place of the folder")
    with pytest.raises(ToolboxError, match="cannot be made in"):
        environments(requirements, tmp_path).ensure("tool")


def test_overrides_are_taken_as_they_are(requirements: Path, tmp_path: Path) -> None:
    made = Environments(requirements, tmp_path, tmp_path / "no-uv", overrides={"tool": tmp_path})
    assert made.is_ready("tool")
    assert made.ensure("tool") == tmp_path


def test_an_installer_gets_pips_index_under_uvs_names_and_no_other_secrets() -> None:
    given = {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_CERT": "/ca.pem",
        "SSL_CERT_FILE": "/other.pem",
        "HF_TOKEN": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "openai_api_key": "x",
        "DATABASE_PASSWORD": "x",
        "UV_PUBLISH_TOKEN": "x",
        "UV_INDEX_OWN_PASSWORD": "for the index",
        "GITHUB_ENV": "x",
        "PYTHONPATH": "x",
        "HTTPS_PROXY": "http://proxy.example",
    }
    assert installer_environment(given) == {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_CERT": "/ca.pem",
        "SSL_CERT_FILE": "/other.pem",
        "HTTPS_PROXY": "http://proxy.example",
        "UV_INDEX_OWN_PASSWORD": "for the index",
        "UV_DEFAULT_INDEX": "https://index.example/simple",
    }


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSECOPS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert Toolbox.default().cache == tmp_path
    monkeypatch.delenv("MLSECOPS_CACHE")
    assert cache_folder().name == "mlsecops"


def test_every_tool_of_this_project_has_a_lock_with_hashes_and_no_index() -> None:
    real = Toolbox.default().environments
    assert len(real.names()) >= 10
    for name in real.names():
        lock = (real.requirements / f"{name}.txt").read_text(encoding="utf-8")
        assert real.version(name)
        assert "--hash=sha256:" in lock
        assert "://" not in lock
