"""Checks of what a build starts from and how the image runs: base images, user, health, ports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.dockerfiles import rules
from mlsecops.dockerfiles.found import Found, Surroundings
from mlsecops.dockerfiles.images import lifetimes, parse_image, uses
from mlsecops.dockerfiles.instruction import expand
from mlsecops.dockerfiles.syntax import Dockerfile, Stage

# Docker reads a user as a shell reads a word.
_QUOTES = re.compile(r"[\"'\\]")
_ROOT = re.compile(r"(?:root|0+)(?::.*)?", re.IGNORECASE)
# Images that come with a user of their own, by what their publishers say.
_NOT_ROOT = re.compile(
    r"(?:.*/)?(?:[\w.-]*(?:unprivileged|nonroot|rootless)[\w.-]*)|(?:.*/)?jupyter/.*|(?:bitnami|chainguard)/.*"
    r"|(?:.*/)?mambaorg/micromamba|(?:.*/)?tritonserver"
)
_SSH = re.compile(r"(?:\S+:)?22(?:/tcp)?", re.IGNORECASE)
# What a build stage is made of does not ship, yet it makes what ships.
_BUILD_STAGE = 5.0


def check_base_images(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """Images without a version, without a digest, or past the end of their life."""
    for use in uses(dockerfile):
        image, line, name = use.image, use.instruction.line, use.written
        if image.digest is None:
            if image.tag in (None, "latest"):
                told = "has no tag" if image.tag is None else "is used by its tag latest"
                yield Found(rules.BASE_TAG, f"The image {name} {told}.", line, about=image.about)
            yield Found(
                rules.BASE_DIGEST, f"The image {name} is not pinned by its digest.", line, about=image.about
            )
        for each in lifetimes().ended(image, around.today):
            what, day = f"{each.product} {each.version}", each.end.isoformat()
            yield Found(
                rules.END_OF_LIFE,
                f"{what} in {name} gets no security updates since {day} at the latest.",
                line,
                severity=None if use.final else _BUILD_STAGE,
                about=(what, "ships" if use.final else "builds"),
            )


def check_user(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """A final stage that runs as root, also by what it inherits from earlier stages."""
    del around
    lineage = dockerfile.lineage()
    for stage in lineage:
        user = stage.last("USER")
        if user is not None:
            name = expand(user.value, stage.variables)
            if name is not None and _ROOT.fullmatch(_QUOTES.sub("", name)):
                text = f"The final image runs as root: its last USER is {user.value}."
                yield Found(rules.ROOT_USER, text, user.line, about=())
            return
    if lineage and not _has_own_user(lineage[-1]):
        text = "The final image runs as root: no USER is set in it."
        yield Found(rules.ROOT_USER, text, lineage[0].source.line, about=())


def check_healthcheck(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """A final stage without HEALTHCHECK, or with HEALTHCHECK NONE."""
    del around
    lineage = dockerfile.lineage()
    for stage in lineage:
        health = stage.last("HEALTHCHECK")
        if health is not None:
            if health.value.upper() == "NONE":
                yield Found(rules.NO_HEALTHCHECK, "HEALTHCHECK is switched off.", health.line, about=())
            return
    if lineage:
        yield Found(
            rules.NO_HEALTHCHECK, "The final image has no HEALTHCHECK.", lineage[0].source.line, about=()
        )


def check_ports(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """EXPOSE 22."""
    del around
    for instruction in dockerfile.instructions:
        if instruction.keyword == "EXPOSE" and any(_SSH.fullmatch(word) for word in instruction.words()):
            yield Found(rules.SSH_PORT, "Port 22, that of SSH, is exposed.", instruction.line)


def _has_own_user(stage: Stage) -> bool:
    """Whether the image below a chain of stages is known not to run as root."""
    if stage.base is None:
        return False
    image = parse_image(stage.base)
    tag = image.tag or ""
    own_tags = {"nonroot", "rootless", "unprivileged"} & set(re.split(r"[-_.]", tag))
    return bool(own_tags) or _NOT_ROOT.fullmatch(image.name) is not None
