"""What a check of an image found as a result: the same one whichever tool found it."""

from __future__ import annotations

from mlsecops.containers.image_rules import NO_HEALTHCHECK, ROOT_USER
from mlsecops.dockerfiles import rules as dockerfile_rules
from mlsecops.dockerfiles.found import Found, identity
from mlsecops.job import printable
from mlsecops.sarif.build import Json, Location, Result

# What a Dockerfile already shows is the same finding there and in its image.
_SAME = {ROOT_USER.id: dockerfile_rules.ROOT_USER, NO_HEALTHCHECK.id: dockerfile_rules.NO_HEALTHCHECK}


def result(found: Found, uri: str) -> Json:
    """The finding on its Dockerfile's line."""
    same = _SAME.get(found.rule.id)
    about: tuple[str, ...] = ()
    if found.about is not None:
        parts = tuple(printable(part) for part in found.about)
        about = identity(same, uri, ()) if same else ("image", found.rule.id, uri, *parts)
    return Result(
        rule_id=found.rule.id,
        message=printable(found.message),
        location=Location(uri=uri, start_line=found.line),
        severity=found.severity,
        identity=about,
    ).to_sarif()
