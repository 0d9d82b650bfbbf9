"""Check a policy against its published JSON Schema and say what is wrong as a person would."""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsecops.policy.document import Document, DocumentError, quoted

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "schemas" / "policy.schema.json"

_TYPES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "array": "a list",
    "object": "a mapping",
}


def check(document: Document) -> None:
    """Raise a DocumentError for the first thing in the file that the schema does not allow."""
    if not isinstance(document.data, dict):
        raise DocumentError(document.values[()], "a policy is a mapping of keys to values")
    errors = _validator().iter_errors(document.data)
    faults = [fault for error in errors for fault in _faults(error, document)]
    if faults:
        raise min(faults, key=lambda fault: fault.line)


@functools.cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator, FormatChecker, validators

    extend: Any = validators.extend
    strict: type[Validator] = extend(Draft202012Validator, {"pattern": _whole_pattern})
    return strict(json.loads(SCHEMA_FILE.read_bytes()), format_checker=FormatChecker(formats=["date"]))


def _whole_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """The keyword `pattern` as JSON Schema means it: Python's `$` would let a line end pass."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _faults(error: ValidationError, document: Document) -> Iterator[DocumentError]:
    """What one error of the validator means, for each key that it is about."""
    path = tuple(error.absolute_path)
    instance: Any = error.instance
    if instance is None:
        text = f"{_name(path)} has no value (leave the key out to keep the default)"
        yield DocumentError(document.values[path], text)
    elif error.validator == "anyOf":
        yield from _fitting_branch(error, document)
    elif error.validator == "additionalProperties":
        schema: Any = error.schema
        known = list(schema["properties"])
        for key in (key for key in instance if key not in known):
            text = f"unknown key {quoted(key)}{_hint(key, known)}"
            yield DocumentError(document.keys[*path, key], text)
    else:
        say = _SENTENCES[str(error.validator)]
        yield DocumentError(document.values[path], f"{_name(path)} {say(error)}")


def _fitting_branch(error: ValidationError, document: Document) -> Iterator[DocumentError]:
    """The errors of the alternative that is of the value's type; if there is none, what the types are."""
    branches = error.context or []
    misfits = {each.schema_path[0] for each in branches if not each.path and _is_of_other_type(each)}
    fitting = [each for each in branches if each.schema_path[0] not in misfits]
    for each in fitting:
        yield from _faults(each, document)
    if not fitting:
        path = tuple(error.absolute_path)
        text = f"{_name(path)} must be a severity or a mapping of stages, not {_value(error.instance)}"
        yield DocumentError(document.values[path], text)


def _is_of_other_type(error: ValidationError) -> bool:
    return error.validator == "type" or (error.validator == "enum" and not isinstance(error.instance, str))


def _name(path: Sequence[str | int]) -> str:
    """A place in the policy for people: 'waivers[2].path', the first item being 1."""
    name = ""
    for part in path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return quoted(name)


def _value(instance: object) -> str:
    """A value of the wrong kind for people."""
    if isinstance(instance, bool):
        return "true" if instance else "false"
    if isinstance(instance, int | float):
        return f"the number {instance}"
    if isinstance(instance, str):
        return quoted(instance)
    return "nothing" if instance is None else "a list" if isinstance(instance, list) else "a mapping"


def _hint(word: str, known: Sequence[str]) -> str:
    return _closest(word, known) or f" (known here: {', '.join(known)})"


def _closest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {quoted(close[0])}?)" if close else ""


def _type(error: ValidationError) -> str:
    schema: Any = error.schema
    wanted = str(error.validator_value)
    if wanted == "string" and isinstance(error.instance, int | float):
        sentence = schema.get("patternErrorMessage", "must be text in quotes")
    else:
        sentence = f"must be {_TYPES[wanted]}"
    return f"{sentence}, not {_value(error.instance)}"


def _enum(error: ValidationError) -> str:
    value: Any = error.validator_value
    allowed = [str(each) for each in value]
    choice = allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}"
    return f"must be {choice}, not {_value(error.instance)}{_closest(str(error.instance), allowed)}"


def _required(error: ValidationError) -> str:
    value: Any = error.validator_value
    instance: Any = error.instance
    return f"lacks {', '.join(quoted(key) for key in value if key not in instance)}"


def _one_of(error: ValidationError) -> str:
    value: Any = error.validator_value
    choices = (" with ".join(map(quoted, each["required"])) for each in value)
    return f"needs exactly one of {' and '.join(choices)}"


def _pattern(error: ValidationError) -> str:
    schema: Any = error.schema
    return f"{schema['patternErrorMessage']}, not {_value(error.instance)}"


def _format(error: ValidationError) -> str:
    return f"must be a day of the calendar, not {_value(error.instance)}"


def _empty(_: ValidationError) -> str:
    return "must not be empty"


def _unique(_: ValidationError) -> str:
    return "names something twice"


_SENTENCES: Mapping[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "oneOf": _one_of,
    "pattern": _pattern,
    "minimum": _pattern,
    "maximum": _pattern,
    "format": _format,
    "minItems": _empty,
    "minLength": _empty,
    "uniqueItems": _unique,
}
