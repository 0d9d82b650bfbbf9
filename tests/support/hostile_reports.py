"""Reports of which every text is a stranger's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from corpus.chance import Chance
from hypothesis import strategies as st
from mlsecops.findings import (
    BaselineInfo,
    Finding,
    LeftOut,
    Model,
    ModelChange,
    Place,
    Report,
    StageReport,
    ToolReport,
)
from mlsecops.policy import SEVERITIES, Waiver
from mlsecops.policy.changes import PolicyChange
from mlsecops.policy.proposal import Proposal
from mlsecops.report.parts import Links
from mlsecops.sarif.build import Status
from mlsecops.verdict import Condition, Verdict
from support.hostile_text import PIECES, hostile
from support.reports import NOW, rich_report

# A report made of one seed holds some 650 texts; MLSECOPS_CASES asks for more than 10,000 of them.
SEEDS = range(1 + int(os.environ.get("MLSECOPS_CASES", "10000")) // 650)
_TEXTS = st.lists(hostile, max_size=3).map(tuple)
_STATUSES: list[Status] = ["passed", "findings", "skipped", "incomplete"]

waivers = st.builds(
    Waiver,
    rule=st.none() | hostile,
    advisory=st.none() | hostile,
    path=hostile,
    reason=hostile,
    expires=st.dates(date(2026, 11, 20), date(2027, 11, 20)),
)
findings = st.builds(
    Finding,
    id=hostile,
    fingerprint=hostile,
    stage=hostile,
    stages=_TEXTS,
    rule_id=hostile,
    title=hostile,
    severity=st.sampled_from(SEVERITIES),
    score=st.floats(0, 10),
    message=hostile,
    uri=hostile,
    line=st.integers(1, 10**6),
    cell=st.none() | hostile,
    also_at=st.lists(st.builds(Place, hostile, st.integers(1, 99)), max_size=2).map(tuple),
    tools=_TEXTS,
    fix=hostile,
    help=hostile,
    help_uri=hostile,
    tags=_TEXTS,
    cwes=_TEXTS,
    aliases=_TEXTS,
    rules=_TEXTS,
    reproduce=hostile,
    package=st.none() | hostile,
    installed=st.none() | hostile,
    fixed_in=st.none() | hostile,
    kev=st.booleans(),
    state=st.sampled_from(["new", "unchanged", None]),
    waiver=st.none() | waivers,
    suppressed=st.none() | hostile,
)
_tools = st.builds(
    ToolReport,
    name=hostile,
    version=hostile,
    stage=hostile,
    status=st.sampled_from(_STATUSES),
    reason=hostile,
    expected=st.integers(0, 99),
    scanned=st.integers(0, 99),
    started=st.none() | st.just(NOW - timedelta(seconds=9)),
    ended=st.none() | st.just(NOW),
    seconds=st.floats(0, 9999),
    data_source=st.none() | hostile,
    data_date=st.none() | st.just(NOW.date()),
    suppressed=st.integers(0, 9),
    notes=_TEXTS,
    problems=_TEXTS,
    targets=_TEXTS,
)
_NAMES = st.frozensets(hostile, max_size=2)
_models = st.builds(
    Model,
    uri=hostile,
    format=hostile,
    size=st.integers(0, 10**12),
    sha256=hostile,
    producer=hostile,
    imports=_NAMES,
    operators=_NAMES,
    whole=st.booleans(),
)
_model_changes = st.one_of(
    st.builds(ModelChange, kind=st.just("new"), after=_models),
    st.builds(ModelChange, kind=st.just("removed"), before=_models),
    st.builds(ModelChange, kind=st.sampled_from(["changed", "renamed"]), before=_models, after=_models),
)
_stages = st.builds(
    StageReport,
    name=hostile,
    status=st.sampled_from(_STATUSES),
    reason=hostile,
    tools=st.lists(_tools, max_size=2).map(tuple),
    seconds=st.floats(0, 9999),
)
_proposals = st.builds(
    Proposal,
    kind=st.sampled_from(["introduced", "edited", "removed"]),
    path=hostile,
    changes=st.lists(
        st.builds(PolicyChange, hostile, st.sampled_from(["weaker", "different"])), max_size=2
    ).map(tuple),
    fault=st.just("") | hostile,
)
reports = st.builds(
    Report,
    project=hostile,
    generated=st.just(NOW),
    version=hostile,
    stages=st.lists(_stages, max_size=3).map(tuple),
    findings=st.lists(findings, max_size=4).map(tuple),
    fixed=st.lists(findings, max_size=2).map(tuple),
    baseline=st.none()
    | st.builds(BaselineInfo, source=hostile, date=st.none() | st.just(NOW), incomplete=_TEXTS),
    policy_source=hostile,
    waivers_expired=st.lists(waivers, max_size=1).map(tuple),
    waivers_unused=st.lists(waivers, max_size=1).map(tuple),
    left_out=st.lists(st.builds(LeftOut, hostile, hostile, st.integers(0, 99)), max_size=2).map(tuple),
    notices=_TEXTS,
    doubts=_TEXTS,
    proposal=st.none() | _proposals,
    model_changes=st.lists(_model_changes, max_size=2).map(tuple),
)
verdicts = st.builds(
    Verdict,
    word=st.sampled_from(["passed", "blocked", "incomplete"]),
    reason=hostile,
    conditions=st.lists(st.builds(Condition, st.just("findings"), hostile, _TEXTS), max_size=7).map(tuple),
    exit_code=st.just(1),
)
links = st.builds(
    Links,
    run=st.just("https://host.example/run") | hostile,
    page=st.just("https://host.example/page") | hostile,
    blob=st.just("") | st.just("https://host.example/blob/1"),
    head=hostile,
    base=hostile,
    rerun=hostile,
)


def of_texts(text: Callable[[], str]) -> tuple[Report, Verdict]:
    """A report with something of everything, and a text of its own in every field that takes any."""
    whole, verdict = rich_report()
    return _filled(whole, text), _filled(verdict, text)


def joined(reports: Sequence[Report]) -> Report:
    """One report with the rows of all."""
    return replace(
        reports[0],
        stages=tuple(row for each in reports for row in each.stages),
        findings=tuple(row for each in reports for row in each.findings),
        left_out=tuple(row for each in reports for row in each.left_out),
        model_changes=tuple(row for each in reports for row in each.model_changes),
    )


def random_texts(seed: int) -> Callable[[], str]:
    """Texts put together from pieces that mean something where they land, the same ones for a seed."""
    chance = Chance(str(seed))
    return lambda: "".join(chance.choice(PIECES) for _ in range(chance.below(9)))


def _filled(value: Any, text: Callable[[], str]) -> Any:
    if isinstance(value, str):
        return text()
    if isinstance(value, tuple | frozenset):
        return type(value)(_filled(each, text) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    hints = _hints(type(value))
    free = [each.name for each in fields(value) if each.init and not _is_from_a_list(hints[each.name])]
    return replace(value, **{name: _filled(getattr(value, name), text) for name in free})


def _is_from_a_list(hint: Any) -> bool:
    return get_origin(hint) is Literal or any(get_origin(each) is Literal for each in get_args(hint))


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)
