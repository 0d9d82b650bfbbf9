"""What GitHub would make of a Markdown text, and what a browser would make of an HTML text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

BREAK = "\u200b"

# What GitHub links in the finished text, outside code and outside links.
_REFERENCES = re.compile(
    r"@\w|#[0-9]|\bgh-[0-9]|\b(?:https?|ftp)://|\bwww\.|:[a-z0-9_+-]+:|(?<![\w$])\$[^\s\0]", re.IGNORECASE
)


@dataclass
class Rendered:
    """The parts of a rendered text that do something, and the text that is left for the eyes."""

    html: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""


def parser() -> MarkdownIt:
    """GitHub's Markdown: CommonMark with HTML, tables and struck text (its links are in `_REFERENCES`)."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def render(markdown: str) -> Rendered:
    """Parse a Markdown text and sort out what it became."""
    rendered = Rendered()
    tokens = parser().parse(markdown)
    for number, token in enumerate(tokens):
        if token.type == "html_block":
            rendered.html.append(token.content)
        elif token.type == "inline":
            text = _inline(token, rendered)
            if number and tokens[number - 1].type == "heading_open":
                rendered.headings.append(text)
            if tokens[number - 1].type in {"td_open", "th_open"}:
                rendered.rows[-1].append(text)
        elif token.type == "tr_open":
            rendered.rows.append([])
        elif token.type.endswith("_open") or token.type in {"fence", "code_block", "hr"}:
            rendered.blocks.append(token.type)
    return rendered


def _inline(token: Token, rendered: Rendered) -> str:
    seen, linkable, in_link = "", "", False
    for child in token.children or []:
        if child.type == "text":
            seen += child.content
            linkable += "" if in_link else child.content
        elif child.type == "code_inline":
            seen += child.content
            rendered.codes.append(child.content)
            linkable += "\0"
        elif child.type == "html_inline":
            rendered.html.append(child.content)
            linkable += "\0"
        elif child.type == "link_open":
            rendered.links.append(str(child.attrGet("href")))
            in_link = True
        elif child.type == "link_close":
            in_link = False
        elif child.type == "image":
            rendered.images.append(str(child.attrGet("src")))
        elif child.type in {"softbreak", "hardbreak"}:
            seen += "\n"
            linkable += "\n"
        elif child.type.endswith("_open"):
            rendered.marks.append(child.type)
    rendered.references += [match[0] for match in _REFERENCES.finditer(linkable)]
    rendered.text += seen
    return seen


_WITHOUT_END = {"br", "input", "link", "meta"}


class Page(HTMLParser):
    """The elements, attributes and text of an HTML text, as a browser's parser splits them.

    `open` are elements that nothing ends, `stray` ends of elements that are not the innermost open one.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.stray: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.stray.append(tag)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text.append(data)
