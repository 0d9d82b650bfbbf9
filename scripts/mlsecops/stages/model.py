"""The model stage: what loading a model file would do."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.model_scanning.files import PICKLED
from mlsecops.model_scanning.opinions import weigh
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json
from mlsecops.settling import let_stand_in
from mlsecops.tools import model_lock, model_signatures
from mlsecops.tools.model_reader import NAME, ModelReader
from mlsecops.tools.modelaudit import Modelaudit
from mlsecops.tools.modelaudit_picklescan import ModelauditPicklescan
from mlsecops.tools.modelscan import Modelscan
from mlsecops.tools.picklescan import Picklescan

_OTHERS = ("picklescan", "modelaudit-picklescan", "modelscan", "modelaudit")


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """Our own readers for every model file, other scanners as second opinions, most of them on pickles."""
    del options
    files = (*project.models, *project.model_configs)
    every = tuple(model.uri for model in files)
    here = tuple(model.uri for model in files if model.pointer is None)
    pickled = tuple(
        model.uri for model in project.models if model.format in PICKLED and model.pointer is None
    )
    none = "no model files (looked for suffixes and content in all files)"
    due = [Scan(ModelReader(), every) if every else Skip(NAME, none)]
    if policy.models.deep:
        due.append(Scan(Modelaudit(), here) if here else Skip(Modelaudit.name, none))
    none = "no pickled model files (looked for suffixes and pickle content in all files)"
    opinions: list[Scan | Skip] = [
        Scan(tool, pickled) if pickled else Skip(tool.name, none)
        for tool in (Picklescan(), ModelauditPicklescan(), Modelscan())
    ]
    return [*due, *opinions, model_lock.due(project, policy), model_signatures.due(project, policy)]


def settle(runs: list[Json]) -> list[Json]:
    """Weigh what the others say against what we read; what they cannot read, and we can, was looked at.

    Not the other way round: modelscan stops at the first pickle of a file, and both know few formats.
    """
    return let_stand_in(weigh(runs, NAME, _OTHERS), dict.fromkeys(_OTHERS, NAME))
