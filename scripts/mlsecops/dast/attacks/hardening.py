"""Methods that should not answer, headers that should be there, origins and hosts that should not count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mlsecops.dast.attacks.messages import Attack, Base, Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import access as rules
from mlsecops.dast.target import Operation
from mlsecops.sarif.build import Rule

_ORIGIN = "https://mlsecops.invalid"
_HOST = "mlsecops.invalid"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SESSION = re.compile(r"sess|auth|token|jwt|sid\b|login", re.IGNORECASE)
_PRIVATE = re.compile(r"no-store|private|no-cache", re.IGNORECASE)


def methods(site: Site, base: Base) -> Attack:
    """Every method that the document does not name for the path; TRACE; a header that changes the method."""
    named = {each.method.upper() for each in site.target.operations if each.path == base.operation.path}
    if base.operation.method.upper() != min(named):  # once per path
        return []
    found: list[Found] = []
    for method in sorted(set(_METHODS) - named):
        body = base.request.body if method in ("POST", "PUT", "PATCH") else None
        request = replace(base.request, method=method, body=body)
        reply = yield request
        if reply.accepted and not _alike(reply, site.missing):
            message = f"{base.operation.path}: answers {method}, which the document does not name"
            found.append(_found(rules.METHOD, message, base.operation, request, method))
    trace = replace(base.request, method="TRACE", body=None, headers=(("X-Mlsecops", "trace-me"),))
    if "trace-me" in (reply := (yield trace)).text and reply.accepted:
        message = f"{base.operation.path}: answers TRACE with the request it got"
        found.append(_found(rules.TRACE, message, base.operation, trace))
    found += yield from _override(base)
    return found


def _override(base: Base) -> Attack:
    """A method that is refused when asked for plainly, and taken when a header names it."""
    plain = replace(base.request, method="POST")
    strange = replace(base.request, method="MLSECOPS")
    headers = tuple((name, "MLSECOPS") for name in ("X-HTTP-Method-Override", "X-Method-Override"))
    changed = replace(plain, headers=(*plain.headers, *headers))
    first, refused = (yield plain), (yield strange)
    if first.status == refused.status or refused.accepted:
        return []
    second = yield changed
    if second.status != refused.status or second.status == first.status:
        return []
    message = f"{base.operation.path}: a header makes another method of POST"
    return [_found(rules.OVERRIDE, message, base.operation, changed)]


def origins(site: Site, base: Base) -> Attack:
    """An origin that nobody knows, and the one of files; answers to a preflight as well."""
    del site
    for origin in (_ORIGIN, "null"):
        for method in (base.request.method, "OPTIONS"):
            extra: tuple[tuple[str, str], ...] = (("Origin", origin),)
            if method == "OPTIONS":
                extra += (("Access-Control-Request-Method", base.request.method),)
            body = None if method == "OPTIONS" else base.request.body
            request = replace(base.request, method=method, body=body, headers=(*base.request.headers, *extra))
            reply = yield request
            allowed = reply.header("access-control-allow-origin")
            if allowed in (origin, "*") and (allowed == origin or base.operation.security):
                with_keys = reply.header("access-control-allow-credentials").lower() == "true"
                also = ", with their credentials" if with_keys else ""
                message = f"pages of every origin may read answers{also} (`{allowed}`)"
                return [_found(rules.CORS, message, None, request)]
    return []


def hosts(site: Site, base: Base) -> Attack:
    """Another name in `Host` and `X-Forwarded-Host`: whether links in the answer are built from it."""
    del site
    for name in ("Host", "X-Forwarded-Host"):
        request = replace(base.request, headers=(*base.request.headers, (name, _HOST)))
        reply = yield request
        linked = re.search(rf"(?:https?:)?//{re.escape(_HOST)}", reply.header("location") + reply.text)
        if linked and 0 < reply.status < 400:
            message = f"{base.operation.name}: a link in the answer is built from the header {name}"
            return [_found(rules.HOST, message, base.operation, request)]
    return []


def headers(site: Site, operation: Operation | None, request: Request, reply: Reply) -> Iterator[Found]:
    """What every answer should say: how to take it, what may run in it, who may keep it, who gets cookies."""
    del site
    # What is refused may be refused by the server, before the application sees it.
    if reply.accepted and reply.body and reply.header("x-content-type-options").lower() != "nosniff":
        message = "answers lack the header X-Content-Type-Options: nosniff"
        yield _found(rules.SNIFFING, message, None, request)
    page = reply.accepted and "html" in reply.media
    if page and not reply.header("content-security-policy"):
        yield _found(rules.FRAMING, "pages come without a Content-Security-Policy", operation, request)
    kept = reply.accepted and request.method == "GET" and operation and operation.security
    if kept and not _PRIVATE.search(reply.header("cache-control")):
        message = f"{operation.name if operation else ''}: the answer lacks Cache-Control: no-store"
        yield _found(rules.CACHING, message, operation, request)
    for name, value in reply.headers:
        if name == "set-cookie" and _SESSION.search(value.partition("=")[0]):
            lacks = [flag for flag in ("HttpOnly", "SameSite") if flag.lower() not in value.lower()]
            if lacks:
                message = f"the cookie {value.partition('=')[0]} lacks {' and '.join(lacks)}"
                yield _found(rules.COOKIE, message, operation, request, value.partition("=")[0])


def _alike(reply: Reply, other: Reply) -> bool:
    return (reply.status, reply.body) == (other.status, other.body)


def _found(rule: Rule, message: str, operation: Operation | None, request: Request, about: str = "") -> Found:
    return Found(rule=rule, message=message, request=request, operation=operation, about=about)
