"""Whether a report is well-formed and nothing in it that a stranger wrote does anything."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import cache
from typing import Any

from mlsecops.report.comment import MOST_BYTES, MOST_CHARACTERS
from mlsecops.report.page import page
from mlsecops.report.parts import Links
from mlsecops.report.summary import MOST_BYTES as MOST_SUMMARY_BYTES
from support.markup import Page, parser, render
from support.reports import passed, past, report, rich_report

OURS = ("https://host.example/", "https://x.example")
_ELEMENTS = {
    *("h3", "h4", "p", "a", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"),
    *("details", "summary", "sub", "br", "strong", "em", "span"),
}
_BLOCKS = {
    *("heading_open", "paragraph_open", "bullet_list_open", "list_item_open"),
    *("table_open", "thead_open", "tbody_open", "tr_open", "th_open", "td_open"),
}
_SIGNS = ("✅", "❌", "⚠")
_HEADINGS = re.compile(
    r"((New f|F|Unchanged f)indings|Models that change|Fixed) \([\d,]+\)|Stages|Notes of the tools"
    r"|(Waived \([\d,]+; the first ends in \d+ days?\)|[\d,]+ (suppressed in files|(expired|unused) waivers?)"
    r"|, )+"
)
# What shows nothing, moves the cursor or turns the reading direction.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
# What rich itself writes on a terminal: colours.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def comment(text: str) -> None:
    """Check a comment on a pull request."""
    assert len(text) <= MOST_CHARACTERS
    assert len(text.encode()) <= MOST_BYTES
    first, rest = text.split("\n", 1)
    assert first == "<!-- mlsecops:v1 id=default -->"
    _markdown(rest)
    assert Page(parser().render(text)).comments == [" mlsecops:v1 id=default "]


def summary(text: str) -> None:
    """Check the summary of a job."""
    assert len(text.encode()) <= MOST_SUMMARY_BYTES
    _markdown(text)


def _markdown(text: str) -> None:
    assert not _UNSEEN.search(text)
    rendered = render(text)
    assert rendered.references == rendered.images == []
    assert rendered.blocks.count("heading_open") == len(rendered.headings)
    titles = [each for each in rendered.headings if each.startswith(_SIGNS)]
    assert len(titles) == 1
    assert all(_HEADINGS.fullmatch(each) for each in rendered.headings if each not in titles), (
        rendered.headings
    )
    assert {*rendered.blocks} <= _BLOCKS
    assert {*rendered.marks} <= {"strong_open", "em_open"}
    assert {each.rstrip() for html in rendered.html for each in html.splitlines() if each} <= _own_html(text)
    assert all(each.startswith(OURS) for each in rendered.links)
    heads = {len(cells) for cells in rendered.rows}
    assert heads <= {4, 5, 6}, "a row has other cells than its table"
    shown = Page(parser().render(text))
    assert (shown.open, shown.stray, shown.comments) == ([], [], [])
    assert {tag for tag, _ in shown.elements} <= _ELEMENTS
    attributes = {(tag, name) for tag, found in shown.elements for name in found}
    assert attributes <= {("a", "href"), ("details", "open")}
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len(rows) == len(rendered.rows) + text.count("\n| --- |"), "a row is not in its table"


def _own_html(text: str) -> set[str]:
    """The HTML that a report has of its own."""
    folded = {line for line in text.split("\n") if line.startswith("<details")}
    return {"<br>", "<span>", "</span>", "<sub>", "</sub>", "</details>", *folded}


def whole_page(html: str) -> Any:
    """Check the page; the data in it."""
    html.encode()
    assert not _UNSEEN.search(html)
    parsed, usual = Page(html), _usual()
    assert (parsed.open, parsed.stray, parsed.comments) == ([], [], [])
    assert _attributes(parsed) <= _attributes(usual) | _attributes(_empty())
    for tag in ("script", "style", "meta", "input", "button", "body"):
        assert _count(parsed, tag) == _count(usual, tag), tag
    for tag, attributes in parsed.elements:
        assert (attributes.get("href") or "#").startswith(("#", "data:,", *OURS)), (tag, attributes)
    start = html.index('<script type="application/json" id="data">')
    island = html[html.index(">", start) + 1 : html.index("</script>", start)]
    assert not {*island} & {*"<>&'"}
    return json.loads(island)


@cache
def _usual() -> Page:
    """A page in which there is something of everything."""
    address = "https://host.example/"
    links = Links(run=address, page=address, security=address, docs=address, blob=f"{address}blob")
    return Page(page(*rich_report(), links, [past(1)]))


@cache
def _empty() -> Page:
    """A page in which there is nothing, and that says so."""
    return Page(page(report([]), passed(), Links()))


def _attributes(parsed: Page) -> set[tuple[str, str]]:
    return {(tag, name) for tag, found in parsed.elements for name in ["", *found]}


def _count(parsed: Page, tag: str) -> int:
    return sum(1 for each, _ in parsed.elements if each == tag)


def terminal(text: str, *, colours: bool = False) -> None:
    """Check what goes to a terminal, or into a log."""
    plain = _COLOURS.sub("", text) if colours else text
    assert not _UNSEEN.search(plain)
    assert not any(line.strip().startswith("::") for line in plain.split("\n"))
    assert "##[" not in plain


def log(text: str, commands: Collection[str]) -> None:
    """Check what a step prints where the runner reads it: nothing but `commands` at the start of a line."""
    for line in text.splitlines():
        assert not _UNSEEN.search(line)
        named = re.match(r"::([\w-]+)[ :]", line)
        assert named, line
        assert named[1] in commands
