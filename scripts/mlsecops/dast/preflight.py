"""One plain request to each operation before any attack: is it there, and can an attack on it show anything?

What answers everything alike, or nothing but errors, is not the service that the document describes, and
attacks on it would all seem to fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlsecops.dast.attacks.messages import Request as Attack
from mlsecops.dast.client import identified
from mlsecops.dast.learn import plain
from mlsecops.dast.service.running import Answer, Request
from mlsecops.dast.target import Identity, Operation
from mlsecops.job import printable
from mlsecops.sarif.build import Json

# A path that no service has.
NOWHERE = "/mlsecops-nothing-is-here"
_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED = 404, 405, 501
_DENIED = frozenset({401, 403})
_LOGIN = re.compile(r"log-?in|sign-?in|/auth|/sso|/oauth", re.IGNORECASE)
_EXAMPLE = '{header: "Authorization: Bearer {key}"}'
_IN_PATH = re.compile(r"\\\{.*?\\\}")
# Moments, counters and ids.
_CHANGING = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F-]*")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`doubt` is why the service as a whole is not what it should be; `absent` why an operation is not."""

    doubt: str
    absent: Mapping[str, str]


def requests(operations: Sequence[Operation], document: Json, identity: Identity | None) -> list[Request]:
    """A request for each operation, then one to nowhere for each method."""
    methods = sorted({operation.method for operation in operations})
    asked = [plain(operation, document, identity) for operation in operations]
    nowhere = [Attack(method=method.upper(), target=NOWHERE, identity=identity) for method in methods]
    return [_sent(each) for each in (*asked, *nowhere)]


def judge(operations: Sequence[Operation], answers: Sequence[Answer], *, known: bool) -> Judgement:
    """Judge the answers to `requests`; `known` says that the requests carried an identity."""
    methods = sorted({operation.method for operation in operations})
    nowhere = dict(zip(methods, answers[len(operations) :], strict=True))
    got = list(zip(operations, answers, strict=False))
    absent = {
        operation.name: why
        for operation, answer in got
        if (why := _absent(operation, answer, nowhere[operation.method], known=known))
    }
    return Judgement(_doubt(got, nowhere, known=known), absent)


def _doubt(got: Sequence[tuple[Operation, Answer]], nowhere: Mapping[str, Answer], *, known: bool) -> str:
    every = [*(answer for _, answer in got), *nowhere.values()]
    statuses = {answer.status for answer in every}
    if min(statuses) >= 500:
        return f"answers every request with an error of its own ({every[0].status})"
    if all(_leads(answer) for answer in every):
        away = {_elsewhere(answer) for answer in every} - {""}
        hint = "" if away else f": {_who(known)}"
        place = min(away, default=_leads(every[0]))
        where = f"to another address ({place})" if away else f"to {place}"
        return f"answers every request by sending the caller {where}{hint}"
    if statuses <= _DENIED:
        return f"answers {min(statuses)} to every request: {_who(known)}"
    if all(_alike(operation, answer, nowhere[operation.method]) for operation, answer in got):
        return f"answers every request alike ({got[0][1].status}), also for paths that nobody has"
    return ""


def _absent(operation: Operation, answer: Answer, nowhere: Answer, *, known: bool) -> str:
    """Why an attack on an operation would show nothing; "" when it answers."""
    if not answer.status:
        return f"gave no answer ({answer.failure})"
    if answer.status in _DENIED:
        return f"answers {answer.status}: {_who(known)}"
    if _LOGIN.search(_leads(answer)):
        return f"sends the caller to {_leads(answer)}: {_who(known)}"
    if answer.status in (_NOT_ALLOWED, _NOT_IMPLEMENTED):
        return f"is not there (status {answer.status})"
    # With a parameter in its path it may be the thing that is not there.
    if answer.status == _NOT_FOUND and "{" not in operation.path and nowhere.status == _NOT_FOUND:
        return "is not there (status 404)"
    return ""


def _who(known: bool) -> str:
    """What to do about a service that does not let the scan in."""
    if known:
        return "it does not know the caller that the policy names in dast.auth"
    return "the policy's dast.auth must say who the scan is, such as " + _EXAMPLE


def _alike(operation: Operation, answer: Answer, nowhere: Answer) -> bool:
    """Whether an answer is that for a path that nobody has, but for the path itself and numbers."""
    path = _IN_PATH.sub(lambda _: r'[^/"\s]*', re.escape(operation.path))
    same = _said(answer, path) == _said(nowhere, re.escape(NOWHERE))
    return same and answer.status == nowhere.status and 200 <= answer.status < 300


def _said(answer: Answer, path: str) -> str:
    text = answer.body.decode("utf-8", "replace")
    return _CHANGING.sub("", re.sub(rf"{path}(?![\w/])", "", text))


def _leads(answer: Answer) -> str:
    """Where a redirect leads to, printable; "" for anything else."""
    return printable(answer.header("location")) if 300 <= answer.status < 400 else ""


def _elsewhere(answer: Answer) -> str:
    """The host that a redirect leads to, when it is not the service itself."""
    try:
        parts = urlsplit(_leads(answer))
        local = parts.hostname in (None, "127.0.0.1", "localhost", "::1")
    except ValueError:
        return ""
    return "" if local and parts.scheme != "https" else f"{parts.scheme}://{parts.hostname}"


def _sent(request: Attack) -> Request:
    """A request as it goes over the wire, with what its identity adds."""
    target, headers = identified(request)
    return Request(request.method, target, dict(headers), request.body)
