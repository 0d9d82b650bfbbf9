"""What a request may say and what the answer says; openapi.yaml is checked against this."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from loadforecast.features import EV_HISTORY, HISTORY, QUARTERS_PER_DAY, Measurements
from loadforecast.model import Forecast

QUARTER = timedelta(minutes=15)
# RFC 3339 at a full quarter hour from 2000 to 2099; exact, so that the schema tells the whole truth
_DATE = (
    "20[0-9]{2}-("
    "(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
    ")|20([02468][048]|[13579][26])-02-29"
)
_CLOCK = "([01][0-9]|2[0-3]):(00|15|30|45):00"
_OFFSET = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
TIME = f"^({_DATE})T{_CLOCK}{_OFFSET}$"

Power = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Forecasted = Annotated[float, Field(ge=0)]  # may pass the highest power that is accepted
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ForecastRequest(BaseModel):
    """What is known just before the quarter hour that is to be forecast."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    time: Annotated[str, Field(pattern=TIME, max_length=25)]
    load_kw: Annotated[list[Power], Field(min_length=HISTORY, max_length=HISTORY)]
    ev_power_kw: Annotated[list[Power], Field(min_length=EV_HISTORY, max_length=EV_HISTORY)]
    charge_points_in_use: Share
    occupancy: Share
    temperature_c: Annotated[float, Field(ge=-60, le=60, allow_inf_nan=False)]

    @property
    def start(self) -> datetime:
        """The first moment of the quarter hour that is forecast, at the hotel's offset from UTC."""
        return datetime.fromisoformat(self.time)

    def measurements(self) -> Measurements:
        """Return the request as one row for the model."""
        start = self.start
        return Measurements(
            load_kw=np.array([self.load_kw], dtype=np.float64),
            ev_power_kw=np.array([self.ev_power_kw], dtype=np.float64),
            charge_points_in_use=np.array([self.charge_points_in_use]),
            occupancy=np.array([self.occupancy]),
            temperature_c=np.array([self.temperature_c]),
            quarter_hour=np.array([(start.hour * 60 + start.minute) // 15 % QUARTERS_PER_DAY]),
            weekday=np.array([start.weekday()]),
        )


class Interval(BaseModel):
    """Where the load lies nine times out of ten."""

    low: Forecasted
    high: Forecasted


class ForecastResponse(BaseModel):
    """The mean load of the quarter hour from `start` to `end`."""

    start: str
    end: str
    forecast_kw: Forecasted
    interval_kw: Interval
    seasonal_naive_kw: Forecasted
    model_version: str

    @classmethod
    def of(cls, start: datetime, forecast: Forecast, version: str) -> ForecastResponse:
        """Return the answer for the first row of a forecast, in kW to three digits."""
        return cls(
            start=start.isoformat(),
            end=(start + QUARTER).isoformat(),
            forecast_kw=round(float(forecast.load_kw[0]), 3),
            interval_kw=Interval(
                low=round(float(forecast.low_kw[0]), 3), high=round(float(forecast.high_kw[0]), 3)
            ),
            seasonal_naive_kw=round(float(forecast.seasonal_naive_kw[0]), 3),
            model_version=version,
        )
