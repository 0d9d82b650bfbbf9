"""One hostile pull request: what it tries, what it changes, and the right outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsecops.verdict import Word

Change = Callable[[Path], None]
Files = Mapping[str, str | bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A change to a clean project. `tools` of `stage` judge it.

    `files` are written, then `change` is called with the project's folder. `sees` is a rule, or a part of
    one, that must be among the open findings, or "" where none is due; `says` must be part of the verdict's
    conditions. All that are `joined` are judged together.
    """

    tries: str
    stage: str
    tools: tuple[str, ...]
    files: Files
    change: Change | None = None
    word: Word = "blocked"
    sees: str = ""
    says: str = ""
    joined: bool = False

    def apply(self, root: Path) -> None:
        """Change the project."""
        for name, content in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if self.change is not None:
            self.change(root)
