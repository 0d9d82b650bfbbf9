"""Our own secret patterns: what they find, what they leave alone, and that no line makes them slow."""

from __future__ import annotations

import re

import pytest
from mlsecops.placeholders import is_masked, is_placeholder
from mlsecops.tools.secret_patterns import PATTERNS, Pattern, canary, search

LETTERS = "qWeRtYuIoPaSdFgHjKlZxCvBnM" * 3
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2
# Each kind, assembled so that this file holds none.
SECRETS = {
    "huggingface-token": "hf_" + LETTERS[:34],
    "huggingface-org-token": "api_org_" + LETTERS[:34],
    "anthropic-key": "sk-ant-" + "api03-" + LETTERS[:60],
    "openai-key": "sk-" + "proj-" + LETTERS[:60],
    "google-api-key": "AIza" + LETTERS[:35],
    "databricks-token": "dapi" + HEX[:32],
    "replicate-token": "r8_" + LETTERS[:37],
    "nvidia-key": "nvapi-" + LETTERS[:64],
    "groq-key": "gsk_" + LETTERS[:52],
    "langsmith-key": "lsv2_" + "sk_" + HEX[:32] + "_" + HEX[:10],
    "pinecone-key": "pcsk_" + LETTERS[:60],
    "github-token": "gho_" + LETTERS[:36],
    "aws-access-key": "AKIA" + "QWERTYUIOPASDFGH",
    "wandb-key": "wandb.login(key='" + HEX[:40] + "')",
    "kaggle-key": '{"username": "me", "key": "' + HEX[:32] + '"}',
    "azure-storage-key": "AccountKey" + "=" + (LETTERS + LETTERS)[:86] + "==",
    "url-password": "mongodb+srv" + "://app:" + LETTERS[:14] + "@db.internal/x",
    "assigned-secret": "export MLFLOW_TRACKING_PASSWORD" + "=" + LETTERS[:16],
}


def found(text: str, uri: str = ".env") -> list[str]:
    return [result["ruleId"] for result in search(uri, text)]


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind_is_found_on_its_line_and_not_quoted(kind: str) -> None:
    results = search(".env", f"first line\n{SECRETS[kind]}\nlast")
    assert [result["ruleId"] for result in results] == [kind]
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2}
    assert LETTERS[:10] not in repr(results)
    assert HEX[:10] not in repr(results)


def test_every_pattern_has_a_sample_and_a_canary() -> None:
    names = {pattern.id for pattern in PATTERNS}
    assert names == set(SECRETS) == set(found(canary()))


def test_lines_end_where_editors_end_them() -> None:
    text = f"a\rb\r\n{SECRETS['huggingface-token']}"
    assert search("x", text)[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


@pytest.mark.parametrize(
    "line",
    [
        "HF_TOKEN=hf_" + "x" * 34,
        "HF_TOKEN=",
        "HF_TOKEN=${HF_TOKEN}",
        "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY=your-secret-access-key-1",
        "DATABASE_URL=postgresql://user:password@localhost/db",
        "DATABASE_URL=postgresql://user:${DB_PASSWORD}@localhost/db",
        "SECRET_KEY: settings.SECRET_KEY_NAME",
        "MAX_TOKEN: 100000000000",
        "PRIVATE_KEY: /etc/ssl/private/key2.pem",
        "EOS_TOKEN: <|endoftext|>",
        "sha256:" + HEX,
        "id: 123e4567-e89b-12d3-a456-426614174000",
        'content-hash = "' + HEX + '"',
        "hf_hub_download(repo_id, filename)",
        "KEYBOARD = qwertyuiopasdfgh",
    ],
)
def test_what_is_no_secret(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize("line", ["API_KEY: Optional[SecretStr2]", "SECRET = load_the_secret_now"])
def test_unquoted_names_in_code(line: str) -> None:
    assert found(line, "app.py") == []


def test_one_finding_for_a_token_assigned_by_name() -> None:
    assert found("GITHUB_TOKEN=" + SECRETS["github-token"]) == ["github-token"]


def test_a_comment_suppresses_and_is_named() -> None:
    [result] = search("x", SECRETS["groq-key"] + "  # pragma: allowlist secret")
    assert result["suppressions"][0]["justification"] == "pragma: allowlist secret"


@pytest.mark.parametrize("before", [0, 9_990, 10_000, 25_000])
def test_long_lines_are_searched_to_their_end(before: int) -> None:
    assert found(" " * before + SECRETS["openai-key"]) == ["openai-key"]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_every_repetition_before_the_end_is_bounded(pattern: Pattern) -> None:
    """An unbounded repetition may only stand where the match is already certain: nothing follows it."""
    body = re.sub(r"\[[^\]]*\]", "C", pattern.expression.pattern)
    assert not re.search(r"(?<!\\)[*+](?![?)]*$)", body.replace(r"\+", ""))


def test_placeholders() -> None:
    assert all(map(is_placeholder, ["changeme", "your-key", "xxxx", "<token>", "password", "${X}", "test-1"]))
    assert not any(map(is_placeholder, ["hunter2-Bd8", "passw0rd!x", "test" + LETTERS[:40]]))
    assert is_masked("sk-" + "0" * 40)
    assert not is_masked(LETTERS)
