"""Simulates the load of hotels with EV charging in steps of 15 minutes; seeded, so repeatable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from loadforecast.features import QUARTERS_PER_DAY, Floats

HOURS_PER_STEP = 0.25
HOUR_OF_STEP: Floats = np.arange(QUARTERS_PER_DAY, dtype=np.float64) * HOURS_PER_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotel:
    """What makes one hotel different from another."""

    name: str
    rooms: int
    charge_points: int
    charger_kw: float
    business: bool  # busy on working days, otherwise at weekends
    heat_pump: bool
    ev_share: float  # share of occupied rooms that arrive with an electric car


HOTELS = (
    Hotel(
        name="harbour",
        rooms=180,
        charge_points=16,
        charger_kw=11.0,
        business=True,
        heat_pump=False,
        ev_share=0.10,
    ),
    Hotel(
        name="old-town",
        rooms=60,
        charge_points=4,
        charger_kw=22.0,
        business=False,
        heat_pump=False,
        ev_share=0.06,
    ),
    Hotel(
        name="lake",
        rooms=95,
        charge_points=10,
        charger_kw=11.0,
        business=False,
        heat_pump=True,
        ev_share=0.14,
    ),
    Hotel(
        name="airport",
        rooms=260,
        charge_points=24,
        charger_kw=22.0,
        business=True,
        heat_pump=True,
        ev_share=0.08,
    ),
    Hotel(
        name="spa",
        rooms=130,
        charge_points=12,
        charger_kw=22.0,
        business=False,
        heat_pump=True,
        ev_share=0.12,
    ),
)
UNSEEN_HOTEL = Hotel(
    name="vineyard",
    rooms=75,
    charge_points=8,
    charger_kw=22.0,
    business=False,
    heat_pump=True,
    ev_share=0.15,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One hotel's measurements; every array is (T,), one value per quarter hour of local time."""

    start: datetime
    load_kw: Floats
    ev_power_kw: Floats
    charge_points_in_use: Floats
    occupancy: Floats
    temperature_c: Floats


def simulate(hotel: Hotel, start: datetime, days: int, seed: int) -> Series:
    """Return `days` whole days of one hotel from `start`, which must be a midnight.

    Raises ValueError when `start` is not a midnight or `days` is not positive.
    """
    if (start.hour, start.minute, start.second, start.microsecond) != (0, 0, 0, 0):
        raise ValueError(f"the simulation starts at midnight, not at {start:%H:%M:%S}")
    if days < 1:
        raise ValueError(f"at least one day is simulated, not {days}")
    # the name goes into the seed: two hotels with one seed have different weather and guests
    rng = np.random.default_rng([seed, *hotel.name.encode()])
    temperature = _temperature(rng, start, days)
    occupancy = _occupancy(rng, hotel, start, days)
    ev_power, in_use = _charging(rng, hotel, occupancy)
    building = _building(rng, hotel, occupancy, temperature)
    return Series(
        start=start,
        load_kw=np.round(building + ev_power, 2),
        ev_power_kw=np.round(ev_power, 2),
        charge_points_in_use=np.round(in_use, 3),
        occupancy=np.round(occupancy, 3),
        temperature_c=np.round(temperature, 1),
    )


def _autoregressive(rng: np.random.Generator, steps: int, keep: float, spread: float) -> Floats:
    """Return AR(1) noise: coefficient `keep`, standard deviation `spread`."""
    shocks = rng.normal(0.0, spread * np.sqrt(1.0 - keep**2), steps)
    noise = np.empty(steps)
    value = rng.normal(0.0, spread)
    for step, shock in enumerate(shocks):
        value = keep * value + shock
        noise[step] = value
    return noise


def _temperature(rng: np.random.Generator, start: datetime, days: int) -> Floats:
    steps = np.arange(days * QUARTERS_PER_DAY)
    day_of_year = start.timetuple().tm_yday + steps / QUARTERS_PER_DAY
    season = 10.5 - 9.5 * np.cos(2 * np.pi * (day_of_year - 20) / 365.25)
    daily = -4.0 * np.cos(2 * np.pi * (steps % QUARTERS_PER_DAY - 16) / QUARTERS_PER_DAY)
    return season + daily + _autoregressive(rng, steps.size, 0.998, 3.0)


def _occupancy(rng: np.random.Generator, hotel: Hotel, start: datetime, days: int) -> Floats:
    """Return the share of occupied rooms; it changes at 14:00, when guests check in."""
    business = (0.72, 0.84, 0.86, 0.80, 0.55, 0.48, 0.50)
    leisure = (0.45, 0.46, 0.50, 0.58, 0.82, 0.92, 0.66)
    weekly = np.array(business if hotel.business else leisure)
    nights = np.arange(days + 1)  # the first night began the day before the first midnight
    season = 0.07 * np.sin(2 * np.pi * (start.timetuple().tm_yday + nights - 100) / 365.25)
    noise = _autoregressive(rng, days + 1, 0.6, 0.07)
    share = np.clip(weekly[(start.weekday() - 1 + nights) % 7] + season + noise, 0.05, 1.0)
    return np.roll(np.repeat(share, QUARTERS_PER_DAY), -10 * 4)[: days * QUARTERS_PER_DAY]


def _building(
    rng: np.random.Generator, hotel: Hotel, occupancy: Floats, temperature: Floats
) -> Floats:
    """Return the load without charging in kW: always-on, guests, kitchen, climate and noise."""
    days = occupancy.size // QUARTERS_PER_DAY
    hour = np.tile(HOUR_OF_STEP, days)

    def peak(at: float, width: float) -> Floats:
        return np.exp(-0.5 * ((hour - at) / width) ** 2)

    always_on = 0.28 * hotel.rooms
    guests = hotel.rooms * occupancy * (0.15 + 0.55 * peak(7.4, 1.1) + 0.70 * peak(19.8, 2.0))
    kitchen = 0.22 * hotel.rooms * (peak(6.8, 0.9) + 0.7 * peak(12.3, 1.0) + peak(18.6, 1.3))
    heating = np.maximum(15.0 - temperature, 0.0) * (0.022 if hotel.heat_pump else 0.004)
    cooling = np.maximum(temperature - 22.0, 0.0) * 0.030
    climate = hotel.rooms * (heating + cooling) * (0.6 + 0.4 * occupancy)
    load = always_on + guests + kitchen + climate
    slow = _autoregressive(rng, load.size, 0.96, 0.035)
    fast = rng.normal(0.0, 0.012, load.size)
    return load * (1.0 + slow + fast)


def _charging(rng: np.random.Generator, hotel: Hotel, occupancy: Floats) -> tuple[Floats, Floats]:
    """Return charging power in kW and the share of charge points in use, step by step.

    Cars come mostly between 15 and 21 o'clock and stay the night, some come around noon for a
    few hours. A car draws the charger's power until it has its energy, then blocks the point.
    """
    overnight = np.exp(-0.5 * ((HOUR_OF_STEP - 17.8) / 2.0) ** 2)
    lunch = np.exp(-0.5 * ((HOUR_OF_STEP - 12.2) / 1.0) ** 2)
    arrivals_per_day = hotel.rooms * hotel.ev_share
    overnight *= 0.85 * arrivals_per_day / overnight.sum()
    lunch *= 0.35 * arrivals_per_day / lunch.sum()

    needed: NDArray[np.float64] = np.zeros(0)  # kWh that each connected car still wants
    leaves: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    power = np.zeros(occupancy.size)
    in_use = np.zeros(occupancy.size)
    for step in range(occupancy.size):
        quarter = step % QUARTERS_PER_DAY
        stays = leaves > step
        needed, leaves = needed[stays], leaves[stays]
        staying = rng.poisson(overnight[quarter] * occupancy[step])
        passing = rng.poisson(lunch[quarter] * occupancy[step])
        for is_overnight in [True] * staying + [False] * passing:
            if needed.size == hotel.charge_points:
                break
            morning = (QUARTERS_PER_DAY - quarter) + rng.normal(9.0, 1.0) * 4
            stay = morning if is_overnight else rng.normal(2.2, 0.7) * 4
            energy = np.clip(rng.lognormal(3.2, 0.5), 4.0, 80.0)
            needed = np.append(needed, energy)
            leaves = np.append(leaves, step + max(2, round(stay)))
        delivered = np.minimum(needed, hotel.charger_kw * HOURS_PER_STEP)
        needed = needed - delivered
        power[step] = delivered.sum() / HOURS_PER_STEP
        in_use[step] = needed.size / hotel.charge_points
    return power, in_use
