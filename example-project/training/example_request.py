"""Prints a request for the service, made from the simulated hotel that the model never saw.

python -m training.example_request > examples/request.json
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone

from loadforecast.features import EV_HISTORY, HISTORY, QUARTERS_PER_DAY, Floats
from training.simulate import UNSEEN_HOTEL, simulate

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1)))  # a Monday
STEP = 11 * QUARTERS_PER_DAY + 18 * 4  # the second Friday, 18:00: guests arrive with their cars


def make() -> dict[str, object]:
    """Return the body of POST /forecast for that moment."""
    series = simulate(UNSEEN_HOTEL, START, days=12, seed=7)
    return {
        "time": (START + STEP * timedelta(minutes=15)).isoformat(),
        "ev_power_kw": _plain(series.ev_power_kw[STEP - EV_HISTORY : STEP]),
        "charge_points_in_use": float(series.charge_points_in_use[STEP - 1]),
        "occupancy": float(series.occupancy[STEP]),
        "temperature_c": float(series.temperature_c[STEP - 1]),
        "load_kw": _plain(series.load_kw[STEP - HISTORY : STEP]),
    }


def _plain(values: Floats) -> list[float]:
    return [float(value) for value in values]


def main() -> int:
    """Print the request as JSON; return the exit code."""
    sys.stdout.write(json.dumps(make()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
