"""Text of strangers, made inert for the place where it lands: Markdown, HTML, terminal, workflow command.

Every byte that comes from a scanned repository is chosen by whoever wrote that repository.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from markupsafe import Markup
from markupsafe import escape as _escape_html

# Breaks a word for parsers and not for eyes. GitHub links mentions, issues and addresses in the finished
# text, where a backslash is already gone.
_BREAK = "\u200b"

# Characters that Python counts as printable and that show nothing.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# More than three marks on one letter paint over the lines above and below.
_STACKED = re.compile(
    "(?<=[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_FIRST_BYTE_AS_SURROGATE = 0xDC80
_LAST_BYTE_AS_SURROGATE = 0xDCFF

_MARKDOWN = re.compile(
    r"""(?P<list>\A(?:[-+=](?=[-+=\ ]|\Z) | [0-9]+[.)](?=\ |\Z)))
    | (?P<html>[&<>])
    | (?P<issue>\#(?=[0-9]) | (?:\b[Gg][Hh]-)(?=[0-9]))
    | (?P<link>@ | [Ww]{3}(?=\.) | :(?=//) | :(?=[\w+-]+(?::|\Z)))
    | (?P<math>\$)
    | (?P<mark>[\\`*_\[\]\#|~])""",
    re.VERBOSE,
)
# What the runner of GitHub Actions reads commands by: `::name::` at the start of a line, `##[name]` anywhere.
_COMMAND = re.compile(r":(?=:)|##(?=\[)")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~!$&'*+,;=:@%/?#()-]*)?")
_LONGEST_URL = 2000


def visible(text: str) -> str:
    """A name or path on one line: what cannot be seen, or turns the reading direction, as an escape."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else _escape(each) for each in text)
    if text.isascii():
        return text
    return _BLANKS.sub(lambda match: _escape(match[0]), _STACKED.sub("", text))


def plain(text: str) -> str:
    """Prose on one line: white space becomes one space each, the rest is as in `visible`."""
    return visible(" ".join(text.split()))


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut off the end shows as an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def shorten_path(path: str, limit: int) -> str:
    """At most `limit` characters of a path; its end says most, so the middle is cut."""
    if len(path) <= limit:
        return path
    head = limit // 4
    return f"{path[:head]}…{path[-(limit - head - 1) :]}"


def markdown(text: str) -> str:
    """Prose for a paragraph or table cell of GitHub Markdown: no link, mention, HTML, markup comes out."""
    return _MARKDOWN.sub(_markdown, plain(text))


def code(text: str, *, cell: bool = False) -> str:
    """A code span that shows the text as it is; `cell` when it stands in a table."""
    inner = visible(text)
    if not inner:
        return "—"
    if cell:
        inner = inner.replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    padded = inner[0] in "` " or inner[-1] in "` "
    return f"{fence} {inner} {fence}" if padded and inner.strip() else f"{fence}{inner}{fence}"


def prose(text: str, *, cell: bool = False) -> str:
    """Prose as `markdown`, in which what stands between backticks becomes a code span."""
    return "".join(
        code(part, cell=cell) if is_code else _MARKDOWN.sub(_markdown, part) for part, is_code in _spans(text)
    )


def html(text: str) -> Markup:
    """Prose for HTML text and quoted attributes."""
    return _escape_html(plain(text))


def html_prose(text: str) -> Markup:
    """Prose for HTML, in which what stands between backticks becomes `<code>`."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if is_code else part for part, is_code in _spans(text)
    )


def terminal(text: str) -> str:
    """A name or prose for a terminal or a log: no escape sequence and no workflow command comes out."""
    return _COMMAND.sub(lambda match: f"{match[0]}{_BREAK}", plain(text))


def command_message(text: str) -> str:
    """Text for the message of a workflow command."""
    return plain(text).replace("%", "%25")


def command_property(text: str) -> str:
    """Text for a property (`file=`, `title=`) of a workflow command."""
    return visible(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def url(address: str) -> str:
    """An https address that cannot end the Markdown or HTML link it stands in, or nothing."""
    if len(address) > _LONGEST_URL or not _URL.fullmatch(address):
        return ""
    return address.replace("(", "%28").replace(")", "%29").replace("'", "%27")


def path_url(path: str) -> str:
    """A repository-relative path as part of an address."""
    try:
        return quote(path.encode("utf-8", "surrogateescape"), safe="/-._~")
    except UnicodeEncodeError:  # a surrogate that does not stand for a byte of a file name
        return quote(path.encode("utf-8", "replace"), safe="/-._~")


def _markdown(match: re.Match[str]) -> str:
    found = match[0]
    kind = match.lastgroup
    if kind == "list":
        return f"{found[:-1]}\\{found[-1]}"
    if kind == "html":
        return _HTML[found]
    if kind == "issue":
        return f"\\{found}{_BREAK}" if found == "#" else f"{found}{_BREAK}"
    if kind == "link":
        return f"{found}{_BREAK}"
    return f"<span>{found}</span>" if kind == "math" else f"\\{found}"


def _spans(text: str) -> list[tuple[str, bool]]:
    """Prose split into its parts, each with whether it is code."""
    text = plain(text)
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in _CODE_SPAN.finditer(text):
        parts += [(text[end : match.start()], False), (match[2].strip() or match[2], True)]
        end = match.end()
    return [*parts, (text[end:], False)]


def _escape(character: str) -> str:
    number = ord(character)
    if _FIRST_BYTE_AS_SURROGATE <= number <= _LAST_BYTE_AS_SURROGATE:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
