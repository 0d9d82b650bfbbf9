"""Cuts simulated series into forecast examples and splits them by time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from loadforecast.features import (
    EV_HISTORY,
    HISTORY,
    QUARTERS_PER_DAY,
    Floats,
    Measurements,
    build,
    scale_kw,
    seasonal_naive_kw,
)
from training.simulate import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """N forecasts that could have been made, and what then happened.

    inputs: (N, features). target: (N,), change from the last load in scales. step: (N,), number
    of the quarter hour that is forecast. actual_kw, last_kw, naive_kw, scale_kw: (N,), in kW.
    """

    inputs: NDArray[np.float32]
    target: Floats
    step: NDArray[np.int64]
    actual_kw: Floats
    last_kw: Floats
    naive_kw: Floats
    scale_kw: Floats

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the examples for which `chosen`, (N,), is true."""
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return the examples of several hotels, one after the other."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Three parts in the order of time: no target is earlier than one of the part before."""

    train: Examples
    validation: Examples
    test: Examples


def measurements(series: Series, steps: NDArray[np.int64]) -> Measurements:
    """Return what was known just before each of `steps`, each of which is at least HISTORY.

    Occupancy is tonight's booking, known beforehand; all else ends one quarter hour earlier.
    """
    past = sliding_window_view(series.load_kw, HISTORY)[steps - HISTORY]
    ev_past = sliding_window_view(series.ev_power_kw, EV_HISTORY)[steps - EV_HISTORY]
    return Measurements(
        load_kw=past,
        ev_power_kw=ev_past,
        charge_points_in_use=series.charge_points_in_use[steps - 1],
        occupancy=series.occupancy[steps],
        temperature_c=series.temperature_c[steps - 1],
        quarter_hour=steps % QUARTERS_PER_DAY,
        weekday=(series.start.weekday() + steps // QUARTERS_PER_DAY) % 7,
    )


def examples(series: Series, block: int = 4096) -> Examples:
    """Return every forecast that has a whole week before it; `block` rows at a time save memory."""
    parts = []
    for first in range(HISTORY, series.load_kw.size, block):
        steps = np.arange(first, min(first + block, series.load_kw.size))
        now = measurements(series, steps)
        scale = scale_kw(now.load_kw)
        actual, last = series.load_kw[steps], now.load_kw[:, -1]
        parts.append(
            Examples(
                inputs=build(now),
                target=(actual - last) / scale,
                step=steps,
                actual_kw=actual,
                last_kw=last,
                naive_kw=seasonal_naive_kw(now.load_kw),
                scale_kw=scale,
            )
        )
    return Examples.joined(parts)


def split(every: Examples, train_share: float = 0.6, validation_share: float = 0.2) -> Split:
    """Split at two moments that are the same for all hotels; nothing is shuffled.

    Raises ValueError when one of the three parts would be empty.
    """
    first, last = int(every.step.min()), int(every.step.max()) + 1
    cut_1 = first + round((last - first) * train_share)
    cut_2 = first + round((last - first) * (train_share + validation_share))
    if not first < cut_1 < cut_2 < last:
        raise ValueError("the shares leave one part of the split empty")
    return Split(
        train=every.where(every.step < cut_1),
        validation=every.where((every.step >= cut_1) & (every.step < cut_2)),
        test=every.where(every.step >= cut_2),
    )
