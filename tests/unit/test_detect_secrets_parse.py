"""detect-secrets' report -> findings."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from mlsecops.job import Parsed
from mlsecops.tools.detect_secrets import parse, without_data

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def parsed(*kinds: str, line: str, before: str = "") -> Parsed:
    secrets = [{"type": kind, "line_number": 2} for kind in kinds]
    report: dict[str, Any] = {
        "results": {
            "sources/000000.txt": secrets,
            "sources/canary.py": [{"type": "GitHub Token", "line_number": 1}],
        }
    }
    copies = {"sources/000000.txt": "conf.txt", "sources/000001.txt": "other.txt"}
    return parse(report, copies, ["sources/000000.txt", "sources/canary.py"], {"conf.txt": [before, line]})


def test_findings_canary_and_what_was_checked() -> None:
    result = parsed("GitHub Token", line="x")
    assert result.canary == {"github-token"}
    assert result.looked_at == {"conf.txt"}
    assert [each["ruleId"] for each in result.results] == ["github-token"]


def test_one_finding_a_line_of_the_surest_kind() -> None:
    result = parsed("Hex High Entropy String", "Secret Keyword", "GitHub Token", line="x")
    assert [each["ruleId"] for each in result.results] == ["github-token"]


@pytest.mark.parametrize(
    "line",
    [
        f'content-hash = "{HASH}"',
        f"--hash=sha256:{HASH}",
        f'"integrity": "sha512-{HASH}=="',
        f'revision="{HASH[:40]}"',
        f"    rev: {HASH[:40]}  # frozen: v0.12.2",
        f'"image/png": "{HASH}"',
        f"uses: actions/checkout@{HASH[:40]}",
    ],
)
def test_public_hashes_are_counted_not_reported(line: str) -> None:
    result = parsed("Hex High Entropy String", line=line)
    assert not result.results
    assert len(result.notes) == 1


def test_a_token_beside_a_hash_is_reported() -> None:
    assert parsed("GitHub Token", line="sha256 hash").results
    assert parsed("Hex High Entropy String", line=f"x = '{HASH}'").results


@pytest.mark.parametrize(
    ("kind", "line", "reported"),
    [
        ("Secret Keyword", 'password = "changeme"', False),
        ("Secret Keyword", 'password = "Bd8-hunter2"', True),
        ("Basic Auth Credentials", "https://user:password@host", False),
        ("Basic Auth Credentials", "https://user:Bd8hunter2@host", True),
        ("AWS Access Key", "AKIA" + "IOSFODNN7EXAMPLE", False),
        ("AWS Access Key", "AKIA" + "QWERTYUIOPASDFGH", True),
    ],
)
def test_placeholders(kind: str, line: str, reported: bool) -> None:
    assert bool(parsed(kind, line=line).results) == reported


def test_comments_suppress_and_are_named() -> None:
    [here] = parsed("GitHub Token", line="x  # pragma: allowlist secret").results
    [above] = parsed("GitHub Token", line="x", before="# pragma: allowlist nextline secret").results
    [not_above] = parsed("GitHub Token", line="x", before="y # pragma: allowlist secret").results
    assert here["suppressions"]
    assert above["suppressions"]
    assert "suppressions" not in not_above


def wrapped(end: str, lines: int) -> list[str]:
    """Lines of encoded data with an end of their own."""
    text = base64.b64encode(bytes(range(256)) * 20).decode()
    return [f'"{text[76 * number : 76 * number + 76]}{end}' for number in range(lines)]


@pytest.mark.parametrize("end", ["", "\\n", '\\\\\\n",', '",'])
def test_data_in_lines_is_left_out_and_lines_keep_their_numbers(end: str) -> None:
    before, after = ["-----BEGIN RSA PRIVATE KEY-----", 'token = "a"'], ["password = 'b'"]
    text = "\n".join([*before, *wrapped(end, 20), *after, ""])
    assert without_data(text).splitlines() == [*before, *[""] * 20, *after]


def test_a_few_long_lines_are_no_data() -> None:
    text = "\n".join([*wrapped("", 15), "x = 1", *wrapped("", 15), ""])
    assert without_data(text) == text
