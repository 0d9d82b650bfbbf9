"""Runs the service with waitress: `python -m loadforecast.server`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

from waitress import wasyncore
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from loadforecast.app import create_app
from loadforecast.model import ModelError
from loadforecast.settings import Settings, SettingsError
from loadforecast.telemetry import configure_logging

_log = logging.getLogger("loadforecast")


def build(settings: Settings, sockets: dict[int, Any]) -> BaseWSGIServer | MultiSocketServer:
    """Return a server that is bound but does not answer yet; it keeps its sockets in `sockets`.

    Raises SettingsError, ModelError or OSError.
    """
    application = create_app(settings)
    try:
        return create_server(
            application,
            map=sockets,
            host=settings.host,
            port=settings.port,
            threads=4,
            connection_limit=200,
            channel_timeout=30,
            max_request_header_size=16 * 1024,
            # the application's own, smaller limit answers in JSON; this one saves memory and disk
            max_request_body_size=1024 * 1024,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
    except ValueError as error:  # what waitress makes of a name that does not resolve
        raise SettingsError(f"there is no address to listen on: {settings.host!r}") from error


def listening(server: BaseWSGIServer | MultiSocketServer) -> list[tuple[str, int]]:
    """Return the addresses and ports; `localhost` can be two."""
    if isinstance(server, MultiSocketServer):
        return [(host, int(port)) for host, port in server.effective_listen]
    return [(server.effective_host, int(server.effective_port))]


def main(environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code, 2 when the service is not set up."""
    sockets: dict[int, Any] = {}
    try:
        settings = Settings.from_environment(environment)
        configure_logging(settings.log_level)
        server = build(settings, sockets)
    except (SettingsError, ModelError, OSError) as error:
        wasyncore.close_all(sockets)
        sys.stderr.write(f"loadforecast: {error}\n")
        return 2
    signal.signal(signal.SIGTERM, _stop)
    _log.info("ready", extra={"fields": {"listen": listening(server)}})
    server.run()
    wasyncore.close_all(sockets)
    _log.info("stopped")
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)  # waitress ends its threads and returns from run()


if __name__ == "__main__":
    sys.exit(main(os.environ))
