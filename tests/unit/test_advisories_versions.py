"""Version ranges against the evaluation rules of the OSV specification, written down a second time here."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.advisories.versions import (
    Event,
    IncomparableVersionError,
    affects,
    compile_range,
    fixed_versions,
    parse_version,
)
from packaging.version import Version

_NUMBERS = st.integers(min_value=0, max_value=4)
_VERSIONS = st.builds(
    lambda major, minor, rest: f"{major}.{minor}{rest}",
    _NUMBERS,
    _NUMBERS,
    st.sampled_from(["", "rc1", ".dev0", ".post1", "a2"]),
)


def spec_says(events: list[Event], version: Version, order: tuple[str, ...]) -> bool:
    """`IncludedInRanges` of the specification; `order` is how events of one version are sorted."""

    def place(event: Event) -> tuple[Version, int]:
        kind, text = event
        first = Version("0.dev0") if event == ("introduced", "0") else Version(text)
        return first, order.index(kind)

    vulnerable = False
    for kind, text in sorted(events, key=place):
        bound = Version("0.dev0") if (kind, text) == ("introduced", "0") else Version(text)
        if kind == "introduced" and version >= bound:
            vulnerable = True
        elif (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound):
            vulnerable = False
    return vulnerable


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Events in any order, with one kind of end only, as the schema demands."""
    closing = draw(st.sampled_from(["fixed", "last_affected"]))
    starts = [
        ("introduced", text) for text in draw(st.lists(st.just("0") | _VERSIONS, min_size=1, max_size=4))
    ]
    ends = [(closing, text) for text in draw(st.lists(_VERSIONS, max_size=4))]
    return draw(st.permutations([*starts, *ends]))


@given(event_lists(), _VERSIONS)
def test_a_range_means_what_the_specification_says(events: list[Event], text: str) -> None:
    """Where the order of events at the same version matters, the specification leaves both readings open."""
    readings = {
        spec_says(events, Version(text), order)
        for order in permutations(["introduced", "fixed", "last_affected"])
    }
    assert affects([tuple(events)], (), text) in readings


@given(st.lists(_VERSIONS, min_size=1, max_size=6), _VERSIONS)
def test_enumerated_versions_are_compared_as_versions(listed: list[str], text: str) -> None:
    assert affects([], listed, text) == (Version(text) in {Version(item) for item in listed})


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.9", False),
        ("2.0", True),
        ("2.1.9", True),
        ("2.2", False),
        ("2.9", False),
        ("3.0", True),
        ("9", True),
    ],
)
def test_ranges_open_and_close_again(version: str, expected: bool) -> None:
    events = (("introduced", "2.0"), ("fixed", "2.2"), ("introduced", "3.0"))
    assert affects([events], (), version) is expected


def test_ranges_that_meet_leave_no_gap_in_whatever_order_they_come() -> None:
    events: tuple[Event, ...] = (("introduced", "1"), ("fixed", "2"), ("introduced", "2"), ("fixed", "3"))
    for mixed in permutations(events):
        assert [affects([mixed], (), text) for text in ("0.9", "1", "2", "2.5", "3")] == [
            False,
            True,
            True,
            True,
            False,
        ]


def test_a_range_fixed_in_the_version_that_introduced_it_is_empty_but_a_last_affected_one_is_not() -> None:
    assert not affects([(("introduced", "2"), ("fixed", "2"))], (), "2")
    assert not affects([(("introduced", "2"), ("fixed", "2"))], (), "3")
    only = [(("introduced", "2"), ("last_affected", "2"))]
    assert [affects(only, (), text) for text in ("1", "2", "2.0.0", "2.1")] == [False, True, True, False]


def test_zero_is_before_every_version_even_development_releases() -> None:
    assert affects([(("introduced", "0"), ("fixed", "1"))], (), "0.dev0")
    assert not affects([(("introduced", "0.0"), ("fixed", "1"))], (), "0.dev0")


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((), "no events"),
        ((("fixed", "9"),), "no beginning"),
        ((("introduced", "first release"), ("fixed", "9")), "a beginning that is no version"),
        ((("introduced", "0"), ("fixed", "2019-09-12")), "an end that is no version"),
        ((("introduced", "0"), ("limit", "soon")), "a limit that is no version"),
        ((("introduced", "0"), ("limit", "*"), ("limit", "1")), "a limit at infinity"),
    ],
)
def test_doubt_counts_as_affected(events: tuple[Event, ...], why: str) -> None:
    assert affects([events], (), "5.0"), why


def test_limits_cut_a_range_off() -> None:
    events = (("introduced", "1"), ("limit", "2"), ("limit", "3"))
    assert [affects([events], (), text) for text in ("1", "2.5", "3", "4")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("events", "version", "expected"),
    [
        ((("introduced", "0"), ("last_affected", "2.0.0")), "2.0.0+cpu", True),
        ((("introduced", "2.0.0"), ("fixed", "2.0.1")), "2.0.0+cu118", True),
        ((("introduced", "0"), ("fixed", "2.0.0")), "2.0.0+cpu", False),
        ((("introduced", "0"), ("fixed", "2.0.0+sec1")), "2.0.0", True),
        ((("introduced", "0"), ("fixed", "2.0.0+sec1")), "2.0.0+sec1", False),
    ],
)
def test_a_local_part_counts_only_against_a_bound_that_has_one(
    events: tuple[Event, ...], version: str, expected: bool
) -> None:
    assert affects([events], (), version) is expected


def test_an_enumerated_version_covers_its_local_builds() -> None:
    assert affects([], ["2.0.0"], "2.0.0+cpu")
    assert not affects([], ["2.0.0+cu118"], "2.0.0+cpu")


def test_a_version_that_is_none_is_matched_as_text_and_never_called_clean() -> None:
    ranges = [(("introduced", "0"), ("fixed", "2"))]
    assert affects(ranges, ["2004d"], "2004d")
    assert not affects([], ["2004d"], "2004e")
    with pytest.raises(IncomparableVersionError, match="'2004e' is not PEP 440"):
        affects(ranges, ["2004d"], "2004e")


def test_fixed_versions_come_in_order_once_and_readable() -> None:
    events = (("introduced", "0"), ("fixed", "2.10"), ("fixed", "2.9"), ("fixed", "2019-09-12"))
    assert fixed_versions([events, (("introduced", "0"), ("fixed", "2.9.0"))]) == (
        Version("2.9"),
        Version("2.10"),
    )


def test_compiling_is_independent_of_the_order_of_events() -> None:
    events: tuple[Event, ...] = (("introduced", "0"), ("fixed", "1"), ("introduced", "2"), ("fixed", "3"))
    assert len({compile_range(mixed) for mixed in permutations(events)}) == 1


def test_parse_version_knows_what_is_none() -> None:
    assert parse_version("1.0") == Version("1")
    assert parse_version("1.0-SNAPSHOT") is None
