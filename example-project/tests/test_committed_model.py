"""The model in this repository: small, recorded, and better than both baselines on new data."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from loadforecast.features import HISTORY
from loadforecast.model import Forecaster
from training.dataset import examples, measurements
from training.evaluation import evaluate
from training.simulate import HOTELS, UNSEEN_HOTEL, Hotel, simulate

SUMMER = datetime(2026, 6, 1, tzinfo=timezone(timedelta(hours=2)))


def test_it_is_small_and_its_card_is_its_own(root: Path) -> None:
    models = root / "models"
    assert (models / "forecast.onnx").stat().st_size < 300_000
    metrics = json.loads((models / "metrics.json").read_bytes())
    card = (models / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"loadforecast {metrics['version']}" in card
    assert f"| MAE, kW | {metrics['test']['mae_kw']:.2f} |" in card
    assert Forecaster.load(models / "forecast.onnx").version == metrics["version"]


@pytest.mark.parametrize("hotel", [*HOTELS, UNSEEN_HOTEL], ids=lambda hotel: hotel.name)
def test_it_beats_both_baselines_on_another_year(root: Path, hotel: Hotel) -> None:
    series = simulate(hotel, SUMMER, days=21, seed=99)
    every = examples(series)
    forecaster = Forecaster.load(root / "models" / "forecast.onnx")
    steps = np.arange(HISTORY, series.load_kw.size)
    forecast = forecaster.forecast(measurements(series, steps))
    change = (forecast.load_kw - every.last_kw) / every.scale_kw
    found = evaluate(change, every, forecaster.offsets)
    assert found.skill_seasonal_naive > 0.5
    assert found.skill_persistence > 0.1
    assert found.nmape < 0.10
    assert 0.80 < found.interval_coverage < 0.99
