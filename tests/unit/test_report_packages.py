"""What one edit takes care of is one row: a package's vulnerabilities, what a rule says of one line."""

from __future__ import annotations

import io
from dataclasses import replace

from mlsecops.findings import Finding
from mlsecops.report.comment import comment
from mlsecops.report.packages import packed, title, upgrade
from mlsecops.report.parts import Links
from mlsecops.report.terminal import verdict_view
from rich.console import Console
from support.reports import blocked, finding, package_finding, report


def flaw(number: int, **changes: object) -> Finding:
    return package_finding(number, **{"rule_id": f"CVE-2024-{1000 + number}", **changes})


def test_a_row_for_each_package_at_each_place() -> None:
    findings = [
        flaw(1),
        finding(2),
        flaw(3, severity="low"),
        flaw(4, uri="uv.lock"),
        flaw(5, installed="2.0.2"),
        flaw(6, state="unchanged"),
        flaw(7, rule_id="package-not-audited"),
        finding(8),
    ]
    assert [[each.line for each in row] for row in packed(findings)] == [
        [3, 3],
        [12],
        [3],
        [3],
        [3],
        [3],
        [18],
    ]
    assert [len(row) for row in packed(findings)] == [2, 1, 1, 1, 1, 1, 1]


def test_one_upgrade_for_all() -> None:
    row = [flaw(1, fixed_in="2.2.5, 1.9.9"), flaw(2, fixed_in="2.10.1, 3.0"), flaw(3, fixed_in="1.0")]
    assert upgrade(row) == "upgrade `flask` to `2.10.1`"
    assert title(row) == "flask 2.0.1 has 3 known vulnerabilities"


def test_what_nothing_fixes_is_said() -> None:
    row = [flaw(1, fixed_in="2.2.5"), flaw(2, fixed_in=None), flaw(3, fixed_in="not a version")]
    assert upgrade(row) == "upgrade `flask` to `2.2.5`; no fixed version is known for 2 of them"
    assert upgrade(row[1:]) == "no fixed version is known for 2 of them"
    unknown = [flaw(1, installed="?", fixed_in="2.2.5, 1.9"), flaw(2, installed="?", fixed_in="1.0")]
    assert upgrade(unknown) == "upgrade `flask` to `1.9`"


def test_alone_it_is_as_any_other() -> None:
    alone = flaw(1)
    assert title([alone]) == alone.title
    assert upgrade([alone]) == "upgrade `flask` to `2.2.5` or `2.3.2`"


def test_the_comment_and_the_terminal_show_one_row_and_count_all() -> None:
    tools = ("pip-audit", "trivy")
    flaws = [flaw(number, kev=number == 2, tools=(tools[number // 5],)) for number in range(1, 9)]
    found = report([*flaws, finding(20)])
    text = comment(found, blocked(flaws[0]), Links())
    (row,) = (line for line in text.splitlines() if "flask" in line)
    assert "**flask 2.0.1 has 8 known vulnerabilities** **(known to be exploited)** · " in row
    assert "`CVE-2024-1006` · and 2 more · CWE-502" in row
    assert row.endswith("found by pip-audit, trivy")
    assert "New findings (9)" in text
    assert "more in" not in text
    shown = io.StringIO()
    Console(width=300, file=shown).print(verdict_view(found, blocked(flaws[0])))
    said = shown.getvalue()
    assert said.count("flask 2.0.1 has 8") == 1
    assert "known to be exploited" in said


def test_severities_are_named_where_they_differ() -> None:
    flaws = [flaw(1), flaw(2, severity="low")]
    text = comment(report(flaws), blocked(flaws[0]), Links())
    assert "`CVE-2024-1001`\u00a0critical · `CVE-2024-1002`\u00a0low" in text


def test_what_a_rule_says_of_one_line_again_and_again_is_one_row() -> None:
    fails = [
        finding(number, line=38, cell=f"test[{number}]", title="A test fails.", message=f"t[{number}] fails.")
        for number in range(1, 10)
    ]
    others = [
        finding(10, line=39),
        finding(11, line=38, rules=("other",)),
        finding(12, line=38, severity="low"),
        finding(13, line=38, state="unchanged"),
        *(finding(number, line=0, uri="models/a.pkl") for number in (14, 15)),
    ]
    found = [replace(each, rules=each.rules or ("test-failed",)) for each in (*fails, *others)]
    assert [len(row) for row in packed(found)] == [9, 1, 1, 1, 1, 1, 1]
    text = comment(report(found), blocked(*found), Links())
    (row,) = (line for line in text.splitlines() if "(9 times)" in line)
    assert "**A test fails (9 times)** · `src/service/app.py:38`<br>" in row
    assert "<br>t\\[1\\] fails. And 8 more of the same here.<br>" in row
    assert row.count("mlsecops.python.unsafe-load") == 1
