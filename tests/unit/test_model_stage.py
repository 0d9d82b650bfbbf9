"""Which tools are due on model files."""

from __future__ import annotations

from pathlib import Path

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import ModelSettings, Policy
from mlsecops.project import discover
from mlsecops.stages import model
from support import pickles


def due(root: Path, policy: Policy) -> dict[str, Scan | Skip]:
    """The plan by the names of its tools."""
    plan = model.plan(discover(root), policy, Options())
    return {each.tool.name if isinstance(each, Scan) else each.tool: each for each in plan}


def test_every_model_file_is_read_and_pickles_get_second_opinions(tmp_path: Path) -> None:
    for name in ("a.pkl", "b.h5", "MLmodel"):
        (tmp_path / name).write_bytes(pickles.harmless() if name == "a.pkl" else b"text")
    (tmp_path / "c.pkl").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    plan = due(tmp_path, Policy())
    targets = {name: each.targets for name, each in plan.items() if isinstance(each, Scan)}
    assert targets == {
        "mlsecops-models": ("a.pkl", "b.h5", "c.pkl", "MLmodel"),
        "picklescan": ("a.pkl",),
        "modelaudit-picklescan": ("a.pkl",),
        "modelscan": ("a.pkl",),
    }


def test_one_more_scanner_for_every_file_where_the_policy_asks_for_it(tmp_path: Path) -> None:
    deep = Policy(models=ModelSettings(deep=True))
    assert isinstance(due(tmp_path, deep)["modelaudit"], Skip)
    for name in ("a.pkl", "b.h5", "MLmodel"):
        (tmp_path / name).write_bytes(pickles.harmless() if name == "a.pkl" else b"text")
    (tmp_path / "c.pkl").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    asked = due(tmp_path, deep)["modelaudit"]
    assert isinstance(asked, Scan)
    assert asked.targets == ("a.pkl", "b.h5", "MLmodel")
    assert "modelaudit" not in due(tmp_path, Policy())


def test_without_model_files_nothing_is_due(tmp_path: Path) -> None:
    plan = due(tmp_path, Policy())
    assert {name for name, each in plan.items() if isinstance(each, Skip)} == set(plan)
    assert "mlsecops-models" in plan
