"""OSV JSON of any origin -> records, and the forms records are given away in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.advisories.parse import from_json, from_osv, timestamp
from mlsecops.advisories.record import AdvisoryError, Affected, Record
from support.advisory_service import osv_record

GHSA = osv_record(
    "GHSA-h5c8-rqwp-cp95",
    "Jinja2",
    {"introduced": "0"},
    {"fixed": "3.1.3"},
    aliases=["CVE-2024-22195", "not an id\n"],
    summary="Jinja vulnerable\n to HTML  attribute injection",
    details="Long prose.",
    severity=[
        {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N"},
        {"type": "Ubuntu", "score": "low"},
    ],
    database_specific={"severity": "moderate", "cwe_ids": ["CWE-79", "nonsense"], "github_reviewed": True},
    references=[{"type": "WEB", "url": "https://example.invalid"}],
    schema_version="1.4.0",
)


def parsed(raw: Any) -> Record:
    record = from_osv(raw)
    assert record is not None
    return record


def test_a_record_keeps_what_a_gate_needs_and_nothing_else() -> None:
    assert from_osv(GHSA) == Record(
        id="GHSA-h5c8-rqwp-cp95",
        modified="2026-01-02T03:04:05Z",
        published="2026-01-01T00:00:00Z",
        aliases=("CVE-2024-22195",),
        summary="Jinja vulnerable to HTML attribute injection",
        severity=("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N",),
        word="MODERATE",
        cwe=("CWE-79",),
        affected=(Affected("jinja2", ((("introduced", "0"), ("fixed", "3.1.3")),)),),
    )


def test_what_a_snapshot_stores_comes_back_the_same() -> None:
    record = parsed(GHSA)
    assert from_json(record.to_json()) == record
    assert "word" not in parsed(osv_record("PYSEC-2020-1", "x", {"introduced": "0"})).to_json()


def test_the_osv_form_is_osv_again() -> None:
    record = parsed(GHSA)
    assert from_osv(record.to_osv()) == record
    assert record.to_osv()["severity"] == [{"type": "CVSS_V3", "score": record.severity[0]}]
    assert record.to_osv()["database_specific"] == {"severity": "MODERATE", "cwe_ids": ["CWE-79"]}


def test_names_are_canonical_and_one_package_has_one_entry() -> None:
    raw = osv_record("GHSA-1", "Foo_Bar", {"introduced": "0"}, {"fixed": "1"})
    raw["affected"] += osv_record("x", "foo.bar", {"introduced": "2"}, {"fixed": "3"})["affected"]
    raw["affected"] += [{"package": {"ecosystem": "npm", "name": "foo-bar"}, "versions": ["9"]}]
    (affected,) = parsed(raw).affected
    assert affected.name == "foo-bar"
    assert len(affected.ranges) == 2
    assert affected.versions == ()


def test_for_one_package_all_fixed_versions_are_in_one_range_and_readable() -> None:
    """pip-audit keeps those of one range only, and crashes on a fixed version that is not PEP 440."""
    raw = osv_record("GHSA-1", "steam", {"introduced": "0"}, {"fixed": "2019-09-12"})
    raw["affected"] += osv_record("x", "steam", {"introduced": "2"}, {"fixed": "2.5"})["affected"]
    raw["affected"] += osv_record("x", "other", {"introduced": "0"})["affected"]
    (affected,) = parsed(raw).to_osv("steam")["affected"]
    assert affected["package"] == {"ecosystem": "PyPI", "name": "steam"}
    assert affected["ranges"] == [
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"introduced": "2"}, {"fixed": "2.5"}]}
    ]


def test_git_ranges_are_left_out_but_a_package_without_any_version_is_affected_in_all() -> None:
    raw = osv_record("MAL-2026-1", "evil")
    raw["affected"][0]["ranges"] = [{"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]}]
    assert parsed(raw).affected == (Affected("evil", ((("introduced", "0"),),)),)
    raw["affected"][0]["versions"] = ["1.0"]
    assert parsed(raw).affected == (Affected("evil", (), ("1.0",)),)
    assert parsed(raw).to_osv()["affected"][0]["versions"] == ["1.0"]


def test_severity_of_a_single_package_counts_and_so_does_that_of_other_fields() -> None:
    raw = osv_record("X-1", "a", {"introduced": "0"})
    raw["affected"][0]["severity"] = [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}]
    raw["affected"][0]["ecosystem_specific"] = {"severity": "Critical"}
    record = parsed(raw)
    assert (record.severity, record.word) == (("AV:N/AC:L/Au:N/C:P/I:P/A:P",), "CRITICAL")
    assert record.to_osv()["severity"][0]["type"] == "CVSS_V2"


def test_other_ecosystems_are_no_business_of_ours_and_withdrawn_records_say_so() -> None:
    raw = osv_record("GHSA-1", "left-pad", {"introduced": "0"})
    raw["affected"][0]["package"]["ecosystem"] = "npm"
    assert from_osv(raw) is None
    assert from_osv({"id": "GHSA-1", "affected": [{"ranges": []}]}) is None
    withdrawn = from_osv({**raw, "withdrawn": "2026-01-01T00:00:00Z"})
    assert withdrawn is not None
    assert withdrawn.withdrawn


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("2021-09-26T23:32:08.989778Z", "2021-09-26T23:32:08.989778Z"),
        ("2021-09-26T23:32:08.989778123Z", "2021-09-26T23:32:08.989778Z"),
        ("2021-09-26T23:32:08+02:00", "2021-09-26T21:32:08Z"),
        ("2021-09-26", "2021-09-26T00:00:00Z"),
        (" 2021-09-26 10:00:00 ", "2021-09-26T10:00:00Z"),
        ("", ""),
        ("yesterday", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        (None, ""),
        (20210926, ""),
    ],
)
def test_timestamps_are_what_pip_audit_can_read(given_: Any, expected: str) -> None:
    assert timestamp(given_) == expected


def test_an_unreadable_date_is_left_out_of_the_answer() -> None:
    """pip-audit crashes on `published: ""`."""
    record = parsed({**GHSA, "published": "", "modified": "never"})
    assert "published" not in record.to_osv("jinja2")


def test_a_summary_is_one_printable_line() -> None:
    record = parsed({**GHSA, "summary": "a\x1b[31m\u202eb\r\n" + "word " * 100})
    assert record.summary.isprintable()
    assert record.summary.startswith("a [31m b word")
    assert len(record.summary) <= 160
    assert parsed({**GHSA, "summary": "", "details": "first"}).summary == "first"
    assert parsed({**GHSA, "summary": 3, "details": None}).summary == ""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "the record is not an object"),
        ({}, "no usable id"),
        ({"id": "../../etc/passwd"}, "no usable id"),
        ({"id": 3}, "no usable id"),
        ({**GHSA, "affected": {}}, "affected is not a list"),
        ({**GHSA, "affected": [3]}, "affected is not an object"),
        ({**GHSA, "affected": [{"package": "jinja2"}]}, "package is not an object"),
        ({**GHSA, "affected": [{"package": {"ecosystem": "PyPI", "name": 3}}]}, "name is not a text"),
        ({**GHSA, "affected": [{**GHSA["affected"][0], "versions": [3.1]}]}, "versions is not a text"),
        ({**GHSA, "affected": [{**GHSA["affected"][0], "ranges": [[]]}]}, "ranges is not an object"),
        (
            {**GHSA, "affected": [{**GHSA["affected"][0], "ranges": [{"events": [{"fixed": 1}]}]}]},
            "fixed is not",
        ),
        ({**GHSA, "affected": [{**GHSA["affected"][0], "versions": ["1"] * 200_001}]}, "more than 200,000"),
        ({**GHSA, "aliases": "CVE-1"}, "aliases is not a list"),
    ],
)
def test_a_malformed_record_is_refused_with_the_reason(raw: Any, reason: str) -> None:
    with pytest.raises(AdvisoryError, match=reason):
        from_osv(raw)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "aliases",
                    "affected",
                    "package",
                    "name",
                    "ecosystem",
                    "ranges",
                    "events",
                    "fixed",
                    "versions",
                ]
                + [
                    "severity",
                    "type",
                    "score",
                    "database_specific",
                    "cwe_ids",
                    "modified",
                    "summary",
                    "withdrawn",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(sorted(GHSA)), _JSON, max_size=6))
def test_nothing_but_an_advisory_error_comes_of_strange_json(changes: dict[str, Any]) -> None:
    try:
        record = from_osv({**GHSA, **changes})
    except AdvisoryError:
        return
    assert record is None or record.withdrawn or from_json(record.to_json()) == record
