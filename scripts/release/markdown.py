"""What the checks need from Markdown: code blocks, code spans, links and the anchors of headings (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_HTML_LINK = re.compile(r"""\b(?:href|src)\s*=\s*["']([^"']+)["']""")
_NO_LETTER = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Code:
    """A code block or a code span; `line` is that of its first line of code, from 1."""

    line: int
    text: str
    language: str = ""
    block: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link or a picture points to, as it is written."""

    line: int
    target: str


def code(text: str) -> Iterator[Code]:
    """Every code block and code span."""
    for token, line in _tokens(text):
        if token.type == "fence":
            words = token.info.split()
            yield Code(line + 1, token.content, words[0].lower() if words else "")
        elif token.type == "code_block":
            yield Code(line, token.content)
        elif token.type == "code_inline":
            yield Code(line, token.content, block=False)


def links(text: str) -> Iterator[Link]:
    """Every link and picture, those in HTML too."""
    for token, line in _tokens(text):
        for name in ("href", "src"):
            target = token.attrGet(name)
            if target is not None:
                yield Link(line, str(target))
        if token.type in {"html_inline", "html_block"}:
            yield from (Link(line, target) for target in _HTML_LINK.findall(token.content))


def anchors(text: str) -> frozenset[str]:
    """The names by which GitHub lets links reach the headings of a page."""
    found: set[str] = set()
    heading = False
    for token, _ in _tokens(text):
        if heading and token.type == "inline":
            slug = _slug("".join(child.content for child in token.children or ()))
            found.add(next(name for name in _numbered(slug) if name not in found))
        heading = token.type == "heading_open"
    return frozenset(found)


def _slug(title: str) -> str:
    return _NO_LETTER.sub("", title.lower()).strip().replace(" ", "-")


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    number = 0
    while True:
        number += 1
        yield f"{slug}-{number}"


def _tokens(text: str) -> Iterator[tuple[Token, int]]:
    """Every token, inline ones after their block, with its line."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        line = token.map[0] + 1 if token.map else 1
        yield token, line
        for child in token.children or ():
            yield child, line
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
