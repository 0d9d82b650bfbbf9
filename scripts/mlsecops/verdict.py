"""The verdict over a report: passed, blocked or incomplete, and the conditions that made it so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlsecops.findings import Finding, Report
from mlsecops.policy import SEVERITIES, Policy, reaches, stage_order

Word = Literal["passed", "blocked", "incomplete"]
ConditionKind = Literal["findings", "incomplete", "required", "nothing-scanned", "no-baseline"]
ExitCode = Literal[0, 1, 3]

_LINE = 400
_EXIT_CODES: Mapping[Word, ExitCode] = {"passed": 0, "blocked": 1, "incomplete": 3}


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that stands against passing; `findings` are the identifiers of those that it is about."""

    kind: ConditionKind
    text: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's word, why in one line, every condition, and the exit code that says the same."""

    word: Word
    reason: str
    conditions: tuple[Condition, ...]
    exit_code: ExitCode


def judge(report: Report, policy: Policy) -> Verdict:
    """Judge a report by a policy.

    Blocked when an open finding at or above the threshold of one of its stages counts: a new one where there
    is a baseline and the policy says `new-only`, else any. Otherwise incomplete when the report is in
    doubt, when any stage is incomplete, when a required stage was skipped or is missing, when nothing at all
    was scanned, or when the policy wants a baseline and there is none. Only then passed.
    """
    blocking = _blocking(report, policy)
    unfinished = tuple(_unfinished(report, policy))
    word: Word = "blocked" if blocking else "incomplete" if unfinished else "passed"
    if blocking:
        reason = _why_blocked(blocking, unfinished, report, policy)
    else:
        reason = _summary(unfinished) if unfinished else _why_passed(report, policy)
    found = (_found(stage, findings, report, policy) for stage, findings in blocking.items())
    return Verdict(word, _line(reason), (*found, *unfinished), _EXIT_CODES[word])


def counts(finding: Finding, report: Report, policy: Policy) -> bool:
    """Whether a finding can block: open, and new where only new ones count."""
    if not finding.open:
        return False
    if not policy.new_only:
        return True
    if report.baseline is None:
        return policy.on_missing_base != "pass"
    return finding.state != "unchanged"


def _blocking(report: Report, policy: Policy) -> dict[str, list[Finding]]:
    """The findings that block, by the first of their stages whose threshold they reach."""
    by_stage: dict[str, list[Finding]] = {}
    for finding in report.findings:
        reached = (stage for stage in finding.stages if reaches(finding.severity, policy.threshold(stage)))
        stage = next(reached, None)
        if stage is not None and counts(finding, report, policy):
            by_stage.setdefault(stage, []).append(finding)
    return dict(sorted(by_stage.items(), key=lambda item: stage_order(item[0])))


def _found(stage: str, findings: Sequence[Finding], report: Report, policy: Policy) -> Condition:
    number = Counter(finding.severity for finding in findings)
    split = ", ".join(f"{number[severity]} {severity}" for severity in SEVERITIES if number[severity])
    what = f"{_number(len(findings), report, policy)} at or above {policy.threshold(stage)}"
    return Condition("findings", _line(f"{stage}: {what} ({split})"), tuple(each.id for each in findings))


def _unfinished(report: Report, policy: Policy) -> Iterator[Condition]:
    """What keeps a report without blocking findings from passing."""
    for doubt in report.doubts:
        yield Condition("incomplete", _line(doubt))
    for stage in report.stages:
        if stage.status == "incomplete":
            yield Condition("incomplete", _line(f"{stage.name}: {stage.reason or 'did not finish'}"))
    unreadable = [row for row in report.left_out if row.unreadable]
    if unreadable:
        more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        text = f"could not read {unreadable[0].path} ({unreadable[0].reason}){more}"
        yield Condition("incomplete", _line(text))
    for name in sorted(policy.required, key=stage_order):
        required = report.stage(name)
        if required is None:
            yield Condition("required", f"{name}: required by the policy, but not part of this run")
        elif required.status == "skipped":
            text = f"{name}: required by the policy, but skipped: {required.reason or 'no reason given'}"
            yield Condition("required", _line(text))
    if all(stage.status == "skipped" for stage in report.stages):
        yield Condition("nothing-scanned", "nothing was found to scan")
    if policy.new_only and policy.on_missing_base == "incomplete" and report.baseline is None:
        yield Condition("no-baseline", "there is no baseline to compare with, and the policy asks for one")


def _why_blocked(
    blocking: Mapping[str, Sequence[Finding]], unfinished: Sequence[Condition], report: Report, policy: Policy
) -> str:
    number = sum(len(findings) for findings in blocking.values())
    limits = {policy.threshold(stage) for stage in blocking}
    limit = limits.pop() if len(limits) == 1 else "the thresholds of their stages"
    findings = f"{_number(number, report, policy)} at or above {limit}"
    return "; ".join(filter(None, (findings, _open(unfinished, report))))


def _open(unfinished: Sequence[Condition], report: Report) -> str:
    """What is unfinished beside findings that block: the stages by name, or the first of the conditions."""
    stages = [stage.name for stage in report.stages if stage.status == "incomplete"]
    if not stages:
        return _summary(unfinished) if unfinished else ""
    more = len(unfinished) - len(stages)
    return f"{', '.join(stages)} incomplete{f' (and {more} more)' if more > 0 else ''}"


def _summary(conditions: Sequence[Condition]) -> str:
    more = f" (and {len(conditions) - 1} more)" if len(conditions) > 1 else ""
    return f"{conditions[0].text}{more}"


def _why_passed(report: Report, policy: Policy) -> str:
    if policy.new_only and report.baseline is None and policy.on_missing_base == "pass":
        return "there is no baseline to compare with, so no finding counts (on-missing-base: pass)"
    limits = {policy.threshold(stage.name) for stage in report.stages if stage.status != "skipped"}
    if limits == {"never"}:
        return "every stage finished; the policy lets no finding block (fail-on: never)"
    limit = limits.pop() if len(limits) == 1 else "the threshold of its stage"
    new = "new " if _only_new(report, policy) else ""
    return f"every stage finished, with no {new}finding at or above {limit}"


def _only_new(report: Report, policy: Policy) -> bool:
    return policy.new_only and report.baseline is not None


def _number(number: int, report: Report, policy: Policy) -> str:
    new = "new " if _only_new(report, policy) else ""
    return f"{number} {new}finding{'' if number == 1 else 's'}"


def _line(text: str) -> str:
    """One line of bounded length, without characters that act on a terminal."""
    words = " ".join(text.split())
    plain = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in words
    )
    return plain if len(plain) <= _LINE else plain[: _LINE - 1] + "…"
