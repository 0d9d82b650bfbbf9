"""JSON schemas of the document: references, values that fit, places in a value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from mlsecops.sarif.build import Json

Place = tuple[str | int, ...]
_DEEPEST = 12
_FORMATS = {
    "date-time": "2026-01-05T12:00:00Z",
    "date": "2026-01-05",
    "time": "12:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "someone@mlsecops.invalid",
    "uri": "http://mlsecops.invalid/",
    "ipv4": "127.0.0.1",
    "byte": "bWxzZWNvcHM=",
}


def resolve(schema: Any, document: Json) -> Json:
    """A schema with its own local references followed, and `allOf` folded into it; {} for anything else."""
    folded: Json = {}
    for part in _parts(schema, document, 0):
        properties = {**folded.get("properties", {}), **part.get("properties", {})}
        required = [*folded.get("required", []), *part.get("required", [])]
        folded = {**folded, **part}
        folded |= {"properties": properties} if properties else {}
        folded |= {"required": required} if required else {}
    return folded


def _parts(schema: Any, document: Json, depth: int) -> Iterator[Json]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    if isinstance(schema.get("$ref"), str):
        yield from _parts(_pointed(schema["$ref"], document), document, depth + 1)
    for part in schema.get("allOf", ()):
        yield from _parts(part, document, depth + 1)
    yield {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}


def _pointed(reference: str, document: Json) -> Any:
    value: Any = document
    if not reference.startswith("#"):
        return None
    for part in filter(None, reference[1:].split("/")):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        value = value.get(key) if isinstance(value, dict) else None
    return value


def types(schema: Json) -> tuple[str, ...]:
    """The JSON types that a resolved schema allows by name; guessed from its other words."""
    named = schema.get("type")
    if isinstance(named, str):
        return (named, "null") if schema.get("nullable") is True else (named,)
    if isinstance(named, list):
        return tuple(each for each in named if isinstance(each, str))
    if "properties" in schema:
        return ("object",)
    return ("array",) if "items" in schema else ()


def example(schema: Any, document: Json, depth: int = 0) -> Any:
    """A value that should fit a schema: what the document itself shows, else the smallest of its kind."""
    plain = resolve(schema, document)
    shown = _shown(plain)
    if shown:
        return shown[0]
    for choice in ("oneOf", "anyOf"):
        if isinstance(plain.get(choice), list) and plain[choice]:
            return example(plain[choice][0], document, depth + 1)
    kind = next(iter(types(plain)), "string")
    if depth > _DEEPEST:
        return None
    if kind == "object":
        wanted = plain.get("required") or list(plain.get("properties", {}))
        inner = plain.get("properties", {})
        return {name: example(inner.get(name, {}), document, depth + 1) for name in wanted}
    if kind == "array":
        length = int(plain.get("minItems", 1))
        return [example(plain.get("items", {}), document, depth + 1)] * min(max(length, 1), 10_000)
    return _scalar(kind, plain)


def _shown(plain: Json) -> list[Any]:
    shown = [plain[key] for key in ("example", "default", "const") if key in plain]
    for key in ("examples", "enum"):
        if isinstance(plain.get(key), list):
            shown += plain[key][:1]
    return shown


def _scalar(kind: str, plain: Json) -> Any:
    if kind in ("number", "integer"):
        low, high = plain.get("minimum", plain.get("exclusiveMinimum")), plain.get("maximum")
        if isinstance(low, bool) or not isinstance(low, int | float):
            low = high if isinstance(high, int | float) and high < 1 else 0
        number = low if isinstance(high, int | float) and low + 1 > high else low + 1
        return int(number) if kind == "integer" else float(number)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = _FORMATS.get(str(plain.get("format")), "mlsecops")
    shortest, longest = plain.get("minLength", 0), plain.get("maxLength", 10_000)
    return (text + "s" * max(0, int(shortest) - len(text)))[: int(longest)] if "format" not in plain else text


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every scalar in a JSON value with its place; of an array only the first and the last element."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1}) if value else ():
            yield from leaves(value[index], (*place, index))
    else:
        yield place, value


def arrays(value: Any, place: Place = ()) -> Iterator[tuple[Place, list[Any]]]:
    """Every array in a JSON value, the outer ones first."""
    if isinstance(value, list):
        yield place, value
        for index, inner in enumerate(value[:1]):
            yield from arrays(inner, (*place, index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from arrays(inner, (*place, key))


def at(schema: Any, place: Place, document: Json) -> Json:
    """The resolved schema of a place in a value; {} where the schema does not say."""
    plain = resolve(schema, document)
    for step in place:
        plain = _within(plain, step, document)
    return plain


def _within(plain: Json, step: str | int, document: Json) -> Json:
    key = "items" if isinstance(step, int) else None
    for each in (plain, *_choices(plain, document)):
        inner = each.get(key) if key else each.get("properties", {}).get(step)
        if inner is not None:
            return resolve(inner, document)
    return {}


def _choices(plain: Json, document: Json) -> list[Json]:
    listed = [*plain.get("anyOf", ()), *plain.get("oneOf", ())]
    return [resolve(each, document) for each in listed]


def kinds(plain: Json, document: Json) -> frozenset[str]:
    """All JSON types a resolved schema allows, those of its alternatives with them."""
    return frozenset(types(plain)).union(*(types(each) for each in _choices(plain, document)))


def put(value: Any, place: Place, new: Any) -> Any:
    """A copy of a JSON value with something else at a place; what is not on the way is shared."""
    if not place:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[place[0]] = put(copied[place[0]], place[1:], new)
    return copied


def without(value: Any, place: Place) -> Any:
    """A copy of a JSON value without one place."""
    *outer, last = place
    parent = get(value, tuple(outer))
    copied: Any = dict(parent) if isinstance(parent, dict) else list(parent)
    del copied[last]
    return put(value, tuple(outer), copied)


def get(value: Any, place: Place) -> Any:
    """What is at a place."""
    for step in place:
        value = value[step]
    return value


def spelled(place: Place) -> str:
    """A place as people write it: `rows[0].load_kw`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "(body)"


def is_time(value: Any) -> bool:
    """Whether a value is text that says a moment or a day."""
    if not isinstance(value, str) or len(value) < 8 or not value[:4].isdigit():
        return False
    try:
        datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
