"""Secrets in a Dockerfile: names that announce one, values that are one, files that hold them."""

from __future__ import annotations

import re
from posixpath import basename

from mlsecops.dockerfiles.instruction import Instruction, Pair

_NAME = re.compile(
    r"(?:PASSWORD|PASSWD|PASSPHRASE)$|(?:^|_)(?:TOKEN|PWD|SECRET|(?:API|ACCESS|AUTH|SECRET|PRIVATE|ENCRYPTION)_?KEY"
    r"|CREDENTIALS?)(?:_?ID)?$",
    re.IGNORECASE,
)
_NOT_A_NAME = frozenset({"PWD", "OLDPWD"})
# Numbers, switches, and what people write where a value is to come.
_NOT_A_VALUE = re.compile(
    r"\d{0,7}|true|false|yes|no|on|off|none|null|nil|unset|undefined|x+|\*+|\.+|<.*>|\{\{.*\}\}|%.*%|/\S*"
    r"|.*\b(?:change-?me|replace-?me|placeholder|redacted|dummy|example|todo)\b.*|your[-_ ].*",
    re.IGNORECASE,
)
_SHAPES = (
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z]{30,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    ("a Docker Hub token", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    ("a private key", r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY-----"),
    ("a password in a URL", r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@\"'$]{1,100}:[^\s/:@\"'$]{3,200}@"),
)
SHAPE = re.compile("|".join(f"(?P<s{number}>{shape})" for number, (_, shape) in enumerate(_SHAPES)))
ASSIGNMENT = re.compile(r"(?<![\w$-])([A-Za-z_]\w{0,99})=(\"[^\"$`]*\"|'[^']*'|[^\s\"'$`;&|)]+)")
_FILE = re.compile(
    r"\.env(?:\.(?!example|sample|template|dist|test)[\w-]+)?|\.?secrets?\.(?:env|json|ya?ml|toml|txt)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc|\.git-credentials|\.pgpass|\.htpasswd|kaggle\.json"
    r"|(?:credentials|service[-_]account[\w-]*|client_secret[\w-]*)\.json|kubeconfig"
    r"|.+\.(?:key|p12|pfx|jks|keystore|kdbx)|.*private.*\.pem",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"(?:^|/)(?:\.aws(?:/credentials)?|\.ssh|\.gnupg|\.kaggle|\.docker/config\.json|\.kube(?:/config)?"
    r"|\.azure|\.config/gcloud|\.(?:cache/)?huggingface/token)/?$"
)


def is_secret_name(name: str) -> bool:
    """Whether a variable's name announces a secret: its last words, not any part of it."""
    return name.upper() not in _NOT_A_NAME and _NAME.search(name) is not None


def is_secret_value(value: str) -> bool:
    """Whether a value stands there itself: no reference to a variable, no switch, no placeholder."""
    text = value.strip().strip("\"'")
    return "$" not in text and not text.startswith("`") and not _NOT_A_VALUE.fullmatch(text)


def shape(text: str) -> str | None:
    """What kind of secret a text holds, by its form."""
    match = SHAPE.search(text)
    return kind_of(match) if match else None


def kind_of(match: re.Match[str]) -> str:
    """What a match of `SHAPE` is, for people."""
    return _SHAPES[int((match.lastgroup or "s0")[1:])][0]


def secrets_set(instruction: Instruction) -> list[Pair]:
    """The secrets whose values ENV or ARG hold."""
    return [
        pair
        for pair in _pairs(instruction)
        if pair.value and (shape(pair.value) or (is_secret_name(pair.name) and is_secret_value(pair.value)))
    ]


def secrets_passed(instruction: Instruction) -> list[Pair]:
    """The secrets that ARG asks the build for, and so leaves in the image's history."""
    if instruction.keyword != "ARG":
        return []
    return [pair for pair in _pairs(instruction) if not pair.value and is_secret_name(pair.name)]


def is_secret_file(path: str) -> bool:
    """Whether a path is that of a file or folder that usually holds secrets."""
    return _FILE.fullmatch(basename(path.rstrip("/"))) is not None or _PATH.search(path) is not None


def _pairs(instruction: Instruction) -> list[Pair]:
    return instruction.pairs() if instruction.keyword in ("ENV", "ARG") else []
