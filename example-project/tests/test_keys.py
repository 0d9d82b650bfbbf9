from __future__ import annotations

import hashlib

import pytest

from loadforecast import keys
from loadforecast.keys import KeyFormatError


def test_a_key_is_found_and_its_neighbour_is_not() -> None:
    key, line = keys.create("hotel-1", ["forecast", "metrics"])
    ring = keys.parse(line)
    found = ring.identify(key)
    assert found is not None
    assert found == keys.Client("hotel-1", frozenset({"forecast", "metrics"}))
    for wrong in (None, "", key[:-1], key + "x", key.swapcase(), "\udcff"):
        assert ring.identify(wrong) is None


def test_the_key_itself_is_not_stored() -> None:
    key, line = keys.create("hotel", ["forecast"])
    assert len(key) >= 43  # 256 bits in base64
    assert key not in line
    assert key not in repr(keys.parse(line))


def test_two_keys_are_never_the_same() -> None:
    assert keys.create("hotel", ["forecast"]) != keys.create("hotel", ["forecast"])


def test_the_hash_of_nothing_is_no_way_in() -> None:
    ring = keys.parse(f"hotel forecast {hashlib.sha256(b'').hexdigest()}")
    assert ring.identify("") is None
    assert ring.identify(None) is None


def test_a_client_may_have_two_keys_at_once() -> None:
    old, old_line = keys.create("hotel", ["forecast"])
    new, new_line = keys.create("hotel", ["forecast"])
    ring = keys.parse(f"# changed today\n{old_line}\n\n{new_line}  # new\n")
    assert ring.identify(old) == ring.identify(new)
    assert ring.identify(old) is not None


def test_lines_may_be_parted_by_semicolons() -> None:
    lines = [keys.create(name, ["metrics"])[1] for name in ("one", "two")]
    assert [client.name for _, client in keys.parse(";".join(lines)).entries] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hotel forecast", "key 1 is not of the form"),
        ("Hotel! forecast " + "0" * 64, "name of key 1"),
        ("hotel forecast,admin " + "0" * 64, "scope that is not forecast or metrics"),
        ("hotel forecast " + "0" * 63, "no SHA-256"),
        ("# fine\nhotel forecast " + "z" * 64, "key 2 has no SHA-256"),
    ],
)
def test_a_bad_line_is_told_without_its_content(line: str, says: str) -> None:
    with pytest.raises(KeyFormatError, match=says) as caught:
        keys.parse(line)
    assert line.split()[-1] not in str(caught.value)


def test_the_command_prints_the_key_and_the_line_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.main(["hotel", "forecast,metrics"]) == 0
    printed = capsys.readouterr()
    key = printed.err.removeprefix("key (shown once): ").strip()
    client = keys.parse(printed.out).identify(key)
    assert client is not None
    assert client.name == "hotel"


@pytest.mark.parametrize("arguments", [[], ["hotel"], ["hotel", "admin"], ["Ä", "forecast"]])
def test_the_command_refuses_what_it_does_not_know(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
