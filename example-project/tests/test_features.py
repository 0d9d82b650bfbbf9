from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loadforecast import features
from loadforecast.features import EV_HISTORY, HISTORY, Floats, Measurements


def moment(load: Floats, **changes: Any) -> Measurements:
    now = Measurements(
        load_kw=load[np.newaxis, :],
        ev_power_kw=np.array([[0.0, 2.0, 4.0, 8.0]]),
        charge_points_in_use=np.array([0.5]),
        occupancy=np.array([0.8]),
        temperature_c=np.array([10.0]),
        quarter_hour=np.array([24]),
        weekday=np.array([4]),
    )
    return replace(now, **changes)


def row(now: Measurements) -> dict[str, float]:
    return dict(zip(features.NAMES, features.build(now)[0].tolist(), strict=True))


def test_lags_come_from_the_right_quarter_hours() -> None:
    load = np.arange(1.0, HISTORY + 1)  # value i was measured in quarter hour i of the week
    scale = load.mean()
    found = row(moment(load))
    assert found["load_1"] == pytest.approx(672 / scale)
    assert found["load_4"] == pytest.approx(669 / scale)
    assert found["load_change_1h"] == pytest.approx(3 / scale, rel=1e-5)
    assert found["load_yesterday"] == pytest.approx(577 / scale)
    assert found["load_last_week"] == pytest.approx(1 / scale)
    assert found["load_mean_day"] == pytest.approx((577 + 672) / 2 / scale)
    assert found["ev_power_1"] == pytest.approx(8 / scale)
    assert found["ev_power_change_1h"] == pytest.approx(8 / scale)


def test_weather_and_calendar() -> None:
    load = np.full(HISTORY, 50.0)
    cold = row(moment(load))
    assert (cold["heating_degrees"], cold["cooling_degrees"]) == (5.0, 0.0)
    hot = row(moment(load, temperature_c=np.array([30.0])))
    assert (hot["heating_degrees"], hot["cooling_degrees"]) == (0.0, 8.0)
    assert (cold["day_sin"], cold["day_cos"]) == pytest.approx((1.0, 0.0), abs=1e-6)  # 06:00
    assert (cold["half_day_sin"], cold["half_day_cos"]) == pytest.approx((0.0, -1.0), abs=1e-6)
    assert cold["weekday"] == 4.0


def test_a_hotel_ten_times_as_large_looks_the_same() -> None:
    load = np.random.default_rng(1).uniform(20.0, 90.0, HISTORY)
    small = moment(load)
    large = moment(load * 10, ev_power_kw=small.ev_power_kw * 10)
    np.testing.assert_allclose(features.build(small), features.build(large), rtol=1e-5)


def test_a_hotel_without_load_divides_by_nothing() -> None:
    now = moment(np.zeros(HISTORY), ev_power_kw=np.zeros((1, EV_HISTORY)))
    assert np.isfinite(features.build(now)).all()
    assert features.scale_kw(now.load_kw).tolist() == [features.MIN_SCALE_KW]


def test_inputs_are_float32_in_the_order_of_the_names() -> None:
    inputs = features.build(moment(np.full(HISTORY, 50.0)))
    assert inputs.dtype == np.float32
    assert inputs.shape == (1, len(features.NAMES))
    assert len(set(features.NAMES)) == len(features.NAMES)


def test_the_output_becomes_kilowatts_and_is_never_negative() -> None:
    load = np.full((2, HISTORY), 40.0)
    assert features.to_kw(np.array([0.25, -2.0]), load).tolist() == [50.0, 0.0]


def test_seasonal_naive_is_the_same_quarter_hour_last_week() -> None:
    load = np.arange(float(HISTORY))[np.newaxis, :] + 7
    assert features.seasonal_naive_kw(load).tolist() == [7.0]
