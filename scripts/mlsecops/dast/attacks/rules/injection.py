"""Rules: what a caller sends becomes code, a query, a file or an address."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_ATLAS = "mitre-atlas/AML.T0049"

SQL = Rule(
    id="dast-sql-injection",
    name="SqlInjection",
    summary="A parameter becomes part of an SQL statement.",
    help="Whoever may call the operation reads and changes everything that the service's database user may: "
    "features, labels, predictions, keys.",
    fix='Pass values as parameters, `execute("... WHERE id = ?", (value,))`; never build the text of a '
    "statement from them.",
    severity=9.0,
    tags=("external/cwe/cwe-89", _ATLAS, "owasp-ml/ML02"),
)
COMMAND = Rule(
    id="dast-command-injection",
    name="CommandInjection",
    summary="A parameter becomes part of a shell command.",
    help="Callers run programs with the rights of the service: they read its keys and its model, and change "
    "both.",
    fix="Start programs with a list of arguments and without a shell: `subprocess.run([program, value])`.",
    severity=9.8,
    tags=("external/cwe/cwe-78", _ATLAS),
)
CODE = Rule(
    id="dast-code-injection",
    name="CodeInjection",
    summary="A parameter is evaluated as code.",
    help="Callers run their own code in the service, with its keys and its model.",
    fix="Keep what callers send away from `eval`, `exec` and `DataFrame.query`; `ast.literal_eval` reads "
    "values.",
    severity=9.8,
    tags=("external/cwe/cwe-95", _ATLAS),
)
TEMPLATE = Rule(
    id="dast-template-injection",
    name="TemplateInjection",
    summary="A parameter becomes part of a template.",
    help="The engine evaluates what the caller sends; from most engines it is one step to code of the "
    "caller's.",
    fix="Pass values to a fixed template (`render_template('page.html', name=name)`) instead of putting them "
    "into its text.",
    severity=9.0,
    tags=("external/cwe/cwe-1336", _ATLAS),
)
PATH = Rule(
    id="dast-path-traversal",
    name="PathTraversal",
    summary="A parameter leads out of the folder it belongs to.",
    help="Callers read any file that the service can: keys, the model, the data it was trained on.",
    fix="Resolve the path and refuse it unless it is below the folder (`Path.is_relative_to`); better, look "
    "the name up in a list of files. Flask: `send_from_directory`.",
    severity=8.0,
    tags=("external/cwe/cwe-22", _ATLAS, "owasp-ml/ML05"),
)
REDIRECT = Rule(
    id="dast-open-redirect",
    name="OpenRedirect",
    summary="A parameter decides to which site the answer redirects.",
    help="A link that begins with the service's own address ends on a page of the attacker's.",
    fix="Redirect to paths of the service only, or to addresses from a fixed list.",
    severity=5.4,
    tags=("external/cwe/cwe-601", _ATLAS),
)
XSS = Rule(
    id="dast-reflected-xss",
    name="ReflectedXss",
    summary="A parameter comes back in an HTML page as it was sent.",
    help="A link to the service runs a stranger's script in the browser of whoever follows it, with their "
    "session.",
    fix="Escape values in pages (templates of Flask and Django do, unless told not to), or answer with "
    "`application/json`.",
    severity=6.1,
    tags=("external/cwe/cwe-79", _ATLAS),
)
HEADER = Rule(
    id="dast-header-injection",
    name="HeaderInjection",
    summary="A parameter adds a header to the answer.",
    help="Callers set cookies, split answers and poison caches for others.",
    fix="Refuse line breaks in whatever goes into a header.",
    severity=6.1,
    tags=("external/cwe/cwe-113", _ATLAS),
)
REQUEST_FORGERY = Rule(
    id="dast-request-forgery",
    name="ServerSideRequestForgery",
    summary="The service calls whatever address a caller names.",
    help="Callers reach what only the service can: the metadata of the cloud with its keys, internal "
    "services, a model from their own server.",
    fix="Take names, not addresses; else compare scheme and host with a fixed list and follow no redirects.",
    severity=8.2,
    tags=("external/cwe/cwe-918", _ATLAS, "owasp-ml/ML06"),
)
DESERIALIZATION = Rule(
    id="dast-unsafe-deserialization",
    name="UnsafeDeserialization",
    summary="What a caller sends is unpickled, or loaded by another way that runs code.",
    help="A pickle is a program: loading it runs what its author wants. Joblib files, NumPy object arrays, "
    "most PyTorch files and YAML with Python tags are the same.",
    fix="Take JSON, or model formats without code (safetensors, ONNX); `yaml.safe_load`; never unpickle what "
    "comes over a network.",
    severity=9.8,
    tags=("external/cwe/cwe-502", "mitre-atlas/AML.T0011.000", "owasp-ml/ML06"),
)
ENTITIES = Rule(
    id="dast-xml-entities",
    name="XmlExternalEntities",
    summary="XML from a caller may name files of the service.",
    help="The parser puts the files, or answers of internal services, into the document.",
    fix="Parse XML of others with defusedxml.",
    severity=8.0,
    tags=("external/cwe/cwe-611", _ATLAS),
)

RULES = (
    SQL,
    COMMAND,
    CODE,
    TEMPLATE,
    PATH,
    REDIRECT,
    XSS,
    HEADER,
    REQUEST_FORGERY,
    DESERIALIZATION,
    ENTITIES,
)
