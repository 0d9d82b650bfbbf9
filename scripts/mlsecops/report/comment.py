"""The pull-request comment: a Report and its Verdict -> GitHub Markdown that always fits into a comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from mlsecops.findings import Report
from mlsecops.report import sections
from mlsecops.report.escape import code, markdown, prose, shorten
from mlsecops.report.models import models_block
from mlsecops.report.parts import Links, Parts, parts, plural, stages_in_words
from mlsecops.report.proposal import policy_block
from mlsecops.report.rows import Row, packed
from mlsecops.verdict import Verdict

# GitHub refuses a body of more than 65,536 characters; some of its clients count bytes.
MOST_CHARACTERS = 60_000
MOST_BYTES = 64_900
MOST_CONDITIONS = 8
MOST_ROWS = 10
_MOST_LISTED = 20
_MOST_NOTICES = 5
_MOST_POLICY_CHANGES = 10
_NO_BASELINE = "no baseline to compare with"
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_SIGNS = {"passed": "✅", "blocked": "❌", "incomplete": "⚠️"}

# In this order, the least missed first, until the rest fits.
_SHED: tuple[tuple[str, str], ...] = (
    ("unchanged", "the unchanged findings"),
    ("waived", "the waived findings"),
    ("fixed", "the fixed findings"),
    ("stages", "the stages"),
    ("models", "what changes in models"),
)
_FEWER_ROWS = (5, 2, 0)


@dataclass(frozen=True, slots=True)
class _Room:
    """What a draft of the comment may hold."""

    without: frozenset[str] = frozenset()
    rows: int = MOST_ROWS
    left_out: tuple[str, ...] = ()


# Bounded texts only, so that it always fits.
_BARE = _Room(left_out=("all but the verdict",))
_Write = Callable[[_Room], list[str]]


def is_identifier(text: str) -> bool:
    """Whether a text can name a project in markers, categories and the names of artifacts."""
    return _IDENTIFIER.fullmatch(text) is not None


def marker(identifier: str) -> str:
    """The first line, by which the comment of an earlier run is found.

    Raises ValueError for an identifier that could end the HTML comment it stands in.
    """
    if not is_identifier(identifier):
        raise ValueError(f"an identifier has only letters, digits, '.', '_' and '-': {identifier!r}")
    return f"<!-- mlsecops:v1 id={identifier} -->"


def comment(report: Report, verdict: Verdict, links: Links, identifier: str = "default") -> str:
    """The whole comment, at most `MOST_CHARACTERS` characters and `MOST_BYTES` bytes of UTF-8.

    What does not fit is left out in a fixed order, and the comment says so.
    Raises ValueError as `marker` does.
    """
    first = marker(identifier)
    found = parts(report)
    if _is_quiet(verdict, found):
        write = _quiet(report, verdict, found, links, identifier)
    else:
        write = _full(report, verdict, found, links, identifier)
    bare = [title(report, verdict, identifier), _left_out(_BARE, links), sections.foot(report, links)]
    drafts = (write(room) for room in _rooms())
    texts = ("\n\n".join(filter(None, blocks)) for blocks in chain(drafts, [bare]))
    return next(text for text in (f"{first}\n{each}\n" for each in texts) if _fits(text))


def _fits(text: str) -> bool:
    return len(text) <= MOST_CHARACTERS and len(text.encode()) <= MOST_BYTES


def _rooms() -> Sequence[_Room]:
    """What to leave out, one thing more each time."""
    rooms = [_Room()]
    for key, words in _SHED:
        last = rooms[-1]
        rooms.append(_Room(last.without | {key}, MOST_ROWS, (*last.left_out, words)))
    last = rooms[-1]
    left_out = (*last.left_out, "some of the new findings")
    rooms += [_Room(last.without, rows, left_out) for rows in _FEWER_ROWS]
    return rooms


def _full(report: Report, verdict: Verdict, found: Parts, links: Links, identifier: str) -> _Write:
    """The parts of a comment that has something to say, in their order."""
    head = f"{title(report, verdict, identifier)}\n{context(report, links)}"
    why = sections.conditions(verdict, MOST_CONDITIONS)
    notices = sections.notices(report, _MOST_NOTICES)
    policy = policy_block(report, _MOST_POLICY_CHANGES)
    rows = packed(found.new)[:MOST_ROWS]
    optional = {
        "models": models_block(report),
        "stages": sections.details(
            f"Stages: {stages_in_words(report.stages)}",
            sections.stages(report),
            opened=verdict.word == "incomplete",
        ),
        "fixed": _fixed(report),
        "waived": _waived(report, found),
        "unchanged": _unchanged(report, found),
    }
    foot = sections.foot(report, links)

    def write(room: _Room) -> list[str]:
        new = _new(report, found, rows[: room.rows], links)
        kept = [text for key, text in optional.items() if key not in room.without]
        return [head, why, policy, notices, new, *kept, _left_out(room, links), foot]

    return write


def title(report: Report, verdict: Verdict, identifier: str = "default") -> str:
    """The verdict and why, as the heading of a report; and that there was nothing to compare with."""
    name = "" if identifier == "default" else f" ({markdown(identifier)})"
    why = f": {prose(shorten(verdict.reason, 300))}" if verdict.reason else ""
    alone = "" if report.baseline or _NO_BASELINE in verdict.reason else f" ({_NO_BASELINE})"
    return f"### {_SIGNS[verdict.word]} mlsecops{name} {verdict.word}{why}{alone}"


def context(report: Report, links: Links, *more: str) -> str:
    """What was scanned, how far, compared with what, and where to read on, as one line."""
    project = code(shorten(report.project, 80))
    if links.head and links.base:
        project += f" {code(shorten(links.head, 60))} against {code(shorten(links.base, 60))}"
    stages = markdown(stages_in_words(report.stages))
    if any(stage.status == "incomplete" for stage in report.stages):
        stages = f"**{stages}**"
    return " · ".join(filter(None, (project, stages, *more, *_links(links))))


def _is_quiet(verdict: Verdict, found: Parts) -> bool:
    return verdict.word == "passed" and not found.new


def _quiet(report: Report, verdict: Verdict, found: Parts, links: Links, identifier: str) -> _Write:
    """Three lines, and one more for each thing that a reader must know."""
    groups = (
        ("fixed", report.fixed),
        ("unchanged", found.unchanged),
        ("waived", found.waived),
        ("suppressed in files", found.suppressed),
    )
    counts = [f"{len(group):,} {word}" for word, group in groups if group]
    left_out = sum(each.files for each in report.left_out)
    if left_out:
        counts.append(f"{plural(left_out, 'file')} left out")
    lines = (
        title(report, verdict, identifier),
        context(report, links, ", ".join(counts)),
        sections.foot(report, links),
    )
    blocks = [
        "\n".join(lines),
        policy_block(report, _MOST_POLICY_CHANGES),
        sections.notices(report, _MOST_NOTICES),
        models_block(report),
    ]
    return lambda _: blocks


def _links(links: Links) -> list[str]:
    named = (("run", links.run), ("Security tab", links.security), ("full report", links.page))
    return [link for name, address in named if (link := sections.link(name, address)) != name]


def _new(report: Report, found: Parts, rows: Sequence[Row], links: Links) -> str:
    """The new findings with these rows of their table."""
    if not found.new:
        return "**No new findings**" if report.baseline else "**No findings**"
    word = "New findings" if report.baseline else "Findings"
    lines = [f"#### {word} ({len(found.new):,})"]
    if rows:
        lines += ["", *sections.findings_list(rows, links)]
    rest = len(found.new) - sum(len(each.findings) for each in rows)
    if rest:
        full = sections.link("the full report", links.page)
        lines += ["", f"{rest:,} more in {full}." if rows else f"All of them are in {full}."]
    return "\n".join(lines)


def _fixed(report: Report) -> str:
    if not report.fixed:
        return ""
    return sections.details(f"Fixed ({len(report.fixed):,})", sections.listed(report.fixed, _MOST_LISTED))


def _waived(report: Report, found: Parts) -> str:
    title = sections.accepted_title(report, found)
    if not title:
        return ""
    return sections.details(title, sections.accepted(report, found, _MOST_LISTED))


def _unchanged(report: Report, found: Parts) -> str:
    if not found.unchanged:
        return ""
    return sections.details(
        f"Unchanged ({len(found.unchanged):,})", sections.counts_per_stage(report, found.unchanged)
    )


def _left_out(room: _Room, links: Links) -> str:
    if not room.left_out:
        return ""
    what, full = ", ".join(room.left_out), sections.link("the full report", links.page)
    return f"_Left out here, because a comment has a size limit: {what}. See {full}._"
