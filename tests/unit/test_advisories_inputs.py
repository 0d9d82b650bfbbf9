"""What advisories come in: dumps, checkouts, bundles, catalogues; and what must not get through."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mlsecops.advisories.files import Limits, parse_yaml
from mlsecops.advisories.inputs import Batch, read, read_kev
from mlsecops.advisories.record import AdvisoryError
from support.advisory_service import osv_record

TODAY = dt.date(2026, 11, 20)
FLASK = osv_record(
    "PYSEC-2023-62", "flask", {"introduced": "0"}, {"fixed": "2.2.5"}, aliases=["CVE-2023-30861"]
)
EVIL = osv_record("MAL-2026-1", "evil", {"introduced": "0"})
YAML = """
id: PYSEC-2023-62
modified: 2023-06-05
published: "2023-05-02T18:15:00Z"
aliases: [CVE-2023-30861]
affected:
- package: {name: Flask, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: 0
    - fixed: 2.10
  versions:
  - 1.10
"""


def taken(path: Path, limits: Limits | None = None) -> Batch:
    return read(path, latest=TODAY, limits=limits)


def zipped(path: Path, members: dict[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def test_an_osv_dump(tmp_path: Path) -> None:
    other = osv_record("GHSA-npm", "x", {"introduced": "0"})
    other["affected"][0]["package"]["ecosystem"] = "npm"
    dump = zipped(
        tmp_path / "all.zip", {"b.json": FLASK, "a.json": EVIL, "c.json": other, "README.md": b"no"}
    )
    batch = taken(dump)
    assert {record.id for record in batch.records} == {"PYSEC-2023-62", "MAL-2026-1"}
    (origin,) = batch.origins
    assert (origin.name, origin.date, origin.count) == ("all.zip", "2026-01-02", 2)
    assert origin.licence == "Apache-2.0, CC-BY-4.0"


def test_a_checkout_of_pypas_database(tmp_path: Path) -> None:
    """Every scalar stays a text: 1.10 is no 1.1, and a date no date."""
    folder = tmp_path / "advisory-database"
    (folder / "vulns" / "flask").mkdir(parents=True)
    (folder / ".github").mkdir()
    (folder / ".github" / "dependabot.yml").write_text("version: 2")
    (folder / "README.yaml").write_text("outside of vulns")
    (folder / "vulns" / "flask" / "PYSEC-2023-62.yaml").write_text(YAML)
    (folder / "vulns" / "flask" / "notes.txt").write_text("no record")
    (folder / "vulns" / ".hidden.yaml").write_text("no record")
    (folder / "vulns" / "loop").symlink_to(folder)
    batch = taken(folder)
    (record,) = batch.records
    assert record.modified == "2023-06-05T00:00:00Z"
    assert record.affected[0].versions == ("1.10",)
    assert record.affected[0].ranges == ((("introduced", "0"), ("fixed", "2.10")),)
    assert batch.origins[0].name == "advisory-database"


def test_a_folder_may_say_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(FLASK))
    (tmp_path / "meta.json").write_text(
        json.dumps({"source": "ours", "commit": "abc", "commit_date": "2026-03-01", "licence": "CC0-1.0"})
    )
    (origin,) = taken(tmp_path).origins
    assert (origin.name, origin.commit, origin.date, origin.licence) == (
        "ours",
        "abc",
        "2026-03-01",
        "CC0-1.0",
    )


@pytest.mark.parametrize("packed", [True, False])
def test_a_bundle_tells_its_source(tmp_path: Path, packed: bool) -> None:
    meta = {"source": "pypa/advisory-database", "commit": "3ccb", "commit_date": "2024-10-10T17:35:05+00:00"}
    content = json.dumps({"meta": {**meta, "licence": "CC-BY-4.0"}, "vulns": [FLASK]}, indent=1).encode()
    path = tmp_path / "bundle"
    path.write_bytes(gzip.compress(content) if packed else content)
    batch = taken(path)
    assert [record.id for record in batch.records] == ["PYSEC-2023-62"]
    (origin,) = batch.origins
    assert (origin.name, origin.commit, origin.date) == ("pypa/advisory-database", "3ccb", "2024-10-10")


def test_a_single_record(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(FLASK))
    assert [record.id for record in taken(path).records] == ["PYSEC-2023-62"]


def test_a_record_from_the_future_does_not_make_data_new(tmp_path: Path) -> None:
    future = {**EVIL, "modified": "2099-01-01T00:00:00Z"}
    assert (
        taken(zipped(tmp_path / "a.zip", {"a.json": FLASK, "b.json": future})).origins[0].date == "2026-01-02"
    )
    with pytest.raises(AdvisoryError, match=r"b\.zip does not say of what day"):
        taken(zipped(tmp_path / "b.zip", {"b.json": future}))


def test_a_truncated_zip_or_gzip_is_named(tmp_path: Path) -> None:
    dump = zipped(tmp_path / "all.zip", {"a.json": FLASK}, zipfile.ZIP_STORED)
    content = dump.read_bytes()
    dump.write_bytes(content.replace(b"PYSEC-2023-62", b"PYSEC-2023-63"))
    with pytest.raises(AdvisoryError, match=r"all\.zip is a zip file that cannot be read: Bad CRC"):
        taken(dump)
    packed = tmp_path / "half.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(FLASK).encode())[:-20])
    with pytest.raises(AdvisoryError, match=r"half\.json\.gz is a damaged gzip file"):
        taken(packed)


def test_an_encrypted_zip_is_named(tmp_path: Path) -> None:
    dump = zipped(tmp_path / "all.zip", {"a.json": FLASK}, zipfile.ZIP_STORED)
    content = bytearray(dump.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    dump.write_bytes(content)
    with pytest.raises(AdvisoryError, match=r"all\.zip is a zip file that cannot be read: .*encrypted"):
        taken(dump)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(files=1), "more than 1 files"),
        (Limits(file_bytes=10), "unpacks to more"),
        (Limits(total_bytes=400), "unpacks to more"),
    ],
)
def test_bombs_are_not_unpacked(tmp_path: Path, limits: Limits, reason: str) -> None:
    members = {"a.json": FLASK, "b.json": EVIL}
    assert len(json.dumps(FLASK)) < 400 < len(json.dumps(FLASK)) + len(json.dumps(EVIL))
    with pytest.raises(AdvisoryError, match=rf"all\.zip .*{reason}"):
        taken(zipped(tmp_path / "all.zip", members), limits)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_text(json.dumps(content))
    with pytest.raises(AdvisoryError, match=rf"folder .*{reason}"):
        taken(folder, limits)


def test_a_zip_bomb_that_lies_about_its_size_is_read_no_further(tmp_path: Path) -> None:
    dump = zipped(tmp_path / "all.zip", {"a.json": b" " * 1_000_000})
    content = bytearray(dump.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (100).to_bytes(4, "little")
    dump.write_bytes(content)
    with pytest.raises(AdvisoryError, match=r"all\.zip is a zip file that cannot be read"):
        taken(dump, Limits(file_bytes=1000))


def test_a_gzip_bomb_is_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"[" * 3_000_000))
    with pytest.raises(AdvisoryError, match=r"bomb\.json\.gz holds more than 1 MiB"):
        taken(path, Limits(file_bytes=1 << 20))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[]", "holds no JSON object"),
        (b"{}", "is neither an advisory, a bundle of advisories nor a snapshot"),
        (b'{"meta": {}, "vulns": []}', "holds no advisory for PyPI packages"),
        (b'{"meta": {}, "vulns": [3]}', "entry 0: the record is not an object"),
        (b'{"meta": [], "vulns": []}', "is neither"),
    ],
)
def test_bad_files_are_one_sentence_that_names_them(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(AdvisoryError, match=reason) as raised:
        taken(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_bad_member_is_named_without_its_tricks(tmp_path: Path) -> None:
    dump = zipped(tmp_path / "all.zip", {"evil\x1b[2J\n.json": b"{"})
    with pytest.raises(AdvisoryError, match=r"all\.zip: evil\?\[2J\?\.json is not JSON"):
        taken(dump)
    wrong = zipped(tmp_path / "wrong.zip", {"x.json": {"id": "\n"}})
    with pytest.raises(AdvisoryError, match=r"wrong\.zip: x\.json: the record has no usable id"):
        taken(wrong)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="nothing cannot be read: No such file"):
        taken(tmp_path / "nothing")
    with pytest.raises(AdvisoryError, match="nothing cannot be read: No such file"):
        read_kev(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AdvisoryError, match="empty holds no advisory"):
        taken(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("{a: " * 200_000, "nested too deeply"),
        ("a: &a [x, x]\nb: &b [*a, *a]", "aliases are not accepted"),
        ("? [a]\n: b", "unhashable"),
        ("a: b: c", "mapping values are not allowed"),
        ("a: \x00", "control characters"),
    ],
)
def test_hostile_yaml_neither_crashes_nor_multiplies(text: str, reason: str) -> None:
    with pytest.raises(AdvisoryError, match=rf"x is not readable YAML: .*{reason}") as raised:
        parse_yaml(text.encode(), "x")
    assert "\n" not in str(raised.value)


def test_yaml_without_a_document_is_nothing() -> None:
    assert parse_yaml(b"", "x") is None
    assert parse_yaml(b"a: 1.10\nb: [~, 2021-01-01]\n---\nsecond: document", "x") == {
        "a": "1.10",
        "b": ["~", "2021-01-01"],
    }


def test_cisas_catalogue_and_the_short_form_say_the_same(tmp_path: Path) -> None:
    full = {
        "catalogVersion": "2026.11.01",
        "dateReleased": "2026-11-01T17:04:19.9796Z",
        "vulnerabilities": [{"cveID": "CVE-2024-1234", "dateAdded": "2024-05-06", "product": "x"}],
    }
    short = {
        "meta": {"source": "cisagov/kev-data", "catalogVersion": "2026.11.01", "dateReleased": "2026-11-01"},
        "cves": {"CVE-2024-1234": "2024-05-06"},
    }
    for document, name in ((full, "CISA Known Exploited Vulnerabilities"), (short, "cisagov/kev-data")):
        path = tmp_path / "kev.json.gz"
        path.write_bytes(gzip.compress(json.dumps(document).encode()))
        origin, cves = read_kev(path)
        assert cves == {"CVE-2024-1234": "2024-05-06"}
        assert (origin.name, origin.commit, origin.date) == (name, "2026.11.01", "2026-11-01")
        assert (origin.licence, origin.count, origin.kind) == ("CC0-1.0", 1, "kev")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"vulnerabilities": []},
        {"vulnerabilities": [{"cveID": "CVE-2024-1234"}]},
        {"vulnerabilities": [{"cveID": 3, "dateAdded": "2024-05-06"}]},
        {"cves": {"CVE-2024-1234": "2024-05-06", "CVE-x": "2024-05-06"}},
        {"cves": {"CVE-2024-1234": "soon"}},
        {"cves": []},
    ],
)
def test_a_catalogue_with_holes_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    path = tmp_path / "kev.json"
    path.write_text(json.dumps(document))
    with pytest.raises(AdvisoryError, match=r"kev\.json is no catalogue of known exploited vulnerabilities"):
        read_kev(path)
