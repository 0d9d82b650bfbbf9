from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from loadforecast import features
from loadforecast.features import HISTORY
from loadforecast.schema import ForecastRequest
from training.dataset import Examples, examples, measurements, split
from training.simulate import HOTELS, Series, simulate

START = datetime(2025, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def series() -> Series:
    return simulate(HOTELS[0], START, days=28, seed=1)


def test_no_input_knows_what_comes(series: Series) -> None:
    now = HISTORY + 500
    later: dict[str, Any] = {
        name: np.concatenate([getattr(series, name)[:now], np.full(series.load_kw.size - now, 1e6)])
        for name in ("load_kw", "ev_power_kw", "charge_points_in_use", "temperature_c")
    }
    # tonight's bookings are known, tomorrow's are not looked at
    occupancy = np.concatenate(
        [series.occupancy[: now + 1], np.full(series.load_kw.size - now - 1, 9.0)]
    )
    spoiled = replace(series, occupancy=occupancy, **later)
    steps = np.array([now])
    before = features.build(measurements(series, steps))
    np.testing.assert_array_equal(before, features.build(measurements(spoiled, steps)))
    # and one step later the spoiled values are seen, so the test can fail
    assert (features.build(measurements(spoiled, steps + 1)) > 100).any()


def test_training_and_service_make_the_same_inputs(series: Series) -> None:
    steps = np.array([HISTORY, HISTORY + 333, series.load_kw.size - 1])
    trained_on = features.build(measurements(series, steps))
    for row, step in zip(trained_on, steps.tolist(), strict=True):
        moment = datetime.fromtimestamp(START.timestamp() + step * 900, UTC)
        request = ForecastRequest(
            time=moment.isoformat(),
            load_kw=series.load_kw[step - HISTORY : step].tolist(),
            ev_power_kw=series.ev_power_kw[step - 4 : step].tolist(),
            charge_points_in_use=float(series.charge_points_in_use[step - 1]),
            occupancy=float(series.occupancy[step]),
            temperature_c=float(series.temperature_c[step - 1]),
        )
        np.testing.assert_array_equal(row, features.build(request.measurements())[0])


def test_examples_hold_what_happened(series: Series) -> None:
    every = examples(series, block=1000)
    assert every.step.tolist() == list(range(HISTORY, series.load_kw.size))
    np.testing.assert_array_equal(every.actual_kw, series.load_kw[HISTORY:])
    np.testing.assert_array_equal(every.last_kw, series.load_kw[HISTORY - 1 : -1])
    np.testing.assert_array_equal(every.naive_kw, series.load_kw[:-HISTORY])
    np.testing.assert_allclose(
        every.last_kw + every.target * every.scale_kw, every.actual_kw, rtol=1e-12
    )


def test_the_split_is_by_time_and_the_same_for_all_hotels(series: Series) -> None:
    other = simulate(HOTELS[1], START, days=28, seed=1)
    every = Examples.joined([examples(series), examples(other)])
    parts = split(every)
    assert parts.train.step.max() < parts.validation.step.min()
    assert parts.validation.step.max() < parts.test.step.min()
    sizes = [one.step.size for one in (parts.train, parts.validation, parts.test)]
    assert sum(sizes) == every.step.size
    assert sizes[0] / every.step.size == pytest.approx(0.6, abs=0.01)
    assert all(size % 2 == 0 for size in sizes)  # both hotels to the same moment


def test_an_empty_part_is_refused(series: Series) -> None:
    with pytest.raises(ValueError, match="empty"):
        split(examples(series), train_share=0.6, validation_share=0.4)
