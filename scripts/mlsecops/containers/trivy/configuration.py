"""Secrets that Trivy finds in an image's configuration -> where the Dockerfile sets them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from mlsecops.containers import image_rules as rules
from mlsecops.containers.check_config import setting_line
from mlsecops.containers.image import Image
from mlsecops.containers.trivy.report import Secret
from mlsecops.dockerfiles.found import Found

_ARGUMENTS = re.compile(r"(?:RUN )?\|\d+ ")
_NAME = re.compile(r"([A-Za-z_]\w*)=$")
# Go writes these with their numbers.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def secrets_of_configuration(image: Image, secrets: Iterable[Secret]) -> Iterator[Found]:
    """Those of the environment, and those that only the history shows, each told once."""
    seen = set()
    for each in (secret for secret in secrets if not secret.layer):
        found = _found(image, each)
        if found is not None and (found.rule.id, found.about) not in seen:
            seen.add((found.rule.id, found.about))
            yield found


def _found(image: Image, secret: Secret) -> Found | None:
    """Of a variable, a build argument or a command: whatever has the text that stands before it."""
    kind = f"a secret ({secret.kind}). The value is not shown here."
    for each in image.config.environment:
        if secret.before in _written(each):
            name = each.partition("=")[0]
            text = f"The variable {name} of the image's environment holds {kind}"
            return Found(rules.SECRET_ENVIRONMENT, text, setting_line(image, "ENV", name), about=(name,))
    text = f"The image's history holds {kind}"
    for instruction, step in image.origins.steps:
        if secret.before not in f'"created_by": {_written(step.created_by)}':
            continue
        keyword = instruction.keyword
        if keyword == "ARG":
            return None  # its default, which stands in the Dockerfile
        named = keyword == "ENV" or _ARGUMENTS.match(step.created_by)
        variable = _NAME.search(secret.before) if named else None
        if variable is None:
            return Found(rules.SECRET_HISTORY, text, instruction.line, about=(keyword,))
        name = variable[1]
        if keyword == "ENV" and name in _set(image):
            return None  # told with the environment
        line = setting_line(image, "ENV" if keyword == "ENV" else "ARG", name)
        return Found(rules.SECRET_HISTORY, text, line, about=(name,))
    return Found(rules.SECRET_HISTORY, text, image.origins.base_line, about=("base",))


def _set(image: Image) -> frozenset[str]:
    pairs = (each.partition("=") for each in image.config.environment)
    return frozenset(name for name, _, value in pairs if value)


def _written(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPED)
