"""A graph with its functions: what its operators do to files, to other machines and to the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlsecops.models.inspection import Fact
from mlsecops.models.known_names import known_names
from mlsecops.models.places import leads
from mlsecops.models.protobuf import Span, Wire
from mlsecops.models.rules import tensorflow as rules
from mlsecops.models.tensorflow import operators
from mlsecops.models.tensorflow.nodes import Node, Origin, Scope
from mlsecops.models.tensorflow.operators import Deed
from mlsecops.models.walk import UnreadableError

_NODES, _LIBRARY, _FUNCTIONS, _FUNCTION_NODES = 1, 2, 1, 3
_DEEPEST = 4
_MOST_PATH = 1000
_CALL_STEPS = 4
_MOST_ACTING, _MOST_HANDED = 50_000, 1000
_AWAY = {rules.WRITES.id: 9.1, rules.READS.id: 8.6, rules.NETWORK.id: 8.6}
_QUIET_AWAY = 7.5  # what honest graphs do as well, but with paths that they are given


@dataclass(slots=True)
class Calls:
    """Who calls whom: functions that use a path they are given, calls, and paths that are handed over."""

    using: dict[str, tuple[str, Deed]] = field(default_factory=dict)
    callees: dict[str, set[str]] = field(default_factory=dict)
    handed: dict[tuple[str, str], None] = field(default_factory=dict)


@dataclass(slots=True)
class Graph:
    """One GraphDef, read from `wire`; `part` names it in findings, `used` are the operators met so far."""

    wire: Wire
    part: str
    assets: frozenset[str] = frozenset()
    depth: int = 0
    own: set[str] = field(default_factory=set)
    calls: Calls = field(default_factory=Calls)
    used: set[str] = field(default_factory=set)

    def facts(self, graphs: Iterable[Span]) -> Iterator[Fact]:
        """What running it does besides computing. Raises UnreadableError."""
        wire = self.wire
        graphs = list(graphs)
        functions = [
            function
            for graph in graphs
            for library in wire.parts(graph, _LIBRARY)
            for function in wire.parts(library, _FUNCTIONS)
        ]
        names = [_function_name(wire, function) for function in functions]
        self.own.update(names)
        for graph in graphs:
            yield from self._scope("", wire.parts(graph, _NODES))
        for name, function in zip(names, functions, strict=True):
            yield from self._scope(name, wire.parts(function, _FUNCTION_NODES))
        yield from self._handed()

    def _scope(self, function: str, spans: Iterable[Span]) -> Iterator[Fact]:
        scope = Scope(self.wire, frozenset() if function else self.assets)
        acting: list[tuple[Span, str]] = []
        callers = known_names().callers if self.own else frozenset()
        for span, node in scope.read(spans):
            self.used.update(node.operators)
            for name in node.operators:
                if len(acting) > _MOST_ACTING:
                    raise UnreadableError("its graph does more to files than any real model's")
                if operators.deed_of(name) or name in operators.ATTRIBUTES or name == "DatasetFromGraph":
                    acting.append((span, name))
                elif name in self.own or name in callers:
                    acting.append((span, ""))
                elif operators.is_custom(name):
                    yield self._fact(
                        rules.CUSTOM.id,
                        name,
                        f"Running this graph needs the operator `{name[:200]}`, "
                        "which is not part of TensorFlow: native code from elsewhere.",
                    )
        for span, name in acting:
            node = Node.of(self.wire, span)
            if name == "":
                self._note_call(function, node, scope)
            elif name == "DatasetFromGraph":
                yield from self._nested(node, scope)
            else:
                yield from self._attribute(node, name)
                yield from self._paths(function, node, name, scope)

    def _paths(self, function: str, node: Node, name: str, scope: Scope) -> Iterator[Fact]:
        deed = operators.deed_of(name)
        if deed is None:
            return
        data = [each for each in node.inputs if not each.startswith("^")]
        paths = [data[index] for index in deed.paths if index < len(data)]
        origins = [scope.origin(path) for path in paths]
        for origin in origins:
            for text in origin.texts:
                yield from self._path(name, deed, self.wire.text(text, _MOST_PATH))
            if origin.given and function:
                self.calls.using.setdefault(function, (name, deed))
        if deed.given is not None or deed.beside is not None:
            yield from self._elsewhere(deed, name, [each for each in data if each not in paths], scope)
        if not any(origin.texts for origin in origins):
            given = any(origin.given for origin in origins) or not deed.paths
            if given and deed.given is not None:
                yield self._fact(deed.rule.id, name, deed.message(name), deed.given)
            elif not given and name not in operators.ATTRIBUTES:
                yield self._fact(deed.rule.id, name, deed.message(name), _computed(deed))

    def _elsewhere(self, deed: Deed, name: str, inputs: list[str], scope: Scope) -> Iterator[Fact]:
        """Paths out of the folder among the other inputs: their order changed between versions."""
        for each in inputs:
            for text in scope.origin(each, _CALL_STEPS).texts:
                path = self.wire.text(text, _MOST_PATH)
                if path.isprintable() and leads(path) != "beside":
                    yield from self._path(name, deed, path)

    def _path(self, name: str, deed: Deed, path: str) -> Iterator[Fact]:
        """What is to be said of an operator on a path that stands in the graph."""
        if path in operators.HARMLESS_PLACES or path.startswith(operators.HARMLESS_PREFIXES):
            return
        where = leads(path)
        if where == "beside":
            severity = deed.beside
        elif deed.given is None and deed.rule is rules.READS:
            severity = _QUIET_AWAY
        else:
            severity = _AWAY.get(deed.rule.id, deed.rule.severity)
        if severity is not None:
            message = f"Running this graph {deed.verb}: `{path[:200]}` (operator `{name}`)."
            yield self._fact(deed.rule.id, f"{name} {path[:200]}", message, severity)

    def _attribute(self, node: Node, name: str) -> Iterator[Fact]:
        key, deed = operators.ATTRIBUTES.get(name, ("", None))
        if deed is not None:
            for text in node.texts(self.wire, key):
                path = self.wire.text(text, _MOST_PATH)
                away = deed
                if leads(path) == "network":
                    away = Deed(rule=rules.NETWORK, verb="sends what passes through it", given=8.1)
                yield from self._path(name, away, path)

    def _note_call(self, function: str, node: Node, scope: Scope) -> None:
        """Keep who is called, and which paths are handed over."""
        called = {each for each in (*node.operators, *node.functions(self.wire)) if each in self.own}
        self.calls.callees.setdefault(function, set()).update(called)
        for name in node.inputs:
            for text in scope.origin(name, _CALL_STEPS).texts if called and not name.startswith("^") else ():
                path = self.wire.text(text, _MOST_PATH)
                if path.isprintable() and leads(path) != "beside":
                    self.calls.handed.update(dict.fromkeys((callee, path) for callee in called))
                    if len(self.calls.handed) > _MOST_HANDED:
                        raise UnreadableError("it hands over more paths than any real model")

    def _handed(self) -> Iterator[Fact]:
        """Paths that stand in the graph and reach an operator through arguments of functions."""
        for start, path in self.calls.handed:
            due, seen = [start], {start}
            while due:
                function = due.pop()
                if function in self.calls.using:
                    yield from self._path(*self.calls.using[function], path)
                fresh = self.calls.callees.get(function, set()) - seen
                seen |= fresh
                due += fresh

    def _nested(self, node: Node, scope: Scope) -> Iterator[Fact]:
        """A graph that stands in another as a text, from which the runtime makes a dataset."""
        found = scope.origin(node.inputs[0]) if node.inputs else Origin((), given=False)
        if not found.texts and not found.given:
            raise UnreadableError("it computes a graph while it runs")
        if self.depth >= _DEEPEST:
            raise UnreadableError("its graphs are nested too deeply")
        for text in found.texts:
            yield from Graph(self.wire, self.part, depth=self.depth + 1).facts([text])

    def _fact(self, rule: str, subject: str, message: str, severity: float | None = None) -> Fact:
        return Fact(rule=rule, subject=subject[:300], message=message, part=self.part, severity=severity)


def _computed(deed: Deed) -> float:
    """The severity where the path is put together while the graph runs: nobody does that but to hide it."""
    return max(deed.given or 0.0, 7.5)


def _function_name(wire: Wire, function: Span) -> str:
    for signature in wire.parts(function, 1):
        for name in wire.parts(signature, 1):
            return wire.text(name)
    return ""
