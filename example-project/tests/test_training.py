"""The only tests that need scikit-learn: a small training from the simulation to the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from loadforecast.features import NAMES
from loadforecast.model import Forecaster
from training import train
from training.dataset import Examples, Split, examples, split
from training.export import to_onnx
from training.simulate import HOTELS, simulate

SMALL = ["--days", "35", "--seed", "5"]


@pytest.fixture(scope="module")
def every() -> Examples:
    return examples(simulate(HOTELS[0], train.START, days=35, seed=5))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that was trained on five weeks."""
    out = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "HOTELS", HOTELS[:2])
        assert train.main(["--out", str(out), *SMALL]) == 0
    return out


def test_the_written_model_is_served(written: Path) -> None:
    forecaster = Forecaster.load(written / "forecast.onnx")
    metrics = json.loads((written / "metrics.json").read_bytes())
    assert forecaster.version == metrics["version"] == train.MODEL_VERSION
    assert forecaster.offsets[0] < 0 < forecaster.offsets[1]
    assert metrics["test"]["skill_seasonal_naive"] > 0
    assert metrics["test"]["skill_persistence"] > 0
    assert f"{metrics['test']['mae_kw']:.2f}" in (written / "MODEL_CARD.md").read_text("utf-8")
    assert (written / "forecast.onnx").stat().st_size < 300_000


def test_the_same_seed_trains_the_same_model(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "HOTELS", HOTELS[:2])
    assert train.main(["--out", str(tmp_path), *SMALL]) == 0
    for path in written.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_onnx_and_scikit_learn_agree(every: Examples) -> None:
    model = train.fit({"learning_rate": 0.1, "max_iter": 20, "max_leaf_nodes": 15}, every)
    content = to_onnx(model, len(NAMES), {}).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # inputs that lie exactly on thresholds are where rounding would show
    thresholds = [
        (int(node["feature_idx"]), node["num_threshold"])
        for (tree,) in model._predictors
        for node in tree.nodes
        if not node["is_leaf"]
    ]
    inputs = np.repeat(every.inputs[:1], len(thresholds), axis=0)
    for row, (feature, threshold) in zip(inputs, thresholds, strict=True):
        row[feature] = threshold
    inputs = np.concatenate([inputs, every.inputs])
    (output,) = session.run(None, {"inputs": inputs})
    np.testing.assert_allclose(output[:, 0], model.predict(inputs), atol=1e-5)


def test_settings_are_chosen_on_validation_and_never_on_test(
    every: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Examples] = []
    fit = train.fit

    def recorded(settings: dict[str, float], on: Examples) -> object:
        seen.append(on)
        return fit(settings, on)

    monkeypatch.setattr(train, "fit", recorded)
    parts = split(every)
    train.train(parts, parts.test)
    latest = [int(one.step.max()) for one in seen]
    assert latest[:-1] == [int(parts.train.step.max())] * len(train.CANDIDATES)
    assert latest[-1] == int(parts.validation.step.max()) < int(parts.test.step.min())


def test_a_model_that_is_no_better_than_a_baseline_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def noise(every: Examples) -> Split:
        parts = split(every)
        rng = np.random.default_rng(1)
        target = rng.normal(0.0, 5.0, parts.train.target.size)
        return Split(
            train=_with_target(parts.train, target),
            validation=_with_target(parts.validation, parts.validation.target[::-1] * 50),
            test=parts.test,
        )

    monkeypatch.setattr(train, "HOTELS", HOTELS[:1])
    monkeypatch.setattr(train, "CANDIDATES", train.CANDIDATES[:1])
    monkeypatch.setattr(train, "split", noise)
    out = tmp_path / "models"
    assert train.main(["--out", str(out), *SMALL]) == 1
    assert "no better than a baseline" in capsys.readouterr().err
    assert not out.exists()


def _with_target(examples: Examples, target: np.ndarray) -> Examples:
    return Examples(
        **{
            name: target if name == "target" else getattr(examples, name)
            for name in examples.__slots__
        }
    )


def test_too_few_days_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        train.main(["--days", "14"])
    assert ended.value.code == 2
    assert "at least 28 days" in capsys.readouterr().err
