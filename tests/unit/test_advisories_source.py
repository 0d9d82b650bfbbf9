"""Which data a run uses: the service when it proves that it is one, else a snapshot with its date."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from mlsecops.advisories.build import build
from mlsecops.advisories.record import AdvisoryError
from mlsecops.advisories.server import serve
from mlsecops.advisories.snapshot import load
from mlsecops.advisories.source import OSV_URL_VARIABLE, SEED, choose_source
from support.advisory_service import Answer, osv_record, service

TODAY = dt.date(2026, 11, 20)
NOWHERE = "http://127.0.0.1:9"


def snapshot(path: Path, date: str) -> Path:
    """A snapshot of one record, of that day."""
    record = osv_record("GHSA-1", "flask", {"introduced": "0"}, aliases=["CVE-2026-1000"])
    bundle, kev = path.with_suffix(".in"), path.with_suffix(".kev")
    bundle.write_text(json.dumps({"meta": {"commit_date": date}, "vulns": [record]}))
    kev.write_text('{"cves": {"CVE-2026-1000": "2026-02-03"}}')
    build([bundle], kev=kev, built=TODAY).save(path)
    return path


def test_a_service_that_knows_the_canary_is_live_data_of_today() -> None:
    with serve(load(SEED)) as server:
        source = choose_source(today=TODAY, osv_url=server.url)
        assert (source.kind, source.date, source.age) == ("live", TODAY, dt.timedelta(0))
        assert source.name == f"OSV at {server.url}"
        assert source.notes == ()
        (advisory,) = source.advisories("Flask", "2.0.1")
        assert (advisory.id, advisory.fixed) == ("CVE-2023-30861", ("2.2.5", "2.3.2"))
        assert source.prepared([("flask", "2.0.1")]) is source
        assert ("flask", "2.0.1") in server.answered
        assert source.live is not None
        source.live.close()


def test_the_environment_names_a_mirror_before_the_policy_does() -> None:
    with serve(load(SEED)) as server:
        environ = {OSV_URL_VARIABLE: server.url}
        source = choose_source(today=TODAY, osv_url=NOWHERE, environ=environ)
        assert source.kind == "live"
        assert choose_source(today=TODAY, osv_url=NOWHERE, environ={OSV_URL_VARIABLE: ""}).kind == "snapshot"
        assert source.live is not None
        source.live.close()


@pytest.mark.parametrize("answer", [Answer({}), Answer({"vulns": []}), Answer(b"<html>log in</html>")])
def test_a_captive_portal_is_no_service(answer: Answer) -> None:
    with service(lambda *_: answer) as portal:
        source = choose_source(today=TODAY, osv_url=portal.url)
    assert source.kind == "snapshot"
    assert source.date == dt.date(2024, 10, 10)
    assert source.age.days == 771
    assert source.name == "snapshot shipped with mlsecops"
    (note,) = source.notes
    assert note.startswith(f"OSV at {portal.url} cannot be used: ")


def test_offline_asks_nobody() -> None:
    with service(lambda *_: Answer({})) as running:
        source = choose_source(today=TODAY, offline=True, osv_url=running.url)
        assert running.asked == []
    assert (source.kind, source.notes) == ("snapshot", ())


def test_the_users_file_comes_first_and_must_be_good(tmp_path: Path) -> None:
    own = snapshot(tmp_path / "own.json.gz", "2020-01-01")
    cached = snapshot(tmp_path / "cached.json.gz", "2026-11-01")
    source = choose_source(today=TODAY, offline=True, advisories=own, cached=cached)
    assert (source.name, source.date) == ("snapshot own.json.gz", dt.date(2020, 1, 1))
    own.write_bytes(b"garbage")
    with pytest.raises(AdvisoryError, match=r"own\.json\.gz is no advisory snapshot"):
        choose_source(today=TODAY, offline=True, advisories=own, cached=cached)


@pytest.mark.parametrize(
    ("date", "used"), [("2026-11-01", "cached.json.gz"), ("2020-01-01", "shipped with mlsecops")]
)
def test_of_the_cached_and_the_shipped_snapshot_the_newer_is_used(
    tmp_path: Path, date: str, used: str
) -> None:
    cached = snapshot(tmp_path / "cached.json.gz", date)
    assert choose_source(today=TODAY, offline=True, cached=cached).snapshot.name == used


def test_a_damaged_cached_snapshot_is_passed_over_and_said(tmp_path: Path) -> None:
    cached = tmp_path / "cached.json.gz"
    cached.write_bytes(b"garbage")
    source = choose_source(today=TODAY, offline=True, cached=cached)
    assert source.snapshot.name == "shipped with mlsecops"
    assert source.notes == (f"{cached} is no advisory snapshot",)
    assert choose_source(today=TODAY, offline=True, cached=tmp_path / "nothing").notes == ()


def test_an_address_that_is_none_is_an_error_not_a_reason_to_look_elsewhere() -> None:
    with pytest.raises(AdvisoryError, match="plain https URL"):
        choose_source(today=TODAY, osv_url="http://osv.example.org")


def test_a_service_that_gives_out_is_replaced_as_a_whole(tmp_path: Path) -> None:
    record = osv_record("PYSEC-2020-96", "pyyaml", {"introduced": "0"}, aliases=["CVE-2020-1747"])

    def only_the_canary(_: str, request: Any) -> Answer:
        return Answer({"vulns": [record]}) if request["package"]["name"] == "pyyaml" else Answer(status=403)

    own = snapshot(tmp_path / "own.json.gz", "2026-11-01")
    with service(only_the_canary) as running:
        source = choose_source(today=TODAY, osv_url=running.url, advisories=own)
        assert source.kind == "live"
        fallen = source.prepared([("flask", "2.0.1"), ("pyyaml", "5.3")])
        assert source.live is not None
        source.live.close()
    assert (fallen.kind, fallen.date) == ("snapshot", dt.date(2026, 11, 1))
    assert fallen.notes == (f"OSV at {running.url} cannot be used: it answers HTTP 403",)
    assert fallen.prepared([("flask", "2.0.1")]) is fallen
    (advisory,) = fallen.advisories("flask", "2.0.1")
    assert (advisory.id, advisory.exploited, advisory.severity.score) == ("CVE-2026-1000", "2026-02-03", 9.1)


def test_what_is_known_to_be_exploited_comes_from_the_snapshot_even_when_live(tmp_path: Path) -> None:
    own = snapshot(tmp_path / "own.json.gz", "2026-11-01")
    with serve(load(SEED)) as server:
        source = choose_source(today=TODAY, osv_url=server.url, advisories=own)
        assert source.kind == "live"
        assert source.exploited == {"CVE-2026-1000": "2026-02-03"}
        assert source.live is not None
        source.live.close()


def test_a_source_serves_what_it_knows(tmp_path: Path) -> None:
    source = choose_source(
        today=TODAY, offline=True, advisories=snapshot(tmp_path / "own.json.gz", "2026-11-01")
    )
    with source.serve() as server:
        assert [record.id for record in server.answer("flask", "1")] == ["GHSA-1"]
        assert server.answered == {("flask", "1")}
