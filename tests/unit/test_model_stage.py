"""Which tools are due on model files."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy, parse
from mlsecops.project import discover
from mlsecops.stages import model


def due(root: Path, policy: Policy) -> dict[str, Scan | Skip]:
    """The plan by the names of its tools."""
    plan = model.plan(discover(root), policy, Options())
    return {each.tool.name if isinstance(each, Scan) else each.tool: each for each in plan}


@pytest.mark.parametrize("limit", ["formats: [onnx]", "max-size: 1MB"])
def test_a_policy_that_limits_model_files_is_never_without_the_tool_that_holds_them_to_it(
    tmp_path: Path, limit: str
) -> None:
    policy = parse(f"version: 1\nmodels: {{{limit}}}\n".encode(), "policy.yml")
    assert isinstance(due(tmp_path, policy)["mlsecops-models"], Skip)
    (tmp_path / "weights.npy").write_bytes(b"\x93NUMPY\x01\x00" + bytes(80))
    scan = due(tmp_path, policy)["mlsecops-models"]
    assert isinstance(scan, Scan)
    assert scan.targets == ("weights.npy",)
    assert "mlsecops-models" not in due(tmp_path, Policy())
