"""YAML that people copy from here: every call of ours in it must be one that works.

`snippets(tree)` finds the YAML blocks of the Markdown files and the YAML files of the templates;
`snippet_complaints(tree, found)` holds each `uses: OWNER/mlsecops/...` in them against the file it names: it
can be called, it knows the inputs that are passed, gets what it requires, and has the outputs that are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import yaml

from release import markdown
from release.interface import Input, Interface, InterfaceError, read_interface
from release.tree import Place, Tree

# Texts that people read or copy. The changelog tells of what was, the tests hold wrong ones on purpose.
PAGES = ("*.md",)
COPIED = ("templates/*.yml", "templates/*.yaml", "example-project/.github/*.yml")
NOT_READ = ("CHANGELOG.md", "tests/*")
CALL = re.compile(r"(?P<owner>[\w.-]+)/mlsecops/(?P<path>[^@\s]+)@(?P<ref>\S+)")
_OUTPUT = re.compile(r"\b(?:needs|jobs|steps)\.([\w-]+)\.outputs\.([\w-]+)")
_YAML = frozenset({"yaml", "yml"})


@dataclass(frozen=True, slots=True)
class Snippet:
    """A YAML text and where its first line stands."""

    place: Place
    text: str

    def at(self, line: int) -> Place:
        """The place of a line of the text, counted from 0."""
        return Place(self.place.file, self.place.line + line)


@dataclass(frozen=True, slots=True)
class Call:
    """One `uses:` of ours. `given` maps `with` and `secrets` to what is passed, by name, as YAML nodes."""

    place: Place
    path: str
    name: str
    given: Mapping[str, Mapping[str, yaml.Node]]
    inherits: bool = False


@dataclass(slots=True)
class _Read:
    """What was found in the snippets of one file."""

    calls: list[Call] = field(default_factory=list)
    used: list[tuple[Place, str, str]] = field(default_factory=list)


def pages(tree: Tree) -> Iterator[str]:
    """The Markdown files that are held to what is there now."""
    left_out = set(tree.matching(*NOT_READ))
    return (name for name in tree.matching(*PAGES) if name not in left_out)


def snippets(tree: Tree) -> list[Snippet]:
    """Every YAML text of this repository that people copy, file by file."""
    found = []
    for name in pages(tree):
        blocks = (each for each in markdown.code(tree.text(name)) if each.language in _YAML)
        found += [Snippet(Place(name, block.line), block.text) for block in blocks]
    found += [Snippet(Place(name, 1), tree.text(name)) for name in tree.matching(*COPIED)]
    return sorted(found, key=lambda each: (each.place.file, each.place.line))


def snippet_complaints(tree: Tree, found: Sequence[Snippet]) -> list[str]:
    """What would not work for somebody who copies these texts, one sentence each."""
    complaints: list[str] = []
    for _, of_file in groupby(found, key=lambda each: each.place.file):
        read = _Read()
        for snippet in of_file:
            try:
                _read(snippet, read)
            except yaml.YAMLError:
                complaints.append(f"{snippet.place}: this is not valid YAML")
        complaints += _file_complaints(tree, read)
    return complaints


def interface_file(path: str, tree: Tree) -> str | None:
    """The file behind the path of a `uses:`, or None where there is none."""
    is_file = path.endswith((".yml", ".yaml"))
    candidates = [path] if is_file else [f"{path}/action.yml", f"{path}/action.yaml"]
    return next((each for each in candidates if each in tree.names), None)


def _file_complaints(tree: Tree, read: _Read) -> Iterator[str]:
    known: dict[str, Interface] = {}
    for call in read.calls:
        file = interface_file(call.path, tree)
        if file is None:
            yield f"{call.place}: there is no {call.path} here"
            continue
        try:
            interface = read_interface(tree.text(file))
        except InterfaceError as error:
            yield f"{call.place}: {call.path} cannot be used: {error}"
            continue
        known[call.name] = interface
        yield from _call_complaints(call, interface)
    for place, name, output in read.used:
        if name in known and output not in known[name].outputs:
            yield f"{place}: {name} has no output '{output}'{_instead(known[name].outputs)}"


def _call_complaints(call: Call, interface: Interface) -> Iterator[str]:
    yield from _given_complaints(call, "input", interface.inputs, call.given["with"])
    if not call.inherits:
        yield from _given_complaints(call, "secret", interface.secrets, call.given["secrets"])


def _given_complaints(
    call: Call, word: str, declared: Mapping[str, Input], given: Mapping[str, yaml.Node]
) -> Iterator[str]:
    for name, node in given.items():
        if name not in declared:
            yield f"{call.place}: {call.path} has no {word} '{name}'{_instead(declared)}"
        elif not _fits(declared[name], node):
            yield f"{call.place}: the {word} '{name}' of {call.path} takes a {declared[name].type}"
    for name, about in declared.items():
        if about.required and name not in given:
            yield f"{call.place}: {call.path} requires the {word} '{name}'"


def _fits(declared: Input, node: yaml.Node) -> bool:
    if not isinstance(node, yaml.ScalarNode):
        return False
    if "${{" in node.value or declared.type not in {"boolean", "number"}:
        return True
    tags = {"boolean": ("bool",), "number": ("int", "float")}[declared.type]
    return str(node.tag).rpartition(":")[2] in tags


def _instead(names: Mapping[str, object] | frozenset[str]) -> str:
    return f"; it has {', '.join(sorted(names))}" if names else "; it has none"


def _read(snippet: Snippet, into: _Read) -> None:
    """Add the calls and the used outputs of a snippet. Raises yaml.YAMLError."""
    for document in yaml.compose_all(snippet.text, yaml.SafeLoader):
        if document is not None:
            into.calls += _calls(snippet, document, "")
    for number, line in enumerate(snippet.text.splitlines()):
        into.used += [(snippet.at(number), name, output) for name, output in _OUTPUT.findall(line)]


def _calls(snippet: Snippet, node: yaml.Node, key: str) -> Iterator[Call]:
    """The calls below a node that is the value of `key`."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _calls(snippet, each, "")
    if not isinstance(node, yaml.MappingNode):
        return
    values = _entries(node)
    call = _call(snippet, values, key)
    if call:
        yield call
    for name, value in values.items():
        yield from _calls(snippet, value, name)


def _call(snippet: Snippet, values: Mapping[str, yaml.Node], key: str) -> Call | None:
    uses = values.get("uses")
    match = CALL.fullmatch(uses.value) if isinstance(uses, yaml.ScalarNode) else None
    if uses is None or match is None:
        return None
    secrets, own = values.get("secrets"), values.get("id")
    return Call(
        place=snippet.at(uses.start_mark.line),
        path=match["path"],
        # A job goes by its key, a step by its id.
        name=str(own.value) if isinstance(own, yaml.ScalarNode) else key,
        given={part: _entries(values.get(part)) for part in ("with", "secrets")},
        inherits=isinstance(secrets, yaml.ScalarNode) and secrets.value == "inherit",
    )


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(name.value): value for name, value in node.value}
