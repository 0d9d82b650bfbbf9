"""`mlsecops explain` and `mlsecops waive`: parse, call, print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from mlsecops import policy
from mlsecops.conclude import MERGED, write_text
from mlsecops.explain.lookup import find
from mlsecops.explain.waivers import waivers_for
from mlsecops.failing import clear_errors
from mlsecops.findings import Finding, build_report
from mlsecops.findings.fields import driver_of, mappings
from mlsecops.findings.sightings import RuleText, rule_text
from mlsecops.policy import DEFAULT_FILE, Policy
from mlsecops.policy.waive import with_waivers
from mlsecops.report.escape import plain, shorten
from mlsecops.report.explanation import finding_view, rule_view
from mlsecops.report.parts import place, plural
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import SarifError, read

OUT = "mlsecops-report"
_MOST = 20

_file = click.Path(path_type=Path, exists=True, dir_okay=False)
_report = click.option(
    "--report",
    "report_file",
    type=_file,
    help=f"The {MERGED} of a run. [default: {OUT}/{MERGED}, else the one in PROJECT]",
)
_project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder of the project.",
    show_default=True,
)
_policy = click.option("--policy", "policy_file", type=_file, help=f"Policy file instead of {DEFAULT_FILE}.")


@click.command()
@click.argument("what", metavar="RULE-OR-FINDING")
@_report
@_project
@_policy
def explain(what: str, report_file: Path | None, project: Path, policy_file: Path | None) -> None:
    """Say what a rule or a finding means, how to fix it, see it again and accept it.

    A finding is named by its id or the beginning of it, by FILE:LINE, by its rule or advisory, or by its
    file, as the last report has it. Rules of our own can be explained without a report.
    """
    console = Console()
    with clear_errors():
        rules = policy.load(policy_file or policy.find(project))
        log = _log(report_file, project)
        found = find(_findings(log, rules), what) if log else ()
        known = [] if found else [each for each in _rules(log) if each.id.lower() == what.lower()]
        if not found and not known:
            raise SarifError(_nothing(what, log))
    for number, each in enumerate(found[:_MOST]):
        if number:
            console.print()
        console.print(finding_view(each, f"mlsecops run {project}"))
    if len(found) > _MOST:
        console.print(f"\nand {len(found) - _MOST:,} more")
    for rule in known[:1]:
        console.print(rule_view(rule))


@click.command()
@click.argument("what", metavar="FINDING")
@click.option("--reason", required=True, help="Why it is acceptable; readers of every report see it.")
@click.option(
    "--until", "expires", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Its last day, YYYY-MM-DD."
)
@_report
@_project
@_policy
@click.option("--dry-run", is_flag=True, help="Print the policy as it would be, and write nothing.")
def waive(
    what: str,
    reason: str,
    expires: datetime,
    report_file: Path | None,
    project: Path,
    policy_file: Path | None,
    dry_run: bool,
) -> None:
    """Accept a finding until a day: adds waivers to the policy file and keeps all else as it is written.

    A waiver accepts a rule, or an advisory of a package, in a file. On a pull request it counts from the
    day it is merged.
    """
    with clear_errors():
        path = policy_file or policy.find(project) or project / DEFAULT_FILE
        content = path.read_bytes() if path.exists() else b""
        today = datetime.now(UTC).date()
        if expires.date() < today:
            raise SarifError(f"{expires:%Y-%m-%d} is in the past; --until is the last day of the waiver")
        log = _log(report_file, project)
        if log is None:
            raise SarifError(_nothing(what, log))
        before = _findings(log, policy.parse(content, str(path)))
        finding = _the_one(find(before, what), what, log)
        waivers = waivers_for(finding, reason, expires.date())
        changed = with_waivers(content, str(path), waivers)
        after = _findings(log, policy.parse(changed, str(path)))
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, changed.decode())
    if dry_run:
        click.echo(changed.decode(), nl=False)
        return
    covered = {each.id for each in after if each.waiver} - {each.id for each in before if each.waiver}
    named = ", ".join(dict.fromkeys(f"{each.what} in {each.path}" for each in waivers))
    covers = plural(len(covered), "finding")
    click.echo(f"{plain(f'{path}: {named}')} accepted until {expires:%Y-%m-%d}; that covers {covers}")


def _log(report_file: Path | None, project: Path) -> Json | None:
    """The merged log of the last run; None where there is none. Raises SarifError when it cannot be read."""
    usual = (Path(OUT) / MERGED, project / OUT / MERGED)
    path = report_file or next(filter(Path.is_file, usual), None)
    return read(path) if path else None


def _findings(log: Json, rules: Policy) -> tuple[Finding, ...]:
    return build_report(log, policy=rules, expected=(), generated=datetime.now(UTC)).findings


def _rules(log: Json | None) -> list[RuleText]:
    from mlsecops.explain.catalogue import own_rules  # brings every tool

    runs = mappings(log.get("runs")) if log else ()
    return [
        *(rule_text(each) for run in runs for each in mappings(driver_of(run).get("rules"))),
        *own_rules(),
    ]


def _the_one(found: Sequence[Finding], what: str, log: Json) -> Finding:
    if not found:
        raise SarifError(_nothing(what, log))
    if len(found) > 1:
        several = ", ".join(f"{each.id} ({place(each)})" for each in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise SarifError(f"{shorten(plain(what), 80)} names several findings: {plain(several)}{more}")
    return found[0]


def _nothing(what: str, log: Json | None) -> str:
    named = shorten(plain(what), 80)
    if log is None:
        where = "run `mlsecops run` first, or name one with --report"
        return f"{named} is no rule of ours, and there is no report to look for it in: {where}"
    return f"neither a finding of the report nor a rule is called {named}"
