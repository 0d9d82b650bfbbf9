"""hadolint: good practice in Dockerfiles, and shellcheck for the shell text in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from mlsecops import dockerfiles
from mlsecops.dockerfiles import Dockerfile, DockerfileError
from mlsecops.dockerfiles.found import identity
from mlsecops.dockerfiles.images import parse_image
from mlsecops.dockerfiles.rules import BASE_TAG, ROOT_USER, SECRET, SECRET_ARGUMENT
from mlsecops.dockerfiles.secrets import secrets_passed, secrets_set
from mlsecops.job import Job, Parsed, Problem, ToolError, printable
from mlsecops.sarif.build import Json, Location, Result, Rule

# The last line of every copy: what is reported there proves that the file was read to its end.
_PROOF = "MAINTAINER mlsecops"
_PROOF_RULE = "DL4000"
_CANARY = f"""FROM debian:latest
RUN apt-get install curl && sudo curl $URL | tar -x
ENV API_TOKEN=$URL
USER root
{_PROOF}
"""
_CANARY_RULES = frozenset({"DL3002", "DL3004", "DL3007", "DL3008", "DL3064", "DL4006", "SC2086", _PROOF_RULE})
_UNPARSED = {"DL1000": "hadolint cannot parse it"} | dict.fromkeys(
    ("SC1070", "SC1072", "SC1073", "SC1088", "SC1089"), "shellcheck cannot parse the commands"
)
_UNKNOWN_SHELL = "SC1071"
_PRAGMA = re.compile(
    r"[ \t]*hadolint[ \t]+(global[ \t]+)?ignore[ \t]*=[ \t]*"
    r"([DLSC\d]+(?:[ \t]*,[ \t]*[DLSC\d]+)*)[ \t]*(?:#(.*))?"
)
_DIRECTIVE = re.compile(r"^([ \t]*#[ \t]*)shellcheck([ \t].*\bdisable=([\w,-]+))", re.MULTILINE)
_STRIPPING = re.compile(r"<<-(?=[\"']?[A-Za-z_])")
_SETTINGS = (".hadolint.yaml", ".hadolint.yml")
# A stage that does not ship may well be root; a name that only sounds like a secret is none.
_BUILD_STAGE, _NAME_ONLY = 2.0, 2.0


@dataclass(frozen=True, slots=True)
class Copy:
    """A Dockerfile as hadolint gets it: `lines` are the original's numbers for each line of the text."""

    uri: str
    dockerfile: Dockerfile
    text: str
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Hadolint:
    """Runs hadolint once over copies of all Dockerfiles and a known-bad one."""

    name: str = "hadolint"
    environment: str | None = "hadolint"
    information_uri: str = "https://github.com/hadolint/hadolint"
    canary_rules: frozenset[str] = _CANARY_RULES
    weight: float = 0.1
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Give hadolint copies with plain names, no settings beside them and nothing in them that hides."""
        folder = job.work / "dockerfiles"
        folder.mkdir()
        copies: dict[str, Copy] = {}
        problems: list[Problem] = []
        for number, uri in enumerate(job.targets):
            try:
                copy = prepare(uri, job.project.read_text(uri))
            except DockerfileError as error:
                problems.append(Problem(uri, str(error)))
                continue
            path = folder / str(number)
            path.write_text(copy.text, encoding="utf-8", errors="replace")
            copies[str(path)] = copy
        canary = job.canary({"Dockerfile": _CANARY.encode()}) / "Dockerfile"
        ignored, options = _settings(job)
        argv = ["hadolint", "--no-fail", "--format", "json", "--disable-ignore-pragma", *options]
        findings = job.execute_json([*argv, str(canary), *copies], exit_codes=(0,))
        parsed = parse(findings, copies, str(canary), ignored)
        return replace(parsed, problems=[*problems, *parsed.problems])


def prepare(uri: str, text: str) -> Copy:
    """The text that hadolint gets: the same lines, spelled so that it reads them all and says everything.

    It reads no heredoc that is followed at once by another instruction, or that strips tabs; shellcheck's own
    comments would silence it; a continuation at the end of the file would swallow the proof.
    """
    dockerfile = dockerfiles.parse(text)
    lines = list(dockerfile.lines)
    with_heredocs = [each for each in dockerfile.instructions if each.heredocs]
    for instruction in with_heredocs:
        for index in range(instruction.line - 1, instruction.heredocs[0].line - 1):
            lines[index] = _STRIPPING.sub("<<", lines[index])
        for heredoc in instruction.heredocs:
            for index in range(heredoc.line - 1, heredoc.end):
                stripped = lines[index].lstrip("\t") if heredoc.strips_tabs else lines[index]
                lines[index] = _DIRECTIVE.sub(r"\1shellchecK\2", stripped)
    if dockerfile.instructions and dockerfile.instructions[-1].unfinished:
        last = dockerfile.instructions[-1].end_line - 1
        lines[last] = lines[last].rstrip()[:-1]
    ends = {heredoc.end for each in with_heredocs for heredoc in each.heredocs}
    spelled = [
        (number, part)
        for number, line in enumerate(lines, start=1)
        for part in ((line, "") if number in ends else (line,))
    ]
    spelled += [(len(lines), ""), (len(lines), _PROOF)]
    return Copy(uri, dockerfile, "\n".join(part for _, part in spelled), tuple(n for n, _ in spelled))


def parse(
    findings: Iterable[Json], copies: Mapping[str, Copy], canary: str, ignored: Mapping[str, str]
) -> Parsed:
    """hadolint's JSON -> what it found. `copies` and `canary` are the paths it was given.

    `ignored` are rules that the project's own settings switch off, with the reason to give.
    """
    canary_rules: set[str] = set()
    looked_at: set[str] = set()
    rules: dict[str, Json] = {}
    results: list[Json] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for finding in findings:
        code, message = str(finding["code"]), printable(str(finding["message"]).partition("\n")[0])
        if finding["file"] == canary:
            canary_rules.add(code)
            continue
        copy = copies[finding["file"]]
        at_end = int(finding["line"]) >= len(copy.lines)
        line = copy.lines[min(int(finding["line"]), len(copy.lines)) - 1]
        if code in _UNPARSED:
            problems.append(Problem(copy.uri, f"{_UNPARSED[code]}: {message}"[:200], line, kind="unparsed"))
        elif code == _UNKNOWN_SHELL:
            notes.append(f"{copy.uri}:{line}: shellcheck does not know the shell of this instruction")
        elif at_end:
            looked_at |= {copy.uri} if code == _PROOF_RULE else set()
        else:
            rules.setdefault(code, _rule(code, message).to_sarif())
            results.append(_result(code, message, copy, line, ignored))
    return Parsed(
        looked_at=frozenset(looked_at),
        rules=list(rules.values()),
        results=results,
        canary=frozenset(canary_rules),
        problems=problems,
        notes=notes,
    )


def _result(code: str, message: str, copy: Copy, line: int, ignored: Mapping[str, str]) -> Json:
    severity, same_as = _meaning(code, copy, line)
    return Result(
        rule_id=code,
        message=message,
        location=Location(uri=copy.uri, start_line=line),
        severity=severity,
        identity=same_as,
        suppression=next(_suppressions(code, copy.dockerfile, line), ignored.get(code)),
    ).to_sarif()


def _meaning(code: str, copy: Copy, line: int) -> tuple[float | None, tuple[str, ...]]:
    """A severity that differs from the rule's, and what our own checks call the same finding."""
    dockerfile, uri = copy.dockerfile, copy.uri
    if code == "DL3002":
        ships = any(each.line == line for stage in dockerfile.lineage() for each in stage.instructions)
        return (None, identity(ROOT_USER, uri, ())) if ships else (_BUILD_STAGE, ())
    if code in ("DL3006", "DL3007"):
        base = next((stage.base for stage in dockerfile.stages if stage.source.line == line), None)
        return None, identity(BASE_TAG, uri, parse_image(base).about) if base else ()
    if code == "DL3064":
        instruction = dockerfile.at(line)
        if instruction and secrets_set(instruction):
            return SECRET.severity, ()
        passed = secrets_passed(instruction) if instruction else []
        return (None, identity(SECRET_ARGUMENT, uri, (passed[0].name,))) if passed else (_NAME_ONLY, ())
    return None, ()


def _suppressions(code: str, dockerfile: Dockerfile, line: int) -> Iterator[str]:
    """Why a comment in the file would have hidden a finding, by the rules of hadolint and shellcheck."""
    for number, comment in dockerfile.comments.items():
        pragma = _PRAGMA.fullmatch(comment)
        # hadolint takes no comment within an instruction for a pragma.
        if pragma is None or dockerfile.at(number) is not None:
            continue
        if code in re.split(r"[ \t,]+", pragma[2]) and (pragma[1] or number + 1 == line):
            yield printable((pragma[3] or "").strip()) or f"hadolint ignore in line {number}"
    instruction = dockerfile.at(line)
    for heredoc in instruction.heredocs if instruction else ():
        for directive in _DIRECTIVE.finditer(heredoc.text):
            if _disables(directive[3], code):
                yield f"shellcheck disable in line {heredoc.line_at(directive.start())}"


def _disables(listed: str, code: str) -> bool:
    """Whether shellcheck's `disable=` names a code: by itself, in a range, or with all others."""
    for part in listed.split(",") if code.startswith("SC") else ():
        first, _, last = part.partition("-")
        bounds = re.fullmatch(r"SC(\d+)", first), re.fullmatch(r"SC(\d+)", last or first)
        if part == "all" or (
            bounds[0] and bounds[1] and int(bounds[0][1]) <= int(code[2:]) <= int(bounds[1][1])
        ):
            return True
    return False


@cache
def _meanings() -> Mapping[str, Json]:
    return tomllib.loads(Path(__file__).with_name("hadolint_rules.toml").read_text(encoding="utf-8"))


def _rule(code: str, message: str) -> Rule:
    if code.startswith("SC"):
        uri = f"https://www.shellcheck.net/wiki/{code}"
        known: Json = {
            "summary": message,
            "why": "shellcheck doubts that the commands do what they look like.",
        }
        known |= {"fix": "Follow the advice behind the link.", "severity": 1.0}
    else:
        uri = f"https://github.com/hadolint/hadolint/wiki/{code}"
        known = {
            "summary": message,
            "why": message,
            "fix": "Follow the advice behind the link.",
            "severity": 1.0,
        }
        known |= _meanings().get(code, {})
    return Rule(
        id=code,
        name=code,
        summary=known["summary"],
        help=known["why"],
        fix=known["fix"],
        severity=known["severity"],
        help_uri=uri,
        tags=(f"external/cwe/cwe-{known['cwe']}",) if "cwe" in known else (),
    )


def _settings(job: Job) -> tuple[dict[str, str], list[str]]:
    """Rules that the project's own settings ignore, and options from them, where the policy lets them count.

    hadolint never sees the file: what it ignores shall be counted.
    """
    known = {file.uri for file in job.project.files}
    name = next((each for each in _SETTINGS if each in known), None)
    if name is None or "hadolint" not in job.policy.use_project_config:
        return {}, []
    try:
        settings = yaml.safe_load(job.project.read_text(name)) or {}
        ignored = [str(code) for code in settings.get("ignored") or []]
        registries = settings.get("trustedRegistries") or []
        registries = [registries] if isinstance(registries, str) else [str(each) for each in registries]
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        raise ToolError(f"the project's settings {name} cannot be read") from error
    options = [f"--trusted-registry={registry}" for registry in registries]
    return dict.fromkeys(ignored, f"ignored in {name}"), options
