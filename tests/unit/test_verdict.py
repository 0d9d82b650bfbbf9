from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.findings import BaselineInfo, Finding, Report, StageReport, band, build_report
from mlsecops.policy import SEVERITIES, STAGES, OnMissingBase, Policy, Severity, Threshold, Waiver
from mlsecops.sarif.build import Json, Result, Status
from mlsecops.verdict import Condition, judge
from support.sarif_logs import log, result, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BASELINE = BaselineInfo(source="main", date=NOW)
WAIVER = Waiver(rule="B301", path="**", reason="because we know it", expires=date(2026, 12, 31))
STATUSES: tuple[Status, ...] = ("passed", "findings", "skipped", "incomplete")


def finding(severity: Severity = "high", number: int = 1, stage: str = "sast", **changes: Any) -> Finding:
    fingerprint = f"{number:032x}"[::-1]
    usual: dict[str, Any] = {
        "id": fingerprint[:12],
        "fingerprint": fingerprint,
        "stage": stage,
        "stages": (stage,),
        "rule_id": "B301",
        "title": "Unsafe load",
        "severity": severity,
        "score": 8.0,
        "message": "pickle.load",
        "uri": "app.py",
        "line": number,
    }
    return Finding(**{**usual, **changes})


def report(*findings: Finding, stages: dict[str, Status] | None = None, **changes: Any) -> Report:
    usual: dict[str, Status] = {"sca": "passed", "sast": "passed"}
    statuses = usual if stages is None else stages
    reports = tuple(StageReport(name=name, status=status) for name, status in statuses.items())
    return Report(project="p", generated=NOW, version="1", stages=reports, findings=findings, **changes)


class TestBlocked:
    def test_by_a_finding_at_the_threshold(self) -> None:
        verdict = judge(report(finding("high")), Policy())

        assert (verdict.word, verdict.exit_code) == ("blocked", 1)
        assert verdict.reason == "1 finding at or above high"
        text = "sast: 1 finding at or above high (1 high)"
        assert verdict.conditions == (Condition("findings", text, (finding("high").id,)),)

    def test_not_by_a_finding_below_it(self) -> None:
        assert judge(report(finding("medium")), Policy()).word == "passed"

    def test_one_condition_for_each_stage(self) -> None:
        found = [
            finding("critical", 1, "model"),
            finding("high", 2, "sca"),
            finding("critical", 3, "sca"),
            finding("low", 4, "sca"),
            finding("medium", 5, "container"),
        ]
        policy = Policy(stage_thresholds={"container": "medium"})

        verdict = judge(report(*found), policy)

        assert verdict.reason == "4 findings at or above the thresholds of their stages"
        assert [each.text for each in verdict.conditions] == [
            "sca: 2 findings at or above high (1 critical, 1 high)",
            "model: 1 finding at or above high (1 critical)",
            "container: 1 finding at or above medium (1 medium)",
        ]
        assert verdict.conditions[0].findings == (found[1].id, found[2].id)

    def test_by_the_strictest_of_the_stages_that_saw_it(self) -> None:
        both = finding("high", stage="sca", stages=("sca", "container"))
        policy = Policy(stage_thresholds={"sca": "critical", "container": "high"})

        verdict = judge(report(both), policy)

        assert verdict.word == "blocked"
        assert verdict.conditions[0].text == "container: 1 finding at or above high (1 high)"

    def test_never_by_a_stage_that_never_blocks(self) -> None:
        policy = Policy(default_threshold="never")

        verdict = judge(report(finding("critical")), policy)

        assert verdict.word == "passed"
        assert verdict.reason == "every stage finished; the policy lets no finding block (fail-on: never)"

    @pytest.mark.parametrize("accepted", [{"waiver": WAIVER}, {"suppressed": "nosec"}])
    def test_not_by_what_is_accepted(self, accepted: Json) -> None:
        assert judge(report(finding("critical", **accepted)), Policy()).word == "passed"

    def test_names_what_else_is_wrong(self) -> None:
        verdict = judge(report(finding(), stages={"sast": "findings", "model": "incomplete"}), Policy())

        assert verdict.word == "blocked"
        assert verdict.reason == "1 finding at or above high; model incomplete"
        assert [each.kind for each in verdict.conditions] == ["findings", "incomplete"]

    def test_counts_what_is_wrong_beside_the_stages(self) -> None:
        stages: dict[str, Status] = {"sast": "findings", "model": "incomplete", "dast": "incomplete"}
        verdict = judge(report(finding(), stages=stages), Policy(required=frozenset({"sca"})))
        assert verdict.reason == "1 finding at or above high; model, dast incomplete (and 1 more)"
        alone = judge(report(finding(), stages={"sast": "findings"}), Policy(required=frozenset({"sca"})))
        assert alone.reason.endswith("high; sca: required by the policy, but not part of this run")


class TestBaseline:
    def test_only_new_findings_block(self) -> None:
        old, new = finding(number=1, state="unchanged"), finding(number=2, state="new")

        assert judge(report(old, baseline=BASELINE), Policy()).word == "passed"
        verdict = judge(report(old, new, baseline=BASELINE), Policy())
        assert verdict.reason == "1 new finding at or above high"
        assert verdict.conditions[0].findings == (new.id,)

    def test_all_findings_block_when_the_policy_says_so(self) -> None:
        old = finding(state="unchanged")

        assert judge(report(old, baseline=BASELINE), Policy(new_only=False)).word == "blocked"

    def test_fixed_findings_do_not_block(self) -> None:
        assert judge(report(baseline=BASELINE, fixed=(finding(state="fixed"),)), Policy()).word == "passed"

    def test_the_reason_says_what_was_compared(self) -> None:
        assert (
            judge(report(baseline=BASELINE), Policy()).reason
            == "every stage finished, with no new finding at or above high"
        )
        assert judge(report(), Policy()).reason == "every stage finished, with no finding at or above high"
        mixed = Policy(stage_thresholds={"sca": "low"})
        assert (
            judge(report(), mixed).reason
            == "every stage finished, with no finding at or above the threshold of its stage"
        )

    @pytest.mark.parametrize(
        ("on_missing_base", "found", "word"),
        [
            ("all", True, "blocked"),
            ("all", False, "passed"),
            ("pass", True, "passed"),
            ("incomplete", True, "blocked"),
            ("incomplete", False, "incomplete"),
        ],
    )
    def test_that_is_missing(self, on_missing_base: OnMissingBase, found: bool, word: str) -> None:
        findings = [finding()] if found else []

        assert judge(report(*findings), Policy(on_missing_base=on_missing_base)).word == word

    def test_that_is_missing_is_said(self) -> None:
        lenient, strict = Policy(on_missing_base="pass"), Policy(on_missing_base="incomplete")
        without = "there is no baseline to compare with"

        assert judge(report(), lenient).reason == f"{without}, so no finding counts (on-missing-base: pass)"
        assert judge(report(), strict).reason == f"{without}, and the policy asks for one"

    @pytest.mark.parametrize("on_missing_base", get_args(OnMissingBase))
    def test_that_is_missing_does_not_matter_where_all_findings_count(
        self, on_missing_base: OnMissingBase
    ) -> None:
        policy = Policy(new_only=False, on_missing_base=on_missing_base)

        assert judge(report(finding()), policy).word == "blocked"
        assert judge(report(), policy).word == "passed"


class TestIncomplete:
    def test_by_any_stage_that_is(self) -> None:
        stages = (
            StageReport(name="sca", status="passed"),
            StageReport(name="model", status="incomplete", reason="modelscan: timed out\n::error::x\x1b[31m"),
        )

        verdict = judge(replace(report(), stages=stages), Policy(default_threshold="never"))

        assert (verdict.word, verdict.exit_code) == ("incomplete", 3)
        assert verdict.reason == "model: modelscan: timed out ::error::x\\x1b[31m"
        assert verdict.conditions == (Condition("incomplete", verdict.reason),)

    def test_more_than_one_is_counted(self) -> None:
        verdict = judge(report(stages={"sca": "incomplete", "sast": "incomplete"}), Policy())

        assert verdict.reason == "sca: did not finish (and 1 more)"

    def test_by_each_doubt_about_the_whole_which_comes_first(self) -> None:
        doubts = ("the policy of the base commit cannot be read:\n no such commit", "another")

        verdict = judge(
            report(stages={"sca": "incomplete"}, doubts=doubts), Policy(default_threshold="never")
        )

        assert (verdict.word, verdict.exit_code) == ("incomplete", 3)
        assert [each.kind for each in verdict.conditions] == ["incomplete"] * 3
        first, second, last = (each.text for each in verdict.conditions)
        assert first == "the policy of the base commit cannot be read: no such commit"
        assert (second, last) == ("another", "sca: did not finish")
        assert verdict.reason == f"{first} (and 2 more)"

    def test_by_a_doubt_when_it_blocks_already(self) -> None:
        verdict = judge(report(finding(), doubts=["a doubt"]), Policy())

        assert (verdict.word, verdict.reason) == ("blocked", "1 finding at or above high; a doubt")
        assert verdict.conditions[-1].text == "a doubt"

    def test_by_a_required_stage_that_was_skipped_or_is_missing(self) -> None:
        policy = Policy(required=frozenset({"model", "sca"}))

        verdict = judge(report(stages={"sast": "passed", "model": "skipped"}), policy)

        assert verdict.word == "incomplete"
        assert [(each.kind, each.text) for each in verdict.conditions] == [
            ("required", "sca: required by the policy, but not part of this run"),
            ("required", "model: required by the policy, but skipped: no reason given"),
        ]
        assert judge(report(stages={"sca": "passed", "model": "findings"}), policy).word == "passed"

    def test_not_by_a_stage_that_was_skipped(self) -> None:
        assert judge(report(stages={"sast": "passed", "model": "skipped"}), Policy()).word == "passed"

    @pytest.mark.parametrize("stages", [{}, {"sca": "skipped"}, {"sca": "skipped", "model": "skipped"}])
    def test_when_nothing_was_scanned(self, stages: dict[str, Status]) -> None:
        verdict = judge(report(stages=stages), Policy(default_threshold="never"))

        assert (verdict.word, verdict.reason) == ("incomplete", "nothing was found to scan")

    def test_a_long_reason_is_cut(self) -> None:
        stages = (StageReport(name="sca", status="incomplete", reason="x" * 9_000),)

        assert len(judge(replace(report(), stages=stages), Policy()).reason) == 400


thresholds: st.SearchStrategy[Threshold] = st.sampled_from([*SEVERITIES, "never"])
policies = st.builds(
    Policy,
    default_threshold=thresholds,
    stage_thresholds=st.dictionaries(st.sampled_from(STAGES), thresholds, max_size=3),
    new_only=st.booleans(),
    on_missing_base=st.sampled_from(get_args(OnMissingBase)),
    required=st.frozensets(st.sampled_from(STAGES), max_size=2),
)
statuses = st.dictionaries(st.sampled_from(STAGES), st.sampled_from(STATUSES), max_size=6)
findings = st.builds(
    finding,
    st.sampled_from(SEVERITIES),
    st.integers(1, 5),
    st.sampled_from(STAGES),
    state=st.sampled_from([None, "new", "unchanged"]),
    waiver=st.sampled_from([None, WAIVER]),
    suppressed=st.sampled_from([None, "nosec"]),
)
baselines = st.sampled_from([None, BASELINE])
BADNESS = {"passed": 0, "incomplete": 1, "blocked": 2}


@settings(deadline=None)
@given(st.lists(findings, max_size=4), statuses, baselines, policies)
def test_no_incomplete_stage_passes(
    found: list[Finding], stages: dict[str, Status], baseline: BaselineInfo | None, policy: Policy
) -> None:
    verdict = judge(report(*found, stages=stages, baseline=baseline), policy)

    finished = [status for status in stages.values() if status in {"passed", "findings"}]
    if verdict.word == "passed":
        assert finished
        assert "incomplete" not in stages.values()
        assert all(stages.get(name) in {"passed", "findings"} for name in policy.required)
        assert verdict.conditions == ()
    else:
        assert verdict.conditions
    assert verdict.exit_code == {"passed": 0, "blocked": 1, "incomplete": 3}[verdict.word]
    assert verdict.reason.isprintable()


@settings(deadline=None)
@given(st.lists(findings, max_size=4), findings, statuses, baselines, policies)
def test_one_more_finding_never_makes_it_better(
    found: list[Finding],
    more: Finding,
    stages: dict[str, Status],
    baseline: BaselineInfo | None,
    policy: Policy,
) -> None:
    before = judge(report(*found, stages=stages, baseline=baseline), policy)
    after = judge(report(*found, more, stages=stages, baseline=baseline), policy)

    assert BADNESS[after.word] >= BADNESS[before.word]


@settings(deadline=None)
@given(st.lists(findings, max_size=4), statuses, st.sampled_from(STAGES), baselines, policies)
def test_a_stage_that_breaks_never_makes_it_better(
    found: list[Finding],
    stages: dict[str, Status],
    broken: str,
    baseline: BaselineInfo | None,
    policy: Policy,
) -> None:
    before = judge(report(*found, stages=stages, baseline=baseline), policy)
    after = judge(report(*found, stages={**stages, broken: "incomplete"}, baseline=baseline), policy)

    assert BADNESS[after.word] >= BADNESS[before.word]
    assert after.word != "passed"


results = st.builds(
    result,
    st.sampled_from(["eval", "load"]),
    st.sampled_from(["a.py", "b.py"]),
    st.integers(1, 3),
    severity=st.sampled_from([2.0, 5.0, 8.0, 9.5]),
    suppression=st.sampled_from([None, None, "nosec"]),
    identity=st.sampled_from([(), (), ("call", "system")]),
)
scans = st.lists(results, max_size=4)


@settings(deadline=None)
@given(scans, scans, results, st.none() | scans, policies)
def test_one_more_result_in_the_log_never_makes_it_better(
    bandit: list[Result], semgrep: list[Result], more: Result, earlier: list[Result] | None, policy: Policy
) -> None:
    def word(*extra: Result) -> str:
        current = log(run("sast", "bandit", bandit), run("sast", "semgrep", [*semgrep, *extra]))
        baseline = None if earlier is None else log(run("sast", "bandit", earlier))
        built = build_report(current, policy=policy, expected=("sast",), generated=NOW, baseline=baseline)
        return judge(built, policy).word

    assert BADNESS[word(more)] >= BADNESS[word()]


@settings(deadline=None)
@given(st.floats(0, 10), st.floats(0, 10))
def test_a_higher_score_is_no_lower_severity(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert SEVERITIES.index(band(high)) <= SEVERITIES.index(band(low))
