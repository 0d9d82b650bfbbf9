"""Templates of models: those in files of their own, and what is to be said of one wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.source import Source
from mlsecops.models.templates import LONGEST, TemplateError, look
from mlsecops.models.walk import UnreadableError, Walk

_STATEMENT = re.compile(rb"\{%[-+]?\s*(?:if|for|set|macro|include|import|from|extends|block|call)\b")
_BEGINS = re.compile(rb"\s*\{[%{#]")
_MOST_CLAUSES = 4
_SPEAKS = re.compile(rb"\b(?:messages|bos_token|eos_token|add_generation_prompt|raise_exception)\b")


def read_template(text: str, source: Source, walk: Walk, *, where: str = "", sure: bool = True) -> None:
    """Add what rendering a template would do; `where` names it within its part.

    One that is no Jinja is not read, unless it is not `sure` that it is a template.
    """
    called = f"The template `{where}`" if where else "The template"
    try:
        found = look(text)
    except TemplateError as error:
        if sure:
            walk.found.not_read(source.name, str(error))
        return
    for rule in dict.fromkeys(each.rule for each in found):
        same = [each for each in found if each.rule == rule]
        # What else it comes to do makes it another fact, which no waiver of this one covers.
        subject = ", ".join(sorted(each.subject for each in same))
        message = f"{called} {_joined([each.does for each in same])}."
        walk.found.add(Fact(rule=rule, subject=subject, message=message, part=source.name))
    add_text(text, source, walk)


def _joined(clauses: Sequence[str]) -> str:
    left = len(clauses) - _MOST_CLAUSES
    more = f" and does {left} more thing{'s' if left > 1 else ''} of that kind" if left > 0 else ""
    return ", ".join(clauses[:_MOST_CLAUSES]) + more


@dataclass(slots=True)
class Templates:
    """All templates of one part, which together may be as long as the longest."""

    source: Source
    walk: Walk
    left: int = LONGEST

    def read(self, text: str, where: str) -> None:
        """Look at one more. Raises UnreadableError where there are too many."""
        self.left -= len(text)
        if self.left < 0:
            raise UnreadableError(f"its templates are longer than {LONGEST >> 10} KiB")
        read_template(text, self.source, self.walk, where=where)


@dataclass(frozen=True, slots=True)
class TemplateReader:
    """Jinja files such as `chat_template.jinja`."""

    format: str = "Jinja template"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By Jinja's tags, where they begin the file or stand beside words of conversations."""
        del source
        if b"\0" in head or b"{" not in head:
            return False
        if _BEGINS.match(head):
            return not head.lstrip().startswith(b"{{") or b"}}" in head
        return _STATEMENT.search(head) is not None and _SPEAKS.search(head) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Look at the whole template."""
        if source.size > LONGEST:
            raise UnreadableError(f"its template is longer than {LONGEST >> 10} KiB")
        try:
            text = source.at(0, source.size).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableError("its template is not UTF-8") from error
        read_template(text, source, walk, sure=walk.formats <= {self.format})
