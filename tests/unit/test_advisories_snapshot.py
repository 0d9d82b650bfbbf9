"""Snapshots: building, merging, saving, loading, asking, and the one that is shipped."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.advisories.build import build, merge, shortened
from mlsecops.advisories.parse import from_osv
from mlsecops.advisories.record import AdvisoryError, Affected, Record
from mlsecops.advisories.snapshot import Snapshot, load, summary
from mlsecops.advisories.source import SEED
from mlsecops.advisories.versions import Event, affects
from support.advisory_service import osv_record

TODAY = dt.date(2026, 11, 20)


def file(path: Path, *records: dict[str, Any], date: str = "2026-11-01") -> Path:
    path.write_text(json.dumps({"meta": {"source": path.stem, "commit_date": date}, "vulns": records}))
    return path


def built(tmp_path: Path, *records: dict[str, Any]) -> Snapshot:
    return build([file(tmp_path / "input.json", *records)], kev=None, built=TODAY)


FLASK = osv_record(
    "PYSEC-2023-62", "Flask", {"introduced": "0"}, {"fixed": "2.2.5"}, aliases=["CVE-2023-30861"]
)
EVIL = osv_record("MAL-2026-1", "evil", {"introduced": "0"})


def test_a_snapshot_answers_for_names_in_any_spelling_and_only_affected_versions(tmp_path: Path) -> None:
    snapshot = built(tmp_path, FLASK, EVIL)
    assert [record.id for record in snapshot.query("FLASK", "2.0.1")] == ["PYSEC-2023-62"]
    assert snapshot.query("flask", "2.2.5") == []
    assert snapshot.query("unheard-of", "not a version") == []
    assert snapshot.record("PYSEC-2023-62") == from_osv(FLASK)
    assert snapshot.record("CVE-2023-30861") is None


def test_a_version_that_cannot_be_compared_is_never_clean(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match=r"flask: version '2004d' is not PEP 440 .* PYSEC-2023-62"):
        built(tmp_path, FLASK).query("flask", "2004d")


def test_a_saved_snapshot_is_the_same_when_loaded(tmp_path: Path) -> None:
    kev = tmp_path / "kev.json"
    kev.write_text('{"cves": {"CVE-2023-30861": "2026-01-05", "CVE-2020-1000": "2021-01-05"}}')
    snapshot = build([file(tmp_path / "input.json", FLASK, EVIL)], kev=kev, built=TODAY, name="out.json.gz")
    path = tmp_path / "new" / "out.json.gz"
    snapshot.save(path)
    assert load(path) == snapshot
    assert [entry.name for entry in path.parent.iterdir()] == ["out.json.gz"]
    assert load(path).kev["CVE-2023-30861"] == "2026-01-05"


def test_the_same_input_gives_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    one = build([file(tmp_path / "x.json", FLASK, EVIL)], kev=None, built=TODAY)
    two = build([file(tmp_path / "x.json", EVIL, FLASK)], kev=None, built=TODAY)
    assert one.to_bytes() == two.to_bytes()
    assert one.to_bytes()[4:8] == b"\0\0\0\0", "gzip's time of making"


def test_a_snapshot_is_an_input_too(tmp_path: Path) -> None:
    old = tmp_path / "old.json.gz"
    built(tmp_path, FLASK, EVIL).save(old)
    again = build([old], kev=None, built=TODAY)
    assert again.to_bytes() == load(old).to_bytes()
    fresh = file(
        tmp_path / "fresh.json", {**FLASK, "modified": "2026-11-02T00:00:00Z", "withdrawn": "2026-11-02"}
    )
    merged = build([fresh, old], kev=None, built=TODAY)
    assert [record.id for record in merged.records()] == ["MAL-2026-1"]
    with pytest.raises(AdvisoryError, match=r"old\.json\.gz says that it is from the future"):
        build([old], kev=None, built=dt.date(2025, 1, 1))


def test_the_date_is_that_of_the_main_source_not_of_a_small_fresh_one(tmp_path: Path) -> None:
    """One fresh record beside an old database must not make its data look fresh."""
    old = file(tmp_path / "old.json", FLASK, EVIL, date="2024-10-10")
    new = file(tmp_path / "new.json", osv_record("X-1", "x", {"introduced": "0"}), date="2026-11-19")
    kev = tmp_path / "kev.json"
    kev.write_text(json.dumps({"cves": {f"CVE-2020-{n}": "2026-11-20" for n in range(1000, 1010)}}))
    one, other = (build(inputs, kev=kev, built=TODAY) for inputs in ([old, new], [new, old]))
    assert one.date == other.date == dt.date(2024, 10, 10)
    assert one.age(TODAY) == dt.timedelta(days=771)
    assert one.age(dt.date(2020, 1, 1)) == dt.timedelta(0)


def test_a_new_catalogue_replaces_the_one_of_an_older_snapshot(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text('{"cves": {"CVE-2020-1111": "2021-01-05"}}')
    second.write_text('{"cves": {"CVE-2020-2222": "2022-01-05"}}')
    build([file(tmp_path / "x.json", FLASK)], kev=first, built=TODAY).save(tmp_path / "old.json.gz")
    kept = build([tmp_path / "old.json.gz"], kev=None, built=TODAY)
    replaced = build([tmp_path / "old.json.gz"], kev=second, built=TODAY)
    assert dict(kept.kev) == {"CVE-2020-1111": "2021-01-05"}
    assert dict(replaced.kev) == {"CVE-2020-2222": "2022-01-05"}
    assert [origin.count for origin in replaced.sources if origin.kind == "kev"] == [1]


def test_of_two_records_with_one_id_the_later_counts_and_withdrawn_ones_go() -> None:
    old = Record(id="GHSA-1", modified="2026-01-01T00:00:00Z", summary="old")
    new = Record(id="GHSA-1", modified="2026-01-01T00:00:00.5Z", summary="new")
    gone = Record(id="GHSA-1", modified="2026-02-01T00:00:00Z", withdrawn=True)
    for records in ([old, new], [new, old]):
        assert merge(records) == [new]
    for records in ([gone, new], [new, gone]):
        assert merge(records) == []
    assert (
        merge([gone, Record(id="GHSA-1", modified="2026-03-01T00:00:00Z", summary="back")])[0].summary
        == "back"
    )


def test_nothing_to_build_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="no input"):
        build([], kev=None, built=TODAY)
    with pytest.raises(AdvisoryError, match="withdrawn"):
        built(tmp_path, {**FLASK, "withdrawn": "2026-01-01T00:00:00Z"})


_VERSIONS = st.builds("{}.{}".format, st.integers(0, 3), st.integers(0, 3))
_EVENTS = st.lists(st.tuples(st.sampled_from(["introduced", "fixed"]), _VERSIONS), max_size=4).map(tuple)


@given(st.lists(_EVENTS, max_size=2), st.lists(_VERSIONS | st.just("2004d"), max_size=6), _VERSIONS)
def test_leaving_out_covered_versions_changes_no_answer(
    ranges: list[tuple[Event, ...]], versions: list[str], version: str
) -> None:
    record = Record(id="X-1", modified="", affected=(Affected("x", tuple(ranges), tuple(versions)),))
    (short,) = shortened(record).affected
    assert affects(short.ranges, short.versions, version) == affects(ranges, versions, version)
    assert ("2004d" in short.versions) == ("2004d" in versions)


def test_covered_versions_are_left_out(tmp_path: Path) -> None:
    raw = osv_record("X-1", "x", {"introduced": "0"}, {"fixed": "2"})
    raw["affected"][0]["versions"] = ["1.0", "1.1", "3.0", "1.0-final"]
    (record,) = built(tmp_path, raw).records()
    assert record.affected[0].versions == ("3.0", "1.0-final")


def damaged(tmp_path: Path, change: Any) -> Path:
    """A snapshot file whose unpacked lines `change` has worked on."""
    kev = tmp_path / "kev.json"
    kev.write_text('{"cves": {"CVE-2020-1111": "2021-01-05"}}')
    snapshot = build([file(tmp_path / "x.json", FLASK, EVIL)], kev=kev, built=TODAY)
    head, *lines = gzip.decompress(snapshot.to_bytes()).split(b"\n")
    path = tmp_path / "damaged.json.gz"
    path.write_bytes(gzip.compress(b"\n".join(change(orjson.loads(head), lines))))
    return path


def _with(head: Any, lines: list[bytes], **changes: Any) -> list[bytes]:
    meta = {**head["meta"], **changes}
    return [
        orjson.dumps({**head, "meta": {key: value for key, value in meta.items() if value is not None}}),
        *lines,
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda head, lines: [b"{}"], "is no advisory snapshot"),
        (lambda head, lines: [orjson.dumps(head)[:-9], *lines], "is not JSON"),
        (lambda head, lines: [orjson.dumps(head), lines[0]], "do not fit together"),
        (lambda head, lines: [orjson.dumps(head)], "holds no advisory"),
        (lambda head, lines: _with(head, lines, format=2), "of format 2, not of format 1"),
        (lambda head, lines: _with(head, lines, ecosystems=["npm"]), "holds no advisory for PyPI"),
        (lambda head, lines: _with(head, lines, ecosystems=None), "holds no advisory for PyPI"),
        (lambda head, lines: _with(head, lines, date="soon"), "is a damaged snapshot: .*soon"),
        (lambda head, lines: _with(head, lines, built=None), "is a damaged snapshot: 'built'"),
        (lambda head, lines: _with(head, lines, sources=[{"who": 1}]), "is a damaged snapshot: .*who"),
        (
            lambda head, lines: [orjson.dumps({**head, "packages": {"flask": 0}}), *lines],
            "do not fit together",
        ),
        (lambda head, lines: [orjson.dumps({**head, "packages": []}), *lines], "holds no advisory"),
    ],
)
def test_a_damaged_snapshot_is_refused_by_name(tmp_path: Path, change: Any, reason: str) -> None:
    with pytest.raises(AdvisoryError, match=rf"damaged\.json\.gz .*{reason}"):
        load(damaged(tmp_path, change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda head, lines: [orjson.dumps({**head, "packages": {"flask": [0]}}), *lines],
            "index of flask is wrong",
        ),
        (lambda head, lines: [orjson.dumps({**head, "packages": {"flask": [7]}}), *lines], "out of range"),
        (
            lambda head, lines: [orjson.dumps({**head, "packages": {"flask": ["x"]}}), *lines],
            "indices must be",
        ),
        (lambda head, lines: [orjson.dumps(head), b"{", b"{"], "unexpected end"),
        (lambda head, lines: [orjson.dumps(head), b"[]", b"[]"], "not an object"),
    ],
)
def test_a_damaged_record_is_found_when_it_is_asked_for(tmp_path: Path, change: Any, reason: str) -> None:
    with pytest.raises(AdvisoryError, match=rf"damaged\.json\.gz is damaged: .*{reason}"):
        load(damaged(tmp_path, change)).query("flask", "1.0")


def test_a_file_that_is_not_there_or_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="nothing cannot be read: No such file"):
        load(tmp_path / "nothing")
    (tmp_path / "occupied").write_text("a file")
    with pytest.raises(AdvisoryError, match="out cannot be written"):
        built(tmp_path, FLASK).save(tmp_path / "occupied" / "out")


def test_what_show_prints(tmp_path: Path) -> None:
    rows = dict(summary(built(tmp_path, FLASK, EVIL), TODAY))
    assert rows["data of"] == "2026-11-01 (19 days old)"
    assert rows["advisories"] == "2 (1 MAL, 1 PYSEC) on 2 packages"
    assert rows["source"] == "input (2026-11-01, Apache-2.0, CC-BY-4.0): 2 records"


def test_the_shipped_snapshot_says_that_it_is_old_and_knows_the_canary() -> None:
    seed = load(SEED)
    assert SEED.stat().st_size < 200_000
    assert seed.date == dt.date(2024, 10, 10)
    assert seed.counts == {"PYSEC": 2651}
    assert len(seed.kev) == 1404
    found = {name for record in seed.query("PyYAML", "5.3") for name in record.ids}
    assert {"CVE-2020-1747", "CVE-2020-14343"} <= found
    assert seed.query("pyyaml", "6.0.2") == []
    assert {(origin.name, origin.licence) for origin in seed.sources} == {
        ("pypa/advisory-database", "CC-BY-4.0"),
        ("cisagov/kev-data", "CC0-1.0"),
    }


def test_every_shipped_record_is_sound_and_rebuilds_the_same() -> None:
    seed = load(SEED)
    assert sum(1 for _ in seed.records()) == len(seed) == 2651
    again = build([SEED], kev=None, built=seed.built)
    assert gzip.decompress(again.to_bytes()) == gzip.decompress(SEED.read_bytes())
