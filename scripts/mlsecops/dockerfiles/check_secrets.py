"""Checks for secrets that stand in a Dockerfile. No message ever holds a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlsecops.dockerfiles import rules
from mlsecops.dockerfiles.found import Found, Surroundings
from mlsecops.dockerfiles.instruction import Instruction
from mlsecops.dockerfiles.secrets import (
    ASSIGNMENT,
    SHAPE,
    is_secret_name,
    is_secret_value,
    kind_of,
    secrets_passed,
    secrets_set,
    shape,
)
from mlsecops.dockerfiles.syntax import Dockerfile

_OPTION = re.compile(
    r"(?:^|\s)--(?:password|passwd|token|api-?key|secret|auth-?token|access-?token)[= ]([\"']?[^\s\"'`;&|)]+)"
)
_CHPASSWD = re.compile(r"[\"']?[\w.-]{1,64}:([^\s\"'|]{1,200})[\"']?\s*\|\s*(?:sudo\s+)?chpasswd\b")


def check_secrets(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """Secrets in ENV and ARG by name and value, in commands by their use, everywhere by their form."""
    del around
    for instruction in dockerfile.instructions:
        told: set[int] = set()
        for found in (*_variables(instruction), *_commands(instruction), *_shapes(instruction)):
            # One secret is often caught by its name and by its form.
            if found.rule is not rules.SECRET or found.line not in told:
                yield found
            told.add(found.line)


def _variables(instruction: Instruction) -> Iterator[Found]:
    for name, value, line in secrets_set(instruction):
        kind = shape(value or "")
        text = f"{instruction.keyword} {name} holds {kind or 'a secret'}."
        yield Found(rules.SECRET, text, line)
    for name, _, line in secrets_passed(instruction):
        text = f"The build is given the secret {name} as an argument."
        yield Found(rules.SECRET_ARGUMENT, text, line, about=(name,))


def _commands(instruction: Instruction) -> Iterator[Found]:
    if instruction.keyword not in ("RUN", "CMD", "ENTRYPOINT"):
        return
    for text, line_at in instruction.texts():
        for match in ASSIGNMENT.finditer(text):
            if is_secret_name(match[1]) and is_secret_value(match[2]):
                line = line_at(match.start())
                yield Found(rules.SECRET, f"A command sets {match[1]} to a secret.", line)
        for pattern, what in ((_OPTION, "is given a secret"), (_CHPASSWD, "sets a password")):
            for match in pattern.finditer(text):
                if is_secret_value(match[1]):
                    yield Found(rules.SECRET, f"A command {what} that stands in it.", line_at(match.start(1)))


def _shapes(instruction: Instruction) -> Iterator[Found]:
    for text, line_at in instruction.texts():
        for match in SHAPE.finditer(text):
            yield Found(
                rules.SECRET, f"{instruction.keyword} holds {kind_of(match)}.", line_at(match.start())
            )
