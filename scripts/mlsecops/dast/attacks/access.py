"""Who may do what: without a credential, with a wrong one, with somebody else's."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Generator
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
_IN_PATH = re.compile(r"\{([^}]*)\}")
_NOT_TESTED = "whether one caller gets what belongs to another was not tested"
_MOST_LISTED = 3


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
    if unsigned == site.caller:
        return []
    forged = replace(base.request, identity=unsigned)
    without = replace(base.request, identity=_tokenless(site.caller))
    # Another credential of the same caller may be what counts here.
    if (yield forged).accepted and not (yield without).accepted:
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
    """An object of one caller, asked for by another: named in the policy, made or listed in this run."""
    callers = site.target.auth.identities
    names = _IN_PATH.findall(base.operation.path)
    if not (callers and names):
        return []
    if len(callers) == 1:
        site.note(f"{_NOT_TESTED}: the policy names one caller only (dast.identities)")
        return []
    known = [(owner, owner.objects) for owner in callers if owner.objects.keys() >= {*names}]
    known += [(callers[0], {names[-1]: each}) for each in _made(site, base, names[-1])]
    known += [(callers[0], {names[-1]: each}) for each in (yield from _listed(site, base, names[-1]))]
    tested = False
    for owner, values in known:
        other = next(each for each in callers if each != owner)
        own: Reply | None = None
        if base.operation.method.upper() != "DELETE":  # what is deleted cannot be asked for twice
            own = yield _request(base, values, owner)
            if not own.accepted:
                continue
        tested = True
        request = _request(base, values, other)
        theirs = yield request
        nothing = yield _request(base, dict.fromkeys(values, _WRONG), other)
        if theirs.accepted and not nothing.accepted and (own is None or _same(own, theirs)):
            message = f"{base.operation.name}: one caller gets what belongs to another"
            return [_found(rules.OBJECTS, message, base, request)]
    if not tested:
        unknown = "no object of a caller is known (name it in dast.auth.objects)"
        site.note(f"{base.operation.name}: {_NOT_TESTED}: {unknown}")
    return []


def _made(site: Site, base: Base, name: str) -> list[str]:
    """Ids that the first caller got from the operation that makes such objects: `POST` on the path above."""
    made = site.bases.get(f"POST {_above(base)}")
    return _ids(made.reply.json, name) if made and made.reply.accepted else []


def _listed(site: Site, base: Base, name: str) -> Generator[Request, Reply, list[str]]:
    """Ids that the first caller sees in the list on the path above, and the second does not."""
    listed = site.bases.get(f"GET {_above(base)}")
    if not (listed and listed.reply.accepted):
        return []
    theirs = yield replace(listed.request, identity=site.target.auth.identities[1])
    shared = _ids(theirs.json, name) if theirs.accepted else []
    return [each for each in _ids(listed.reply.json, name) if each not in shared][:_MOST_LISTED]


def _above(base: Base) -> str:
    return base.operation.path.rpartition("/{")[0]


def _ids(value: Any, name: str) -> list[str]:
    """What may be the ids in an answer: of the object itself, or of those in its lists."""
    if isinstance(value, list):
        return [found for each in value for found in _ids(each, name) or _plain(each)]
    if not isinstance(value, dict):
        return []
    keys = (name, name.removesuffix("_id"), name.removesuffix("Id"), "id", "uuid", "key", "name")
    own = [found for key in dict.fromkeys(keys) for found in _plain(value.get(key))]
    return own or [found for each in value.values() if isinstance(each, list) for found in _ids(each, name)]


def _plain(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, str | int) and not isinstance(value, bool) else []


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


def _tokenless(identity: Identity) -> Identity:
    """The same identity without its tokens."""

    def kept(values: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in values.items() if not _TOKEN.search(value)}

    return replace(
        identity, headers=kept(identity.headers), query=kept(identity.query), cookies=kept(identity.cookies)
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
