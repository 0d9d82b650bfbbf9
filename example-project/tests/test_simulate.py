from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from training import example_request
from training.simulate import HOTELS, UNSEEN_HOTEL, Hotel, Series, simulate

START = datetime(2025, 1, 6, tzinfo=UTC)
HARBOUR = HOTELS[0]


@pytest.fixture(scope="module")
def series() -> Series:
    return simulate(HARBOUR, START, days=56, seed=1)


def test_the_same_seed_gives_the_same_hotel(series: Series) -> None:
    again = simulate(HARBOUR, START, days=56, seed=1)
    other = simulate(HARBOUR, START, days=56, seed=2)
    np.testing.assert_array_equal(series.load_kw, again.load_kw)
    assert not np.array_equal(series.load_kw, other.load_kw)


def test_values_are_possible(series: Series) -> None:
    points = HARBOUR.charge_points
    for values in (series.charge_points_in_use, series.occupancy):
        assert ((values >= 0) & (values <= 1)).all()
    assert (series.ev_power_kw >= 0).all()
    assert series.ev_power_kw.max() <= points * HARBOUR.charger_kw
    assert (series.load_kw > series.ev_power_kw).all()
    assert -25 < series.temperature_c.min() < series.temperature_c.max() < 45
    assert {values.size for values in (series.load_kw, series.occupancy)} == {56 * 96}


def test_evenings_are_busier_than_nights(series: Series) -> None:
    by_hour = series.load_kw.reshape(-1, 24, 4).mean(axis=(0, 2))
    assert by_hour[19] > 1.5 * by_hour[3]
    charging = series.ev_power_kw.reshape(-1, 24, 4).mean(axis=(0, 2))
    assert charging[18] > 4 * charging[7]


@pytest.mark.parametrize("hotel", [HOTELS[0], HOTELS[1]])
def test_the_week_depends_on_the_guests(hotel: Hotel) -> None:
    nights = simulate(hotel, START, days=84, seed=3).occupancy.reshape(-1, 7, 96)[:, :, 80]
    midweek, weekend = nights[:, [1, 2]].mean(), nights[:, [4, 5]].mean()
    assert (midweek > weekend) == hotel.business


def test_cars_come_stay_and_leave() -> None:
    crowded = Hotel(
        name="crowded", rooms=200, charge_points=2, charger_kw=11.0, business=True,
        heat_pump=False, ev_share=0.5,
    )  # fmt: skip
    series = simulate(crowded, START, days=14, seed=1)
    assert set(np.unique(series.charge_points_in_use)) == {0.0, 0.5, 1.0}
    assert set(np.unique(np.round(series.ev_power_kw // 11.0))) == {0.0, 1.0, 2.0}
    # a car that is full draws nothing but is still connected
    assert ((series.ev_power_kw == 0) & (series.charge_points_in_use > 0)).any()


@pytest.mark.parametrize(
    ("start", "days", "says"), [(START + timedelta(hours=1), 7, "midnight"), (START, 0, "one day")]
)
def test_what_cannot_be_simulated_is_told(start: datetime, days: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        simulate(HARBOUR, start, days=days, seed=1)


def test_the_committed_example_is_the_generated_one(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example_request.main() == 0
    committed = json.loads((root / "examples" / "request.json").read_bytes())
    generated = json.loads(capsys.readouterr().out)
    assert generated.keys() == committed.keys()
    assert generated["time"] == committed["time"]
    for name in ("load_kw", "ev_power_kw", "occupancy", "temperature_c"):
        # the last digit may differ from one processor to another
        assert generated[name] == pytest.approx(committed[name], abs=0.11)
    assert UNSEEN_HOTEL not in HOTELS
