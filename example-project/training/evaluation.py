"""Measures forecasts against what happened and against the two forecasts that cost nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadforecast.features import Floats
from training.dataset import Examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Errors of one forecast over one set of examples.

    mae_kw, rmse_kw: mean absolute and root mean squared error. nmape: mean absolute error as a
    share of the mean load (unlike MAPE it does not explode at small loads). skill_*: 1 - MAE /
    MAE of the baseline, so 0 is no better than it and 1 is perfect. interval_coverage: share of
    the actual loads inside the interval.
    """

    forecasts: int
    mean_load_kw: float
    mae_kw: float
    rmse_kw: float
    nmape: float
    mae_seasonal_naive_kw: float
    mae_persistence_kw: float
    skill_seasonal_naive: float
    skill_persistence: float
    interval_coverage: float


def forecast_kw(change: Floats, of: Examples) -> Floats:
    """Turn the model's output for these examples, (N,), into kW, never negative."""
    return np.maximum(of.last_kw + change * of.scale_kw, 0.0)


def interval(change: Floats, of: Examples, coverage: float = 0.9) -> tuple[float, float]:
    """Return how far below and above the forecast the load lies, in scales, at this coverage.

    Split conformal prediction (Papadopoulos et al. 2002), one quantile for each side: `of` must
    not have been used for fitting.
    """
    residual = of.target - change
    tail = (1.0 - coverage) / 2
    low, high = np.quantile(residual, [tail, 1.0 - tail])
    return float(low), float(high)


def evaluate(change: Floats, of: Examples, offsets: tuple[float, float]) -> Metrics:
    """Return the errors of the model's output, (N,), for these examples."""
    forecast = forecast_kw(change, of)
    error = forecast - of.actual_kw
    mae = _mae(forecast, of)
    naive, persistence = _mae(of.naive_kw, of), _mae(of.last_kw, of)
    mean_load = float(of.actual_kw.mean())
    low, high = (forecast + offset * of.scale_kw for offset in offsets)
    inside = (of.actual_kw >= low) & (of.actual_kw <= high)
    return Metrics(
        forecasts=int(of.actual_kw.size),
        mean_load_kw=mean_load,
        mae_kw=mae,
        rmse_kw=float(np.sqrt(np.mean(error**2))),
        nmape=mae / mean_load,
        mae_seasonal_naive_kw=naive,
        mae_persistence_kw=persistence,
        skill_seasonal_naive=1.0 - mae / naive,
        skill_persistence=1.0 - mae / persistence,
        interval_coverage=float(inside.mean()),
    )


def _mae(forecast: Floats, of: Examples) -> float:
    return float(np.mean(np.abs(forecast - of.actual_kw)))
