"""What one change takes care of is one row: a package's flaws, a test's parameters, the same words again."""

from __future__ import annotations

import io

from mlsecops.findings import Finding
from mlsecops.report.comment import comment
from mlsecops.report.parts import Links
from mlsecops.report.rows import Row, packed
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
        finding(8, message="Another sentence."),
    ]
    assert [[each.line for each in row.findings] for row in packed(findings)] == [
        [3, 3],
        [12],
        [3],
        [3],
        [3],
        [3],
        [18],
    ]
    assert [len(row.findings) for row in packed(findings)] == [2, 1, 1, 1, 1, 1, 1]


def test_one_upgrade_for_all() -> None:
    row = Row((flaw(1, fixed_in="2.2.5, 1.9.9"), flaw(2, fixed_in="2.10.1, 3.0"), flaw(3, fixed_in="1.0")))
    assert row.fix == "upgrade `flask` to `2.10.1`"
    assert row.title == "flask 2.0.1 has 3 known vulnerabilities"


def test_what_nothing_fixes_is_said() -> None:
    row = (flaw(1, fixed_in="2.2.5"), flaw(2, fixed_in=None), flaw(3, fixed_in="not a version"))
    assert Row(row).fix == "upgrade `flask` to `2.2.5`; no fixed version is known for 2 of them"
    assert Row(row[1:]).fix == "no fixed version is known for 2 of them"
    unknown = (flaw(1, installed="?", fixed_in="2.2.5, 1.9"), flaw(2, installed="?", fixed_in="1.0"))
    assert Row(unknown).fix == "upgrade `flask` to `1.9`"


def test_alone_it_is_as_any_other() -> None:
    alone = flaw(1)
    assert Row((alone,)).title == alone.title
    assert Row((alone,)).fix == "upgrade `flask` to `2.2.5` or `2.3.2`"


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


def failing(number: int, cell: str, **changes: object) -> Finding:
    return finding(
        number,
        **{
            "stage": "test",
            "rule_id": "test-failed",
            "title": "A test of the project fails.",
            "uri": "tests/test_api.py",
            "line": 38,
            "cell": cell,
            "tools": ("pytest",),
            "fix": "Mend it.",
            "message": f"{cell} fails: assert False",
            **changes,
        },
    )


def test_a_test_that_fails_with_several_sets_of_parameters_is_one_row() -> None:
    failures = [failing(1, "test_key[GET a]"), failing(2, "test_key[b[0]]"), failing(3, "test_key[c]")]
    others = [failing(4, "test_other"), failing(5, "test_key[d]", line=70), failing(6, "test_keys[e]")]
    found = report([*failures, *others])
    text = comment(found, blocked(failures[0]), Links(blob="https://host/blob/1"))
    rows = [line for line in text.splitlines() if "test_api" in line]
    assert [row.partition("](")[0].rpartition("[")[2] for row in rows] == [
        "`tests/test_api.py:38 (test_key)`",
        "`tests/test_api.py:38 (test_other)`",
        "d])`",
        "e])`",
    ]
    assert "**A test of the project fails, with 3 sets of parameters**" in rows[0]
    assert "test_key[GET a] fails" in rows[0].replace("\\", "")
    assert rows[0].count("test-failed") == 1
    assert all("**Fix:** Mend it." in row for row in rows)
    assert "New findings (6)" in text
    shown = io.StringIO()
    Console(width=300, file=shown).print(verdict_view(found, blocked(failures[0])))
    assert "tests/test_api.py:38 (test_key)" in shown.getvalue()
    assert shown.getvalue().count("sets of parameters") == 1


def test_parameters_of_anything_but_tests_are_left_alone() -> None:
    members = [finding(1, cell="weights[0]", line=1), finding(2, cell="weights[1]", line=1)]
    assert len(packed(members)) == 2


def test_what_is_said_in_the_same_words_of_a_file_is_one_row_with_all_its_lines() -> None:
    findings = [finding(number) for number in range(1, 10)]
    others = [
        finding(10, message="Another sentence."),
        finding(11, severity="low"),
        finding(12, uri="src/other.py"),
        finding(13, state="unchanged"),
        finding(14, rule_id="another-rule"),
        finding(15, self_hiding=True),
    ]
    rows = packed([*findings, *others])
    assert [len(row.findings) for row in rows] == [9, 1, 1, 1, 1, 1, 1]
    text = comment(report(findings), blocked(findings[0]), Links(blob="https://host/blob/1"))
    (shown,) = (line for line in text.splitlines() if "app.py:11" in line)
    assert "**Loading a pickle runs code, 9 times**" in shown
    assert "the file comes from a request" in shown
    assert "[`:16`](https://host/blob/1/src/service/app.py#L16) and 3 more places<br>" in shown
    assert "New findings (9)" in text
    view = io.StringIO()
    Console(width=300, file=view).print(verdict_view(report(findings), blocked(findings[0])))
    assert "src/service/app.py:11, :12, :13, :14, :15, :16, :17, :18, :19" in view.getvalue()


def test_the_cells_of_a_notebook_are_places_of_it() -> None:
    cells = [finding(number, uri="a.ipynb", cell=f"cell {number}, line 1") for number in (1, 2)]
    (row,) = packed(cells)
    assert (row.where, row.lines) == ("a.ipynb:11 (cell 1, line 1)", (12,))
