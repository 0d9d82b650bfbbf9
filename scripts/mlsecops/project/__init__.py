"""What is in a repository: `discover(path)` gives a `Project`. Reads only; executes nothing."""

from mlsecops.project.discovery import discover
from mlsecops.project.inventory import (
    App,
    File,
    LeftOut,
    Manifest,
    ModelFile,
    ProjectError,
    Shadowed,
    TestSetup,
)
from mlsecops.project.project import Project

__all__ = [
    "App",
    "File",
    "LeftOut",
    "Manifest",
    "ModelFile",
    "Project",
    "ProjectError",
    "Shadowed",
    "TestSetup",
    "discover",
]
