"""Our own checks of Dockerfiles: what hadolint does not look for, or looks for by name alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from mlsecops import dockerfiles
from mlsecops.dockerfiles import Dockerfile, DockerfileError
from mlsecops.dockerfiles.check_commands import check_commands, check_settings
from mlsecops.dockerfiles.check_files import check_context, check_sources
from mlsecops.dockerfiles.check_images import check_base_images, check_healthcheck, check_ports, check_user
from mlsecops.dockerfiles.check_secrets import check_secrets
from mlsecops.dockerfiles.found import Found, Surroundings, identity
from mlsecops.dockerfiles.images import lifetimes, unknown_bases
from mlsecops.dockerfiles.rules import RULES
from mlsecops.job import Job, Parsed, Problem, printable
from mlsecops.sarif.build import Json, Location, Result

Check = Callable[[Dockerfile, Surroundings], Iterator[Found]]

_CHECKS: tuple[Check, ...] = (
    check_base_images,
    check_user,
    check_healthcheck,
    check_ports,
    check_secrets,
    check_sources,
    check_context,
    check_commands,
    check_settings,
)
_SUPPRESSION = re.compile(r"[ \t]*mlsecops[ \t]+ignore[ \t]*=[ \t]*([\w-]+(?:,[\w-]+)*)(?:[ \t]+(\S.*))?")
# One line for every rule; the pieces of the secret stand apart so that no scanner takes it for one.
_CANARY = f"""FROM python:3.8
FROM debian
ARG API_TOKEN
ENV SECRET_KEY={"canary" * 3}
COPY . .
COPY .env /
ADD http://example.com/canary.sh /
RUN --security=insecure curl http://example.com/canary | sudo sh
RUN wget http://example.com/canary.pkl && hf download canary/canary && chmod 777 canary
RUN wget https://example.com/run.sh && sh run.sh && curl -k https://example.com
RUN pip install --extra-index-url https://example.com canary && apk add --allow-untrusted canary
EXPOSE 22
USER root
"""


@dataclass(frozen=True)
class DockerfileChecks:
    """Reads Dockerfiles as BuildKit does and looks at what each instruction means."""

    name: str = "dockerfile-checks"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset(rule.id for rule in RULES)
    weight: float = 0.1
    timeout: float = 60.0

    def run(self, job: Job) -> Parsed:
        """Check each target, then the canary, by the same code."""
        today = job.context.now().date()
        files = frozenset(file.uri for file in job.project.files)
        results: list[Json] = []
        problems: list[Problem] = []
        notes: list[str] = []
        looked_at: set[str] = set()
        for uri in job.targets:
            try:
                dockerfile = dockerfiles.parse(job.project.read_text(uri))
            except DockerfileError as error:
                problems.append(Problem(uri, str(error)))
                continue
            around = Surroundings(uri=uri, files=files, read=job.project.read_text, today=today)
            results += parse(dockerfile, around)
            notes += [
                f"{uri}:{each.line}: only the build knows the image" for each in unknown_bases(dockerfile)
            ]
            if dockerfile.faults:
                line, message = dockerfile.faults[0]
                problems.append(Problem(uri, printable(message), line))
            else:
                looked_at.add(uri)
        table = lifetimes()
        return Parsed(
            looked_at=frozenset(looked_at),
            rules=[rule.to_sarif() for rule in RULES],
            results=results,
            canary=canary(today),
            problems=problems,
            notes=notes,
            properties={"data": {"source": table.source, "date": table.as_of.isoformat()}},
        )


def parse(dockerfile: Dockerfile, around: Surroundings) -> list[Json]:
    """What all checks find in a Dockerfile, as SARIF results in the order of its lines."""
    found = [each for check in _CHECKS for each in check(dockerfile, around)]
    reasons = {line: _reasons(line, dockerfile) for line in {each.line for each in found}}
    ordered = sorted(found, key=lambda each: each.line)
    return [_result(each, around.uri, reasons[each.line]) for each in ordered]


def canary(today: date) -> frozenset[str]:
    """The rules that the known-bad Dockerfile sets off."""
    around = Surroundings(uri="Dockerfile", files=frozenset(), read=str, today=today)
    return frozenset(result["ruleId"] for result in parse(dockerfiles.parse(_CANARY), around))


def _result(found: Found, uri: str, reasons: Mapping[str, str]) -> Json:
    return Result(
        rule_id=found.rule.id,
        message=printable(found.message),
        location=Location(uri=uri, start_line=found.line),
        severity=found.severity,
        identity=() if found.about is None else identity(found.rule, uri, found.about),
        suppression=reasons.get(found.rule.id),
    ).to_sarif()


def _reasons(line: int, dockerfile: Dockerfile) -> dict[str, str]:
    """What comments `# mlsecops ignore=<rule> <reason>` above an instruction, or in it, accept, by rule."""
    instruction = dockerfile.at(line)
    if instruction is None:
        return {}
    first = instruction.line
    while first - 1 in dockerfile.comments:
        first -= 1
    reasons: dict[str, str] = {}
    for number in range(first, instruction.end_line + 1):
        match = _SUPPRESSION.fullmatch(dockerfile.comments.get(number, ""))
        if match and match[2]:
            reasons |= dict.fromkeys(match[1].split(","), printable(match[2].strip()))
    return reasons
