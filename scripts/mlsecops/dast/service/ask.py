"""Sends plain requests to one address and prints the answers; a program of its own, standard library only.

It follows no redirect and resolves no name: it connects to the address it was given and to nothing else.
The order is a JSON file, its only argument; the answers are one JSON list on standard output.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any

_FAILURES = (OSError, http.client.HTTPException, ValueError)
_PAUSE = 0.1


def ask(order: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """One request over a connection of its own: what came back, or `error` with why nothing did."""
    connection = http.client.HTTPConnection(order["host"], order["port"], timeout=order["seconds"])
    try:
        body = base64.b64decode(request["body"]) if request.get("body") is not None else None
        connection.request(request["method"], request["path"], body, request.get("headers", {}))
        answer = connection.getresponse()
        content = answer.read(order["most"])
        headers = [[name.lower(), value] for name, value in answer.getheaders()]
        return {"status": answer.status, "headers": headers, "body": base64.b64encode(content).decode()}
    except _FAILURES as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()


def wait(order: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Repeat a request until it is answered (below 400 when the order is strict), or the time is over."""
    until = time.monotonic() + order["wait"]
    while True:
        answer = ask(order, request)
        well = "status" in answer and (answer["status"] < 400 or not order["strict"])
        if well or time.monotonic() + _PAUSE > until:
            return answer
        time.sleep(_PAUSE)


def main() -> None:
    """Read the order, print the answers."""
    order: dict[str, Any] = json.loads(Path(sys.argv[1]).read_bytes())
    first = wait if order["wait"] else ask
    answers = [first(order, order["requests"][0]), *(ask(order, each) for each in order["requests"][1:])]
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
