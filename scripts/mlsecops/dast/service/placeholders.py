"""What the policy's texts stand for in one run: the chosen port, keys made up for it, variables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlsecops.bounds import SHORTEST
from mlsecops.job import ToolError

_PLACEHOLDER = re.compile(r"\{(?P<name>port|url|key[2-9]?(?:\.sha256)?)\}|\$\{(?P<variable>[A-Za-z_]\w*)\}")
_KEYS = tuple(f"key{number}" if number > 1 else "key" for number in range(1, 10))


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Values by name; `environ` is what `${NAME}` is looked up in."""

    values: Mapping[str, str]
    environ: Mapping[str, str]

    @classmethod
    def of(cls, secret: str, environ: Mapping[str, str]) -> Placeholders:
        """Keys derived from one secret of this run."""
        values: dict[str, str] = {}
        for name in _KEYS:
            key = hashlib.sha256(f"{secret} {name}".encode()).hexdigest()[:40]
            values |= {name: key, f"{name}.sha256": hashlib.sha256(key.encode()).hexdigest()}
        return cls(values, environ)

    def knowing(self, **more: str) -> Placeholders:
        """The same, and what is known by now: the port, the address."""
        return Placeholders({**self.values, **more}, self.environ)

    def fill(self, text: str, what: str) -> str:
        """A text of the policy with everything in its place; `what` is what people call the text.

        Raises ToolError when it names a variable that is not set.
        """

        def value(found: re.Match[str]) -> str:
            name, variable = found["name"], found["variable"]
            if name:
                return self.values.get(name, found[0])
            if variable not in self.environ:
                raise ToolError(f"the policy's {what} needs the variable {variable}, which is not set here")
            return self.environ[variable]

        return _PLACEHOLDER.sub(value, text)

    def secrets(self, texts: Iterable[str]) -> tuple[str, ...]:
        """What must not come out: the keys, and the variables that these texts name; the longest first."""
        found = (each for text in texts for each in _PLACEHOLDER.finditer(text))
        named = {each["variable"] for each in found if each["variable"]}
        values = {self.values[name] for name in _KEYS}
        values |= {self.environ[name] for name in named if name in self.environ}
        return tuple(sorted((each for each in values if len(each) >= SHORTEST), key=len, reverse=True))
