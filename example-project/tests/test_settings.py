from __future__ import annotations

from pathlib import Path

import pytest

from loadforecast import keys
from loadforecast.settings import Settings, SettingsError


@pytest.fixture
def line() -> str:
    return keys.create("hotel", ["forecast"])[1]


def test_a_key_is_all_that_is_needed(line: str) -> None:
    found = Settings.from_environment({"LOADFORECAST_API_KEYS": line, "HOME": "/"})
    assert (found.host, found.port) == ("127.0.0.1", 8080)
    assert len(found.keys.entries) == 1


def test_everything_can_be_set(line: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    found = Settings.from_environment(
        {
            "LOADFORECAST_API_KEYS_FILE": str(tmp_path / "keys"),
            "LOADFORECAST_LISTEN_HOST": "::1",
            "LOADFORECAST_LISTEN_PORT": "9000",
            "LOADFORECAST_MODEL": "other/model.onnx",
            "LOADFORECAST_RATE_LIMIT": "5 per second; 100 per hour",
            "LOADFORECAST_ANONYMOUS_RATE_LIMIT": "1/minute",
            "LOADFORECAST_LOG_LEVEL": "warning",
        }
    )
    assert (found.host, found.port, found.model) == ("::1", 9000, Path("other/model.onnx"))
    assert found.rate_limit == "5 per second; 100 per hour"
    assert found.anonymous_rate_limit == "1/minute"
    assert found.log_level == "WARNING"


def test_what_kubernetes_sets_for_a_service_of_this_name_does_no_harm(line: str) -> None:
    environment = {"LOADFORECAST_API_KEYS": line, "LOADFORECAST_PORT": "tcp://10.0.0.7:8080"}
    assert Settings.from_environment(environment).port == 8080


@pytest.mark.parametrize("nothing", ["", " \n# none yet\n"])
def test_no_key_is_no_service(nothing: str) -> None:
    for environment in ({}, {"LOADFORECAST_API_KEYS": nothing}):
        with pytest.raises(SettingsError, match="no API key is set"):
            Settings.from_environment(environment)


def test_two_sources_of_keys_are_refused(line: str, tmp_path: Path) -> None:
    both = {"LOADFORECAST_API_KEYS": line, "LOADFORECAST_API_KEYS_FILE": str(tmp_path)}
    with pytest.raises(SettingsError, match="both set"):
        Settings.from_environment(both)


def test_a_missing_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="API_KEYS_FILE cannot be read"):
        Settings.from_environment({"LOADFORECAST_API_KEYS_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("API_KEYS", "hotel", "key 1 is not of the form"),
        ("LISTEN_PORT", "eighty", "LISTEN_PORT"),
        ("LISTEN_PORT", "65536", "LISTEN_PORT"),
        ("LISTEN_PORT", "-1", "LISTEN_PORT"),
        ("RATE_LIMIT", "many", "RATE_LIMIT"),
        ("ANONYMOUS_RATE_LIMIT", "", "ANONYMOUS_RATE_LIMIT"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
    ],
)
def test_a_wrong_value_is_one_sentence(line: str, name: str, value: str, says: str) -> None:
    environment = {"LOADFORECAST_API_KEYS": line, f"LOADFORECAST_{name}": value}
    with pytest.raises(SettingsError, match=says):
        Settings.from_environment(environment)
