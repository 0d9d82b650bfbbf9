"""The page: one HTML file that asks nobody for anything and says all that is known of a run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mlsecops.findings import Report
from mlsecops.policy import SEVERITIES
from mlsecops.report import charts, models, parts
from mlsecops.report.escape import html_prose, plain, url, visible
from mlsecops.report.history import Past, before
from mlsecops.report.page_data import page_data, state
from mlsecops.report.parts import Links
from mlsecops.report.proposal import headline, rows
from mlsecops.verdict import Verdict

# Rows in the file itself, for readers without JavaScript.
_STATIC_ROWS = 200
_MOST_TARGETS = 500
_MOST_NAMES = 100


def page(report: Report, verdict: Verdict, links: Links, history: Sequence[Past] = ()) -> str:
    """The whole page as HTML; `history` are earlier runs, the oldest first."""
    found = parts.parts(report)
    opened = [*found.new, *found.unchanged]
    environment = _environment()
    return environment.get_template("page.html.j2").render(
        report=report,
        verdict=verdict,
        links={name: url(getattr(links, name)) for name in ("run", "security", "docs")},
        rerun=links.rerun,
        head=links.head,
        found=found,
        tiles=parts.by_severity(found.new),
        severities=SEVERITIES,
        opened=len(opened),
        static=sorted(opened, key=lambda each: SEVERITIES.index(each.severity))[:_STATIC_ROWS],
        by_stage=charts.severity_by_stage(report),
        timeline=charts.timeline(report),
        history=_history(report, verdict, history),
        most_targets=_MOST_TARGETS,
        most_names=_MOST_NAMES,
        static_rows=_STATIC_ROWS,
        days_left=lambda waiver: max(0, waiver.days_left(report.generated.date())),
        address=lambda finding: url(links.file(finding.uri, finding.line)),
        style_hash=_hash(environment, "page.css"),
        script_hash=_hash(environment, "page.js"),
        proposed=report.proposal and rows(report.proposal),
        data=page_data(report, links),
    )


def _history(report: Report, verdict: Verdict, history: Sequence[Past]) -> tuple[charts.Column, ...]:
    """This run beside the earlier ones; nothing where there is none."""
    earlier = before(history, report.project, report.generated)
    opened = parts.by_severity(each for each in report.findings if each.open)
    this = Past(report.project, report.generated, verdict.word, opened)
    return charts.history([*earlier, this]) if earlier else ()


def _hash(environment: Environment, name: str) -> str:
    """What the page's policy allows a part of it by."""
    text = environment.get_template(name).render()
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mlsecops.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.policies["json.dumps_function"] = _json
    environment.filters |= {
        "prose": html_prose,
        "visible": visible,
        "place": parts.place,
        "looked_at": parts.looked_at,
        "data": parts.data,
        "duration": parts.duration,
        "severities": parts.severities,
        "problems": parts.problems,
        "reason": parts.reason,
        "remedy": parts.remedy,
        "state": state,
        "facts": models.facts,
        "sha256": models.sha256,
    }
    environment.globals |= {
        "plural": parts.plural,
        "stages_in_words": parts.stages_in_words,
        "headline": headline,
        "when": lambda run: run.generated.strftime("%Y-%m-%d %H:%M"),
    }
    return environment


def _plain(value: Any) -> Any:
    """Whatever is shown is made plain first; autoescape then makes it inert."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(value: Any, **_: Any) -> str:
    """For the filter `tojson`, which escapes what could end the element that the data stands in."""
    return orjson.dumps(value).decode()
