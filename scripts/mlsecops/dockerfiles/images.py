"""Image references, and which of them hold software that gets no security updates any more."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from mlsecops.dockerfiles.instruction import Instruction, expand
from mlsecops.dockerfiles.syntax import Dockerfile

_FAMILIES = {"ubuntu": "Ubuntu", "debian": "Debian", "alpine": "Alpine Linux", "centos": "CentOS"}
_FAMILY = re.compile(r"(?<![a-z])(ubuntu|debian|alpine|centos)(\d+(?:\.\d+)?)(?![\d.]*\d)")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?![\w.])|v?(\d+(?:\.\d+)*)(?=[a-z])")
_LIBRARY = re.compile(r"(?:docker/)?library/")


@dataclass(frozen=True, slots=True)
class Image:
    """A reference: `name` is the repository without its registry and without Docker's own `library/`."""

    registry: str
    name: str
    tag: str | None
    digest: str | None

    @property
    def about(self) -> tuple[str, str]:
        """What tells findings about it from those about another image, whichever tag and digest it has."""
        return self.registry, self.name


@dataclass(frozen=True, slots=True)
class Use:
    """An image that a build starts from or copies from, as written and as parsed; `final` if it ships."""

    written: str
    image: Image
    instruction: Instruction
    final: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A product whose security updates ended on `end`."""

    product: str
    version: str
    end: date


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Until when base images get security updates; on `as_of` the dates were compared with `source`."""

    source: str
    as_of: date
    images: Mapping[str, str]
    codenames: Mapping[str, tuple[str, str]]
    ends: Mapping[str, Mapping[str, date]]

    def ended(self, image: Image, today: date) -> list[Ended]:
        """The products in an image that get no updates any more, as far as its name and tag tell."""
        found = []
        for product, version in self._products(image):
            end = self._end(product, version)
            if end is not None and end < today:
                found.append(Ended(product, version, end))
        return found

    def _products(self, image: Image) -> Iterator[tuple[str, str]]:
        tag = (image.tag or "").lower()
        product = self.images.get(image.name)
        version = _VERSION.match(tag)
        if product and version:
            yield product, version[1] or version[2]
        for part in tag.split("-"):
            if part in self.codenames:
                yield self.codenames[part]
        for family, number in _FAMILY.findall(f"{image.name}-{tag}"):
            yield _FAMILIES[family], re.sub(r"^(\d\d)(\d\d)$", r"\1.\2", number)

    def _end(self, product: str, version: str) -> date | None:
        """The last day of a version: that of its line, or of the next later line that is known."""
        wanted = _order(version)
        lines = sorted((_order(line), end) for line, end in self.ends[product].items())
        depth = len(lines[-1][0])
        if len(wanted) < depth:
            # A tag such as `3` moves on to the newest line that it covers.
            wanted = max((line for line, _ in lines if line[: len(wanted)] == wanted), default=wanted)
        return next((end for line, end in lines if line >= wanted[:depth]), None)


@cache
def lifetimes() -> Lifetimes:
    """The table that comes with this package."""
    table = tomllib.loads(Path(__file__).with_name("lifetimes.toml").read_text(encoding="utf-8"))
    return Lifetimes(table["source"], table["date"], table["images"], table["codenames"], table["ends"])


def parse_image(reference: str) -> Image:
    """`[registry/]name[:tag][@digest]` in its parts."""
    rest, _, digest = reference.partition("@")
    host, slash, path = rest.partition("/")
    registry = host if slash and (set(host) & set(".:") or host == "localhost") else ""
    name, _, tag = (path if registry else rest).partition(":")
    return Image(registry, _LIBRARY.sub("", name, count=1).lower(), tag or None, digest or None)


def uses(dockerfile: Dockerfile) -> Iterator[Use]:
    """Every image from outside: those of FROM, of `COPY --from` and of `RUN --mount=...,from=`."""
    final = {stage.index for stage in dockerfile.lineage()}
    for stage in dockerfile.stages:
        named = [(stage.source, stage.base)]
        named += [(each, _copied_from(each, stage.variables)) for each in stage.instructions]
        for instruction, reference in named:
            if not reference or reference == "scratch" or dockerfile.stage_named(reference, stage.index):
                continue
            ships = stage.index in final and instruction is stage.source
            yield Use(reference, parse_image(reference), instruction, ships)


def unknown_bases(dockerfile: Dockerfile) -> list[Instruction]:
    """Those FROM whose image depends on a value that only the build knows."""
    return [stage.source for stage in dockerfile.stages if stage.base is None]


def _copied_from(instruction: Instruction, variables: Mapping[str, str | None]) -> str | None:
    if instruction.keyword == "COPY":
        reference = instruction.flag("from")
    else:
        mounts = (flag.partition("from=")[2] for flag in instruction.flags if flag.startswith("--mount="))
        reference = next((mount.partition(",")[0] for mount in mounts if mount), None)
    return expand(reference, variables) if reference else None


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
