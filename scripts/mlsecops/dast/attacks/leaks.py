"""What any answer says that it should not: judged on every answer, whatever it was sent for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from mlsecops.dast.attacks.messages import Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import leaks as rules
from mlsecops.dast.target import Operation
from mlsecops.sarif.build import Rule

_TRACEBACK = re.compile(r'Traceback \(most recent call last\)|^\s*File "[^"\n]+", line \d+', re.MULTILINE)
_DEBUGGER = re.compile(r"Werkzeug Debugger|EVALEX ?=|DJANGO_SETTINGS_MODULE|DEBUG = True</code>")
_PATH = re.compile(
    r"(?:/(?:home|root|app|opt|srv|usr|var|tmp|workspace|mnt|code)/[\w.@-]+(?:/[\w.@-]+)*\.\w+)"
    r"|site-packages|[A-Z]:\\\\?(?:Users|app)\\"
    r"|\b[\w-]+(?:/[\w.-]+)*\.(?:pkl|joblib|onnx|pt|pth|h5|keras|safetensors|npy|sqlite3?|db)\b"
)
_LIBRARIES = (
    "scikit-learn|sklearn|numpy|pandas|onnxruntime|tensorflow|keras|torch|xgboost|lightgbm|catboost|joblib"
    "|pydantic|flask|werkzeug|fastapi|starlette|uvicorn|gunicorn|django|sqlalchemy|psycopg2?|python"
)
_VERSION = re.compile(rf"\b(?:{_LIBRARIES})(?:[ /=v-]|==| version )+\d+\.\d+", re.IGNORECASE)
_RAISED = re.compile(
    r"\b(?:sklearn|numpy|pandas|onnxruntime|tensorflow|torch|xgboost|lightgbm|sqlite3|pydantic_core|werkzeug)"
    r"\.[\w.]*\w|errors\.pydantic\.dev|\[ONNXRuntimeError\]|sqlite3\.\w+Error|\bnumpy\.ndarray\b"
)
_MODEL = re.compile(
    r"\b\w*(?:Regressor|Classifier|Forest|Booster|Pipeline|StandardScaler|Transformer|Sequential)\b"
    r"[^.]{0,80}\b(?:expect|fitted|features)"
    r"|X has \d+ features|feature[_ ]names? (?:mismatch|unseen|should match)"
    r"|Invalid (?:rank|Feed|input name)|Got invalid dimensions|mat1 and mat2 shapes"
    r"|expected axis -?\d+ of input shape|Input contains (?:NaN|infinity)|n_features_in_",
    re.IGNORECASE,
)
_BANNER = re.compile(r"[A-Za-z][\w.-]*/\d+\.\d+")
_BANNERS = ("server", "x-powered-by", "x-aspnet-version", "via")
_ERROR = 400


def leaks(site: Site | None, operation: Operation | None, request: Request, reply: Reply) -> Iterator[Found]:
    """Tracebacks, debuggers, paths, libraries and the model in the text of errors; versions in headers."""
    del site
    sent = _sent(request)
    if (sign := _DEBUGGER.search(reply.text)) and "debugger" not in sent.lower():
        yield _found(rules.DEBUGGER, f"the answer is one of a debugger (`{sign[0]}`)", operation, request)
    if _TRACEBACK.search(reply.text) and not _TRACEBACK.search(sent):
        yield _found(rules.TRACEBACK, "the answer holds a traceback", operation, request)
    elif reply.status >= _ERROR:
        for rule, pattern, what in (
            (rules.ERROR_MODEL, _MODEL, "describes the model"),
            (rules.ERROR_LIBRARY, _VERSION, "names a version"),
            (rules.ERROR_LIBRARY, _RAISED, "names a library"),
            (rules.ERROR_PATH, _PATH, "names a file"),
        ):
            sign = next((each for each in pattern.finditer(reply.text) if each[0] not in sent), None)
            if sign:
                yield _found(rule, f"the error text {what} (`{_short(sign[0])}`)", operation, request)
    for name in _BANNERS:
        if banner := _BANNER.search(reply.header(name)):
            yield _found(rules.VERSION, f"the header {name} says `{banner[0]}`", None, request)


def _sent(request: Request) -> str:
    """What we sent ourselves, which may come back in an error text."""
    return unquote_plus(request.target) + (request.body or b"").decode("utf-8", "replace")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


def _found(rule: Rule, sign: str, operation: Operation | None, request: Request) -> Found:
    message = f"{operation.name}: {sign}" if operation else sign
    return Found(rule=rule, message=message, request=request, operation=operation)
