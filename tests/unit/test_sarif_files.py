"""A log is read whole or not at all, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import SarifError, read, replacing, write
from support.sarif_samples import all_tools

RUN: Json = {"tool": {"driver": {"name": "t"}}, "results": []}


def test_what_is_written_is_read_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    write(path, {"version": "2.1.0", "runs": []})
    write(path, all_tools())

    assert read(path) == all_tools()
    assert list(tmp_path.iterdir()) == [path]


def test_a_byte_order_mark_is_no_defect(tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    path.write_bytes(b"\xef\xbb\xbf" + orjson.dumps({"version": "2.1.0", "runs": [RUN]}))

    assert read(path)["runs"] == [RUN]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "whole JSON"),
        (b'{"version": "2.1.0", "runs": [', "whole JSON"),
        (b'{"a": "\xff"}', "whole JSON"),
        (b"[]", "it is not an object"),
        (b'{"runs": []}', "its version is 'None'"),
        (b'{"version": "2.0.0", "runs": []}', "its version is '2.0.0'"),
        (b'{"version": "2.1.0"}', "no list of runs"),
        (b'{"version": "2.1.0", "runs": [7]}', "runs[0] does not name its tool"),
        (b'{"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]}', "runs[0] does not name its tool"),
        (b'{"version": "2.1.0", "runs": [{"tool": 5}]}', "runs[0] does not name its tool"),
        (
            b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [1]}]}',
            "runs[0] has results that are not a list of objects",
        ),
        (
            b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t", "rules": {}}}}]}',
            "runs[0] has rules that are not a list of objects",
        ),
    ],
)
def test_a_broken_log_is_one_sentence_with_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.sarif"
    path.write_bytes(content)

    with pytest.raises(SarifError) as caught:
        read(path)

    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_too_large_files_are_errors_that_name_them(tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    with pytest.raises(SarifError, match=r"log\.sarif cannot be read: No such file"):
        read(path)
    write(path, all_tools())
    with pytest.raises(SarifError, match=r"log\.sarif has [\d,]+ bytes, more than the 100 that are read"):
        read(path, max_bytes=100)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    write(path, {"version": "2.1.0", "runs": []})
    before = path.read_bytes()

    def broken() -> None:
        with replacing(path) as handle:
            handle.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        broken()
    with pytest.raises(SarifError, match=r"log\.sarif cannot be written"):
        write(path, {"lone": "\ud800"})

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SarifError, match=r"nowhere/log\.sarif cannot be written: No such file"):
        write(tmp_path / "nowhere" / "log.sarif", {})
