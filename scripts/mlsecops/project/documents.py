"""Which kind of document a file is, by its path and its first bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

from mlsecops.project.reading import read
from mlsecops.project.text import decode

if TYPE_CHECKING:
    from mlsecops.project.inventory import File

Kind = Literal["python", "notebook", "dockerfile", "dockerignore", "workflow", "openapi", "policy"]

POLICY = (".github/mlsecops.yml", ".github/mlsecops.yaml")

_PYTHON_SUFFIXES = (".py", ".pyw", ".wsgi")
_PYTHON_SHEBANG = re.compile(rb"#![^\n]*(\bpython[\d.]*|\bpypy[\d.]*|\buv\s+run)\b")

_DOCKERFILE = re.compile(r"(dockerfile|containerfile)([._-][^/]*)?|[^/]*[._-](dockerfile|containerfile)")
_NO_DOCKERFILE = tuple(
    f".{suffix}"
    for suffix in (
        *("dockerignore", "containerignore", "md", "rst", "html", "pdf", "png", "jpg", "svg", "css"),
        *("py", "pyc", "pyi", "ipynb", "sh", "js", "ts", "go", "rs", "java"),
        *("json", "yml", "yaml", "toml", "lock", "log", "cfg", "ini", "patch", "diff"),
    )
)
_PERHAPS_DOCKERFILE = (".txt", ".j2", ".jinja", ".tmpl", ".template", ".in", ".bak", ".orig")
_FROM = re.compile(rb"^[ \t]*FROM[ \t]+\S+", re.MULTILINE | re.IGNORECASE)
_FIRST_FROM = re.compile(rb"(?:[ \t\r]*(?:(?:#|ARG[ \t])[^\n]*)?\n)*[ \t]*FROM[ \t]+\S+", re.IGNORECASE)
_INSTRUCTION = re.compile(rb"^(RUN|COPY|ADD|CMD|ENTRYPOINT|WORKDIR|ENV)[ \t]", re.MULTILINE | re.IGNORECASE)

_WORKFLOW = re.compile(
    r"(?:.*/)?\.github/(?:workflows/[^/]+|actions/(?:.*/)?action|dependabot)\.ya?ml", re.DOTALL
)
_ACTION = re.compile(r"(?:.*/)?action\.ya?ml", re.DOTALL)
_RUNS = re.compile(rb"^runs[ \t]*:", re.MULTILINE)

_MAX_DOCUMENT = 5 * 1024 * 1024
_OPENAPI_YAML = re.compile(r"""^["']?(openapi|swagger)["']?[ \t]*:[ \t]*["']?\d""", re.MULTILINE)
_OPENAPI_JSON = re.compile(rb'"(?:openapi|swagger)"\s*:\s*"\d')


def kind_of(uri: str, file: File, head: bytes, *, text: bool) -> Kind | None:
    """The kind of a file; `head` are its first bytes. Raises OSError.

    `uri` is the path to judge by, which for a link is another one than the file's own.
    """
    name = uri.rpartition("/")[2].lower()
    if name.endswith(_PYTHON_SUFFIXES):
        return "python"
    if name.endswith(".ipynb"):
        return "notebook"
    if _is_dockerfile(name, head, text=text):
        return "dockerfile"
    if name.endswith((".yml", ".yaml", ".json")):
        return _document_kind(uri, file, head)
    if name.endswith(".dockerignore"):
        return "dockerignore"
    return "python" if head.startswith(b"#!") and _PYTHON_SHEBANG.match(head) else None


def _is_dockerfile(name: str, head: bytes, *, text: bool) -> bool:
    if name.endswith(_NO_DOCKERFILE):
        return False
    if "dockerfile" in name or "containerfile" in name:
        if _DOCKERFILE.fullmatch(name) and not name.endswith(_PERHAPS_DOCKERFILE):
            return True
        return bool(_FROM.search(head))
    # docker/train: called by what it builds, without a suffix
    return text and "." not in name and bool(_FIRST_FROM.match(head)) and bool(_INSTRUCTION.search(head))


def _document_kind(uri: str, file: File, head: bytes) -> Kind | None:
    if uri in POLICY:
        return "policy"
    if _WORKFLOW.fullmatch(uri) or (_ACTION.fullmatch(uri) and _RUNS.search(head)):
        return "workflow"
    if file.size > _MAX_DOCUMENT:
        return None
    data = head if file.size <= len(head) else read(file.absolute, _MAX_DOCUMENT)
    is_json = data.lstrip()[:1] == b"{"
    return "openapi" if (_is_json_openapi(data) if is_json else _is_yaml_openapi(data)) else None


def _is_json_openapi(data: bytes) -> bool:
    if not _OPENAPI_JSON.search(data):
        return False
    try:
        document = json.loads(decode(data))
    except (ValueError, RecursionError):
        return True  # broken, but meant as one: whoever reads it has to say so
    return isinstance(document, dict) and bool({"openapi", "swagger"} & document.keys())


def _is_yaml_openapi(data: bytes) -> bool:
    return (b"openapi" in data or b"swagger" in data) and bool(_OPENAPI_YAML.search(decode(data)))
