"""PMML documents (https://dmg.org/pmml/v4-4-1/GeneralStructure.html), parsed as a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.paths import leaves
from mlsecops.models.rules.documents import ENTITY, FUNCTION
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk

_ROOT = re.compile(rb"<(?:\w{1,40}:)?PMML[\s>/]")
_LOOKED_AT, _LONGEST_TEXT, _DEEPEST, _MOST_FUNCTIONS = 1 << 16, 1 << 20, 1000, 2000
_LONGEST_MARKUP = 4 << 20  # of one tag, which the parser goes through again with every piece
_RUNS_CODE = re.compile(
    r"java\.lang\.(?:Runtime|ProcessBuilder|System|Class|reflect|Thread)\b|javax\.(?:script|naming)\b"
    r"|ScriptEngine|groovy|mozilla\.javascript|nashorn|\bognl\b|\bbsh\.|org\.python\.|\.exec$",
    re.IGNORECASE,
)
_SCRIPT = re.compile(
    r"Runtime\.getRuntime|ProcessBuilder|ActiveXObject|\beval\s*\(|new\s+Function\s*\(|\bchild_process\b"
)
_INCLUDES, _OWN_TYPES = "http://www.w3.org/2001/XInclude", ("http://www.dmg.org/", "https://www.dmg.org/")


@dataclass(frozen=True, slots=True)
class PmmlReader:
    """Looks at document types, functions and extensions."""

    format: str = "PMML"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the name of its root, in whichever encoding of ASCII's letters."""
        if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] != b"<":
            return False
        return _ROOT.search(source.at(0, _LOOKED_AT).replace(b"\0", b"")) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Parse it with entities and external references forbidden."""
        content = _Content()
        parser = DefusedXMLParser(target=content)
        quiet = 0
        try:
            for piece in source.chunks():
                before = content.events
                parser.feed(piece)
                quiet = 0 if content.events != before else quiet + len(piece)
                if quiet > _LONGEST_MARKUP:
                    raise UnreadableError("one of its tags is longer than any real one")
            parser.close()
        except DefusedXmlException as error:
            message = "The document defines entities, by which it can fetch files or grow without bound."
            walk.found.add(Fact(rule=ENTITY.id, subject="entity", message=message, part=source.name))
            raise UnreadableError("its entities keep it from being read") from error
        except (ParseError, ValueError, LookupError, RecursionError) as error:
            raise UnreadableError("it is not sound XML") from error
        finally:
            content.report(source, walk)


@dataclass(slots=True)
class _Content:
    """What the elements of a document ask for; the parser calls these methods."""

    called: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    length: int = 0
    events: int = 0
    depth: int = 0
    within: int = 0
    producer: str = ""
    document_type: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Keep functions, inclusions, and what extensions hold."""
        self.events += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("nested too deeply")
        namespace, _, local = tag.rpartition("}")
        if local == "Apply" and len(self.called) < _MOST_FUNCTIONS:
            self.called.add(attributes.get("function", "")[:500])
        elif local == "include" and _INCLUDES in namespace:
            self.fetched.add(attributes.get("href", "")[:500])
        elif local == "Application":
            self.producer = self.producer or attributes.get("name", "")[:200]
        if local == "Extension" or self.within:
            self.within += 1
            self._keep("\n".join(attributes.values()))

    def end(self, tag: str) -> None:
        """Leave an element."""
        del tag
        self.events += 1
        self.depth -= 1
        self.within = max(self.within - 1, 0)

    def data(self, text: str) -> None:
        """Keep the text of extensions."""
        self.events += 1
        if self.within:
            self._keep(text)

    def pi(self, target: str, text: str | None = None) -> None:
        """Style sheets are fetched by some readers."""
        self.events += 1
        if target == "xml-stylesheet":
            self.fetched.add((text or "")[:500])

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Old documents name a document type."""
        del name, public
        self.document_type = system or ""

    def close(self) -> None:
        """The end; there is nothing to give back."""

    def _keep(self, text: str) -> None:
        if self.length < _LONGEST_TEXT:
            self.text.append(text)
            self.length += len(text)

    def report(self, source: Source, walk: Walk) -> None:
        """Add what was seen."""
        walk.found.producer = walk.found.producer or self.producer
        if leaves(self.document_type) and not self.document_type.startswith(_OWN_TYPES):
            self.fetched.add(self.document_type[:500])
        for place in sorted(self.fetched):
            message = f"The document makes its reader fetch `{place[:200]}`."
            walk.found.add(Fact(rule=ENTITY.id, subject=place[:200], message=message, part=source.name))
        for name in sorted(self.called):
            if "." in name or ":" in name:
                severity = 9.0 if _RUNS_CODE.search(name) else None
                message = f"The document calls `{name[:200]}`, which evaluators look up as a class."
                fact = Fact(
                    rule=FUNCTION.id, subject=name[:200], message=message, part=source.name, severity=severity
                )
                walk.found.add(fact)
        text = "\n".join(self.text)
        if _SCRIPT.search(text) or _RUNS_CODE.search(text):
            message = "An extension of the document holds a program."
            walk.found.add(
                Fact(rule=FUNCTION.id, subject="extension", message=message, part=source.name, severity=7.5)
            )
        add_text(text, source, walk)
