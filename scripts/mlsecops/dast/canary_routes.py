"""The canary's routes: one flaw, or a few, behind each.

They behave as a flawed service would, without its danger: none runs a command, loads a pickle or opens a
file, and they call nobody but the attacker's own listener on the loopback.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any

# A token that nobody signed, in parts so that no scanner takes it for a secret.
TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJjYW5hcnkifQ" + ".c2lnbmVk"
_PRODUCT = r"(\d{4})\*(\d{4})"
_CALL = re.compile(rb"http://127\.0\.0\.1:(\d+)(/[\w-]+)")
_SHELL = re.compile(rf"echo \$\(\({_PRODUCT}\)\)")
_ENV = re.compile(r"[;|&`(]\s*env\b")
_TEMPLATE = re.compile(rf"\{{\{{{_PRODUCT}\}}\}}")
_KEPT, _SLOW, _LONG = 96 << 10, 0.6, 5000
_DEEP = b"[" * 1000
_FILE = "root:x:0:0:root:/root:/bin/sh\n"
_TRACE = 'Traceback (most recent call last):\n  File "/srv/canary.py", line 1, in canary\nValueError\n'
_ERROR = (
    "ValueError: X has 3 features, but RandomForestRegressor is expecting 22 features as input "
    "(scikit-learn 1.0, /srv/models/canary.pkl)"
)
_METRICS = "# HELP canary_requests Requests.\n# TYPE canary_requests counter\ncanary_requests 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as a route sees it; `kept` is what the service never lets go."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    kept: list[mmap]

    @property
    def value(self) -> str:
        """The only parameter of the query."""
        return next(iter(self.query.values()), "")

    def json(self) -> Any:
        """The body. Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer; status 0 ends the connection without one."""

    status: int = 200
    body: str = '{"status": "ok"}'
    media: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[Asked], Said]
_OK = Said()
_TEXT = Said(media="text/plain")


def _sql(asked: Asked) -> Said:
    if asked.value.count("'") % 2:
        return replace(_TEXT, status=500, body="sqlite3.OperationalError: unrecognized token")
    return _OK


def _sum(pattern: re.Pattern[str], asked: Asked) -> Said:
    product = pattern.search(asked.value)
    return replace(_TEXT, body=str(int(product[1]) * int(product[2])) if product else "nothing")


def _command(asked: Asked) -> Said:
    if _ENV.search(asked.value):
        return replace(_TEXT, body="HOME=/root\nPATH=/usr/bin\nPWD=/srv\n")
    return _sum(_SHELL, asked)


def _code(asked: Asked) -> Said:
    return _sum(re.compile(f"^{_PRODUCT}$"), asked)


def _template(asked: Asked) -> Said:
    return _sum(_TEMPLATE, asked)


def _file(asked: Asked) -> Said:
    return replace(_TEXT, body=_FILE if "etc/passwd" in asked.value else "nothing")


def _redirect(asked: Asked) -> Said:
    place = asked.value.replace("\r", "").replace("\n", "")
    return Said(status=302, headers=(("Location", place),))


def _page(asked: Asked) -> Said:
    cookie = ("Set-Cookie", "session=canary; Path=/")
    return Said(body=f"<html>{asked.value}</html>", media="text/html", headers=(cookie,))


def _header(asked: Asked) -> Said:
    return Said(headers=(("X-Echo", asked.value),))


def _call(content: bytes) -> Said:
    """Call the attacker's listener if it is named; nobody else ever."""
    if named := _CALL.search(content):
        port, path = int(named[1]), named[2].decode()
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with closing(connection):
                connection.request("GET", path)
                connection.getresponse().read()
    return _OK


def _fetch(asked: Asked) -> Said:
    return _call(asked.value.encode())


def _load(asked: Asked) -> Said:
    return _call(asked.body)


def _broken(asked: Asked) -> Said:
    return replace(_TEXT, status=400, body=_TRACE if "{{" in asked.value else _ERROR)


def _links(asked: Asked) -> Said:
    return Said(body=json.dumps({"self": f"http://{asked.headers.get('host', '')}/links"}))


def _any_key(asked: Asked) -> Said:
    return _OK if asked.headers.get("authorization") else Said(status=401)


def _any_token(asked: Asked) -> Said:
    given = asked.headers.get("authorization", "").removeprefix("Bearer ")
    return _OK if given == TOKEN or given.endswith(".") else Said(status=401)


def _object(asked: Asked) -> Said:
    return _OK if asked.path == "/objects/7" else Said(status=404)


def _override(asked: Asked) -> Said:
    method = asked.headers.get("x-http-method-override", asked.method)
    return _OK if method in ("GET", "POST") else Said(status=405)


def _predict(asked: Asked) -> Said:
    if asked.body.startswith(_DEEP):
        return Said(status=500)
    try:
        given = asked.json()
    except ValueError:
        return Said(status=400)
    return Said(body=json.dumps({"load": 1.5, "rows": len(given) if isinstance(given, list | dict) else 0}))


def _crash(asked: Asked) -> Said:
    return Said(status=0) if asked.body.startswith(b"[[[") else _OK


def _unhandled(asked: Asked) -> Said:
    return Said(status=500) if asked.body in (b"null", b"7") else _OK


def _keep(asked: Asked) -> Said:
    memory = mmap(-1, _KEPT)
    memory.write(b"k" * _KEPT)
    asked.kept.append(memory)
    return _OK


def _slow(asked: Asked) -> Said:
    until = time.thread_time() + (_SLOW if len(asked.value) > _LONG else 0.0)
    while time.thread_time() < until:
        pass
    return _OK


def _answer(value: str) -> Route:
    return _fixed(f'{{"load": {value}}}', "application/json")


def _fixed(body: str, media: str = "text/plain") -> Route:
    def route(asked: Asked) -> Said:
        del asked
        return Said(body=body, media=media)

    return route


ROUTES: Mapping[str, Route] = {
    "/sql": _sql,
    "/command": _command,
    "/code": _code,
    "/template": _template,
    "/file": _file,
    "/redirect": _redirect,
    "/page": _page,
    "/header": _header,
    "/fetch": _fetch,
    "/load": _load,
    "/xml": _load,
    "/broken": _broken,
    "/links": _links,
    "/any-key": _any_key,
    "/any-token": _any_token,
    "/objects": _object,
    "/override": _override,
    "/predict": _predict,
    "/forecast": _keep,
    "/crash": _crash,
    "/unhandled": _unhandled,
    "/slow": _slow,
    "/not-finite": _answer("NaN"),
    "/negative": _answer("-1.5"),
    "/other-shape": _answer('"much"'),
    "/protected": _fixed(_OK.body, _OK.media),
    "/methods": _fixed(_OK.body, _OK.media),
    "/console": _fixed("<title>Werkzeug Debugger</title> EVALEX = true", "text/html"),
    "/.env": _fixed("API_KEY=canary\n"),
    "/models/model.pkl": _fixed("\x80\x04canary" * 9, "application/octet-stream"),
    "/metrics": _fixed(_METRICS),
    "/docs": _fixed("<html><div id='swagger-ui'></div></html>", "text/html"),
}
