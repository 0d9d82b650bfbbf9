"""What a change does to the policy is in every report, whole or with how much more there is."""

from __future__ import annotations

import io
import json

from mlsecops.policy.changes import PolicyChange
from mlsecops.policy.proposal import Proposal
from mlsecops.report.comment import comment
from mlsecops.report.machine import machine
from mlsecops.report.page import page
from mlsecops.report.parts import Links
from mlsecops.report.summary import summary
from mlsecops.report.terminal import verdict_view
from rich.console import Console
from support.markup import BREAK
from support.reports import passed, report

PATH = ".github/mlsecops.yml"
WEAKER = Proposal(kind="edited", path=PATH, changes=(PolicyChange("`sast` switched off", "weaker"),))
HEADLINE = "Policy change, takes effect after the merge (weaker): this change edits the policy"


def shown(proposal: Proposal) -> str:
    out = Console(file=io.StringIO(), width=200)
    out.print(verdict_view(report(proposal=proposal), passed()))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_it_is_in_every_report_even_where_nothing_else_is_new() -> None:
    whole = report(proposal=WEAKER)

    lines = f"**{HEADLINE}** `{PATH}`\n\n- weaker: `sast` switched off\n"
    assert lines in comment(whole, passed(), Links())
    assert lines in summary(whole, passed(), Links())
    assert f"{HEADLINE} {PATH}\n  weaker: `sast` switched off\n" in shown(WEAKER)
    html = page(whole, passed(), Links())
    assert f'<a href="#policy-section">{HEADLINE} <code>{PATH}</code></a>' in html
    assert '<span class="badge high-badge">weaker</span></td><td><code>sast</code> switched off</td>' in html
    assert json.loads(machine(whole, passed()))["policy_change"] == {
        "kind": "edited",
        "path": PATH,
        "effect": "weaker",
        "fault": None,
        "changes": [{"effect": "weaker", "text": "`sast` switched off"}],
    }


def test_without_it_nothing_is_said() -> None:
    assert "Policy change" not in page(report(), passed(), Links())
    assert "Policy change" not in comment(report(), passed(), Links())
    assert json.loads(machine(report(), passed()))["policy_change"] is None


def test_a_policy_that_cannot_be_read_shows_its_mistake() -> None:
    broken = Proposal(kind="introduced", path=PATH, fault=f"{PATH}:2: 'fail-on' must be one of critical")

    text = comment(report(proposal=broken), passed(), Links()).replace(BREAK, "")
    assert "- cannot be read: .github/mlsecops.yml:2: 'fail-on' must" in text
    assert "cannot be read: .github/mlsecops.yml:2" in shown(broken)


def test_one_that_changes_nothing_is_one_line() -> None:
    same = Proposal(kind="introduced", path=PATH)

    assert f"(the same as without it): this change introduces the policy {PATH}\n\n" in shown(same)
    assert comment(report(proposal=same), passed(), Links()).rstrip().endswith(f"policy** `{PATH}`")
    assert "Nothing that counts differs." in page(report(proposal=same), passed(), Links())


def test_a_flood_of_differences_is_counted() -> None:
    many = tuple(PolicyChange(f"waiver added: {'x' * 900} {number}", "weaker") for number in range(600))
    flood = Proposal(kind="edited", path=PATH, changes=many)

    text = comment(report(proposal=flood), passed(), Links())
    assert len(text) < 6_000
    assert "- and 590 more" in text
    assert "and 580 more, in the reports" in shown(flood)
    assert "and 100 more" in page(report(proposal=flood), passed(), Links())
