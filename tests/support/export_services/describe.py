"""What the clients that are generated from the products' OpenAPI descriptions know, as JSON Schemas.

Runs by itself, in the environment of those clients: `python describe.py`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing
from typing import Any

Json = dict[str, Any]

# The values of an enumeration, as generators write them into the text of a field.
_LISTED = re.compile(r"\* `([^`]+)` - ")
_TEXTS: dict[str, Json] = {
    "boolean": {"enum": ["true", "false"]},
    "integer": {"type": "string", "pattern": "^[0-9]+$"},
    "string": {"type": "string", "minLength": 1},
    "array": {"type": "string"},
}


def defectdojo() -> Json:
    """The form of `reimport-scan`, every value as the text on the wire, and what its answer counts."""
    api = importlib.import_module("defectdojo_api_generated.api.reimport_scan_api").ReimportScanApi
    model = importlib.import_module("defectdojo_api_generated.models.re_import_scan").ReImportScan
    delta = importlib.import_module("defectdojo_api_generated.models.delta_statistics").DeltaStatistics
    described = model.model_json_schema()["properties"]
    # What the model has beyond the parameters is only read.
    sent = [name for name in inspect.signature(api.create).parameters if name in described]
    source = inspect.getsource(api)
    return {
        "path": _found(r"resource_path='([^']+)'", source),
        "form": _form({name: _text(described[name]) for name in sent if name != "file"}),
        "file": "file",
        "delta": list(delta.model_fields),
    }


def dependency_track() -> Json:
    """The form of an upload, and the answers to it and to the question what became of it."""
    models = "owasp_dt.models."
    body = importlib.import_module(f"{models}upload_bom_body").UploadBomBody
    upload = importlib.import_module("owasp_dt.api.bom.upload_bom")._get_kwargs()
    progress = importlib.import_module("owasp_dt.api.event.is_token_being_processed_1")
    token = "00000000-0000-0000-0000-000000000000"
    kinds = {"bool": "boolean", "int": "integer"}
    form = {}
    for attribute, kind in typing.get_type_hints(body).items():
        name = _wire_name(body, attribute)
        if name is not None and name != "bom":
            form[name] = _TEXTS[kinds.get(typing.get_args(kind)[0].__name__, "string")]
    return {
        "path": f"/api{upload['url']}",
        "form": _form(form),
        "file": "bom",
        "answer": _answer(f"{models}bom_upload_response", "BomUploadResponse"),
        "progress": f"/api{progress._get_kwargs(token)['url']}".replace(token, ""),
        "progress_answer": _answer(
            f"{models}is_token_being_processed_response", "IsTokenBeingProcessedResponse"
        ),
    }


def _wire_name(body: Any, attribute: str) -> str | None:
    if attribute == "additional_properties":
        return None
    unset = importlib.import_module("owasp_dt.types").UNSET
    sound = {each: unset for each in typing.get_type_hints(body) if each != "additional_properties"}
    file = importlib.import_module("owasp_dt.types").File(payload=None)
    (name,) = body(**{**sound, attribute: file if attribute == "bom" else "x"}).to_dict()
    return str(name)


def _answer(module: str, name: str) -> Json:
    hints = typing.get_type_hints(getattr(importlib.import_module(module), name))
    kinds = {"bool": "boolean", "str": "string", "UUID": "string"}
    properties: Json = {}
    required = []
    for attribute, kind in hints.items():
        if attribute == "additional_properties":
            continue
        options = typing.get_args(kind)
        first = options[0] if options else kind
        values = [each.value for each in first] if hasattr(first, "__members__") else None
        properties[attribute] = {"enum": values} if values else {"type": kinds.get(first.__name__, "string")}
        if not options:
            required.append(attribute)
    return {"type": "object", "properties": properties, "required": required}


def _form(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _text(described: Json) -> Json:
    """A field of a form as the text that stands for it."""
    options = [each for each in described.get("anyOf", [described]) if each.get("type") != "null"]
    first = options[0]
    text = dict(_TEXTS[first.get("type", "string")])
    for key in ("minLength", "maxLength"):
        if key in first:
            text[key] = first[key]
    listed = _LISTED.findall(described.get("description", ""))
    return {"enum": listed} if listed else text


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match[1]


if __name__ == "__main__":
    print(json.dumps({"defectdojo": defectdojo(), "dependency-track": dependency_track()}))
