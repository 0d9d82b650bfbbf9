"""Addresses that most services have by accident: metrics, documentation, consoles, settings, model files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlsecops.dast.attacks.messages import Attack, Found, Reply, Request, Site
from mlsecops.dast.attacks.rules import leaks as rules
from mlsecops.dast.target import Operation
from mlsecops.sarif.build import Rule

_METRICS = re.compile(r"^# (?:HELP|TYPE) \w+|^\w+(?:\{[^}]*\})? [\d.e+-]+$", re.MULTILINE)
_DOCS = re.compile(r"swagger-ui|SwaggerUIBundle|<redoc|Redoc\.init|\"openapi\" ?: ?\"3|\"swagger\" ?: ?\"2")
_ENVIRONMENT = re.compile(r"^(?:export )?[A-Z][A-Z0-9_]+ ?= ?\S+", re.MULTILINE)
_SETTINGS = re.compile(
    r"\"(?:[A-Z0-9_]*(?:SECRET|PASSWORD|TOKEN|API_?KEYS?)[A-Z0-9_]*|PATH|PYTHONPATH)\" ?:", re.IGNORECASE
)
_MODEL_MEDIA = ("html", "json", "xml")
_MODEL_NAMES = ("model.pkl", "model.joblib", "model.onnx", "model.pt", "model.h5", "model.safetensors")
_MODEL_FOLDERS = ("", "models/", "model/", "static/", "static/models/", "artifacts/")
_SMALLEST_MODEL = 24


@dataclass(frozen=True, slots=True)
class _Place:
    """A path, the rule it belongs to, and how its answer shows that it is what it should not be."""

    path: str
    rule: Rule
    is_it: Callable[[Reply], bool]
    what: str


def exposed(site: Site) -> Attack:
    """Ask for each of these without a credential; what an unknown address gets as well is nothing."""
    found: list[Found] = []
    named = {each.path: each for each in site.target.operations if each.method.upper() == "GET"}
    for place in _places(site):
        if place.rule in {each.rule for each in found} or _is_open_by_intent(place, site):
            continue
        request = Request(method="GET", target=place.path)
        reply = yield request
        if not reply.accepted or reply.body == site.missing.body or not place.is_it(reply):
            continue
        operation = named.get(place.path.partition("?")[0]) or _served_by(place.path, site)
        message = f"{place.path} gives {place.what} to everyone"
        found.append(Found(rule=place.rule, message=message, request=request, operation=operation))
    return found


def _places(site: Site) -> Iterator[_Place]:
    for path in ("/metrics", "/prometheus", "/actuator/prometheus", "/-/metrics"):
        yield _Place(path, rules.METRICS, lambda reply: bool(_METRICS.search(reply.text)), "metrics")
    for path in ("/docs", "/redoc", "/openapi.json", "/swagger.json", "/swagger", "/apidocs/", "/ui/"):
        yield _Place(path, rules.DOCS, lambda reply: bool(_DOCS.search(reply.text)), "the documentation")
    for path in ("/console", "/?__debugger__=yes&cmd=resource&f=debugger.js"):
        yield _Place(path, rules.DEBUGGER, _is_debugger, "a debugger")
    for path in ("/.env", "/env", "/config", "/debug", "/debug/vars", "/actuator/env", "/settings"):
        yield _Place(path, rules.INTERNALS, _is_settings, "settings")
    yield _Place("/.git/HEAD", rules.INTERNALS, _is_head, "the repository")
    own = [f"/{prefix}{uri}" for uri in site.target.model_files for prefix in ("", "static/")]
    names = [uri.rpartition("/")[2] for uri in site.target.model_files]
    own += [f"/{folder}{name}" for name in names for folder in _MODEL_FOLDERS]
    guesses = [f"/{folder}{name}" for folder in _MODEL_FOLDERS for name in _MODEL_NAMES]
    for path in dict.fromkeys((*own, *guesses)):
        yield _Place(path, rules.MODEL_FILE, _is_file, "the model")


def _is_open_by_intent(place: _Place, site: Site) -> bool:
    """Documentation of a service that asks nobody for a key hides nothing."""
    protected = any(each.security for each in site.target.operations)
    return place.rule is rules.DOCS and not protected


def _served_by(path: str, site: Site) -> Operation | None:
    """The operation with parameters in its path that serves an address."""
    for each in site.target.operations:
        pattern = re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(each.path))
        if "{" in each.path and each.method.upper() == "GET" and re.fullmatch(pattern, path):
            return each
    return None


def _is_debugger(reply: Reply) -> bool:
    return "Werkzeug" in reply.text or "EVALEX" in reply.text or "__debugger__" in reply.text


def _is_head(reply: Reply) -> bool:
    return reply.text.startswith("ref: refs/")


def _is_settings(reply: Reply) -> bool:
    return bool(_ENVIRONMENT.search(reply.text) or _SETTINGS.search(reply.text))


def _is_file(reply: Reply) -> bool:
    binary = not any(each in reply.media for each in _MODEL_MEDIA)
    return binary and len(reply.body) >= _SMALLEST_MODEL and not reply.text.isprintable()
