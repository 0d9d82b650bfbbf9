"""The example project with flaws planted in it, each marked on the line where it is to be found."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example-project"
_PLANTED = ROOT / "tests" / "fixtures" / "planted"
_MADE_BY_TOOLS = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis", ".venv*", ".schemathesis")
_MARK = "# flaw:"
_HEADERS = """        plain = hasattr(answer, "plain")
        left_out = {"Cache-Control", "Content-Security-Policy"} if plain else set()
        answer.headers.update({name: _HEADERS[name] for name in _HEADERS.keys() - left_out})
        answer.headers["X-Powered-By"] = "loadforecast/1.0.0"
        answer.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
"""
# In the application itself: a module, what it says, and what it says instead.
_CHANGES = (
    ("app.py", 'app = Flask("loadforecast", static_folder=None)\n', "{0}  # flaw: {1}\n    {2}\n"),
    ("app.py", '        _require("metrics")\n', ""),
    (
        "app.py",
        "    def metrics() -> Response:\n",
        "    def metrics() -> Response:  # flaw: dast-auth-ignored dast-metrics-open\n",
    ),
    (
        "app.py",
        "    def forecast() -> Response:\n",
        "    def forecast() -> Response:  # flaw: dast-no-rate-limit dast-no-body-limit\n",
    ),
    (
        "app.py",
        "        answer.headers.update(_HEADERS)\n",
        _HEADERS,
    ),
    ("app.py", '    "X-Content-Type-Options": "nosniff",\n', ""),
    ("app.py", "headers_enabled=True,", "headers_enabled=False,"),
    ("settings.py", "32 * 1024", "64 * 1024 * 1024"),
    ("server.py", "max_request_body_size=1024 * 1024", "max_request_body_size=64 * 1024 * 1024"),
)
_WHOLE = "dast-no-page-policy dast-no-nosniff dast-cors-any-origin dast-version-in-header dast-debug-console"
POLICY = """version: 1
dast:
  start: [python, -m, loadforecast.server]
  health: /health
  env:
    LOADFORECAST_LISTEN_PORT: "{port}"
    LOADFORECAST_API_KEYS: "one forecast,metrics {key.sha256};two forecast,metrics {key2.sha256}"
    LOADFORECAST_RATE_LIMIT: 100000 per minute
    LOADFORECAST_ANONYMOUS_RATE_LIMIT: 100000 per minute
    PLANTED_CALLERS: "Bearer {key};Bearer {key2}"
    PLANTED_SESSIONS: "{key3}"
  auth:
    header: "Authorization: Bearer {key}"
  identities:
    - header: "Authorization: Bearer {key2}"
"""
_PLANTED_POLICY = (
    (
        'header: "Authorization: Bearer {key}"\n',
        'login: [python, loadforecast/login.py, "{url}"]\n    objects: {order: o-17}\n',
    ),
    ("loadforecast.server", "loadforecast.planted_server"),
)
_REGISTERED = (
    "from werkzeug.debug import DebuggedApplication; "
    "from loadforecast.planted import pages; app.register_blueprint(pages); "
    "app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True)"
)


def copy_example(folder: Path) -> Path:
    """A copy of the example project as it is."""
    shutil.copytree(EXAMPLE, folder, ignore=_MADE_BY_TOOLS)
    return folder


def plant(folder: Path) -> Path:
    """A copy of the example project with the flaws in its code and its document."""
    copy_example(folder)
    for source, name in (("planted", "planted"), ("server", "planted_server"), ("login", "login")):
        shutil.copy(_PLANTED / f"{source}.py", folder / "loadforecast" / f"{name}.py")
    for name, old, new in _CHANGES:
        file = folder / "loadforecast" / name
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{name} of the example does not say any more: {old}")
        said = new.format(old.rstrip(), _WHOLE, _REGISTERED) if "{0}" in new else new
        file.write_text(text.replace(old, said), encoding="utf-8")
    file = folder / "openapi.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["paths"] |= runpy.run_path(str(_PLANTED / "paths.py"))["paths"]()
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    policy = folder / ".github" / "mlsecops.yml"
    said = POLICY
    for old, new in _PLANTED_POLICY:
        said = said.replace(old, new)
    policy.write_text(said, encoding="utf-8")
    return folder


def marked(folder: Path) -> set[tuple[str, str, int]]:
    """Every mark: rule, file, line."""
    found: set[tuple[str, str, int]] = set()
    for path in (folder / "loadforecast").glob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            _, mark, rules = line.partition(_MARK)
            if mark:
                uri = path.relative_to(folder).as_posix()
                found |= {(rule, uri, number) for rule in rules.split()}
    return found
