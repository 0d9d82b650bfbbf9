"""What a project's service offers: from a document in the repository, one that it serves, or its code."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from mlsecops.dast.document.derive import derived, of_dash
from mlsecops.dast.document.operations import Code, operations
from mlsecops.dast.document.references import bundle, entries
from mlsecops.dast.document.routes import routes
from mlsecops.dast.document.samples import sent, with_samples
from mlsecops.dast.document.source import MAX_BYTES, Document, DocumentError, parse, values
from mlsecops.dast.target import Handler, Operation
from mlsecops.job import ToolError, printable
from mlsecops.project import Project, ProjectError
from mlsecops.project.inventory import App
from mlsecops.project.testing import is_test_file
from mlsecops.reach import modules
from mlsecops.reach.program import Program

# Where frameworks serve their document: FastAPI and Connexion, flask-restx, flasgger, flask-smorest.
SERVED_AT = ("/openapi.json", "/swagger.json", "/apispec_1.json", "/api-spec.json", "/openapi.yaml")

# Asks the service for its document; () where it has none.
Served = Callable[[], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is to be attacked; `document` has only the operations that are."""

    document: Document
    operations: tuple[Operation, ...]
    code: Code
    application: Handler
    notes: tuple[str, ...]


def document_files(project: Project, named: str | None) -> tuple[str, ...]:
    """The OpenAPI documents to choose from, those nearest to the root; else the one that is named."""
    if named:
        return (named,)
    own = [uri for uri in project.openapi if not is_test_file(uri, project.tests)]
    # The same document in two formats is one: of YAML the lines are better known.
    own = [uri for uri in own if not (uri.endswith(".json") and _in_yaml(uri) & set(own))]
    nearest = min((uri.count("/") for uri in own), default=0)
    return tuple(uri for uri in own if uri.count("/") == nearest)


def describe(
    project: Project, named: str | None, excluded: Sequence[str], app: App | None, served: Served
) -> Description:
    """Read the document and the code. Raises ToolError when nothing says what the service offers."""
    program = Program.of(modules(project, {}))
    code = Code(program, routes(program))
    document = _document(project, named, app, served, code)
    application = _application(project, app, document, code)
    every = list(operations(document, code, lambda uri: _outside(project, document.uri, uri), application))
    kept = [each for each in every if not _is_excluded(each, excluded)]
    notes = list(document.notes)
    if len(kept) < len(every):
        notes.append(f"the policy leaves out {len(every) - len(kept)} of {len(every)} operations")
    if not kept:
        raise ToolError(
            "there is nothing to attack: no operation is known, or the policy leaves out all of them"
        )
    return Description(
        document=_without(document, excluded),
        operations=tuple(with_samples(kept, sent(program, project.tests.files))),
        code=code,
        application=application,
        notes=tuple(dict.fromkeys(map(printable, notes))),
    )


def _document(project: Project, named: str | None, app: App | None, served: Served, code: Code) -> Document:
    files = document_files(project, named)
    if len(files) > 1:
        listed = ", ".join(files[:3])
        raise ToolError(
            f"there are several OpenAPI documents ({printable(listed)}); name one in dast.document"
        )
    if files:
        return _of_file(project, files[0])
    for content in served():
        try:
            found = parse(content)
        except DocumentError:
            continue
        return replace(
            found, notes=("no OpenAPI document is in the repository: the service's own one was used",)
        )
    if code.routes:
        return derived(code.routes, code.program)
    if app and app.framework == "dash":
        return of_dash()
    raise ToolError(
        "nothing says what the service offers: there is no OpenAPI document, and the code shows no routes"
    )


def _of_file(project: Project, uri: str) -> Document:
    try:
        return bundle(parse(_content(project, uri), uri), lambda other: _data(project, other))
    except (DocumentError, OSError) as error:
        raise ToolError(f"the OpenAPI document {printable(uri)} cannot be used: {error}") from error


def _content(project: Project, uri: str) -> bytes:
    try:
        return project.read_bytes(uri, MAX_BYTES + 1)
    except ProjectError as error:
        raise DocumentError(str(error)) from error


def _data(project: Project, uri: str) -> Any:
    """Data of another file that a document refers to, in JSON or YAML."""
    return values(_content(project, uri))


def _outside(project: Project, document: str, uri: str) -> Any:
    """Example data in a file of the project."""
    try:
        return _data(project, posixpath.normpath(posixpath.join(posixpath.dirname(document), uri)))
    except (DocumentError, OSError):
        return None


def _application(project: Project, app: App | None, document: Document, code: Code) -> Handler:
    """Where the application is made; without one that is known, the best file to say something of all at."""
    if app:
        return Handler(app.uri, app.line)
    apps = [each for each in project.apps if each.framework not in ("gradio", "streamlit")]
    if len({each.uri for each in apps}) == 1:
        return Handler(apps[0].uri, apps[0].line)
    if document.uri:
        return Handler(document.uri)
    return Handler(code.routes[0].handler.uri) if code.routes else Handler(project.files[0].uri)


def _is_excluded(operation: Operation, excluded: Sequence[str]) -> bool:
    return any(fnmatchcase(operation.name, pattern) for pattern in excluded)


def _without(document: Document, excluded: Sequence[str]) -> Document:
    """The document without operations that no tool may send a request to."""
    gone = [
        (path, method)
        for path, method, _, _ in entries(document.data)
        if any(fnmatchcase(f"{method.upper()} {path}", pattern) for pattern in excluded)
    ]
    if not gone:
        return document
    paths = {
        path: {key: value for key, value in item.items() if (path, key) not in gone}
        for path, item in document.data["paths"].items()
        if isinstance(item, dict)
    }
    return replace(document, data={**document.data, "paths": paths})


def _in_yaml(uri: str) -> set[str]:
    stem = uri.removesuffix(".json")
    return {f"{stem}.yaml", f"{stem}.yml"}
