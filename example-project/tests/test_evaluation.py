from __future__ import annotations

import numpy as np
import pytest

from loadforecast.features import NAMES
from training import card
from training.dataset import Examples
from training.evaluation import evaluate, forecast_kw, interval


def four() -> Examples:
    actual = np.array([10.0, 20.0, 30.0, 40.0])
    last = np.array([10.0, 10.0, 20.0, 30.0])
    scale = np.full(4, 20.0)
    return Examples(
        inputs=np.zeros((4, len(NAMES)), dtype=np.float32),
        target=(actual - last) / scale,
        step=np.arange(4),
        actual_kw=actual,
        last_kw=last,
        naive_kw=np.array([20.0, 40.0, 10.0, 50.0]),
        scale_kw=scale,
    )


def test_metrics_by_hand() -> None:
    # forecasts 12, 20, 27, 41: errors 2, 0, -3, 1
    found = evaluate(np.array([0.1, 0.5, 0.35, 0.55]), four(), (-0.05, 0.1))
    assert found.mae_kw == pytest.approx(1.5)
    assert found.rmse_kw == pytest.approx(np.sqrt(14 / 4))
    assert found.nmape == pytest.approx(1.5 / 25)
    assert found.mae_seasonal_naive_kw == pytest.approx(15.0)
    assert found.skill_seasonal_naive == pytest.approx(0.9)
    assert found.mae_persistence_kw == pytest.approx(7.5)
    assert found.skill_persistence == pytest.approx(0.8)
    assert found.interval_coverage == pytest.approx(0.5)  # 12 and 27 are too far off
    assert found.forecasts == 4


def test_a_perfect_forecast_and_a_useless_one() -> None:
    examples = four()
    perfect = evaluate(examples.target, examples, (0.0, 0.0))
    assert (perfect.mae_kw, perfect.skill_persistence) == (0.0, 1.0)
    persistence = evaluate(np.zeros(4), examples, (0.0, 0.0))
    assert persistence.skill_persistence == 0.0


def test_forecasts_are_never_negative() -> None:
    assert forecast_kw(np.full(4, -9.0), four()).tolist() == [0.0] * 4


def test_the_interval_leaves_out_both_tails() -> None:
    examples = four()
    residual = np.array([-1.0, -0.5, 0.5, 1.0])
    low, high = interval(examples.target - residual, examples, coverage=0.5)
    assert (low, high) == pytest.approx((-0.625, 0.625))


def test_the_card_tells_the_numbers() -> None:
    found = evaluate(np.array([0.1, 0.5, 0.35, 0.55]), four(), (-0.05, 0.1))
    text = card.render(
        found, found, version="9", settings="s", features=22, seed=1, hotels=2, days=3, start="d"
    )
    assert "| MAE, kW | 1.50 | 1.50 |" in text
    assert "| Skill against seasonal naive | 90.0% | 90.0% |" in text
    assert "{" not in text
