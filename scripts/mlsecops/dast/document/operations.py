"""A document, OpenAPI 3 or Swagger 2 -> operations in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mlsecops.dast.document.references import entries, resolve
from mlsecops.dast.document.routes import Route, best, handler_of, joined
from mlsecops.dast.document.servers import base_path
from mlsecops.dast.document.source import Document
from mlsecops.dast.target import Answer, Body, Handler, Operation, Parameter, Where
from mlsecops.reach.program import Program
from mlsecops.sarif.build import Json

_JSON = "application/json"
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_WHERE = ("path", "query", "header", "cookie")
_NOT_SCHEMA = frozenset({"name", "in", "required", "description", "allowEmptyValue", "collectionFormat"})
_MOST_EXAMPLES, _DEEPEST = 20, 12


@dataclass(frozen=True, slots=True)
class Code:
    """What is known of the code behind the operations."""

    program: Program
    routes: Sequence[Route]

    def handler(self, operation: Json, item: Json, method: str, path: str) -> Handler | None:
        """Who answers an operation: by its route, else by the function that its operationId names."""
        route = best(self.routes, method, path)
        if route:
            return route.handler
        name = str(operation.get("operationId") or "")
        controller = operation.get("x-openapi-router-controller") or item.get("x-openapi-router-controller")
        dotted = f"{controller}.{name}" if controller else name
        scope = self.program.named(dotted) if "." in dotted else None
        return handler_of(scope) if scope else None


# Example data in a file of its own, by its path relative to the document; None when it is not there.
Outside = Callable[[str], Any]


def operations(document: Document, code: Code, outside: Outside, fallback: Handler) -> Iterator[Operation]:
    """All operations, each path with the prefix that the document's server has."""
    prefix = base_path(document.data, code.routes)
    for path, method, item, operation in entries(document.data):
        reader = _Reader(document.data, item, operation, outside)
        at_line = Handler(document.uri, document.line(path, method)) if document.uri else fallback
        yield Operation(
            method=method.upper(),
            path=joined(prefix, path),
            parameters=tuple(reader.parameters()),
            body=reader.body(),
            security=reader.security(),
            handler=code.handler(operation, item, method, joined(prefix, path)) or at_line,
            samples=tuple(reader.samples()),
            produces=tuple(reader.answers()),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """One operation of a document."""

    data: Json
    item: Json
    operation: Json
    outside: Outside

    def parameters(self) -> Iterator[Parameter]:
        """Those outside the body; the operation's own before those of its path."""
        for given in self._given():
            where = given.get("in")
            if where in _WHERE:
                schema = self._schema(given)
                found = [*_examples(given, self._of), *_examples(schema, self._of)]
                yield Parameter(
                    name=str(given.get("name")),
                    where=cast(Where, where),
                    required=bool(given.get("required")) or where == "path",
                    schema=schema,
                    examples=tuple(found[:_MOST_EXAMPLES]),
                )

    def body(self) -> Body | None:
        """What it takes, whichever of the two formats says so."""
        asked = self._of(self.operation.get("requestBody"))
        if isinstance(asked, dict) and isinstance(asked.get("content"), dict):
            return Body(required=bool(asked.get("required")), content=_schemas(asked["content"]))
        given = [each for each in self._given() if each.get("in") in ("body", "formData")]
        whole = next((each for each in given if each["in"] == "body"), None)
        if whole:
            schema = whole.get("schema") if isinstance(whole.get("schema"), dict) else {}
            kinds = self._consumed() or (_JSON,)
            return Body(required=bool(whole.get("required")), content=dict.fromkeys(kinds, schema or {}))
        return _form(given, self._consumed()) if given else None

    def samples(self) -> Iterator[Any]:
        """Whole JSON bodies that the document shows."""
        found: list[Any] = []
        asked = self._of(self.operation.get("requestBody"))
        content = asked.get("content") if isinstance(asked, dict) else None
        for kind, media in content.items() if isinstance(content, dict) else ():
            if "json" in str(kind) and isinstance(media, dict):
                found += _examples(media, self._of, self.outside)
                found += _examples(self._of(media.get("schema")), self._of)
        for each in self._given():
            if each.get("in") == "body":
                found += _examples(self._of(each.get("schema")), self._of)
        yield from found[:_MOST_EXAMPLES]

    def security(self) -> tuple[str, ...]:
        """The schemes of which one must be satisfied; none when an empty alternative is among them."""
        asked = self.operation.get("security", self.data.get("security"))
        alternatives = [each for each in asked if isinstance(each, dict)] if isinstance(asked, list) else []
        if not all(alternatives):
            return ()
        return tuple(dict.fromkeys(str(name) for each in alternatives for name in each))

    def answers(self) -> Iterator[Answer]:
        """What it promises."""
        promised = self.operation.get("responses")
        for status, referring in promised.items() if isinstance(promised, dict) else ():
            answer = self._of(referring)
            if not isinstance(answer, dict):
                continue
            content = answer.get("content")
            if not isinstance(content, dict) and isinstance(answer.get("schema"), dict):
                kinds = self.operation.get("produces") or self.data.get("produces") or [_JSON]
                content = {str(kind): {"schema": answer["schema"]} for kind in kinds}
            yield Answer(status=str(status), content=_schemas(content or {}))

    def _given(self) -> list[Json]:
        own = [self._of(each) for each in _list(self.operation.get("parameters"))]
        own = [each for each in own if isinstance(each, dict)]
        names = {(each.get("in"), each.get("name")) for each in own}
        shared = [self._of(each) for each in _list(self.item.get("parameters"))]
        return own + [
            each
            for each in shared
            if isinstance(each, dict) and (each.get("in"), each.get("name")) not in names
        ]

    def _schema(self, given: Json) -> Json:
        """Of a parameter: a schema of its own, in a media type, or (Swagger 2) the parameter itself."""
        if isinstance(given.get("schema"), dict):
            return cast(Json, given["schema"])
        content = given.get("content")
        if isinstance(content, dict):
            return next(iter(_schemas(content).values()), {})
        return {key: value for key, value in given.items() if key not in _NOT_SCHEMA}

    def _consumed(self) -> tuple[str, ...]:
        return tuple(map(str, _list(self.operation.get("consumes")) or _list(self.data.get("consumes"))))

    def _of(self, value: Any) -> Any:
        return resolve(self.data, value)


def _form(given: Sequence[Json], consumed: Sequence[str]) -> Body:
    """Swagger 2's form parameters as one object."""
    fields = {
        str(each.get("name")): {key: value for key, value in each.items() if key not in _NOT_SCHEMA}
        for each in given
    }
    required = [str(each.get("name")) for each in given if each.get("required")]
    schema: Json = {"type": "object", "properties": fields, "required": required}
    files = any(each.get("type") == "file" for each in given)
    kinds = tuple(consumed) or (_MULTIPART if files else _FORM,)
    return Body(required=bool(required), content=dict.fromkeys(kinds, schema))


def _schemas(content: Mapping[str, Any]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for kind, media in content.items():
        schema = media.get("schema") if isinstance(media, dict) else None
        found[str(kind)] = schema if isinstance(schema, dict) else {}
    return found


def _examples(holder: Any, of: Callable[[Any], Any], outside: Outside | None = None) -> list[Any]:
    """The examples that an object shows: `example`, `examples` as a list or by name, also in other files."""
    if not isinstance(holder, dict):
        return []
    found = [holder["example"]] if "example" in holder else []
    several = holder.get("examples")
    if isinstance(several, list):
        return found + several
    for each in several.values() if isinstance(several, dict) else ():
        shown = of(each)
        if isinstance(shown, dict) and "value" in shown:
            found.append(shown["value"])
        elif isinstance(shown, dict) and isinstance(shown.get("externalValue"), str) and outside:
            value = outside(shown["externalValue"])
            found += [] if value is None else [value]
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
