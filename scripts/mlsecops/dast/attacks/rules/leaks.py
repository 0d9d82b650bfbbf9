"""Rules: answers that say more than the caller needs, and addresses that answer everyone."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

TRACEBACK = Rule(
    id="dast-traceback",
    name="TracebackInAnswer",
    summary="An answer holds a traceback.",
    help="It shows code, paths, versions and often values of variables: a map for the next attack.",
    fix="Answer errors with a fixed text and write the traceback to the log; switch debug mode off.",
    severity=5.3,
    tags=("external/cwe/cwe-209", "mitre-atlas/AML.T0007"),
)
DEBUGGER = Rule(
    id="dast-debug-console",
    name="DebugConsole",
    summary="The service answers with a debugger.",
    help="The console of Werkzeug's debugger runs Python for whoever guesses or reads its PIN.",
    fix="Never start a service with `debug=True` or `FLASK_DEBUG=1`; use a production server (waitress, "
    "gunicorn, uvicorn without `--reload`).",
    severity=9.0,
    tags=("external/cwe/cwe-489", "mitre-atlas/AML.T0049"),
)
ERROR_PATH = Rule(
    id="dast-path-in-error",
    name="PathInErrorText",
    summary="An error text names files of the service.",
    help="Paths show how the service is installed, and where its model lies.",
    fix="Answer with a fixed text for each kind of error; the exception's own text belongs in the log.",
    severity=4.3,
    tags=("external/cwe/cwe-209", "mitre-atlas/AML.T0007"),
)
ERROR_LIBRARY = Rule(
    id="dast-library-in-error",
    name="LibraryInErrorText",
    summary="An error text names a library or its version.",
    help="Whoever knows the version knows its published flaws.",
    fix="Answer with a fixed text for each kind of error; the exception's own text belongs in the log.",
    severity=4.3,
    tags=("external/cwe/cwe-209", "mitre-atlas/AML.T0014"),
)
ERROR_MODEL = Rule(
    id="dast-model-in-error",
    name="ModelInErrorText",
    summary="An error text describes the model.",
    help="Its kind, its inputs and their shapes are what somebody needs who wants to copy it, or to craft "
    "inputs against it.",
    fix="Validate requests before the model sees them, and answer with a text of your own.",
    severity=4.3,
    tags=("external/cwe/cwe-209", "mitre-atlas/AML.T0014", "owasp-ml/ML05"),
)
VERSION = Rule(
    id="dast-version-in-header",
    name="VersionInHeader",
    summary="A header names the version of the server.",
    help="Whoever knows the version knows its published flaws; `Werkzeug/...` also says that a development "
    "server runs.",
    fix="Use a production server and switch its banner off (waitress: `ident=None`, uvicorn: "
    "`--no-server-header`).",
    severity=2.6,
    tags=("external/cwe/cwe-200", "mitre-atlas/AML.T0006"),
)
INTERNALS = Rule(
    id="dast-internals-open",
    name="InternalsOpen",
    summary="Files or settings of the service are open to everyone.",
    help="Environment files, the repository's history and settings hold keys.",
    fix="Serve files from one folder that holds nothing else; remove the route.",
    severity=8.0,
    tags=("external/cwe/cwe-538", "mitre-atlas/AML.T0035"),
)
MODEL_FILE = Rule(
    id="dast-model-download",
    name="ModelDownload",
    summary="The model file can be downloaded by everyone.",
    help="Whoever has the file needs no more queries to copy the model, and can search at leisure for inputs "
    "that fool it.",
    fix="Keep model files out of the folders that are served; ask for a key where somebody must have them.",
    severity=7.5,
    tags=("external/cwe/cwe-552", "owasp-ml/ML05", "mitre-atlas/AML.T0035", "mitre-atlas/AML.T0044"),
)
METRICS = Rule(
    id="dast-metrics-open",
    name="MetricsOpen",
    summary="Metrics are open to everyone.",
    help="They tell who uses the service how much, its versions and its model's behaviour, and help to time "
    "an attack.",
    fix="Ask for a key, or serve metrics on a port of their own that only the monitoring reaches.",
    severity=4.3,
    tags=("external/cwe/cwe-497", "mitre-atlas/AML.T0006"),
)
DOCS = Rule(
    id="dast-docs-open",
    name="DocsOpen",
    summary="The interactive documentation of a protected service is open to everyone.",
    help="It lists every operation and every feature of the model's input, those meant for nobody else with "
    "them.",
    fix="Switch it off in production (FastAPI: `docs_url=None, redoc_url=None, openapi_url=None`) or put it "
    "behind the same key.",
    severity=3.1,
    tags=("external/cwe/cwe-200", "mitre-atlas/AML.T0006"),
)

RULES = (
    TRACEBACK,
    DEBUGGER,
    ERROR_PATH,
    ERROR_LIBRARY,
    ERROR_MODEL,
    VERSION,
    INTERNALS,
    MODEL_FILE,
    METRICS,
    DOCS,
)
