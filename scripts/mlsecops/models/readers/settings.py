"""What a setting that comes with a model makes loaders import, fetch or read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlsecops.models.inspection import Fact
from mlsecops.models.named import JudgeName, Verdict, add_name
from mlsecops.models.paths import leaves
from mlsecops.models.readers.template_files import Templates
from mlsecops.models.rules.configs import CALLS, LEAVES_FOLDER, OTHER_REPOSITORY, REMOTE_CODE
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

# Libraries whose classes configurations name; functions of them that run code are judged before.
_LIBRARIES = re.compile(
    r"(?:sentence_transformers|transformers|diffusers|peft|torch\.(?:optim|nn)|torchvision\.(?:transforms|models)"
    r"|torchaudio\.transforms|torchmetrics|timm|(?:pytorch_)?lightning|lightning_fabric|mlflow|bentoml|nemo\.collections"
    r"|nemo\.core|keras\.(?:layers|optimizers|losses)|sklearn|xgboost|lightgbm|catboost|omegaconf|datasets"
    r"|albumentations|monai|gymnasium)(?:\.\w+)+"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """One file of settings being looked at."""

    source: Source
    walk: Walk
    judge_name: JudgeName
    templates: Templates

    def add(self, rule: str, subject: str, message: str) -> None:
        """Keep a fact."""
        self.walk.found.add(Fact(rule=rule, subject=subject[:200], message=message, part=self.source.name))

    def name(self, name: str, key: str, *, only_dangerous: bool = False) -> None:
        """Judge a dotted name that a loader imports."""
        if only_dangerous and self.judge_name(name) != "dangerous":
            return
        add_name(
            name, self._with_libraries, self.source, self.walk, rule=CALLS.id, where=f"The setting `{key}`"
        )

    def _with_libraries(self, name: str) -> Verdict:
        verdict = self.judge_name(name)
        return "harmless" if verdict == "unknown" and _LIBRARIES.fullmatch(name) else verdict

    def code(self, name: str, key: str) -> None:
        """A class in a file of Python beside the model, or in another repository."""
        if "--" in name or "/" in name:
            message = f"The setting `{key}` fetches and runs code of another repository, `{name[:200]}`."
            self.add(OTHER_REPOSITORY.id, name, message)
        else:
            message = (
                f"The setting `{key}` has loaders run `{name[:200]}` from a Python file beside the model."
            )
            self.add(REMOTE_CODE.id, name, message)

    def path(self, path: str, key: str) -> None:
        """A file that a loader reads."""
        if leaves(path):
            message = f"The setting `{key}` leads to `{path[:200]}`, outside of the model's folder."
            self.add(LEAVES_FOLDER.id, path, message)


Check = Callable[[Settings, str, Any, dict[str, Any]], None]
