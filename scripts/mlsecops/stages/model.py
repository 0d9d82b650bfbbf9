"""The model stage: what loading a model file would do."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.model_files import split_by_reader
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.sarif.build import Json
from mlsecops.scan import let_stand_in
from mlsecops.tools import model_lock, model_signatures
from mlsecops.tools.model_formats import ModelFormats
from mlsecops.tools.model_reader import ModelReader
from mlsecops.tools.modelscan import Modelscan
from mlsecops.tools.picklescan import Picklescan


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """Pickle scanners for whatever holds pickles, our own readers for all other model files."""
    del options
    pickled, others = split_by_reader(project.models)
    none = "no pickled model files (looked for suffixes and pickle content in all files)"
    due: list[Scan | Skip] = []
    for tool in (Picklescan(), Modelscan()):
        due += [Scan(tool, pickled) if pickled else Skip(tool.name, none)]
    formats = ModelFormats()
    due += [Scan(formats, others) if others else Skip(formats.name, "no model files in other formats")]
    if policy.models.formats or policy.models.max_size is not None:
        every = tuple(model.uri for model in project.models)
        # Only this one holds files to what the policy allows.
        reader = ModelReader()
        due += [Scan(reader, every) if every else Skip(reader.name, "no model files")]
    return [*due, model_lock.due(project, policy), model_signatures.due(project, policy)]


def settle(runs: list[Json]) -> list[Json]:
    """A pickle that modelscan could not read and picklescan could was looked at.

    Not the other way round: modelscan stops at the first pickle of a file, and knows few of the calls.
    """
    return let_stand_in(runs, {"modelscan": "picklescan"})
