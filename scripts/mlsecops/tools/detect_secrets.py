"""detect-secrets: tokens and passwords in any text file of the repository."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import orjson

from mlsecops.job import Job, Parsed, ToolError
from mlsecops.placeholders import is_placeholder
from mlsecops.sarif.build import Json, Location, Result, Rule

# Assembled here, so that no scanner takes this line for a leak.
_CANARY = b"token = 'ghp_" + b"0123456789abcdefghij" + b"ABCDEFGHIJ012345'\n"
_CANARY_RULE = "github-token"
# Filters that leave out whole files or lines: what they hide is told apart here instead.
_FILTERS_OFF = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_lock_file",
    "detect_secrets.filters.heuristic.is_swagger_file",
)
_CHECKED = re.compile(r"Checking file: (.+)$", re.MULTILINE)
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret(.*)", re.IGNORECASE)
_ALLOWED_NEXT = re.compile(r"pragma: ?(?:allow|white)list[ -]nextline[ -]secret(.*)", re.IGNORECASE)
# Random by nature and meant to be public: hashes in lock files, pinned commits, images in notebooks.
_PUBLIC = re.compile(
    r"(?<![a-z])sha(?:1|224|256|384|512)?(?![a-z])|hash|commit|revision|integrity|checksum|digest|fingerprint"
    r"|\brev\b|etag|md5|@[0-9a-f]{40}|image/|base64,|ssh-(?:rsa|ed25519)|run_id",
    re.IGNORECASE,
)
# What a kind calls the secret, to tell placeholders: the report holds no values.
_VALUES = {
    "secret-keyword": re.compile(r"""[:=(,]\s*["']?([^\s"',;)]+)"""),
    "basic-auth-credentials": re.compile(r"://[^\s:/@]*:([^\s@/]+)@"),
    "aws-access-key": re.compile(r"\b(A[KS]IA[0-9A-Z]{16})"),
}
# Longer than any secret on one line, or a digest that says so: data, in which every search takes long.
_DATA = re.compile(r"[A-Za-z0-9+/=]{2000,}|\bsha256:[0-9a-f]{64}\b")
# The same in lines, as MIME and notebooks wrap it; a key in PEM is told by its first line, which stays.
_WRAPPED = re.compile(
    r"(?:^[ \t\"']*+[A-Za-z0-9+/]{60,}+={0,2}+[\\n\"', \t]*+\n){16,}+",
    re.MULTILINE,
)
# detect-secrets reads some kinds of files in their own way, and passes others over by their suffix.
_SUFFIXES = frozenset((".py", ".js", ".java", ".go", ".php", ".cs", ".c", ".cpp", ".tf", ".swift"))
_SUFFIXES |= frozenset((".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties"))
# How sure each kind is: a token in a vendor's form, a keyword with a value, a text that only looks random.
_VENDOR, _KEYWORD, _RANDOM = 9.1, 6.5, 3.0
_SCORES = {
    "secret-keyword": _KEYWORD,
    "basic-auth-credentials": 8.0,
    "base64-high-entropy-string": _RANDOM,
    "hex-high-entropy-string": _RANDOM,
    "public-ip-ipv4": 1.0,
    "json-web-token": 7.5,
}


@dataclass(frozen=True)
class DetectSecrets:
    """Runs detect-secrets over numbered copies of all text files; it never asks a provider about a secret."""

    name: str = "detect-secrets"
    environment: str | None = "detect-secrets"
    information_uri: str = "https://github.com/Yelp/detect-secrets"
    canary_rules: frozenset[str] = frozenset({_CANARY_RULE})
    weight: float = 1.5
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Scan all targets and the canary in one run."""
        copies = _numbered_copies(job)
        (job.work / "sources" / "canary.py").write_bytes(_CANARY)
        off = [part for each in _FILTERS_OFF for part in ("--disable-filter", each)]
        completed = job.execute(
            ["detect-secrets", "-v", "-c", "1", "scan", "--all-files", "--no-verify", *off, "sources"],
            exit_codes=(0,),
        )
        try:
            report = orjson.loads(completed.output.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ToolError(f"its output cannot be read: it is not whole JSON ({error})") from error
        log = completed.stderr.read_text(encoding="utf-8", errors="surrogateescape")
        lines = {uri: job.project.read_lines(uri) for uri in _reported(report, copies)}
        return parse(report, copies, _CHECKED.findall(log), lines)


def parse(
    report: Any, copies: Mapping[str, str], checked: Collection[str], lines: Mapping[str, list[str]]
) -> Parsed:
    """detect-secrets' report over numbered copies -> findings.

    `copies` maps a copy's path to the file it was made from, `lines` holds the files with findings.
    """
    found: set[str] = set()
    rules: dict[str, Json] = {}
    results: list[Json] = []
    left_out = 0
    for path, secrets in report["results"].items():
        kinds = [(int(secret["line_number"]), _rule(secret["type"])) for secret in secrets]
        uri = copies.get(path)
        if uri is None:
            found |= {rule.id for _, rule in kinds}
            continue
        told: set[int] = set()
        # One finding a line: the surest kind speaks for the others.
        for line, rule in sorted(kinds, key=lambda kind: (kind[0], -kind[1].severity, kind[1].id)):
            around = lines[uri][max(0, line - 2) : line]
            if _is_public(rule, around[-1] if around else ""):
                left_out += 1
            elif line not in told:
                told.add(line)
                rules[rule.id] = rule.to_sarif()
                results.append(_result(rule, uri, line, around))
    return Parsed(
        looked_at=frozenset(copies[path] for path in checked if path in copies),
        rules=list(rules.values()),
        results=results,
        canary=frozenset(found),
        notes=[f"{left_out} hashes, commits, images and placeholders are not reported"] if left_out else [],
    )


def _is_public(rule: Rule, line: str) -> bool:
    if rule.severity <= _RANDOM:
        return _PUBLIC.search(line) is not None
    expression = _VALUES.get(rule.id)
    values = expression.findall(line) if expression else []
    return bool(values) and all(map(is_placeholder, values))


def _result(rule: Rule, uri: str, line: int, around: list[str]) -> Json:
    suppression = None
    if around and (here := _ALLOWED.search(around[-1])):
        suppression = here[0]
    elif len(around) > 1 and (before := _ALLOWED_NEXT.search(around[0])):
        suppression = before[0]
    return Result(
        rule_id=rule.id,
        message=f"{rule.summary} The value is not shown here.",
        location=Location(uri=uri, start_line=line),
        suppression=suppression,
    ).to_sarif()


def _rule(kind: str) -> Rule:
    identifier = re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")
    random = _SCORES.get(identifier) == _RANDOM
    summary = f"This looks random enough to be a secret ({kind})." if random else f"This is a secret: {kind}."
    return Rule(
        id=identifier,
        name=kind,
        summary=summary,
        help="Whoever can read the repository, or a copy of its history, can use this secret.",
        fix="Revoke the secret, then read a new one from the environment or a secret store.",
        severity=_SCORES.get(identifier, _VENDOR),
        tags=("external/cwe/cwe-798",),
        precision="low" if random else "high",
    )


def _numbered_copies(job: Job) -> dict[str, str]:
    """Copies under plain names: detect-secrets logs one path a line and skips by folder and file name."""
    copies: dict[str, str] = {}
    folder = job.work / "sources"
    folder.mkdir()
    for number, uri in enumerate(job.targets):
        suffix = PurePosixPath(uri).suffix.lower()
        name = f"{number:06}{suffix if suffix in _SUFFIXES else '.txt'}"
        text = without_data("\n".join([*job.project.read_lines(uri), ""]))
        (folder / name).write_bytes(text.encode("utf-8", "replace"))
        copies[f"sources/{name}"] = uri
    return copies


def without_data(text: str) -> str:
    """A text without long encoded data, on as many lines as before."""
    return _WRAPPED.sub(lambda block: "\n" * block[0].count("\n"), _DATA.sub("", text))


def _reported(report: Any, copies: Mapping[str, str]) -> set[str]:
    return {copies[path] for path in report["results"] if path in copies}
