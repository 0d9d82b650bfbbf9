"""Writes the model card: what the model is for, how good it is, and where it must not be used."""

from __future__ import annotations

from training.evaluation import Metrics

TEMPLATE = """\
# Model card: loadforecast {version}

Written by `python -m training.train`; do not edit by hand.

| | |
| --- | --- |
| Task | mean electric load of a hotel with EV charging over the next 15 minutes, in kW |
| Model | gradient-boosted regression trees ({settings}) |
| Format | ONNX, one `TreeEnsembleRegressor`; SHA-256 in `SHA256SUMS`, checked before loading |
| Inputs | {features} values: past week's load, charging, occupancy, temperature, calendar |
| Output | change from the last load, as a share of the past week's mean load |
| Data | simulated, seed {seed}: {hotels} hotels, {days} days from {start} in steps of 15 minutes |
| Personal data | none; sessions and guests are simulated counts |

## How good it is

Split by time, the same two moments for all hotels: 60 % training, 20 % validation (chooses the
settings and the interval), 20 % test (looked at once). The unseen hotel is in no part of training.

| | test | unseen hotel |
| --- | ---: | ---: |
{rows}

*Seasonal naive* is the same quarter hour last week, *persistence* the last quarter hour.
nMAPE is the mean absolute error as a share of the mean load; skill is 1 - MAE / MAE of the
baseline.

## Limits

- Trained on simulated hotels: train it again on measured data before relying on it.
- 15 minutes ahead, one step. Nothing is known about longer horizons.
- The interval holds on average, not for every hour: arrivals of cars make evenings less certain.
- Daylight saving: inputs are a week of quarter hours at one fixed offset from UTC.
- Not for protecting fuses or transformers: that is the job of the load management on site.
"""

ROWS = (
    ("Forecasts", "forecasts", "{:,d}"),
    ("Mean load, kW", "mean_load_kw", "{:.1f}"),
    ("MAE, kW", "mae_kw", "{:.2f}"),
    ("RMSE, kW", "rmse_kw", "{:.2f}"),
    ("nMAPE", "nmape", "{:.1%}"),
    ("MAE of seasonal naive, kW", "mae_seasonal_naive_kw", "{:.2f}"),
    ("MAE of persistence, kW", "mae_persistence_kw", "{:.2f}"),
    ("Skill against seasonal naive", "skill_seasonal_naive", "{:.1%}"),
    ("Skill against persistence", "skill_persistence", "{:.1%}"),
    ("Loads inside the 90 % interval", "interval_coverage", "{:.1%}"),
)


def render(test: Metrics, unseen: Metrics, **facts: object) -> str:
    """Return the card as Markdown; `facts` fills the other fields of the template."""
    rows = [
        f"| {title} | {form.format(getattr(test, name))} | {form.format(getattr(unseen, name))} |"
        for title, name, form in ROWS
    ]
    return TEMPLATE.format(rows="\n".join(rows), **facts)
