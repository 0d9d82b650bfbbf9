"""Checks of how an image runs, and of what its configuration tells everyone: user, health, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.containers import image_rules as rules
from mlsecops.containers.image import Image
from mlsecops.dockerfiles.found import Found
from mlsecops.dockerfiles.secrets import ASSIGNMENT, is_secret_name, is_secret_value, shape

_ARGUMENTS = re.compile(r"\|\d+ (.*?) (?:/\S+ -\w+|/\S+) ", re.DOTALL)


def check_user(image: Image) -> Iterator[Found]:
    """An image whose processes are root's."""
    if image.user.is_root:
        line = _last(image, "USER") or image.origins.base_line
        yield Found(rules.ROOT_USER, "The built image runs as root.", line, about=())


def check_health(image: Image) -> Iterator[Found]:
    """No check of the service's health, or one that is switched off."""
    if not image.config.health:
        line = _last(image, "HEALTHCHECK") or image.origins.base_line
        yield Found(rules.NO_HEALTHCHECK, "The built image has no HEALTHCHECK.", line, about=())


def check_environment(image: Image) -> Iterator[Found]:
    """Secrets among the variables that every process gets."""
    for each in image.config.environment:
        name, _, value = each.partition("=")
        kind = shape(value)
        if value and (kind or (is_secret_name(name) and is_secret_value(value))):
            what = kind or "a secret by its name"
            text = (
                f"The variable {name} of the image's environment holds {what}. The value is not shown here."
            )
            yield Found(rules.SECRET_ENVIRONMENT, text, setting_line(image, "ENV", name), about=(name,))


def check_history(image: Image) -> Iterator[Found]:
    """Secrets that `docker history` shows: values of build arguments, and what stands in commands."""
    told: set[str] = set()
    for instruction, step in image.origins.steps:
        passed = _ARGUMENTS.match(step.created_by.removeprefix("RUN "))
        for match in ASSIGNMENT.finditer(passed[1]) if passed else ():
            name, value = match[1], match[2]
            if name in told or not (shape(value) or (is_secret_name(name) and is_secret_value(value))):
                continue
            told.add(name)
            text = f"The image's history holds the value of the build argument {name}. It is not shown here."
            yield Found(rules.SECRET_HISTORY, text, setting_line(image, "ARG", name), about=(name,))
        if instruction.keyword not in ("ENV", "ARG") and not passed and (kind := shape(step.created_by)):
            text = f"The image's history holds {kind}. The value is not shown here."
            yield Found(rules.SECRET_HISTORY, text, instruction.line, about=(instruction.keyword,))


def _last(image: Image, keyword: str) -> int | None:
    lines = [each.line for each, _ in image.origins.steps if each.keyword == keyword and not each.trigger]
    return lines[-1] if lines else None


def setting_line(image: Image, keyword: str, name: str) -> int:
    """The line on which a variable is set last."""
    lines = [
        pair.line
        for each, _ in image.origins.steps
        if each.keyword == keyword and not each.trigger
        for pair in each.pairs()
        if pair.name == name
    ]
    return lines[-1] if lines else image.origins.base_line
