"""How bad an advisory is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.advisories.record import Record
from mlsecops.advisories.severity import WORD_SCORES, base_score, is_malicious, rate


def record(identifier: str = "GHSA-1", *, severity: tuple[str, ...] = (), word: str = "") -> Record:
    return Record(id=identifier, modified="2026-01-01T00:00:00Z", severity=severity, word=word)


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        # The examples of the specifications, with the scores they give.
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:9.9/AV:N/AC:L", None),
        ("CVSS:", None),
        ("7.5", None),
        ("", None),
    ],
)
def test_base_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_the_highest_vector_counts_not_the_last() -> None:
    high, low = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "AV:L/AC:H/Au:M/C:P/I:N/A:N"
    rated = rate([record(severity=(high, low)), record("PYSEC-1", word="CRITICAL")])
    assert (rated.score, rated.basis, rated.vector) == (7.5, "cvss", high)


def test_a_vector_of_no_impact_is_low_not_unknown() -> None:
    rated = rate([record(severity=("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",))])
    assert (rated.score, rated.basis) == (0.1, "cvss")


@pytest.mark.parametrize(("word", "score"), list(WORD_SCORES.items()))
def test_words_are_in_the_middle_of_their_bands(word: str, score: float) -> None:
    bands = {
        "LOW": (0.1, 3.9),
        "MODERATE": (4, 6.9),
        "MEDIUM": (4, 6.9),
        "HIGH": (7, 8.9),
        "CRITICAL": (9, 10),
    }
    low, high = bands[word]
    rated = rate([record(word=word)])
    assert (rated.score, rated.basis) == (score, "word")
    assert abs(score - (low + high) / 2) <= 0.1


def test_what_nobody_rated_is_high_and_says_so() -> None:
    rated = rate([record(), record("PYSEC-1", severity=("nonsense",))])
    assert (rated.score, rated.basis) == (7.5, "unknown")


@pytest.mark.parametrize(("word", "score"), [("LOW", 9.1), ("HIGH", 9.1), ("CRITICAL", 9.5), ("", 9.1)])
def test_known_exploitation_is_critical(word: str, score: float) -> None:
    assert rate([record(word=word)], exploited=True).score == score


def test_malware_is_always_the_worst() -> None:
    assert rate([record("MAL-2026-1", word="LOW")]).score == 10.0
    aliased = Record(id="GHSA-1", modified="", aliases=("MAL-2026-1",), word="LOW")
    assert is_malicious(aliased)
    assert rate([aliased], exploited=True).basis == "malicious"


@given(
    st.lists(
        st.builds(
            record,
            severity=st.tuples(
                st.text(max_size=20) | st.just("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:N")
            ),
            word=st.sampled_from(["", "LOW", "HIGH"]),
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_a_score_is_always_one_that_sarif_accepts(records: list[Record], exploited: bool) -> None:
    assert 0.1 <= rate(records, exploited=exploited).score <= 10.0
