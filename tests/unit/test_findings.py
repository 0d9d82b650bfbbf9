from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.findings import Finding, LeftOut, Place, Report, band, build_report
from mlsecops.policy import Policy, Waiver
from mlsecops.report.parts import place
from mlsecops.sarif.build import Json, Result
from support.sarif_logs import advisory, log, result, rule, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
EVAL = rule("eval", cwe=95)


def report(current: Json, baseline: Json | None = None, **changes: Any) -> Report:
    usual: dict[str, Any] = {"policy": Policy(), "expected": (), "generated": NOW, "baseline": baseline}
    return build_report(current, **{**usual, **changes})


def only(current: Json, baseline: Json | None = None, **changes: Any) -> Finding:
    found = report(current, baseline, **changes).findings
    assert len(found) == 1, found
    return found[0]


def states(current: Json, baseline: Json, **changes: Any) -> list[tuple[str, str | None]]:
    return [(each.rule_id, each.state) for each in report(current, baseline, **changes).findings]


def waiver(**changes: Any) -> Waiver:
    usual: dict[str, Any] = {"path": "**", "reason": "because we know it", "expires": date(2026, 12, 31)}
    return Waiver(**{**usual, **changes})


def accepting(*waivers: Waiver, **changes: Any) -> Policy:
    return Policy(waivers=waivers, **changes)


class TestFinding:
    def test_it_says_what_the_result_and_its_rule_say(self) -> None:
        loads = rule("unsafe-load", severity=9.1, help_uri="https://docs.example/load")
        where = result(
            "unsafe-load",
            "nb/a b.ipynb",
            7,
            message="pickle.load of a request",
            logical="cell 3",
            properties={},
        )

        found = only(log(run("sast", "semgrep", [where], [loads])))

        assert found.id == found.fingerprint[:12]
        assert len(found.fingerprint) == 32
        assert (found.stage, found.stages, found.tools) == ("sast", ("sast",), ("semgrep",))
        assert (found.rule_id, found.title) == ("unsafe-load", "About unsafe-load")
        assert (found.severity, found.score) == ("critical", 9.1)
        assert (found.uri, found.line, found.cell) == ("nb/a b.ipynb", 7, "cell 3")
        assert found.message == "pickle.load of a request"
        assert found.fix == "Do not unsafe-load."
        assert found.help.startswith("What unsafe-load means.\n\n**Fix:**")
        assert found.help_uri == "https://docs.example/load"
        assert found.cwes == ("CWE-502",)
        assert "owasp-ml/ML06" in found.tags
        assert found.state is None
        assert found.open

    def test_of_a_file_as_a_whole_there_is_no_line(self) -> None:
        (found,) = report(log(run("model", "picklescan", [result("call", "a.pkl", line=0)]))).findings
        assert (found.uri, found.line) == ("a.pkl", 0)
        assert place(found) == "a.pkl"

    def test_it_says_what_is_known_of_a_package(self) -> None:
        where = advisory("PYSEC-2023-62", line=3, aliases=["CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"])
        where.properties["kev"] = True
        where.properties["fix"] = "flask>=2.2.5"

        found = only(log(run("sca", "pip-audit", [where])))

        assert (found.package, found.installed, found.fixed_in, found.kev) == (
            "flask",
            "2.0.1",
            "2.2.5",
            True,
        )
        assert found.aliases == ("CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq")
        assert found.fix == "flask>=2.2.5"

    def test_fixed_versions_may_be_a_list(self) -> None:
        where = advisory("CVE-2023-1")
        where.properties["fixed-in"] = ["2.2.5", "2.3.2"]

        assert only(log(run("sca", "pip-audit", [where]))).fixed_in == "2.2.5, 2.3.2"

    @pytest.mark.parametrize(
        ("score", "severity"),
        [(10, "critical"), (9.0, "critical"), (8.9, "high"), (7.0, "high"), (6.9, "medium"), (4.0, "medium"),
         (3.9, "low"), (0.0, "low")],
    )  # fmt: skip
    def test_bands(self, score: float, severity: str) -> None:
        assert band(score) == severity

    def test_the_result_knows_its_severity_better_than_the_rule(self) -> None:
        assert only(log(run("sast", "semgrep", [result("eval", severity=2.0)], [EVAL]))).severity == "low"

    @pytest.mark.parametrize("severity", [None, "", "unknown", "nan", "-1", "11", [], True])
    def test_an_unknown_severity_counts_as_high(self, severity: object) -> None:
        current = log(run("sast", "semgrep", [result("eval")], [EVAL]))
        current["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["security-severity"] = severity

        assert only(current).severity == "high"

    def test_the_rule_is_found_by_number_too(self) -> None:
        current = log(run("sast", "semgrep", [result("eval")], [rule("load"), EVAL]))
        del current["runs"][0]["results"][0]["ruleId"]
        current["runs"][0]["results"][0]["ruleIndex"] = 1

        assert only(current).rule_id == "eval"

    def test_a_result_that_is_no_failure_is_no_finding(self) -> None:
        current = log(
            run("sast", "semgrep", [result("eval"), result("eval", line=2), result("eval", line=3)])
        )
        current["runs"][0]["results"][0]["kind"] = "pass"
        current["runs"][0]["results"][1]["baselineState"] = "absent"

        assert only(current).line == 3

    def test_findings_come_worst_first(self) -> None:
        exploited = advisory("CVE-2023-2", line=2, aliases=[])
        exploited.properties["kev"] = True
        current = log(
            run(
                "sast",
                "semgrep",
                [result("note", "a.py"), result("load", "b.py")],
                [rule("note", severity=1.0)],
            ),
            run("sca", "pip-audit", [advisory("CVE-2023-1"), exploited]),
            run("model", "picklescan", [result("system", "m.pkl", severity=9.8)]),
        )

        found = [each.rule_id for each in report(current).findings]

        assert found == ["system", "CVE-2023-2", "CVE-2023-1", "load", "note"]


class TestOneRow:
    def test_same_fingerprint_from_several_tools(self) -> None:
        bandit = run("sast", "bandit", [result("B307", line=4)], [rule("B307", severity=5.0, cwe=95, fix="")])
        semgrep = run("sast", "semgrep", [result("eval", line=4)], [rule("eval", severity=8.0, cwe=95)])

        found = only(log(bandit, semgrep))

        assert found.tools == ("bandit", "semgrep")
        assert (found.rule_id, found.severity) == ("eval", "high")
        assert found.also_at == ()

    def test_same_weakness_on_a_line_under_different_fingerprints(self) -> None:
        bandit = run("sast", "bandit", [result("B301", line=4)], [rule("B301", severity=5.0, cwe=502)])
        both = rule("load", tags=("external/cwe/cwe-94", "external/cwe/cwe-502"))
        semgrep = run("sast", "semgrep", [result("load", line=4)], [both])

        found = only(log(bandit, semgrep))

        assert found.tools == ("bandit", "semgrep")
        assert found.rule_id == "load"
        assert found.cwes == ("CWE-94", "CWE-502")

    def test_what_the_project_itself_can_report_joins_nothing_of_another_stage(self) -> None:
        found = advisory("CVE-2026-1", aliases=["GHSA-1"])
        bridge = advisory("CVE-2026-1", aliases=["GHSA-1", "CVE-2020-1"])
        known = log(run("sca", "pip-audit", [advisory("CVE-2020-1")]))
        loads = result("B301", "src/app.py")
        accepted = waiver(rule="B999", path="**")
        critical = rule("B999", severity=9.9)

        for stage in ("test", "dast"):
            current = log(run("sca", "pip-audit", [found]), run(stage, "own", [bridge]))
            assert ("CVE-2026-1", "new") in [
                (each.rule_id, each.state) for each in report(current, known).findings if each.stage == "sca"
            ]
            same = replace(loads, rule_id="B999", identity=("the", "same"))
            mixed = log(
                run("sast", "bandit", [replace(loads, identity=("the", "same"))]),
                run(stage, "own", [same], [critical]),
            )
            rows = report(mixed, policy=accepting(accepted)).findings
            assert {(each.stage, each.open) for each in rows} == {("sast", True), (stage, False)}

    def test_another_line_another_weakness_or_another_stage_is_another_finding(self) -> None:
        bandit = run(
            "sast", "bandit", [result("B301", line=4), result("B307", line=5)], [rule("B307", cwe=95)]
        )
        semgrep = run("sast", "semgrep", [result("load", line=5)])
        model = run(
            "model",
            "loads",
            [result("loaded", line=4)],
            [rule("loaded", tags=("external/cwe/cwe-1", "external/cwe/cwe-502"))],
        )

        assert len(report(log(bandit, semgrep, model)).findings) == 4

    def test_two_findings_of_one_tool_on_a_line_stay_two(self) -> None:
        bandit = run("sast", "bandit", [result("B301", line=4), result("B302", line=4)])
        semgrep = run(
            "sast",
            "semgrep",
            [result("load", line=4, severity=9.0)],
            [rule("load", tags=("external/cwe/cwe-1", "external/cwe/cwe-502"))],
        )

        found = report(log(bandit, semgrep)).findings

        assert [each.tools for each in found] == [("bandit", "semgrep"), ("bandit",)]

    def test_advisories_that_are_aliases_of_the_same_package(self) -> None:
        audit = run("sca", "pip-audit", [advisory("PYSEC-2023-62", aliases=["CVE-2023-30861"])])
        trivy = run("sca", "trivy", [advisory("cve-2023-30861", "Flask", aliases=["GHSA-m2qf-hxjv-5gpq"])])
        osv = run("sca", "osv", [advisory("GHSA-m2qf-hxjv-5gpq")])

        found = only(log(audit, trivy, osv))

        assert found.tools == ("osv", "pip-audit", "trivy")
        assert {found.rule_id.upper(), *(each.upper() for each in found.aliases)} == {
            "CVE-2023-30861",
            "PYSEC-2023-62",
            "GHSA-M2QF-HXJV-5GPQ",
        }

    def test_advisories_of_one_line_or_of_other_packages_stay_apart(self) -> None:
        audit = run(
            "sca",
            "pip-audit",
            [advisory("CVE-2023-1"), advisory("CVE-2023-2"), advisory("CVE-2023-1", "quart")],
        )
        trivy = run("sca", "trivy", [advisory("CVE-2023-3")])

        assert len(report(log(audit, trivy)).findings) == 4

    def test_a_known_severity_counts_before_one_that_is_assumed(self) -> None:
        assumed, known = advisory("CVE-2023-1"), replace(advisory("CVE-2023-1"), severity=5.0)
        assumed.properties["severity-basis"] = "unknown"
        current = log(run("sca", "pip-audit", [assumed]), run("container", "trivy", [known]))
        assert (only(current).severity, only(current).score) == ("medium", 5.0)
        assert only(log(run("sca", "pip-audit", [assumed]))).severity == "high"

    def test_a_rule_that_is_not_named_after_an_advisory_joins_nothing(self) -> None:
        one = result("vulnerable-package", identity=("a",), properties={"package": "flask"})
        two = result("vulnerable-package", identity=("b",), properties={"package": "flask"})

        assert len(report(log(run("sca", "audit", [one, two]))).findings) == 2

    def test_a_package_in_manifest_lock_and_image_is_one_finding_at_three_places(self) -> None:
        audit = run(
            "sca",
            "pip-audit",
            [advisory("CVE-2023-1", line=3), advisory("CVE-2023-1", uri="uv.lock", line=90)],
        )
        image = run("container", "trivy", [advisory("CVE-2023-1", uri="Dockerfile", line=2)])

        found = only(log(image, audit))

        assert (found.stage, found.stages) == ("sca", ("sca", "container"))
        assert {Place(found.uri, found.line), *found.also_at} == {
            Place("requirements.txt", 3),
            Place("uv.lock", 90),
            Place("Dockerfile", 2),
        }

    def test_the_open_one_speaks_when_another_tool_is_suppressed(self) -> None:
        bandit = run(
            "sast", "bandit", [result("B307", severity=9.5, suppression="nosec")], [rule("B307", cwe=95)]
        )
        semgrep = run("sast", "semgrep", [result("eval", severity=5.0)], [EVAL])

        found = only(log(bandit, semgrep))

        assert found.open
        assert (found.rule_id, found.severity, found.tools) == ("eval", "medium", ("bandit", "semgrep"))

    def test_a_suppressed_finding_does_not_hide_another_tools_on_its_line(self) -> None:
        bandit = run("sast", "bandit", [result("B301", suppression="nosec")])
        both = rule("load", tags=("external/cwe/cwe-94", "external/cwe/cwe-502"))
        semgrep = run("sast", "semgrep", [result("load")], [both])

        found = report(log(bandit, semgrep)).findings

        assert {(each.rule_id, each.open) for each in found} == {("B301", False), ("load", True)}

    @settings(deadline=None)
    @given(st.permutations(range(5)))
    def test_the_order_of_runs_and_results_does_not_matter(self, order: list[int]) -> None:
        runs = [
            run("sast", "bandit", [result("B307", line=4), result("B301", line=9)], [rule("B307", cwe=95)]),
            run("sast", "semgrep", [result("eval", line=4), result("load", line=9)], [EVAL]),
            run("sca", "pip-audit", [advisory("PYSEC-1", aliases=["CVE-2023-1"])]),
            run("sca", "trivy", [advisory("CVE-2023-1"), advisory("CVE-2023-2")]),
            run("container", "hadolint", [result("DL3002", "Dockerfile")]),
        ]

        assert report(log(*(runs[number] for number in order))).findings == report(log(*runs)).findings


class TestSuppression:
    def test_it_is_told_and_does_not_count(self) -> None:
        found = report(
            log(
                run(
                    "sast",
                    "bandit",
                    [result("B301", suppression="nosec: our own file"), result("B307", line=2)],
                )
            )
        )

        assert found.suppressed == 1
        assert [each.suppressed for each in found.findings if not each.open] == ["nosec: our own file"]
        assert found.stage("sast") is not None
        assert found.stages[0].counts == {"critical": 0, "high": 1, "medium": 0, "low": 0}
        assert found.notices == ("comments in the files suppress 1 finding",)

    def test_a_reason_is_not_made_up(self) -> None:
        assert (
            only(log(run("sast", "bandit", [result("B301", suppression="")]))).suppressed == "no reason given"
        )

    @pytest.mark.parametrize(
        "changes", [{"status": "rejected"}, {"status": "underReview"}, {"kind": "external"}]
    )
    def test_only_an_accepted_comment_in_the_file_suppresses(self, changes: Json) -> None:
        current = log(run("sast", "bandit", [result("B301", suppression="nosec")]))
        current["runs"][0]["results"][0]["suppressions"][0].update(changes)

        assert only(current).open

    def test_new_ones_are_told(self) -> None:
        current = log(run("sast", "bandit", [result("B301", suppression="nosec")]))

        honouring = Policy(new_suppressions="honour")
        found = report(current, log(run("sast", "bandit")), policy=honouring)

        assert found.notices == ("comments in the files suppress 1 finding, 1 of them new",)

    def test_a_change_cannot_suppress_its_own_new_findings(self) -> None:
        hidden = result("B301", suppression="nosec")
        current = log(run("sast", "bandit", [hidden]))

        found = only(current, log(run("sast", "bandit")))
        assert (found.open, found.suppressed, found.self_hiding) == (True, None, True)

        known = log(run("sast", "bandit", [result("B301")]))
        assert (only(current, known).state, only(current, known).open) == ("unchanged", False)
        assert only(current, current).suppressed == "nosec"
        assert only(current).suppressed == "nosec"
        for believing in (Policy(new_suppressions="honour"), Policy(new_only=False)):
            assert only(current, log(run("sast", "bandit")), policy=believing).suppressed == "nosec"

    def test_a_stage_whose_only_finding_hides_itself_has_findings(self) -> None:
        current = log(run("sast", "bandit", [result("B301", suppression="nosec")], status="passed"))
        stage = report(current, log(run("sast", "bandit"))).stage("sast")
        assert stage is not None
        assert (stage.status, stage.counts["high"]) == ("findings", 1)


class TestWaiver:
    LOADS = log(run("sast", "bandit", [result("B301", "src/app.py")]))

    def test_by_rule_and_path(self) -> None:
        accepted = waiver(rule="B301", path="src/**")

        found = report(self.LOADS, policy=accepting(accepted))

        assert found.findings[0].waiver == accepted
        assert not found.findings[0].open
        assert found.waived == 1
        assert found.waivers_unused == ()
        assert sum(found.stages[0].counts.values()) == 0

    def test_every_result_of_a_waived_finding_is_named_by_stage_and_fingerprint(self) -> None:
        names = ("GHSA-1", "CVE-2026-1", "PYSEC-9")
        flask = [advisory(names[0], aliases=names[:2]), advisory(names[1], aliases=names[1:])]
        current = log(run("sca", "pip-audit", [*flask, advisory("CVE-2020-7", "jinja2")]))
        prints = [each["partialFingerprints"]["mlsecops/v1"] for each in current["runs"][0]["results"]]

        found = report(current, policy=accepting(waiver(advisory=names[2])))

        assert [each.open for each in found.findings].count(False) == 1
        assert found.waived_results == {("sca", prints[0]), ("sca", prints[1])}

    @pytest.mark.parametrize(
        "changes",
        [
            {"rule": "B302"},
            {"path": "tests/**"},
            {"stage": "sca"},
            {"package": "flask"},
            {"rule": None, "advisory": "B301"},
        ],
    )
    def test_that_names_something_else_is_unused(self, changes: Json) -> None:
        other = waiver(**{"rule": "B301", "path": "src/**", **changes})

        found = report(self.LOADS, policy=accepting(other))

        assert found.findings[0].waiver is None
        assert found.waivers_unused == ((other,) if other.stage is None else ())

    def test_on_its_last_day_and_after(self) -> None:
        last = accepting(waiver(rule="B301", expires=NOW.date()))
        over = accepting(waiver(rule="B301", expires=NOW.date() - timedelta(days=1)))

        assert only(self.LOADS, policy=last).waiver is not None
        found = report(self.LOADS, policy=over)
        assert found.findings[0].waiver is None
        assert found.waivers_expired == over.waivers
        assert found.waivers_unused == ()

    def test_by_any_name_of_the_advisory_and_package(self) -> None:
        current = log(run("sca", "pip-audit", [advisory("PYSEC-2023-62", aliases=["CVE-2023-30861"])]))

        assert only(current, policy=accepting(waiver(advisory="cve-2023-30861"))).waiver is not None
        assert (
            only(current, policy=accepting(waiver(advisory="CVE-2023-30861", package="Flask"))).waiver
            is not None
        )
        assert (
            only(current, policy=accepting(waiver(advisory="CVE-2023-30861", package="quart"))).waiver is None
        )

    def test_has_to_cover_every_file(self) -> None:
        current = log(
            run("sca", "pip-audit", [advisory("CVE-2023-1"), advisory("CVE-2023-1", uri="dev/req.txt")])
        )
        dev = waiver(advisory="CVE-2023-1", path="dev", expires=date(2026, 12, 1))
        root = waiver(advisory="CVE-2023-1", path="*.txt", expires=date(2027, 1, 1))

        partly = report(current, policy=accepting(dev))
        assert partly.findings[0].open
        assert partly.waivers_unused == ()
        assert only(current, policy=accepting(root, dev)).waiver == dev

    def test_of_a_stage_leaves_the_other_stage_open(self) -> None:
        current = log(
            run("sca", "pip-audit", [advisory("CVE-2023-1")]),
            run("container", "trivy", [advisory("CVE-2023-1", uri="Dockerfile")]),
        )

        assert only(current, policy=accepting(waiver(advisory="CVE-2023-1", stage="sca"))).open
        assert not only(current, policy=accepting(waiver(advisory="CVE-2023-1"))).open

    def test_of_a_milder_rule_does_not_accept_the_worse_one(self) -> None:
        bandit = run("sast", "bandit", [result("B307", severity=2.0)], [rule("B307", cwe=95)])
        semgrep = run("sast", "semgrep", [result("eval", severity=9.5)], [EVAL])

        assert only(log(bandit, semgrep), policy=accepting(waiver(rule="B307"))).open
        assert not only(log(bandit, semgrep), policy=accepting(waiver(rule="eval"))).open

    def test_is_not_called_unused_where_nothing_is_known(self) -> None:
        general, of_sca = waiver(rule="B999"), waiver(advisory="CVE-1", stage="sca")
        policy = accepting(general, of_sca)
        broken = run("sca", "pip-audit", status="incomplete", reason="no network")

        assert report(log(run("sast", "bandit"), broken), policy=policy).waivers_unused == ()
        assert report(log(run("sca", "pip-audit")), policy=policy, partial=True).waivers_unused == (of_sca,)
        assert report(log(run("sca", "pip-audit")), policy=policy).waivers_unused == (general, of_sca)

    def test_for_more_than_a_year_is_told(self) -> None:
        policy = accepting(waiver(rule="B301", expires=date(2030, 1, 1), path="src/**", line=12))

        assert report(self.LOADS, policy=policy).notices == (
            "the waiver of B301 in src/** (line 12) holds for more than a year, until 2030-01-01",
        )


class TestBaseline:
    def test_new_unchanged_and_fixed(self) -> None:
        files = {"app.py": "import pickle\neval(a)\npickle.load(b)\n"}
        earlier = {"app.py": "eval(a)\nexec(c)\n"}
        then = log(run("sast", "bandit", [result("B307"), result("B102", line=2)], files=earlier))
        now = log(run("sast", "bandit", [result("B307", line=2), result("B301", line=3)], files=files))

        found = report(now, then, baseline_source="main@3f2c1ab")

        assert {each.rule_id: each.state for each in found.findings} == {"B307": "unchanged", "B301": "new"}
        assert [(each.rule_id, each.state) for each in found.fixed] == [("B102", "fixed")]
        assert found.baseline is not None
        assert found.baseline.source == "main@3f2c1ab"
        assert found.baseline.date == datetime(2026, 11, 20, 9, 0, 4, 500_000, tzinfo=UTC)
        assert found.baseline.incomplete == ()

    def test_another_tool_that_finds_the_same_changes_nothing(self) -> None:
        then = log(run("sast", "bandit", [result("B307")], [rule("B307", cwe=95)]))
        now = log(run("sast", "semgrep", [result("eval")], [EVAL]))

        found = report(now, then)

        assert [each.state for each in found.findings] == ["unchanged"]
        assert found.fixed == ()

    def test_a_changed_name_of_an_advisory_changes_nothing(self) -> None:
        then = log(run("sca", "pip-audit", [advisory("PYSEC-2023-62", aliases=["CVE-2023-30861"])]))
        now = log(run("sca", "pip-audit", [advisory("GHSA-m2qf-hxjv-5gpq", aliases=["CVE-2023-30861"])]))

        assert [each.state for each in report(now, then).findings] == ["unchanged"]
        assert report(now, then).fixed == ()

    def test_the_same_weakness_at_one_more_place_is_new(self) -> None:
        then = log(run("sca", "pip-audit", [advisory("CVE-2023-1", uri="dev.txt")]))
        now = log(run("sca", "pip-audit", [advisory("CVE-2023-1", uri="dev.txt"), advisory("CVE-2023-1")]))

        found = report(now, then)

        assert [each.state for each in found.findings] == ["new"]
        assert found.fixed == ()
        assert states(then, now) == [("CVE-2023-1", "unchanged")]

    def test_a_second_malicious_model_is_new(self) -> None:
        call = ("call", "posix.system")
        then = log(run("model", "picklescan", [result("call", "a.pkl", identity=call)]))
        now = log(
            run("model", "picklescan", [result("call", name, identity=call) for name in ("a.pkl", "b.pkl")])
        )

        assert states(now, then) == [("call", "new")]

    TEXT = "\n".join(f"statement number {number} of the file" for number in range(40))

    def test_a_renamed_file_keeps_its_findings(self) -> None:
        then = log(
            run("sast", "bandit", [result("B301", "old.py", 9)], files={"old.py": self.TEXT, "x.py": ""})
        )
        now = log(
            run(
                "sast",
                "bandit",
                [result("B301", "src/new.py", 9)],
                files={"src/new.py": self.TEXT, "x.py": ""},
            )
        )

        found = report(now, then)

        assert [each.state for each in found.findings] == ["unchanged"]
        assert found.fixed == ()

    @staticmethod
    def model(*names: str, content: str = "a", call: str = "posix.system") -> Json:
        """A scan of model files without lines, each with the same call in the same bytes."""
        found = [result("call", name, identity=("import", name, call)) for name in names]
        scan = run("model", "picklescan", found)
        for each in scan["artifacts"]:
            each["hashes"] = {"sha-256": content * 64}
        for each in scan["results"]:
            prints = each["partialFingerprints"]
            prints["primaryLocationLineHash"] = f"{prints['mlsecops/v1'][:16]}:1"
        return log(scan)

    def test_a_renamed_file_without_lines_keeps_its_findings(self) -> None:
        found = report(self.model("new.pt"), self.model("old.pt"))

        assert [each.state for each in found.findings] == ["unchanged"]
        assert found.fixed == ()

    @pytest.mark.parametrize(
        "now",
        [
            model("new.pt", content="b"),  # other bytes
            model("old.pt", "new.pt", content="a"),  # a copy
            model("new.pt", content=""),  # nobody says what its bytes are
        ],
    )
    def test_a_file_without_lines_that_was_not_renamed_is_new(self, now: Json) -> None:
        new = [each.uri for each in report(now, self.model("old.pt")).findings if each.state == "new"]

        assert new == ["new.pt"]

    def test_of_two_files_with_the_same_bytes_one_is_renamed(self) -> None:
        then, now = self.model("a.pt"), self.model("b.pt", "c.pt")

        assert sorted(str(state) for _, state in states(now, then)) == ["new", "unchanged"]

    def test_another_flaw_in_the_place_of_a_mended_one_is_new(self) -> None:
        then = log(run("sast", "bandit", [result("B301", line=2)], files={"app.py": "import a\nload(x)\n"}))
        words = log(run("sast", "bandit", [result("B301", line=2)], files={"app.py": "import a\nload(y)\n"}))
        weakness = log(
            run("sast", "bandit", [result("B602", line=2)], [rule("B602", cwe=78)],
                files={"app.py": "import a\nload(x)\n"})
        )  # fmt: skip

        for now in (words, weakness):
            found = report(now, then)
            assert [each.state for each in found.findings] == ["new"]
            assert len(found.fixed) == 1

    def test_a_second_copy_of_a_line_is_new(self) -> None:
        once, twice = {"app.py": "load(x)\n"}, {"app.py": "load(x)\nload(x)\n"}
        then = log(run("sast", "bandit", [result("B301")], files=once))
        now = log(run("sast", "bandit", [result("B301"), result("B301", line=2)], files=twice))

        assert sorted(str(state) for _, state in states(now, then)) == ["new", "unchanged"]

    def test_without_fingerprints_a_file_and_a_message_make_it_the_same(self) -> None:
        def scan(uri: str) -> Json:
            current = log(run("sast", "bandit", [result("B301", uri, 9)], files={uri: self.TEXT}))
            del current["runs"][0]["results"][0]["partialFingerprints"]
            return current

        assert states(scan("a.py"), scan("a.py")) == [("B301", "unchanged")]
        assert states(scan("b.py"), scan("a.py")) == [("B301", "new")]

    def test_one_file_has_one_origin(self) -> None:
        then = log(run("sast", "bandit", [result("B301", "old.py", 9)], files={"old.py": self.TEXT}))
        copies = {"one.py": self.TEXT, "two.py": self.TEXT}
        now = log(run("sast", "bandit", [result("B301", uri, 9) for uri in copies], files=copies))

        assert sorted(str(state) for _, state in states(now, then)) == ["new", "unchanged"]

    @pytest.mark.parametrize(
        ("then_files", "now_files"),
        [
            ({"old.py"}, {"old.py", "new.py"}),  # copied: the old file is still there
            ({"old.py", "new.py"}, {"new.py"}),  # moved into a file that was there before
        ],
    )
    def test_text_that_was_not_renamed_with_its_file_is_new(
        self, then_files: set[str], now_files: set[str]
    ) -> None:
        then = log(
            run("sast", "bandit", [result("B301", "old.py", 9)], files=dict.fromkeys(then_files, self.TEXT))
        )
        now = log(
            run("sast", "bandit", [result("B301", "new.py", 9)], files=dict.fromkeys(now_files, self.TEXT))
        )

        assert states(now, then) == [("B301", "new")]

    def test_a_rename_out_of_a_waivers_path_is_new(self) -> None:
        then = log(run("sast", "bandit", [result("B301", "tests/a.py", 9)], files={"tests/a.py": self.TEXT}))
        now = log(run("sast", "bandit", [result("B301", "app/a.py", 9)], files={"app/a.py": self.TEXT}))

        assert states(now, then, policy=accepting(waiver(rule="B301", path="tests"))) == [("B301", "new")]
        assert states(now, then, policy=accepting(waiver(rule="B301", path="**"))) == [("B301", "unchanged")]

    def test_the_same_identity_out_of_a_waivers_path_is_new(self) -> None:
        then = log(run("sca", "pip-audit", [advisory("CVE-2023-1", uri="dev/req.txt")]))
        now = log(run("sca", "pip-audit", [advisory("CVE-2023-1", uri="req.txt")]))

        assert states(now, then, policy=accepting(waiver(advisory="CVE-2023-1", path="dev"))) == [
            ("CVE-2023-1", "new")
        ]
        assert states(now, then) == [("CVE-2023-1", "unchanged")]

    def test_a_suppression_taken_away_makes_it_new(self) -> None:
        then = log(run("sast", "bandit", [result("B301", suppression="nosec")]))
        now = log(run("sast", "bandit", [result("B301")]))

        assert states(now, then) == [("B301", "new")]
        assert states(then, now) == [("B301", "unchanged")]

    def test_an_absent_result_of_the_baseline_is_not_known(self) -> None:
        then = log(run("sast", "bandit", [result("B301")]))
        then["runs"][0]["results"][0]["baselineState"] = "absent"

        assert states(log(run("sast", "bandit", [result("B301")])), then) == [("B301", "new")]

    @pytest.mark.parametrize(
        "now",
        [
            log(),
            log(run("sast", "bandit", status="incomplete")),
            log(run("sast", "bandit", status="skipped", reason="nothing there")),
            log(run("sast", "semgrep")),
            log(run("sast", "bandit"), run("sast", "semgrep", status="incomplete")),
        ],
        ids=["nothing", "incomplete", "skipped", "another tool", "stage incomplete"],
    )
    def test_what_was_not_looked_for_again_is_not_fixed(self, now: Json) -> None:
        then = log(run("sast", "bandit", [result("B301")]))

        assert report(now, then).fixed == ()
        assert len(report(log(run("sast", "bandit")), then).fixed) == 1

    def test_what_an_unfinished_baseline_had_is_not_fixed(self) -> None:
        then = log(run("sast", "bandit", [result("B301")]), run("sast", "semgrep", status="incomplete"))

        found = report(log(run("sast", "bandit")), then)

        assert found.fixed == ()
        assert found.baseline is not None
        assert found.baseline.incomplete == ("sast",)
        assert found.notices == ("the baseline has no finished scan of sast: what is new there may be older",)

    def test_of_a_broken_tool_nothing_is_fixed_then_or_now(self) -> None:
        seen = run("sast", "bandit", [result("B301")])
        gone = run("sast", "bandit", files={"app.py": ""})
        doubtful: list[Json] = [
            {"status": "incomplete", "reason": "timed out"},
            {"canary": "not found"},
            {"expected": 2, "scanned": 1},
        ]

        assert len(report(log(gone), log(seen)).fixed) == 1
        for doubt in doubtful:
            broken_now = run("sast", "bandit", files={"app.py": ""}, **doubt)
            broken_then = run("sast", "bandit", [result("B301")], **doubt)
            assert report(log(broken_now), log(seen)).fixed == (), doubt
            assert report(log(gone), log(broken_then)).fixed == (), doubt

    def test_one_stages_doubt_is_not_anothers(self) -> None:
        then = log(run("sast", "bandit", [result("B301")]), run("sca", "pip-audit", [advisory("CVE-2023-1")]))
        now = log(run("sast", "bandit"), run("sca", "pip-audit", status="incomplete"))

        assert [each.rule_id for each in report(now, then).fixed] == ["B301"]

    def test_of_a_finding_of_two_tools_both_have_to_look_again(self) -> None:
        then = log(
            run("sast", "bandit", [result("B307")], [rule("B307", cwe=95)]),
            run("sast", "semgrep", [result("eval")], [EVAL]),
        )
        skipped = run("sast", "semgrep", status="skipped", reason="nothing there")

        assert report(log(run("sast", "bandit"), skipped), then).fixed == ()
        assert len(report(log(run("sast", "bandit"), run("sast", "semgrep")), then).fixed) == 1

    def test_what_another_tool_still_finds_is_not_fixed(self) -> None:
        both = rule("load", tags=("external/cwe/cwe-94", "external/cwe/cwe-502"))
        then = log(run("sast", "bandit", [result("B301")]), run("sast", "semgrep", [result("load")], [both]))
        now = log(
            run("sast", "bandit", files={"app.py": ""}), run("sast", "semgrep", [result("load")], [both])
        )

        assert report(now, then).fixed == ()

    def test_a_suppressed_finding_that_goes_away_is_not_told_as_fixed(self) -> None:
        then = log(run("sast", "bandit", [result("B301", suppression="nosec")]))

        assert report(log(run("sast", "bandit")), then).fixed == ()

    def test_a_stage_that_the_baseline_lacks_is_in_doubt(self) -> None:
        found = report(log(run("sast", "bandit"), run("sca", "pip-audit")), log(run("sast", "bandit")))

        assert found.baseline is not None
        assert found.baseline.incomplete == ("sca",)

    def test_an_empty_baseline_makes_everything_new(self) -> None:
        assert states(log(run("sast", "bandit", [result("B301")])), {}) == [("B301", "new")]

    @settings(deadline=None)
    @given(st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)))
    def test_every_finding_is_new_unchanged_or_fixed(self, before: set[int], after: set[int]) -> None:
        text = {"app.py": "\n".join(f"call_{number}()" for number in range(13))}

        def scan(lines: set[int]) -> Json:
            return log(
                run("sast", "bandit", [result("B301", line=line) for line in sorted(lines)], files=text)
            )

        found = report(scan(after), scan(before))

        by_state = {
            state: {each.line for each in found.findings if each.state == state}
            for state in ("new", "unchanged")
        }
        assert by_state["new"] == after - before
        assert by_state["unchanged"] == after & before
        assert {each.line for each in found.fixed} == before - after


class TestTools:
    def test_what_a_tool_did(self) -> None:
        work = run(
            "sca",
            "pip-audit",
            [advisory("CVE-2023-1")],
            data={"source": "OSV", "date": "2026-11-19T04:00:00Z"},
            notes=["resolved from wheels only"],
            suppressed=2,
        )
        notice = {"level": "warning", "message": {"text": "pyproject.toml: no version"}}
        work["invocations"][0]["toolExecutionNotifications"].append(notice)

        tool = report(log(work)).stages[0].tools[0]

        assert (tool.name, tool.version, tool.stage, tool.status) == ("pip-audit", "1.2.3", "sca", "findings")
        assert (tool.expected, tool.scanned, tool.canary) == (1, 1, "found")
        assert (tool.data_source, tool.data_date) == ("OSV", date(2026, 11, 19))
        assert tool.started == datetime(2026, 11, 20, 9, tzinfo=UTC)
        assert tool.seconds == 4.5
        assert tool.suppressed == 2
        assert tool.notes == ("resolved from wheels only",)
        assert tool.problems == ("pyproject.toml: no version",)
        assert tool.targets == ("requirements.txt",)
        assert tool.complete

    def test_the_reason_is_not_repeated_as_a_problem(self) -> None:
        work = run("sast", "bandit", status="incomplete", reason="bandit: it crashed")
        for text in ("bandit: it crashed", "a.py: no Python"):
            work["invocations"][0]["toolExecutionNotifications"].append({"message": {"text": text}})

        assert report(log(work)).stages[0].tools[0].problems == ("a.py: no Python",)

    def test_what_another_tool_could_read_is_no_problem(self) -> None:
        work = run("model", "picklescan")
        settled = {"level": "note", "message": {"text": "m.joblib: opcode unknown"}}
        work["invocations"][0]["toolExecutionNotifications"].append(settled)

        assert report(log(work)).stages[0].tools[0].problems == ()

    @pytest.mark.parametrize(
        ("evidence", "reason"),
        [
            ({"status": "splendid"}, "its run has no evidence that it looked"),
            ({"status": None}, "its run has no evidence that it looked"),
            ({"scanned": 2, "expected": 3}, "its evidence does not add up: looked at 2 of 3"),
            ({"scanned": 0, "expected": 0}, "its evidence does not add up: looked at 0 of 0"),
            ({"scanned": True}, "its evidence does not add up: looked at 0 of 1"),
            ({"canary": "not found"}, "did not find the known-bad canary, so it may be blind"),
            ({"canary": "dead"}, "did not find the known-bad canary, so it may be blind"),
            ({"status": "incomplete", "reason": ""}, "it did not finish"),
            ({"status": "incomplete", "reason": "bandit: timed out"}, "timed out"),
        ],
    )  # fmt: skip
    def test_a_run_that_does_not_prove_its_work_is_incomplete(self, evidence: Json, reason: str) -> None:
        tool = report(log(run("sast", "bandit", **evidence))).stages[0].tools[0]

        assert (tool.status, tool.reason) == ("incomplete", f"bandit: {reason}")
        assert not tool.complete

    def test_a_run_of_a_stranger_is_incomplete(self) -> None:
        work = run("sast", "bandit")
        del work["properties"]

        stage = report(log(work)).stages[0]

        assert (stage.name, stage.status) == ("sast", "incomplete")

    def test_a_run_that_ended_badly_is_incomplete(self) -> None:
        work = run("sast", "bandit")
        work["invocations"][0]["executionSuccessful"] = False

        assert report(log(work)).stages[0].reason == "bandit: it did not end as it should"

    def test_a_skipped_run_with_results_is_incomplete(self) -> None:
        work = run("sast", "bandit", [result("B301")], status="skipped")

        assert report(log(work)).stages[0].reason == "bandit: it says that it was skipped, yet it has results"

    @pytest.mark.parametrize("left", [None, [], [{"suppressions": [{"kind": "inSource"}]}]])
    def test_a_run_whose_findings_are_gone_is_incomplete(self, left: Any) -> None:
        work = run("sast", "bandit", [result("B301")])

        (stage,) = report(log({**work, "results": left})).stages

        assert stage.reason == "bandit: it says that it found something, and nothing of that is here"

    def test_a_run_that_found_only_what_is_no_failure_is_complete(self) -> None:
        work = run("sast", "bandit", [result("B301")])
        work["results"][0]["kind"] = "informational"

        assert report(log(work)).stages[0].status == "findings"

    def test_a_run_with_open_results_has_findings_whatever_it_says(self) -> None:
        assert (
            report(log(run("sast", "bandit", [result("B301")], status="passed"))).stages[0].status
            == "findings"
        )


class TestStages:
    def test_they_come_in_the_order_of_the_chain_with_the_worst_status(self) -> None:
        current = log(
            run("container", "hadolint", status="skipped", reason="no Dockerfile"),
            run("model", "picklescan"),
            run("model", "modelscan", status="incomplete", reason="modelscan: timed out"),
            run("sast", "zizmor", status="skipped", reason="no workflows"),
            run("sast", "bandit", [result("B301"), result("B307", severity=9.3, line=2)]),
            run("test", "pytest"),
            run("test", "coverage", status="skipped"),
        )

        found = report(current)

        assert [(each.name, each.status, each.reason) for each in found.stages] == [
            ("test", "passed", ""),
            ("sast", "findings", ""),
            ("model", "incomplete", "modelscan: timed out"),
            ("container", "skipped", "no Dockerfile"),
        ]
        assert found.stages[1].counts == {"critical": 1, "high": 1, "medium": 0, "low": 0}
        assert [tool.name for tool in found.stages[2].tools] == ["modelscan", "picklescan"]
        assert found.stage("dast") is None

    def test_an_expected_stage_of_which_nothing_came_is_incomplete(self) -> None:
        found = report(
            log(run("sast", "bandit")),
            expected=("model", "sast", "sca"),
            policy=Policy(switched_off=frozenset({"sca"})),
        )

        assert [(each.name, each.status, each.reason) for each in found.stages] == [
            ("sca", "skipped", "switched off in the policy"),
            ("sast", "passed", ""),
            ("model", "incomplete", "nothing came back from this stage"),
        ]

    def test_why_nothing_came_is_said_where_it_is_known(self) -> None:
        found = report(
            log(run("sast", "bandit")),
            expected=("model", "sast", "sca"),
            policy=Policy(switched_off=frozenset({"sca"})),
            absent=dict.fromkeys(("model", "sast", "sca"), "its job was cancelled"),
        )

        assert [(each.name, each.status, each.reason) for each in found.stages] == [
            ("sca", "skipped", "switched off in the policy"),
            ("sast", "passed", ""),
            ("model", "incomplete", "its job was cancelled"),
        ]

    def test_its_time_is_from_the_first_start_to_the_last_end(self) -> None:
        first, last = run("sast", "bandit"), run("sast", "semgrep")
        last["invocations"][0].update(startTimeUtc="2026-11-20T09:00:03Z", endTimeUtc="2026-11-20T09:00:10Z")

        assert report(log(first, last)).stages[0].seconds == 10.0

    def test_its_time_is_the_sum_when_times_are_not_known(self) -> None:
        first, last = run("sast", "bandit"), run("sast", "semgrep")
        last["invocations"][0].update(startTimeUtc="yesterday")

        assert report(log(first, last)).stages[0].seconds == 9.0

    def test_many_reasons_are_cut_short(self) -> None:
        runs = [run("sast", f"tool-{n}", status="incomplete", reason=f"tool-{n}: gone {n}") for n in range(5)]

        said = report(log(*runs)).stages[0].reason
        assert said == "tool-0: gone 0; tool-1: gone 1; tool-2: gone 2; and 2 more"

    def test_one_reason_of_several_tools_is_said_once(self) -> None:
        reasons = ["tool-0: gone", "tool-1: gone", "gone", "tool-1: gone"]
        runs = [run("sast", f"tool-{n}", status="incomplete", reason=each) for n, each in enumerate(reasons)]

        assert report(log(*runs)).stages[0].reason == "tool-0, tool-1: gone; gone; tool-1: gone"

    def test_a_stage_of_a_stranger_is_the_one_of_its_category_and_comes_last(self) -> None:
        own = run("sast", "bandit")
        stranger = run("fuzz", "atheris")
        del stranger["properties"]["mlsecops"]["stage"]
        nameless = run("x", "y")
        nameless["properties"] = nameless["automationDetails"] = {}

        assert [each.name for each in report(log(nameless, stranger, own)).stages] == [
            "sast",
            "fuzz",
            "unknown",
        ]


class TestReport:
    def test_project_and_left_out_files_come_from_the_log(self) -> None:
        rows = [
            {"path": "data/big.bin", "reason": "larger than 100 MB", "files": 1},
            {"path": "venv", "reason": "packages", "files": 1700},
        ]

        found = report(log(run("sast", "bandit"), left_out=[*rows, rows[0]]), notices=["a notice"])

        assert found.project == "forecast-api"
        assert found.left_out == (
            LeftOut("data/big.bin", "larger than 100 MB", 1),
            LeftOut("venv", "packages", 1700),
        )
        assert found.notices == ("a notice",)
        assert (found.generated, found.policy_source) == (NOW, "built-in defaults")
        assert report(log(), project="other").project == "other"

    def test_without_anything_it_is_empty(self) -> None:
        found = report({})

        assert (found.project, found.stages, found.findings, found.baseline) == ("project", (), (), None)

    def test_many_findings_take_no_longer_each_than_few(self) -> None:
        def scan(tool: str, numbers: range) -> Json:
            places = [(number % 300, number % 700, number // 700 + 1) for number in numbers]
            return run("sast", tool, [result(f"rule-{r}", f"src/{uri}.py", line) for r, uri, line in places])

        def work(number: int) -> Json:
            half = number // 2
            return log(scan("bandit", range(half)), scan("semgrep", range(half, number)))

        assert growth(work, 2_000, 8_000) < 8

    def test_a_flood_on_one_line_takes_no_longer_each(self) -> None:
        def work(number: int) -> Json:
            flood = [result(f"rule-{each}") for each in range(number)]
            tags = [("external/cwe/cwe-1", f"external/cwe/cwe-{each}") for each in range(number)]
            rules = [rule(f"rule-{each}", tags=tags[each]) for each in range(number)]
            return log(run("sast", "bandit", flood, rules), run("sast", "semgrep", flood, rules[:9]))

        assert growth(work, 1_000, 4_000) < 8


def growth(work: Callable[[int], Json], few: int, many: int) -> float:
    """How many times as long the larger log takes, compared with itself and with many waivers."""
    policy = accepting(*(waiver(rule=f"rule-{each}", path=f"src/{each}*.py") for each in range(300)))

    def seconds(current: Json) -> float:
        started = time.process_time()
        assert report(current, current, policy=policy).findings
        return time.process_time() - started

    logs = work(few), work(many)
    return min(seconds(logs[1]) for _ in range(2)) / min(seconds(logs[0]) for _ in range(2))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix, *(path for key, each in inner for path in paths(each, (*prefix, key)))]


@settings(deadline=None)
@given(st.data())
def test_a_broken_log_gives_a_report_and_no_traceback(data: st.DataObject) -> None:
    where: Result = advisory("CVE-2023-1", aliases=["GHSA-1"])
    current = log(
        run("sca", "pip-audit", [where], data={"source": "OSV", "date": "2026-11-19"}),
        run("sast", "bandit", [result("B301", suppression="nosec", logical="cell 1")]),
        left_out=[{"path": "a", "reason": "b", "files": 1}],
    )
    path = data.draw(st.sampled_from([path for path in paths(current) if path]))
    holder: Any = current
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(JSON)

    found = report(current, current, policy=accepting(waiver(rule="B301"), waiver(advisory="GHSA-1")))

    assert all(each.line >= 1 and each.fingerprint for each in found.findings)
