"""Jinja templates that come with models: whether rendering one would only put texts together.

A chat template is a program that every conversation runs. transformers renders it in Jinja's sandbox, other
programs do not (CVE-2024-34359), and the sandbox has had holes. Only the syntax tree is looked at.
The language: https://jinja.palletsprojects.com/en/stable/templates/.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from mlsecops.models.template_loops import endless
from mlsecops.models.template_names import (
    FUNCTIONS,
    INNER,
    LEADS_OUT,
    METHODS,
    PIECE,
    PRIVATE,
    Names,
    names_in,
)
from mlsecops.models.template_values import LARGEST, Known, fold, is_built

ESCAPE, LOADS = "template-escape", "template-loads"
EXHAUSTS, INDIRECT = "template-exhausts", "template-indirect"
LONGEST = 128 * 1024  # the longest that models come with have a quarter
_WIDTH = re.compile(r"[%:<>^=,.]\s*\d{6}")
_BY_ATTRIBUTE = re.compile(r"attr|map|(?:select|reject)(?:attr)?|groupby|sort|sum|unique|min|max")
_SIZED = re.compile(r"center|indent|[lr]just|zfill|expandtabs|wordwrap")
_PUTS_TOGETHER = "reads attributes by names that it puts together"
_TOO_LONG = "makes a text of more than a million characters"
_WORKED_OUT = (nodes.Concat, nodes.BinExpr, nodes.Filter, nodes.Call)


class TemplateError(ValueError):
    """A template that cannot be read; the text is a plain phrase."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """What a template does beyond putting texts together: rule, the piece that does it, and a clause."""

    rule: str
    subject: str
    does: str


class _Generation(Extension):
    """The tag `{% generation %}` of transformers, which marks what the model has said."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def look(text: str) -> list[Oddity]:
    """What a template does that templates of models do not, each once. Raises TemplateError."""
    if len(text) > LONGEST:
        raise TemplateError(f"its template is longer than {LONGEST >> 10} KiB")
    environment = jinja2.Environment(
        autoescape=True, extensions=[_Generation, "jinja2.ext.loopcontrols", "jinja2.ext.do"]
    )
    try:
        # `environment.parse` would run made-up code to tell where an error is.
        tree = Parser(environment, text).parse()
        found = {(each.rule, each.subject): each for each in _oddities(tree)}
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"its template is not readable as Jinja, line {error.lineno}") from error
    except (jinja2.TemplateError, RecursionError, ValueError) as error:
        raise TemplateError("its template is not readable as Jinja") from error
    return list(found.values())


def _oddities(tree: nodes.Template) -> Iterator[Oddity]:
    names = names_in(tree)
    indirect: list[Oddity] = []
    pieces = False
    for node in tree.find_all(nodes.Node):
        for oddity in (*_of(node, names), *_worth(node, names)):
            if oddity.rule == INDIRECT:
                indirect.append(oddity)
            else:
                yield oddity
        pieces |= any(PIECE.fullmatch(text.strip()) for text in _texts(node))
    for subject, does in endless(tree, names.known):
        yield Oddity(EXHAUSTS, subject, does)
    for oddity in indirect:
        # From pieces of the very names that lead out: no template of a model has a use for them.
        yield replace(oddity, rule=ESCAPE) if pieces else oddity


def _texts(node: nodes.Node) -> Iterator[str]:
    """The texts that stand in a template as such, wherever a name may be put together from them."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.Keyword):
        yield node.key
    elif isinstance(node, nodes.AssignBlock):
        yield from (each.data for each in node.find_all(nodes.TemplateData))


def _of(node: nodes.Node, names: Names) -> Iterator[Oddity]:
    """What a node asks for."""
    match node:
        case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends():
            yield Oddity(LOADS, type(node).__name__.lower(), "loads another template")
        case nodes.Getattr(attr=name) | nodes.NSRef(attr=name):
            yield from _attribute(name)
        case nodes.Name(name=name) if PRIVATE.fullmatch(name):
            yield Oddity(ESCAPE, name, f"asks for `{name}`")
        case nodes.Getitem(arg=key):
            yield from _key(key, names)
        case nodes.Filter() | nodes.Test():
            yield from _filter(node, names)
        case nodes.Call():
            yield from _call(node, names)
        case nodes.Mod(left=text):
            yield from _formatted(text, names, fields=False)


def _worth(node: nodes.Node, names: Names) -> Iterator[Oddity]:
    """What an expression comes to, wherever it stands."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str) and INNER.fullmatch(node.value.strip()):
            yield from _attribute(node.value.strip())
    elif isinstance(node, _WORKED_OUT) and (known := fold(node, names.known)) is not None:
        if known.huge:
            yield Oddity(EXHAUSTS, type(node).__name__.lower(), "works out a value beyond all measure")
        elif isinstance(known.value, str) and PRIVATE.fullmatch(known.value.strip()):
            yield from _attribute(known.value.strip())


def _attribute(name: str) -> Iterator[Oddity]:
    if LEADS_OUT.fullmatch(name):
        yield Oddity(ESCAPE, name, f"walks to `{name}`")


def _key(node: nodes.Expr, names: Names) -> Iterator[Oddity]:
    """What stands in brackets names an attribute too, if it is a text."""
    known = fold(node, names.known)
    if known is None and is_built(node, names.built):
        yield Oddity(INDIRECT, f"line {node.lineno}", _PUTS_TOGETHER)
    elif known is not None and isinstance(known.value, str):
        yield from _attribute(known.value)


def _filter(node: nodes.Filter | nodes.Test, names: Names) -> Iterator[Oddity]:
    given = [*node.args, *(each.value for each in node.kwargs)]
    if _BY_ATTRIBUTE.fullmatch(node.name):
        for each in given:
            known = fold(each, names.known)
            if known is None and (node.name == "attr" or is_built(each, names.built)):
                yield Oddity(INDIRECT, f"line {node.lineno}", _PUTS_TOGETHER)
            elif known is not None and isinstance(known.value, str):
                for name in known.value.split("."):
                    yield from _attribute(name)
    if _SIZED.fullmatch(node.name) and _any_large(given, names):
        yield Oddity(EXHAUSTS, node.name, _TOO_LONG)
    if node.name == "format" and isinstance(node.node, nodes.Expr):
        yield from _formatted(node.node, names, fields=False)


def _call(node: nodes.Call, names: Names) -> Iterator[Oddity]:
    called = node.node
    given = [*node.args, *(each.value for each in node.kwargs)]
    if isinstance(called, nodes.Getattr):
        if METHODS.fullmatch(called.attr):
            yield Oddity(ESCAPE, f"{called.attr}()", f"calls `{called.attr}`")
        if called.attr in ("format", "format_map"):
            yield from _formatted(called.node, names, fields=True)
        if _SIZED.fullmatch(called.attr) and _any_large(given, names):
            yield Oddity(EXHAUSTS, called.attr, _TOO_LONG)
    elif isinstance(called, nodes.Name) and called.name not in names.own:
        if FUNCTIONS.fullmatch(called.name):
            yield Oddity(ESCAPE, f"{called.name}()", f"calls `{called.name}`")
        if called.name in ("range", "lipsum") and _any_large(given, names):
            yield Oddity(EXHAUSTS, called.name, "loops more than a million times")


def _formatted(node: nodes.Expr, names: Names, *, fields: bool) -> Iterator[Oddity]:
    """A format may follow attributes (`{0.__class__}`) and fill up with any number of characters."""
    known = fold(node, names.known)
    if known is None and fields and is_built(node, names.built):
        yield Oddity(INDIRECT, f"line {node.lineno}", "formats with a text that it puts together")
    if known is None or not isinstance(known.value, str):
        return
    if _WIDTH.search(known.value):
        yield Oddity(EXHAUSTS, "format", _TOO_LONG)
    try:
        places = [name or "" for _, name, _, _ in string.Formatter().parse(known.value)] if fields else []
    except ValueError:
        places = [known.value]
    for name in re.findall(r"\w+", " ".join(places)):
        yield from _attribute(name)


def _any_large(given: Iterable[nodes.Expr], names: Names) -> bool:
    return any(_is_large(fold(each, names.known)) for each in given)


def _is_large(known: Known | None) -> bool:
    if known is None:
        return False
    return known.huge or (isinstance(known.value, int | float) and abs(known.value) > LARGEST)
