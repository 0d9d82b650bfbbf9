"""Waivers go into a policy file, and everything that was there stays as it was written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.policy import PolicyError, Waiver, parse
from mlsecops.policy.waive import with_waivers

NAME = ".github/mlsecops.yml"
RULE = Waiver(
    rule="B301",
    path="models/**",
    reason="the files come from our own bucket",
    expires=date(2027, 1, 2),
)
ADVISORY = Waiver(
    advisory="CVE-2023-30861",
    package="flask",
    stage="sca",
    path="requirements.txt",
    reason="no session cookie is used: there is no login",
    expires=date(2027, 1, 2),
)
ITEM = """\
  - rule: B301
    path: models/**
    reason: the files come from our own bucket
    expires: 2027-01-02
"""
OTHER = """\
waivers: # ours
{indent}- rule: X # a comment
{indent}  path: y.py
{indent}  reason: >
{indent}    long enough
{indent}    to count

{indent}  expires: 2027-01-01
"""


def edited(text: str, *waivers: Waiver) -> str:
    return with_waivers(text.encode(), NAME, waivers or (RULE,)).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"version: 1\nwaivers:\n{ITEM}"),
        ("# only a comment", f"# only a comment\nversion: 1\nwaivers:\n{ITEM}"),
        ("version: 1 # x", f"version: 1 # x\nwaivers:\n{ITEM}"),
        (
            "version: 1\nwaivers: [] # none\nexclude: [a]\n",
            f"version: 1\nwaivers: # none\n{ITEM}exclude: [a]\n",
        ),
        (OTHER.format(indent="  ") + "# tail\n", OTHER.format(indent="  ") + ITEM + "# tail\n"),
        (
            OTHER.format(indent="") + "exclude: [a]\n",
            OTHER.format(indent="") + ITEM.replace("\n  ", "\n")[2:] + "exclude: [a]\n",
        ),
    ],
)
def test_a_waiver_is_added_where_a_person_would_write_it(before: str, after: str) -> None:
    assert edited(before) == after


def test_a_list_on_one_line_stays_on_one_line() -> None:
    before = 'waivers: [{rule: X, path: y, reason: "0123456789", expires: 2027-01-01}]\nversion: 1\n'
    after = edited(before)
    assert after.count("\n") == 2
    assert [each.what for each in parse(after.encode(), NAME).waivers] == ["X", "B301"]
    assert [each.what for each in parse(edited("{waivers: []}").encode(), NAME).waivers] == ["B301"]


def test_all_that_a_waiver_says_is_written() -> None:
    (written,) = parse(edited("", ADVISORY).encode(), NAME).waivers
    assert (written.advisory, written.package, written.stage) == ("CVE-2023-30861", "flask", "sca")
    assert (written.path, written.reason, written.expires) == (
        ADVISORY.path,
        ADVISORY.reason,
        ADVISORY.expires,
    )


def test_the_ends_of_lines_and_the_mark_at_the_beginning_stay() -> None:
    changed = with_waivers(b"\xef\xbb\xbfversion: 1\r\nexclude: []\r\n", NAME, [RULE])
    assert changed.startswith(b"\xef\xbb\xbfversion: 1\r\nexclude: []\r\nwaivers:\r\n")
    assert changed.count(b"\n") == changed.count(b"\r\n") == 7


def test_what_cannot_be_edited_is_left_to_a_person() -> None:
    with pytest.raises(
        PolicyError, match=r"cannot be edited as it is written; add by hand: \{rule: \"B301\""
    ):
        edited("{version: 1}")


@pytest.mark.parametrize(
    ("before", "waiver", "said"),
    [
        ("on: 1\n", RULE, "1: unknown key 'on'"),
        (
            "version: 1\n",
            Waiver(rule="X", path="../x", reason="0123456789", expires=RULE.expires),
            "must be a",
        ),
        ("version: 1\n", Waiver(rule="X", path="x", reason="short", expires=RULE.expires), "10 characters"),
    ],
)
def test_neither_a_broken_policy_nor_a_waiver_that_it_may_not_hold(
    before: str, waiver: Waiver, said: str
) -> None:
    with pytest.raises(PolicyError, match=said):
        edited(before, waiver)


@settings(max_examples=30)
@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=10).filter(lambda t: len(t.strip()) > 9)
)
def test_any_reason_comes_back_as_it_was_given(reason: str) -> None:
    waiver = Waiver(rule=f"a: {reason} # b", path="x", reason=reason, expires=date(2027, 1, 2))
    (written,) = parse(edited("version: 1\n", waiver).encode(), NAME).waivers
    assert written.reason == " ".join(reason.split())
    assert written.rule == waiver.rule
