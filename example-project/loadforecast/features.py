"""Turns measurements into model inputs; training and serving share it, so they cannot drift apart.

Everything is relative to the mean load of the past week, so that one model serves small and
large hotels. A row describes the moment just before the quarter hour that is forecast: no value
in it was measured during or after that quarter hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUARTERS_PER_DAY = 96
HISTORY = 7 * QUARTERS_PER_DAY
EV_HISTORY = 4
MIN_SCALE_KW = 0.1  # a hotel that is switched off must not divide by zero

NAMES = (
    "load_1",
    "load_2",
    "load_3",
    "load_4",
    "load_change_1h",
    "load_yesterday",
    "load_yesterday_change",
    "load_last_week",
    "load_last_week_change",
    "load_mean_day",
    "ev_power_1",
    "ev_power_2",
    "ev_power_change_1h",
    "charge_points_in_use",
    "occupancy",
    "heating_degrees",
    "cooling_degrees",
    "day_sin",
    "day_cos",
    "half_day_sin",
    "half_day_cos",
    "weekday",
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What is known just before each of N quarter hours; row i belongs to forecast i.

    load_kw: (N, 672), mean site load of the past week's quarter hours in kW, oldest first.
    ev_power_kw: (N, 4), mean charging power of the past hour's quarter hours in kW, oldest first.
    charge_points_in_use, occupancy: (N,), shares from 0 to 1.
    temperature_c: (N,), outdoor temperature in degrees Celsius.
    quarter_hour: (N,), 0 to 95, and weekday: (N,), 0 (Monday) to 6, local time of the forecast.
    """

    load_kw: Floats
    ev_power_kw: Floats
    charge_points_in_use: Floats
    occupancy: Floats
    temperature_c: Floats
    quarter_hour: NDArray[np.int64]
    weekday: NDArray[np.int64]


def scale_kw(load_kw: Floats) -> Floats:
    """Return the mean load of the past week in kW, (N,), never below MIN_SCALE_KW."""
    scale: Floats = np.maximum(load_kw.mean(axis=1), MIN_SCALE_KW)
    return scale


def seasonal_naive_kw(load_kw: Floats) -> Floats:
    """Return the load of the same quarter hour last week in kW, (N,): the baseline to beat."""
    return load_kw[:, 0]


def build(now: Measurements) -> NDArray[np.float32]:
    """Return the model inputs, (N, len(NAMES)), in the order of NAMES."""
    scale = scale_kw(now.load_kw)[:, np.newaxis]
    load = now.load_kw / scale
    ev = now.ev_power_kw / scale
    angle = 2 * np.pi * now.quarter_hour / QUARTERS_PER_DAY
    columns = [
        load[:, -1],
        load[:, -2],
        load[:, -3],
        load[:, -4],
        load[:, -1] - load[:, -4],
        load[:, -QUARTERS_PER_DAY],
        load[:, -QUARTERS_PER_DAY] - load[:, -QUARTERS_PER_DAY - 1],
        load[:, 0],
        load[:, 1] - load[:, 0],
        load[:, -QUARTERS_PER_DAY:].mean(axis=1),
        ev[:, -1],
        ev[:, -2],
        ev[:, -1] - ev[:, 0],
        now.charge_points_in_use,
        now.occupancy,
        np.maximum(15.0 - now.temperature_c, 0.0),
        np.maximum(now.temperature_c - 22.0, 0.0),
        np.sin(angle),
        np.cos(angle),
        np.sin(2 * angle),
        np.cos(2 * angle),
        now.weekday,
    ]
    return np.column_stack(columns).astype(np.float32)


def to_kw(change: Floats, load_kw: Floats) -> Floats:
    """Turn the model's output (change from the last load, in scales) into kW, never negative."""
    return np.maximum(load_kw[:, -1] + change * scale_kw(load_kw), 0.0)
