"""What people read of a merged SARIF log: findings, stages, tools and the report of them. Pure."""

from __future__ import annotations

from mlsecops.findings.model import (
    BaselineInfo,
    Canary,
    Finding,
    LeftOut,
    Place,
    Report,
    StageReport,
    State,
    ToolReport,
    band,
)
from mlsecops.findings.model_changes import Model, ModelChange
from mlsecops.findings.report import build_report

__all__ = [
    "BaselineInfo",
    "Canary",
    "Finding",
    "LeftOut",
    "Model",
    "ModelChange",
    "Place",
    "Report",
    "StageReport",
    "State",
    "ToolReport",
    "band",
    "build_report",
]
