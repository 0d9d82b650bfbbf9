"""What other jobs left counts only where it is provably theirs; whatever else it is ends in one sentence."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlsecops.github import artifacts
from mlsecops.github.artifacts import ArtifactError, Limits, accept, check_folder, gather, unpack_report
from mlsecops.github.needs import Ending, Need
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import read, write
from support.sarif_logs import log, result, run


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the downloads are, and where the accepted results go."""
    for name in ("downloads", "stages"):
        (tmp_path / name).mkdir()
    return tmp_path / "downloads", tmp_path / "stages"


def left(folder: Path, stage: str, sarif: Json | None = None, **need: object) -> Need:
    """Leave a stage's result and return the need that goes with it."""
    path = folder / f"{stage}.sarif"
    write(path, sarif or log(run(stage, "tool", [result("R1")])))
    return Need("success", hashlib.sha256(path.read_bytes()).hexdigest(), 1)


class TestFolder:
    def test_plain_files_within_the_limits_are_fine(self, tmp_path: Path) -> None:
        (tmp_path / "sast.sarif").write_text("{}")
        (tmp_path / "naïve файл.txt").write_text("")

        check_folder(tmp_path)
        check_folder(tmp_path / "missing")

    def test_no_more_files_than_allowed(self, tmp_path: Path) -> None:
        for number in range(3):
            (tmp_path / str(number)).touch()

        check_folder(tmp_path, limits=Limits(files=3))
        with pytest.raises(ArtifactError, match="more than 2 files"):
            check_folder(tmp_path, limits=Limits(files=2))

    def test_no_more_bytes_than_allowed(self, tmp_path: Path) -> None:
        for number in range(3):
            (tmp_path / str(number)).write_bytes(b"1234")

        check_folder(tmp_path, limits=Limits(bytes=12, file_bytes=4))
        with pytest.raises(ArtifactError, match="the stages left more than 11 bytes"):
            check_folder(tmp_path, limits=Limits(bytes=11))
        with pytest.raises(ArtifactError, match="which has more than 3 bytes"):
            check_folder(tmp_path, limits=Limits(file_bytes=3))

    @pytest.mark.parametrize(
        ("make", "why"),
        [
            (lambda path: path.symlink_to("/etc/passwd"), "no plain file"),
            (lambda path: path.symlink_to("nowhere"), "no plain file"),
            (lambda path: path.mkdir(), "no plain file"),
            (os.mkfifo, "no plain file"),
            (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "no plain file"),
            (lambda path: path.hardlink_to(path.parent.parent / "outside"), "a link to another file"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_nothing_but_plain_files(self, tmp_path: Path, make: Callable[[Path], object], why: str) -> None:
        (tmp_path / "outside").touch()
        (tmp_path / "in").mkdir()
        make(tmp_path / "in" / "sast.sarif")

        with pytest.raises(ArtifactError, match=why):
            check_folder(tmp_path / "in")

    @pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "\u202efdp.exe", "a\udcff"])
    def test_no_name_that_would_act_on_a_log(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()

        with pytest.raises(ArtifactError, match="cannot be printed") as caught:
            check_folder(tmp_path)
        assert str(caught.value).isprintable()

    def test_the_folder_itself_is_no_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")

        for look in (check_folder, lambda path: gather(path, ["sast"], tmp_path)):
            with pytest.raises(ArtifactError, match="link is a link"):
                look(tmp_path / "link")


class TestAccept:
    def test_a_result_that_its_job_vouches_for_is_copied(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        needs = {"sast": left(downloads, "sast")}

        assert accept(downloads, needs, ["sast"], stages) == {}
        assert (stages / "sast.sarif").read_bytes() == (downloads / "sast.sarif").read_bytes()

    @pytest.mark.parametrize(
        ("result", "reason"),
        [
            ("failure", "its job failed"),
            ("cancelled", "its job was cancelled"),
            ("skipped", "its job was skipped"),
        ],
    )
    def test_a_job_that_did_not_succeed_left_nothing_whatever_is_there(
        self, tmp_path: Path, result: Ending, reason: str
    ) -> None:
        downloads, stages = folders(tmp_path)
        need = left(downloads, "sast")

        absent = accept(downloads, {"sast": Need(result, need.sha256, 1)}, ["sast"], stages)

        assert absent == {"sast": reason}
        assert list(stages.iterdir()) == []

    def test_a_stage_of_which_nothing_is_known_or_there_is_absent(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        digest = left(downloads, "sast").sha256
        left(downloads, "test")
        needs = {"sast": Need("success", None, 1), "sca": Need("success", digest, 2)}

        assert accept(downloads, needs, ["sast", "sca", "test"], stages) == {
            "sast": "it left no result",
            "sca": "it left no result",
            "test": "its job is none of those that the report needs",
        }
        assert accept(tmp_path / "missing", needs, ["sca"], stages) == {"sca": "it left no result"}
        assert list(stages.iterdir()) == []

    def test_a_result_that_another_job_wrote_over_is_refused(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        need = left(downloads, "sast")
        left(downloads, "sast", log(run("sast", "tool")))

        assert accept(downloads, {"sast": need}, ["sast"], stages) == {
            "sast": "its result is not the one that its job left (sha-256 differs)"
        }
        assert list(stages.iterdir()) == []

    def test_a_stage_that_was_not_due_is_left_alone(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        needs = {"sast": left(downloads, "sast"), "sca": left(downloads, "sca")}
        (downloads / "report.sarif").write_text("{}")

        assert accept(downloads, needs, ["sca"], stages) == {}
        assert [path.name for path in stages.iterdir()] == ["sca.sarif"]

    @pytest.mark.parametrize(
        ("identifier", "category", "fine"),
        [
            (None, "mlsecops/sast/tool/", True),
            (None, "mlsecops/api/sast/tool/", True),
            (None, "mlsecops/a/b/sast/tool/", False),
            (None, "mlsecops/sast/tool", False),
            (None, "mlsecops/sast//", False),
            (None, "mlsecops/test/tool/", False),
            (None, "other/sast/tool/", False),
            (None, "", False),
            ("default", "mlsecops/sast/tool/", True),
            ("default", "mlsecops/api/sast/tool/", False),
            ("api", "mlsecops/api/sast/tool/", True),
            ("api", "mlsecops/web/sast/tool/", False),
            ("a.i", "mlsecops/api/sast/tool/", False),
            ("api", "mlsecops/sast/tool/", False),
        ],
    )
    def test_every_run_has_a_category_of_its_stage_and_project(
        self, tmp_path: Path, identifier: str | None, category: str, fine: bool
    ) -> None:
        downloads, stages = folders(tmp_path)
        first, second = run("sast", "tool"), run("sast", "other")
        first["automationDetails"]["id"] = category
        if identifier == "api":
            second["automationDetails"]["id"] = "mlsecops/api/sast/other/"
        elif identifier == "a.i":
            second["automationDetails"]["id"] = "mlsecops/a.i/sast/other/"
        needs = {"sast": left(downloads, "sast", log(first, second))}

        absent = accept(downloads, needs, ["sast"], stages, identifier=identifier)

        assert absent == ({} if fine else {"sast": "its result speaks for another stage or project"})
        assert (stages / "sast.sarif").exists() == fine

    def test_every_run_says_that_it_is_of_its_stage(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        other = run("sast", "tool")
        other["properties"]["mlsecops"]["stage"] = "sca"
        needs = {"sast": left(downloads, "sast", log(run("sast", "first"), other))}

        assert accept(downloads, needs, ["sast"], stages) == {
            "sast": "its result speaks for another stage or project"
        }

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "is not whole JSON"),
            (b'{"version": "2.1.0"', "is not whole JSON"),
            (b"[" * 100_000, "is not whole JSON"),
            (b"[]", "it is not an object"),
            (orjson.dumps(log(run("sast", "t")))[:-1] + b',"x":' + b"[" * 400 + b"]" * 400 + b"}", "nested"),
            (orjson.dumps(log({"tool": {"driver": {}}})), "does not name its tool"),
            (orjson.dumps(log({**run("sast", "t"), "results": [{"ruleId": 7}]})), "Expected `str`"),
            (orjson.dumps(log()), "its result names no tool"),
        ],
    )
    def test_what_cannot_be_read_or_merged_is_refused_in_one_line(
        self, tmp_path: Path, content: bytes, why: str
    ) -> None:
        downloads, stages = folders(tmp_path)
        (downloads / "sast.sarif").write_bytes(content)
        needs = {"sast": Need("success", hashlib.sha256(content).hexdigest(), 1)}

        absent = accept(downloads, needs, ["sast"], stages)

        assert why in absent["sast"]
        assert absent["sast"].isprintable()
        assert str(tmp_path) not in absent["sast"]
        assert list(stages.iterdir()) == []

    def test_a_folder_that_cannot_be_trusted_gives_nothing(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        needs = {"sast": left(downloads, "sast")}
        (downloads / "sub").mkdir()

        with pytest.raises(ArtifactError):
            accept(downloads, needs, ["sast"], stages)
        assert list(stages.iterdir()) == []

    def test_what_changes_after_the_folder_was_looked_at_is_seen_when_it_is_copied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        downloads, stages = folders(tmp_path)
        needs = {"sast": left(downloads, "sast")}
        monkeypatch.setattr(artifacts, "check_folder", lambda folder, limits: None)

        with pytest.raises(ArtifactError, match=r"sast.sarif has more than 100 bytes"):
            accept(downloads, needs, ["sast"], stages, limits=Limits(file_bytes=100))
        (stages / "sast.sarif").unlink()
        (downloads / "sast.sarif").rename(tmp_path / "elsewhere")
        (downloads / "sast.sarif").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"):
            accept(downloads, needs, ["sast"], stages)

    def test_side_files_are_copied_by_their_exact_names(self, tmp_path: Path) -> None:
        downloads, stages = folders(tmp_path)
        for name in ("sbom.cdx.json", "junit.xml", "image-sbom.cdx.json", "SBOM.cdx.json", "other.xml"):
            (downloads / name).write_text(name)

        accept(downloads, {}, [], stages)

        assert {path.name: path.read_text() for path in stages.iterdir()} == {
            "sbom.cdx.json": "sbom.cdx.json",
            "junit.xml": "junit.xml",
            "image-sbom.cdx.json": "image-sbom.cdx.json",
        }


class TestGather:
    def test_results_of_steps_of_this_job_are_copied(self, tmp_path: Path) -> None:
        results, stages = folders(tmp_path)
        for part, stage in (("sast", "sast"), ("scan", "sca")):
            (results / part).mkdir()
            left(results / part, stage)
        (results / "scan" / "sbom.cdx.json").write_text("{}")
        (results / "sast" / "sbom.cdx.json").write_text("[]")

        assert gather(results, ["sast", "sca", "test"], stages) == {"test": "it left no result"}
        assert sorted(path.name for path in stages.iterdir()) == ["sast.sarif", "sbom.cdx.json", "sca.sarif"]
        assert gather(tmp_path / "missing", ["sca"], stages) == {"sca": "it left no result"}

    def test_of_two_results_none_counts(self, tmp_path: Path) -> None:
        results, stages = folders(tmp_path)
        for part in ("a", "b"):
            (results / part).mkdir()
            left(results / part, "sast")

        assert gather(results, ["sast"], stages) == {"sast": "it left more than one result"}

    def test_they_are_looked_at_too(self, tmp_path: Path) -> None:
        results, stages = folders(tmp_path)
        (results / "scan").mkdir()
        left(results / "scan", "sast", log(run("sca", "tool")))

        assert gather(results, ["sast"], stages) == {"sast": "its result speaks for another stage or project"}
        (results / "scan" / "link").symlink_to("sast.sarif")
        with pytest.raises(ArtifactError, match="no plain file"):
            gather(results, ["sast"], stages)

    @pytest.mark.parametrize("link", [True, False])
    def test_there_is_nothing_but_folders(self, tmp_path: Path, link: bool) -> None:
        results, stages = folders(tmp_path)
        if link:
            (results / "scan").symlink_to(tmp_path)
        else:
            (results / "scan").touch()

        with pytest.raises(ArtifactError, match="scan is"):
            gather(results, ["sast"], stages)


def archive(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in members:
            opened.writestr(name, content)
    return path


REPORT = ("report.sarif", orjson.dumps(log(run("sast", "tool", [result("R1")]))))


class TestUnpackReport:
    def test_only_the_report_comes_out(self, tmp_path: Path) -> None:
        others = [(name, b"x") for name in ("index.html", "../up.sarif", "/abs.sarif", "a/report.sarif")]
        path = archive(tmp_path / "r.zip", *others, REPORT, ("report.json", b"{}"))
        (tmp_path / "out").mkdir()

        found = unpack_report(path, tmp_path / "out")

        assert found == tmp_path / "out" / "report.sarif"
        assert read(found)["runs"][0]["tool"]["driver"]["name"] == "tool"
        assert {each.name for each in (tmp_path / "out").iterdir()} == {"report.sarif", "report.json"}
        assert {each.name for each in tmp_path.iterdir()} == {"r.zip", "out"}

    @pytest.mark.parametrize(
        "make",
        [
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(b"PK\x03\x04 not a zip"),
            lambda path: archive(path, ("index.html", b"")),
            lambda path: archive(path, REPORT, method=zipfile.ZIP_BZIP2),
            lambda path: path.write_bytes(archive(path, REPORT).read_bytes()[:-30]),
        ],
    )
    def test_what_holds_no_report_is_refused(self, tmp_path: Path, make: Callable[[Path], object]) -> None:
        make(tmp_path / "r.zip")

        with pytest.raises(ArtifactError, match="the report artifact"):
            unpack_report(tmp_path / "r.zip", tmp_path)

    def test_an_offset_that_leads_nowhere_is_refused(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "r.zip", REPORT)
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x05\x06") + 17] = 1
        path.write_bytes(content)

        with pytest.raises(ArtifactError, match="no zip that can be unpacked"):
            unpack_report(path, tmp_path)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_of_two_reports_none_is_taken(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "r.zip", REPORT, REPORT)

        with pytest.raises(ArtifactError, match="more than once"):
            unpack_report(path, tmp_path)

    def test_an_encrypted_report_is_refused(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "r.zip", REPORT)
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)

        with pytest.raises(ArtifactError, match="encrypted"):
            unpack_report(path, tmp_path)

    def test_a_bomb_is_cut_off_whatever_size_it_claims(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "r.zip", ("report.sarif", b"0" * 50_000_000))
        with pytest.raises(ArtifactError, match="more than 1,000,000 bytes"):
            unpack_report(path, tmp_path, most_bytes=1_000_000)
        assert (tmp_path / "report.sarif").stat().st_size <= 1_000_000

        content = bytearray(path.read_bytes())
        for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
            struct.pack_into("<I", content, content.index(signature) + offset, 100)
        path.write_bytes(content)
        with pytest.raises(ArtifactError):
            unpack_report(path, tmp_path, most_bytes=1_000_000)
        assert (tmp_path / "report.sarif").stat().st_size <= 1_000_000

    def test_a_directory_without_end_is_not_read(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "r.zip", REPORT, *((str(number), b"") for number in range(1_000)))

        with pytest.raises(ArtifactError, match="more than 1,000 members"):
            unpack_report(path, tmp_path)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
    @given(data=st.data())
    def test_whatever_the_zip_is_it_ends_in_a_report_or_one_sentence(
        self, tmp_path: Path, data: st.DataObject
    ) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", data.draw(st.sampled_from([0, 8]))) as opened:
            opened.writestr(*REPORT)
            opened.writestr("report.json", b"{}")
        content = bytearray(stream.getvalue())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
        (tmp_path / "r.zip").write_bytes(content[:cut])

        try:
            sentence = unpack_report(tmp_path / "r.zip", tmp_path).name
        except ArtifactError as error:
            sentence = str(error)
        assert "\n" not in sentence
