"""The servers that a document names: only their path counts, for they are never asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mlsecops.dast.document.references import entries
from mlsecops.dast.document.routes import Route, best, joined, shape
from mlsecops.dast.document.source import Document
from mlsecops.sarif.build import Json


def at_address(document: Document, found: Sequence[Route], base_url: str) -> Json:
    """The document for tools that read it themselves: its only server is the one that was started."""
    prefix = base_path(document.data, found).rstrip("/")
    data = {key: value for key, value in document.data.items() if key not in ("servers", "host", "schemes")}
    data["paths"] = {path: _without_servers(item) for path, item in document.data.get("paths", {}).items()}
    if "swagger" in data:
        address = urlsplit(base_url)
        return {**data, "host": address.netloc, "schemes": [address.scheme], "basePath": prefix or "/"}
    return {**data, "servers": [{"url": f"{base_url}{prefix}"}]}


def _without_servers(item: Any) -> Any:
    """A path of its own server would be asked there."""
    if not isinstance(item, dict):
        return item
    return {key: _without_servers(value) for key, value in item.items() if key != "servers"}


def base_path(data: Json, found: Sequence[Route]) -> str:
    """The path of the document's first server; none when the code shows that its paths are whole already."""
    if "swagger" in data:
        prefix = str(data.get("basePath") or "")
    else:
        servers = data.get("servers")
        server = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
        prefix = urlsplit(_with_defaults(server)).path
    prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    if not prefix:
        return ""
    asked = [(method, path) for path, method, _, _ in entries(data)]
    plain = sum(_is_there(found, method, path) for method, path in asked)
    whole = sum(_is_there(found, method, joined(prefix, path)) for method, path in asked)
    return "" if plain > whole else prefix


def _is_there(found: Sequence[Route], method: str, path: str) -> bool:
    route = best(found, method, path)
    return route is not None and shape(route.path) == shape(path)


def _with_defaults(server: Mapping[str, Any]) -> str:
    url = str(server.get("url") or "")
    variables = server.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url
