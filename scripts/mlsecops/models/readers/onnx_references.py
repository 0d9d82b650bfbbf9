"""What an ONNX model refers to outside of itself, and what that means to whoever loads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.models.beside import needs
from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.paths import leaves
from mlsecops.models.rules.onnx import CUSTOM, ESCAPES, PYTHON, REDEFINES
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

_STANDARD = re.compile(
    r"|ai\.onnx|ai\.onnx\.(?:ml|training|preview|preview\.training)|com\.microsoft(?:\.nchwc|\.nhwc)?"
    r"|com\.ms\.internal\.nhwc"
)
_OWN_OF_ONNX = re.compile(r"(?:ai\.onnx(?:\.ml)?)?")
_PYTHON = re.compile(r"Py(?:thon)?(?:Custom)?Op(?:Def|Grad)?|PyFunc\w*|TritonOp")
_NETWORK = re.compile(r"(?:Azure|OpenAI)\w+")
_EXTENSIONS = frozenset(["ai.onnx.contrib", "com.microsoft.extensions"])


@dataclass(slots=True)
class References:
    """Places of external data, domain and type of operators, those that the model defines itself, files given
    to operators with the name of the attribute, and texts for people."""

    places: set[str] = field(default_factory=set)
    operators: set[tuple[str, str]] = field(default_factory=set)
    own: set[tuple[str, str]] = field(default_factory=set)
    files: set[tuple[str, str]] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    producer: str = ""

    @property
    def most(self) -> int:
        """How many there are of the kind of which there are most."""
        return max(len(self.places), len(self.operators), len(self.own), len(self.files))


def report(refers: References, source: Source, walk: Walk) -> None:
    """Add what is to be said of them."""
    walk.found.producer = walk.found.producer or refers.producer[:200]
    walk.found.has_operators(f"{domain}.{name}" if domain else name for domain, name in refers.operators)
    for fact in (*_of_files(refers, source), *_of_operators(refers, source), *_of_functions(refers, source)):
        walk.found.add(fact)
    for place in sorted(refers.places):
        if not leaves(place):
            needs(walk.found, place, source.name)
    for text in refers.texts:
        add_text(text, source, walk)


def _of_files(refers: References, source: Source) -> Iterator[Fact]:
    for place in filter(leaves, sorted(refers.places)):
        message = f"The model reads its weights from `{place[:200]}`, outside of its folder."
        yield Fact(rule=ESCAPES.id, subject=place[:200], message=message, part=source.name)
    for name, place in sorted(refers.files):
        if leaves(place):
            message = (
                f"An operator takes `{place[:200]}` as its `{name[:50]}`, outside of the model's folder."
            )
            yield Fact(rule=ESCAPES.id, subject=place[:200], message=message, part=source.name)


def _of_operators(refers: References, source: Source) -> Iterator[Fact]:
    defined = {domain for domain, _ in refers.own}
    for domain, operator in sorted(refers.operators - refers.own):
        name, part = operator[:100], source.name
        if _PYTHON.fullmatch(operator) or domain.startswith("pyop"):
            yield Fact(
                rule=PYTHON.id, subject=name, message=f"The model runs Python code by `{name}`.", part=part
            )
        elif domain in _EXTENSIONS and _NETWORK.fullmatch(operator):
            message = f"The model sends data to a service by `{name}`."
            yield Fact(rule=PYTHON.id, subject=name, message=message, part=part, severity=7.5)
        elif not _STANDARD.fullmatch(domain) and domain not in defined:
            message = f"The model needs operators of the domain `{domain[:100]}`, such as `{name}`."
            yield Fact(rule=CUSTOM.id, subject=domain[:100], message=message, part=part)


def _of_functions(refers: References, source: Source) -> Iterator[Fact]:
    for domain, operator in sorted(refers.own):
        if operator and _OWN_OF_ONNX.fullmatch(domain):
            message = f"The model defines the standard operator `{operator[:100]}` anew."
            yield Fact(rule=REDEFINES.id, subject=operator[:100], message=message, part=source.name)
