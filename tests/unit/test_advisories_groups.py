"""Records of several databases -> vulnerabilities, each once."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from mlsecops.advisories.groups import canonical_id, describe, group
from mlsecops.advisories.record import Affected, Record


def record(identifier: str, *aliases: str, fixed: Sequence[str] = (), package: str = "flask") -> Record:
    events = (("introduced", "0"), *(("fixed", version) for version in fixed))
    return Record(
        id=identifier,
        modified="2026-01-01T00:00:00Z",
        published=f"2026-01-{len(aliases) + 1:02}T00:00:00Z",
        aliases=aliases,
        affected=(Affected(package, (events,)),),
    )


def ids(groups: Sequence[Sequence[Record]]) -> list[list[str]]:
    return [[known.id for known in records] for records in groups]


def test_the_cve_is_the_name_else_the_first_of_the_databases_in_their_order() -> None:
    assert canonical_id(["PYSEC-2023-62", "GHSA-m2qf-hxjv-5gpq", "CVE-2023-30861"]) == "CVE-2023-30861"
    assert canonical_id(["PYSEC-2023-62", "GHSA-m2qf-hxjv-5gpq"]) == "GHSA-m2qf-hxjv-5gpq"
    assert canonical_id(["MAL-2026-1", "PYSEC-2023-62"]) == "PYSEC-2023-62"
    assert canonical_id(["CVE-2021-10000", "CVE-2021-9999"]) == "CVE-2021-9999"


def test_records_of_one_cve_are_one_vulnerability() -> None:
    records = [
        record("PYSEC-1", "CVE-2020-1"),
        record("GHSA-a", "CVE-2020-1"),
        record("GHSA-b", "CVE-2020-2"),
    ]
    assert ids(group(records)) == [["GHSA-a", "PYSEC-1"], ["GHSA-b"]]


def test_records_without_a_cve_join_by_any_other_name() -> None:
    records = [
        record("PYSEC-1", "GHSA-a"),
        record("GHSA-a"),
        record("GHSA-b", "CVE-2020-2"),
        record("X-1", "GHSA-b"),
    ]
    assert ids(group(records)) == [["GHSA-b", "X-1"], ["GHSA-a", "PYSEC-1"]]


def test_different_cves_stay_apart_though_both_claim_the_same_ghsa() -> None:
    """PYSEC-2021-335 and -370 do; a waiver for the one must not cover the other."""
    records = [
        record("PYSEC-2021-335", "CVE-2021-32807", "GHSA-q"),
        record("PYSEC-2021-370", "CVE-2021-32811", "GHSA-q"),
    ]
    assert ids(group([*records, record("GHSA-q")])) == [["GHSA-q", "PYSEC-2021-335"], ["PYSEC-2021-370"]]


def test_a_record_of_two_cves_ties_their_records_together() -> None:
    records = [
        record("A-1", "CVE-2020-1"),
        record("B-1", "CVE-2020-2"),
        record("C-1", "CVE-2020-1", "CVE-2020-2"),
    ]
    assert ids(group(records)) == [["A-1", "B-1", "C-1"]]


_NAMES = ["CVE-2020-1", "CVE-2020-2", "CVE-2020-3", "GHSA-a", "GHSA-b", "PYSEC-1", "MAL-1"]
_RECORDS = st.lists(
    st.builds(
        lambda number, aliases: record(f"X-{number}", *aliases),
        st.integers(0, 50),
        st.lists(st.sampled_from(_NAMES), unique=True, max_size=3),
    ),
    unique_by=lambda known: known.id,
    max_size=8,
)


@given(_RECORDS, st.randoms(use_true_random=False))
def test_no_record_is_lost_doubled_or_placed_by_chance(records: list[Record], chance: object) -> None:
    groups = ids(group(records))
    assert sorted(identifier for known in groups for identifier in known) == sorted(r.id for r in records)
    assert ids(group(reversed(records))) == groups


@given(_RECORDS)
def test_a_cve_is_never_in_two_vulnerabilities(records: list[Record]) -> None:
    seen: set[str] = set()
    for known in group(records):
        cves = {name for each in known for name in each.ids if name.startswith("CVE-")}
        assert not cves & seen
        seen |= cves


def test_an_advisory_tells_all_that_its_records_know() -> None:
    first = record("PYSEC-2023-62", "CVE-2023-30861", fixed=["2.2.5"])
    second = Record(
        id="GHSA-m2qf-hxjv-5gpq",
        modified="2026-01-01T00:00:00Z",
        aliases=("CVE-2023-30861",),
        summary="Flask vulnerable",
        word="HIGH",
        cwe=("CWE-539",),
        affected=(Affected("flask", ((("introduced", "0"), ("fixed", "2.2.5")),)),),
    )
    (advisory,) = describe(
        [first, second], package="flask", version="2.0.1", exploited={"CVE-2023-30861": "2026-01-05"}
    )
    assert advisory.id == "CVE-2023-30861"
    assert advisory.aliases == ("GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62")
    assert advisory.records == ("GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62")
    assert advisory.ids == {"CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62"}
    assert (advisory.summary, advisory.cwe, advisory.fixed) == ("Flask vulnerable", ("CWE-539",), ("2.2.5",))
    assert (advisory.severity.score, advisory.exploited, advisory.malicious) == (9.1, "2026-01-05", False)
    assert advisory.published == "2026-01-02T00:00:00Z"


def test_a_fix_is_later_than_the_version_and_free_of_the_vulnerability_in_every_record() -> None:
    lines = Affected(
        "flask",
        (
            (
                ("introduced", "0"),
                ("fixed", "1.0"),
                ("introduced", "2.0"),
                ("fixed", "2.2.5"),
                ("introduced", "2.3"),
            )
            + (("fixed", "2.3.2"),),
        ),
    )
    records = [Record(id="GHSA-a", modified="", aliases=("CVE-2020-1",), affected=(lines,))]
    (advisory,) = describe(records, package="flask", version="2.0.1", exploited={})
    assert advisory.fixed == ("2.2.5", "2.3.2")
    records.append(record("PYSEC-1", "CVE-2020-1", fixed=["2.3"]))
    (advisory,) = describe(records, package="flask", version="2.0.1", exploited={})
    assert advisory.fixed == ("2.3.2",)


def test_there_may_be_no_fix_and_a_version_without_order_has_none() -> None:
    (unfixed,) = describe([record("GHSA-a")], package="flask", version="2.0.1", exploited={})
    (odd,) = describe([record("GHSA-a", fixed=["3"])], package="flask", version="2004d", exploited={})
    assert unfixed.fixed == odd.fixed == ()


def test_the_worst_comes_first() -> None:
    records = [record("GHSA-a", "CVE-2020-2"), record("MAL-2026-1"), record("GHSA-b", "CVE-2020-1")]
    told = describe(records, package="flask", version="1", exploited={})
    assert [advisory.id for advisory in told] == ["MAL-2026-1", "CVE-2020-1", "CVE-2020-2"]
    assert told[0].malicious
