"""Asks the running service for /health; exit code 0 when it is well. For the container."""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
from collections.abc import Mapping


def main(environment: Mapping[str, str]) -> int:
    """Return 0 when GET /health on this machine answers 200, else 1."""
    port = environment.get("LOADFORECAST_LISTEN_PORT", "8080")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, ValueError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
