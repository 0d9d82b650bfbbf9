"""Own patterns for secrets that detect-secrets misses: machine-learning services, databases, `.env`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlsecops.job import Job, Parsed, Problem
from mlsecops.placeholders import is_masked, is_placeholder
from mlsecops.project.text import split_lines
from mlsecops.sarif.build import Json, Location, Result, Rule

_FIX = "Revoke the secret, then read a new one from the environment or a secret store."
_HELP = "Whoever can read the repository, or a copy of its history, can use this secret."
_ALLOWED = re.compile(r"pragma: ?allowlist[ -]secret.*", re.IGNORECASE)
# In code, what is assigned without quotes is a name or a call.
_CODE = (".py", ".pyi", ".ipynb", ".js", ".ts", ".java", ".go", ".rs", ".c", ".h", ".cpp", ".cs", ".md")
_ASSIGNED = "assigned-secret"
_NO_SECRET = re.compile(r"[./~]|https?:|[a-z]+\.|\d+$")
_MAX_LINE, _OVERLAP = 10_000, 400


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of a secret; `needs` is a text without which the expression cannot match."""

    id: str
    what: str
    expression: re.Pattern[str]
    needs: tuple[str, ...]
    severity: float = 9.1


def _vendor(identifier: str, what: str, expression: str, *needs: str) -> Pattern:
    return Pattern(identifier, what, re.compile(rf"(?<![A-Za-z0-9_])(?:{expression})"), needs)


PATTERNS = (
    _vendor("huggingface-token", "a Hugging Face token", r"hf_[A-Za-z0-9]{30,40}(?![A-Za-z0-9])", "hf_"),
    _vendor(
        "huggingface-org-token", "a Hugging Face organisation token", r"api_org_[A-Za-z]{30,40}", "api_org_"
    ),
    _vendor("anthropic-key", "an Anthropic API key", r"sk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{40,}", "sk-ant-"),
    _vendor("openai-key", "an OpenAI API key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}", "sk-"),
    _vendor("google-api-key", "a Google API key", r"AIza[A-Za-z0-9_-]{35}", "AIza"),
    _vendor("databricks-token", "a Databricks token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _vendor("replicate-token", "a Replicate token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _vendor("nvidia-key", "an NVIDIA API key", r"nvapi-[A-Za-z0-9_-]{60,}", "nvapi-"),
    _vendor("groq-key", "a Groq API key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _vendor("langsmith-key", "a LangSmith key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", "lsv2_"),
    _vendor("pinecone-key", "a Pinecone API key", r"pcsk_[A-Za-z0-9_]{50,}", "pcsk_"),
    _vendor(
        "github-token",
        "a GitHub token",
        r"gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{60,}",
        *("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_"),
    ),
    _vendor(
        "aws-access-key", "an AWS access key", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])", "AKIA", "ASIA"
    ),
    Pattern(
        "wandb-key",
        "a Weights & Biases API key",
        re.compile(
            r"(?:wandb\w{0,20}key|wandb\.login)\W{1,12}(?:key\W{1,4})?(?P<value>[0-9a-f]{40})(?![0-9a-f])",
            re.IGNORECASE,
        ),
        ("wandb", "WANDB"),
    ),
    Pattern(
        "kaggle-key",
        "a Kaggle API key",
        re.compile(
            r'(?:kaggle_key\W{1,6}|"username"\s{0,4}:\s{0,4}"[^"]{1,60}"\s{0,4},\s{0,4}"key"\s{0,4}:\s{0,4}")(?P<value>[0-9a-f]{32})\b',
            re.IGNORECASE,
        ),
        ("kaggle", "KAGGLE", '"key"'),
    ),
    Pattern(
        "azure-storage-key",
        "an Azure storage account key",
        re.compile(r"AccountKey=(?P<value>[A-Za-z0-9+/]{80,}={0,2})"),
        ("AccountKey=",),
    ),
    Pattern(
        "url-password",
        "a password within an address",
        re.compile(
            r"\b[a-z][a-z0-9+.-]{2,30}://[^\s/:@'\"]{1,80}:(?P<value>[^\s/@'\"]{4,200})@[\w.-]", re.IGNORECASE
        ),
        ("://",),
        8.0,
    ),
    Pattern(
        _ASSIGNED,
        "a secret assigned by name",
        re.compile(
            r"^\s{0,40}(?:export\s{1,4}|ENV\s{1,4}|-\s{0,4})?[A-Z0-9_]{0,60}"
            r"(?:PASSWORD|PASSWD|SECRET|(?:TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|SECRET_KEY)(?=[^#]{0,260}\d))"
            r"\s{0,4}[=:]\s{0,4}(?P<value>[^\s'\"#;,(){}<>$\[\]]{12,200})\s{0,40}$"
        ),
        ("TOKEN", "SECRET", "PASS", "KEY"),
        7.5,
    ),
)


@dataclass(frozen=True)
class SecretPatterns:
    """Searches all text files for the patterns, in this process."""

    name: str = "mlsecops-secrets"
    environment: str | None = None
    information_uri: str = ""
    canary_rules: frozenset[str] = frozenset(pattern.id for pattern in PATTERNS)
    weight: float = 0.5
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Search every target; the canary holds one made-up secret of each form."""
        results: list[Json] = []
        problems: list[Problem] = []
        looked_at: set[str] = set()
        for uri in job.targets:
            try:
                text = job.project.read_text(uri)
            except OSError as error:
                problems.append(Problem(uri, error.strerror or "it cannot be read"))
                continue
            results += search(uri, text)
            looked_at.add(uri)
        return Parsed(
            looked_at=frozenset(looked_at),
            rules=[to_rule(pattern).to_sarif() for pattern in PATTERNS],
            results=results,
            canary=frozenset(result["ruleId"] for result in search("canary", canary())),
            problems=problems,
        )


def search(uri: str, text: str) -> list[Json]:
    """The secrets in one text, one result for each line and pattern; values are never part of a result."""
    present = [pattern for pattern in PATTERNS if any(need in text for need in pattern.needs)]
    if not present:
        return []
    code = uri.lower().endswith(_CODE)
    results: list[Json] = []
    for number, line in enumerate(split_lines(text), start=1):
        found = [pattern for pattern in present if _is_in(pattern, line, code=code)]
        # A vendor's token that is assigned by name is one secret, not two.
        surest = [pattern for pattern in found if pattern.id != _ASSIGNED] or found
        results += [_result(pattern, uri, number, line) for pattern in surest]
    return results


def canary() -> str:
    """One made-up secret of each form, assembled so that this file holds none."""
    letters, digits = "abcdefghijklmnopqrstuvwxyz" * 4, "0123456789abcdef" * 8
    lines = [
        "hf_" + letters[:34],
        "api_org_" + letters[:34],
        "sk-ant-" + "api03-" + letters[:60],
        "sk-" + "proj-" + letters[:60],
        "AIza" + letters[:35],
        "dapi" + digits[:32],
        "r8_" + letters[:37],
        "nvapi-" + letters[:64],
        "gsk_" + letters[:52],
        "lsv2_" + "pt_" + digits[:32] + "_" + digits[:10],
        "pcsk_" + letters[:60],
        "ghp_" + letters[:36],
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "WANDB_API_KEY" + "=" + digits[:40],
        "KAGGLE_KEY" + "=" + digits[:32],
        "AccountKey" + "=" + letters[:86] + "==",
        "postgresql" + "://model:" + letters[:12] + "@db/features",
        "MLFLOW_TRACKING_PASSWORD" + "=" + letters[:20],
    ]
    return "\n".join(lines)


def _is_in(pattern: Pattern, line: str, *, code: bool) -> bool:
    if not any(need in line for need in pattern.needs):
        return False
    if pattern.id == _ASSIGNED:
        return not code and len(line) <= _MAX_LINE and _matches(pattern, line)
    return any(
        _matches(pattern, line[start : start + _MAX_LINE + _OVERLAP])
        for start in range(0, len(line), _MAX_LINE)
    )


def _matches(pattern: Pattern, line: str) -> bool:
    for match in pattern.expression.finditer(line):
        value = match.groupdict().get("value")
        if value is None:
            made_up = is_masked(match[0])
        else:
            made_up = is_placeholder(value) or (
                pattern.id == _ASSIGNED and _NO_SECRET.match(value) is not None
            )
        if not made_up:
            return True
    return False


def to_rule(pattern: Pattern) -> Rule:
    """The SARIF rule of a pattern."""
    return Rule(
        id=pattern.id,
        name=pattern.id,
        summary=f"This is {pattern.what}.",
        help=_HELP,
        fix=_FIX,
        severity=pattern.severity,
        tags=("external/cwe/cwe-798",),
    )


def _result(pattern: Pattern, uri: str, line: int, text: str) -> Json:
    allowed = _ALLOWED.search(text)
    return Result(
        rule_id=pattern.id,
        message=f"This is {pattern.what}. The value is not shown here.",
        location=Location(uri=uri, start_line=line),
        suppression=allowed[0] if allowed else None,
    ).to_sarif()
