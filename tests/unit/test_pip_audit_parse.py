"""What counts as audited, and how pip-audit's reports become findings on the manifests' lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.advisories.record import Affected, Record
from mlsecops.advisories.server import AdvisoryServer, serve
from mlsecops.advisories.snapshot import make
from mlsecops.advisories.source import Source
from mlsecops.dependencies import Unaudited
from mlsecops.dependencies.model import OTHER_INDEX
from mlsecops.job import Parsed, Problem
from mlsecops.resolution import Resolution
from mlsecops.sarif.build import Json
from mlsecops.tools.pip_audit import contradictions, layers, parse
from mlsecops.uv_output import Package

TODAY = dt.date(2026, 11, 20)
CANARY = ("pyyaml", "5.3")
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def record(identifier: str, package: str, fixed: str, **more: Any) -> Record:
    """A record of a package that is vulnerable below a version."""
    affected = Affected(package, ((("introduced", "0"), ("fixed", fixed)),))
    return Record(id=identifier, modified="2026-01-01T00:00:00Z", affected=(affected,), **more)


RECORDS = (
    record("PYSEC-2020-96", "pyyaml", "5.3.1", aliases=("CVE-2020-1747",)),
    record(
        "GHSA-aaaa-bbbb-cccc",
        "flask",
        "2.2.5",
        aliases=("CVE-2026-1000", "PYSEC-2026-7"),
        severity=(CRITICAL,),
        summary="Sessions leak",
        cwe=("CWE-539",),
    ),
    record("GHSA-kkkk-kkkk-kkkk", "salt", "3000", aliases=("CVE-2020-11651",), word="LOW"),
    record("GHSA-uuuu-uuuu-uuuu", "six", "9"),
    record("MAL-2026-1", "evil", "9"),
)
SNAPSHOT = make(
    RECORDS,
    name="of the test",
    date=dt.date(2026, 11, 1),
    built=TODAY,
    sources=(),
    kev={"CVE-2020-11651": "2021-11-03"},
)
SOURCE = Source(snapshot=SNAPSHOT, today=TODAY, notes=("OSV cannot be reached",))


@pytest.fixture(name="server")
def _server() -> Iterator[AdvisoryServer]:
    with serve(SNAPSHOT) as running:
        running.answer(*CANARY)
        yield running


def entry(name: str, version: str, *vulns: Sequence[str]) -> Json:
    """A dependency in pip-audit's report; each vulnerability is its names, the first its id."""
    told = [{"id": names[0], "aliases": list(names[1:]), "fix_versions": []} for names in vulns]
    return {"name": name, "version": version, "vulns": told}


CANARY_ENTRY = entry(*CANARY, ["PYSEC-2020-96", "CVE-2020-1747"])


def read(server: AdvisoryServer, *entries: Json, packages: Sequence[Package] = (), **more: Any) -> Parsed:
    """What is parsed from a report with the canary and these entries."""
    report = {"dependencies": [CANARY_ENTRY, *entries]}
    return parse([report], server, SOURCE, Resolution(tuple(packages), **more), ["requirements.txt"])


FLASK = Package("flask", "2.0.1", "requirements.txt", 4)


@pytest.mark.parametrize(
    "names",
    [
        # pip-audit goes by whichever name it likes best, here one that is no record of the data.
        ["PYSEC-2026-7", "GHSA-aaaa-bbbb-cccc", "CVE-2026-1000"],
        ["CVE-2026-1000", "GHSA-aaaa-bbbb-cccc"],
        ["GHSA-aaaa-bbbb-cccc"],
    ],
)
def test_a_vulnerability_is_found_by_any_of_its_names(server: AdvisoryServer, names: list[str]) -> None:
    server.answer("flask", "2.0.1")
    parsed = read(server, entry("Flask", "2.0.1", names), packages=[FLASK])
    (result,) = parsed.results
    assert result["ruleId"] == "CVE-2026-1000"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "requirements.txt"
    assert place["region"]["startLine"] == 4
    assert "Use flask 2.2.5 or newer." in result["message"]["text"]
    properties = result["properties"]["mlsecops"]
    assert properties["fixed-in"] == "2.2.5"
    assert properties["severity-basis"] == "cvss"
    assert properties["kev"] is False
    assert set(properties["aliases"]) == {"GHSA-aaaa-bbbb-cccc", "PYSEC-2026-7"}
    (rule,) = [rule for rule in parsed.rules if rule["id"] == "CVE-2026-1000"]
    assert rule["properties"]["security-severity"] == "9.8"
    assert "external/cwe/cwe-539" in rule["properties"]["tags"]
    assert not parsed.problems
    assert parsed.canary == {"CVE-2020-1747"}
    assert parsed.looked_at == parsed.due == frozenset({"flask==2.0.1"})


def test_the_same_version_in_two_manifests_is_two_findings(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1")
    other = Package("flask", "2.0.1", "api/requirements.txt", 9, via="dash")
    parsed = read(server, entry("flask", "2.0.1", ["CVE-2026-1000"]), packages=[FLASK, other])
    assert len(parsed.results) == 2
    assert "It comes with dash." in parsed.results[1]["message"]["text"]
    assert len(parsed.rules) == 1


def test_what_is_exploited_unrated_or_malicious_is_high_at_least(server: AdvisoryServer) -> None:
    packages = [Package(name, "1.0", "r.txt", 1) for name in ("salt", "six", "evil")]
    for package in packages:
        server.answer(package.name, package.version)
    ids = {"salt": "CVE-2020-11651", "six": "GHSA-uuuu-uuuu-uuuu", "evil": "MAL-2026-1"}
    parsed = read(server, *(entry(name, "1.0", [ids[name]]) for name in ids), packages=packages)
    severity = {rule["id"]: float(rule["properties"]["security-severity"]) for rule in parsed.rules}
    assert severity == {"CVE-2020-11651": 9.1, "GHSA-uuuu-uuuu-uuuu": 7.5, "MAL-2026-1": 10.0}
    found = {result["ruleId"]: result for result in parsed.results}
    assert found["CVE-2020-11651"]["properties"]["mlsecops"]["kev"] is True
    assert "not known" in found["GHSA-uuuu-uuuu-uuuu"]["message"]["text"]
    assert "Remove evil" in found["MAL-2026-1"]["message"]["text"]
    tags = {rule["id"]: rule["properties"]["tags"] for rule in parsed.rules}
    assert "known-exploited" in tags["CVE-2020-11651"]
    assert "known-exploited" not in tags["MAL-2026-1"]


def test_a_skipped_package_was_not_looked_at(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1")
    skipped = {"name": "flask", "skip_reason": "Dependency not found"}
    parsed = read(server, skipped, packages=[FLASK])
    assert (parsed.looked_at, parsed.due) == (frozenset(), frozenset({"flask==2.0.1"}))


def test_a_package_that_the_data_was_not_asked_about_was_not_looked_at(server: AdvisoryServer) -> None:
    parsed = read(server, entry("flask", "2.0.1"), packages=[FLASK])
    assert (parsed.looked_at, parsed.due) == (frozenset(), frozenset({"flask==2.0.1"}))


def test_a_package_that_pip_audit_does_not_report_was_not_looked_at(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1")
    parsed = read(server, packages=[FLASK])
    assert (parsed.looked_at, parsed.due) == (frozenset(), frozenset({"flask==2.0.1"}))


def test_a_version_without_an_answer_is_a_problem(server: AdvisoryServer) -> None:
    server.failed[("flask", "2.0.1")] = "the service gave no answer"
    parsed = read(server, entry("flask", "2.0.1"), packages=[FLASK])
    assert parsed.problems == [Problem("flask 2.0.1", "the service gave no answer")]
    assert parsed.looked_at == frozenset()


def test_versions_are_the_same_however_they_are_spelled(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1-rc1")
    package = Package("flask", "2.0.1rc1", "r.txt", 1)
    parsed = read(server, entry("FLASK", "2.0.1.rc1", ["CVE-2026-1000"]), packages=[package])
    assert parsed.looked_at == {"flask==2.0.1rc1"}


def test_pip_audit_and_the_data_must_say_the_same(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1")
    silent = read(server, entry("flask", "2.0.1"), packages=[FLASK])
    assert [each.uri for each in silent.problems] == ["flask 2.0.1"]
    assert [result["ruleId"] for result in silent.results] == ["CVE-2026-1000"]
    strange = read(server, entry("flask", "2.0.1", ["CVE-2026-1000"], ["CVE-1999-1"]), packages=[FLASK])
    assert ["CVE-1999-1" in each.message for each in strange.problems] == [True]


def test_a_canary_that_was_not_reported_is_not_found(server: AdvisoryServer) -> None:
    server.answer("flask", "2.0.1")
    report = {"dependencies": [entry("flask", "2.0.1", ["CVE-2026-1000"])]}
    assert parse([report], server, SOURCE, Resolution((FLASK,)), ["r.txt"]).canary == frozenset()


def test_what_cannot_be_audited_is_a_finding(server: AdvisoryServer) -> None:
    unaudited = (("requirements.txt", Unaudited("forked", 7, "it comes from an address")),)
    parsed = read(server, unaudited=unaudited)
    (result,) = parsed.results
    assert result["ruleId"] == "dependency-not-auditable"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert parsed.looked_at == parsed.due == frozenset({"requirements.txt"})


def test_problems_notes_and_the_date_of_the_data_are_kept(server: AdvisoryServer) -> None:
    problem = Problem("setup.py", "its packages are computed", 3)
    parsed = read(server, problems=(problem,), notes=("resolved for Python 3.8",))
    assert parsed.problems == [problem]
    assert parsed.notes == ["OSV cannot be reached", "resolved for Python 3.8"]
    assert parsed.properties == {"data": {"source": "snapshot of the test", "date": "2026-11-01"}}


@pytest.mark.parametrize("report", [{}, {"dependencies": [{"name": "flask"}]}, [], None])
def test_a_report_of_another_shape_is_an_error(server: AdvisoryServer, report: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        parse([report], server, SOURCE, Resolution((FLASK,)), ["r.txt"])


@settings(deadline=None)
@given(st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "2", "3"]))))
def test_layers_hold_every_pair_once_and_no_name_twice(pairs: set[tuple[str, str]]) -> None:
    found = layers(pairs)
    assert sorted(pair for layer in found for pair in layer) == sorted(pairs)
    for layer in found:
        assert len({name for name, _ in layer}) == len(layer)
    assert len(found) == max((len([1 for name, _ in pairs if name == each]) for each, _ in pairs), default=0)


def test_names_that_share_nothing_contradict_each_other() -> None:
    flask = RECORDS[1]
    assert contradictions([flask.ids], [flask]) == []
    assert contradictions([{"CVE-2026-1000"}], [flask]) == []
    assert len(contradictions([{"CVE-1999-1"}], [flask])) == 2
    assert contradictions([], []) == []


def test_an_index_of_its_own_is_a_finding_on_its_line(server: AdvisoryServer) -> None:
    unaudited = (("requirements.txt", Unaudited("https://index.example", 3, OTHER_INDEX)),)
    parsed = read(server, unaudited=unaudited)
    (result,) = [each for each in parsed.results if each["ruleId"] == "dependency-index"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    assert [each["id"] for each in parsed.rules].count("dependency-index") == 1
