"""Settings from environment variables; a service without keys does not start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import limits

from loadforecast import keys
from loadforecast.keys import KeyRing

PREFIX = "LOADFORECAST_"


class SettingsError(Exception):
    """The service is not set up; the text says what is wrong in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set. Rate limits are like "60 per minute", per key or per address."""

    keys: KeyRing
    host: str = "127.0.0.1"
    port: int = 8080
    model: Path = Path("models/forecast.onnx")
    rate_limit: str = "60 per minute"
    anonymous_rate_limit: str = "30 per minute"
    max_body_bytes: int = 32 * 1024
    log_level: str = "INFO"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the LOADFORECAST_* variables; raises SettingsError.

        They are called LISTEN_* because Kubernetes sets LOADFORECAST_PORT, to something else, for
        a service named loadforecast.
        """
        given = {
            name.removeprefix(PREFIX): value
            for name, value in environment.items()
            if name.startswith(PREFIX)
        }
        return cls(
            keys=_keys(given),
            host=given.get("LISTEN_HOST", cls.host),
            port=_port(given.get("LISTEN_PORT", str(cls.port))),
            model=Path(given.get("MODEL", cls.model)),
            rate_limit=_limit("RATE_LIMIT", given.get("RATE_LIMIT", cls.rate_limit)),
            anonymous_rate_limit=_limit(
                "ANONYMOUS_RATE_LIMIT", given.get("ANONYMOUS_RATE_LIMIT", cls.anonymous_rate_limit)
            ),
            log_level=_level(given.get("LOG_LEVEL", cls.log_level)),
        )


def _keys(given: Mapping[str, str]) -> KeyRing:
    if "API_KEYS" in given and "API_KEYS_FILE" in given:
        raise SettingsError(f"{PREFIX}API_KEYS and {PREFIX}API_KEYS_FILE are both set; use one")
    text = given.get("API_KEYS", "")
    if path := given.get("API_KEYS_FILE"):
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{PREFIX}API_KEYS_FILE cannot be read: {error}") from error
    try:
        ring = keys.parse(text)
    except keys.KeyFormatError as error:
        raise SettingsError(str(error)) from error
    if not ring.entries:
        raise SettingsError(f"no API key is set: set {PREFIX}API_KEYS or {PREFIX}API_KEYS_FILE")
    return ring


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 <= int(text[:6]) <= 65535):
        raise SettingsError(f"{PREFIX}LISTEN_PORT is not a number from 0 to 65535")
    return int(text)


def _limit(name: str, text: str) -> str:
    try:
        limits.parse_many(text)
    except ValueError as error:
        raise SettingsError(f'{PREFIX}{name} is not like "60 per minute"') from error
    return text


def _level(text: str) -> str:
    level = text.upper()
    if level not in logging.getLevelNamesMapping():
        raise SettingsError(f"{PREFIX}LOG_LEVEL is not a level such as INFO or WARNING")
    return level
