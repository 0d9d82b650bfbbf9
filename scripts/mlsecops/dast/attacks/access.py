"""Who may do what: without a credential, with a wrong one, with somebody else's."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlsecops.dast.attacks.building import build
from mlsecops.dast.attacks.messages import Attack, Base, Found, Reply, Request, Site
from mlsecops.dast.attacks.predictions import is_prediction
from mlsecops.dast.attacks.rules import access as rules
from mlsecops.dast.target import Identity
from mlsecops.sarif.build import Rule

_TOKEN = re.compile(r"(?<![\w-])(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]*")
_WRONG = "mlsecops-nobody-issued-this"


def credentials(site: Site, base: Base) -> Attack:
    """A protected operation without a credential, with a wrong one, with a token that nobody signed."""
    operation = base.operation
    anonymous = replace(base.request, identity=None)
    if not operation.security:
        return (yield from _open(base, anonymous))
    reply = yield anonymous
    if reply.accepted:
        message = f"{operation.name}: answers without the credential that the document asks for"
        return [_found(rules.AUTH_IGNORED, message, base, anonymous)]
    if site.caller is None or not base.reply.accepted:
        return []
    wrong = replace(base.request, identity=_with(site.caller, _spoilt))
    if (yield wrong).accepted:
        message = f"{operation.name}: answers to a credential that nobody has issued"
        return [_found(rules.WRONG_KEY, message, base, wrong)]
    unsigned = _with(site.caller, _unsigned)
    forged = replace(base.request, identity=unsigned)
    if unsigned != site.caller and (yield forged).accepted:
        message = f"{operation.name}: answers to a token without a signature"
        return [_found(rules.UNSIGNED_TOKEN, message, base, forged)]
    return []


def _open(base: Base, anonymous: Request) -> Attack:
    """An operation that is open by intent: not one that predicts."""
    if not is_prediction(base) or not base.reply.accepted or not (yield anonymous).accepted:
        return []
    message = f"{base.operation.name}: predicts for everyone, without a key"
    return [_found(rules.OPEN_PREDICTION, message, base, anonymous)]


def objects(site: Site, base: Base) -> Attack:
    """An object of the first caller, asked for by the second: one made in this run, or one that is theirs."""
    others = site.target.auth.identities[1:]
    names = [each.name for each in base.operation.parameters if each.where == "path"]
    if not (others and names and site.caller):
        return []
    for values in [*_owned(site.caller, names), *_made(site, base, names)]:
        own = _request(base, values, site.caller)
        mine = yield own
        if not mine.accepted:
            continue
        request = _request(base, values, others[0])
        theirs = yield request
        nobody = yield _request(base, dict.fromkeys(values, _WRONG), others[0])
        if theirs.accepted and not nobody.accepted and _same(mine, theirs):
            message = f"{base.operation.name}: the second caller gets what belongs to the first"
            return [_found(rules.OBJECTS, message, base, request)]
    return []


def _owned(caller: Identity, names: list[str]) -> Iterator[dict[str, str]]:
    if all(name in caller.objects for name in names):
        yield {name: caller.objects[name] for name in names}


def _made(site: Site, base: Base, names: list[str]) -> Iterator[dict[str, str]]:
    """Ids that the first caller got from the operation that makes such objects: `POST` on the path above."""
    above = base.operation.path.rsplit("/{", 1)[0]
    made = site.bases.get(f"POST {above}")
    if made is None or not made.reply.accepted or len(names) != 1:
        return
    for value in _ids(made.reply.json, names[0]):
        yield {names[0]: value}


def _ids(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key in (name, "id", "uuid", "key"):
            if isinstance(value.get(key), str | int):
                yield str(value[key])


def _request(base: Base, values: dict[str, str], identity: Identity) -> Request:
    given = {**base.values, **{("path", name): value for name, value in values.items()}}
    built = build(base.operation, given, identity=identity)
    media = [each for each in base.request.headers if each[0] == "Content-Type"]
    return replace(built, headers=(*built.headers, *media), body=base.request.body)


def _same(mine: Reply, theirs: Reply) -> bool:
    """Whether both got the same thing; moments in it may differ."""
    if isinstance(mine.json, dict) and isinstance(theirs.json, dict):
        return mine.json.keys() == theirs.json.keys()
    return mine.body == theirs.body


def _with(identity: Identity, change: Any) -> Identity:
    """The same identity with other values."""
    return replace(
        identity,
        headers={name: change(value) for name, value in identity.headers.items()},
        query={name: change(value) for name, value in identity.query.items()},
        cookies={name: change(value) for name, value in identity.cookies.items()},
    )


def _spoilt(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {_WRONG}" if space else _WRONG


def _unsigned(value: str) -> str:
    """A JSON web token (RFC 7519) with `alg: none` and no signature; anything else as it is."""

    def without(token: re.Match[str]) -> str:
        head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
        return f"{head.decode().rstrip('=')}.{token[2]}."

    return _TOKEN.sub(without, value)


def _found(rule: Rule, message: str, base: Base, request: Request) -> Found:
    return Found(rule=rule, message=message, request=request, operation=base.operation)
