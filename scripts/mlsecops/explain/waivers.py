"""What a policy has to accept so that a finding no longer blocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from mlsecops.findings import Finding
from mlsecops.findings.sightings import is_advisory
from mlsecops.policy import Waiver


def waivers_for(finding: Finding, reason: str, expires: date) -> tuple[Waiver, ...]:
    """A waiver for each rule, or the advisory, that found it, in each file where it was found."""
    uris = dict.fromkeys((finding.uri, *(place.uri for place in finding.also_at)))
    return tuple(_waivers(finding, uris, reason, expires))


def _waivers(finding: Finding, uris: Iterable[str], reason: str, expires: date) -> Iterable[Waiver]:
    advisory = next(filter(is_advisory, (finding.rule_id, *finding.aliases)), None)
    for uri in uris:
        if advisory and finding.package:
            yield Waiver(advisory=advisory, package=finding.package, path=uri, reason=reason, expires=expires)
        else:
            for rule in finding.rules or (finding.rule_id,):
                yield Waiver(rule=rule, path=uri, reason=reason, expires=expires)
