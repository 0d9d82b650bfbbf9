"""Trains the model on simulated hotels and writes it with its metrics, card and checksum.

    python -m training.train [--out models] [--days 364] [--seed 20250106]

Ends 1 and writes nothing when the model is not better than both baselines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from loadforecast.features import NAMES, Floats
from training import card
from training.dataset import Examples, Split, examples, split
from training.evaluation import Metrics, evaluate, forecast_kw, interval
from training.export import to_onnx
from training.simulate import HOTELS, UNSEEN_HOTEL, simulate

MODEL_VERSION = "1.0.0"
START = datetime(2025, 1, 6, tzinfo=timezone(timedelta(hours=1)))  # one offset, no clock change
CANDIDATES = (
    {"learning_rate": 0.1, "max_iter": 60, "max_leaf_nodes": 15},
    {"learning_rate": 0.1, "max_iter": 120, "max_leaf_nodes": 15},
    {"learning_rate": 0.06, "max_iter": 120, "max_leaf_nodes": 23},
)


class TrainingError(Exception):
    """The model must not be published; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted model, how it was made and how good it is."""

    model: HistGradientBoostingRegressor
    settings: dict[str, float]
    offsets: tuple[float, float]
    test: Metrics
    unseen: Metrics


def fit(settings: dict[str, float], on: Examples) -> HistGradientBoostingRegressor:
    """Fit one model; the absolute error as loss keeps rare charging peaks from ruling it."""
    model = HistGradientBoostingRegressor(
        loss="absolute_error", early_stopping=False, random_state=0, **settings
    )
    return model.fit(on.inputs, on.target)


def predict(model: HistGradientBoostingRegressor, of: Examples) -> Floats:
    """Return the model's output, (N,), in scales."""
    output: Floats = model.predict(of.inputs)
    return output


def train(parts: Split, unseen: Examples) -> Trained:
    """Choose settings on validation, fit on training plus validation, measure on test once.

    Raises TrainingError when the model is not better than both baselines.
    """
    tried = []
    for settings in CANDIDATES:
        output = predict(fit(settings, parts.train), parts.validation)
        error = np.abs(forecast_kw(output, parts.validation) - parts.validation.actual_kw).mean()
        tried.append((float(error), settings, interval(output, parts.validation)))
    _, settings, offsets = min(tried, key=lambda one: one[0])
    model = fit(settings, Examples.joined([parts.train, parts.validation]))
    test = evaluate(predict(model, parts.test), parts.test, offsets)
    if min(test.skill_seasonal_naive, test.skill_persistence) <= 0:
        raise TrainingError(f"the model is no better than a baseline (MAE {test.mae_kw:.2f} kW)")
    return Trained(
        model=model,
        settings=settings,
        offsets=offsets,
        test=test,
        unseen=evaluate(predict(model, unseen), unseen, offsets),
    )


def write(trained: Trained, out: Path, *, seed: int, days: int) -> None:
    """Write forecast.onnx, SHA256SUMS, metrics.json and MODEL_CARD.md into `out`."""
    metadata = {
        "version": MODEL_VERSION,
        "features": ",".join(NAMES),
        "interval_low": repr(trained.offsets[0]),
        "interval_high": repr(trained.offsets[1]),
    }
    content = to_onnx(trained.model, len(NAMES), metadata).SerializeToString(deterministic=True)
    metrics = {
        "version": MODEL_VERSION,
        "settings": trained.settings,
        "data": {"seed": seed, "days": days, "start": START.date().isoformat()},
        "test": _rounded(trained.test),
        "unseen_hotel": _rounded(trained.unseen),
    }
    text = card.render(
        trained.test,
        trained.unseen,
        version=MODEL_VERSION,
        settings=", ".join(f"{name} {value}" for name, value in trained.settings.items()),
        features=len(NAMES),
        seed=seed,
        hotels=len(HOTELS),
        days=days,
        start=START.date().isoformat(),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "forecast.onnx").write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    (out / "SHA256SUMS").write_text(f"{checksum}  forecast.onnx\n", encoding="ascii")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def _rounded(metrics: Metrics) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(metrics).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, train, write; return the exit code."""
    parser = argparse.ArgumentParser(prog="training.train", description="Trains the model.")
    parser.add_argument("--out", type=Path, default=Path("models"), help="where to write (models)")
    parser.add_argument("--days", type=int, default=364, help="days to simulate (364)")
    parser.add_argument("--seed", type=int, default=20250106, help="seed of the simulation")
    options = parser.parse_args(arguments)
    if options.days < 28:
        parser.error("at least 28 days are needed: every forecast looks back a week")
    simulated = [examples(simulate(hotel, START, options.days, options.seed)) for hotel in HOTELS]
    parts = split(Examples.joined(simulated))
    later = examples(simulate(UNSEEN_HOTEL, START, options.days, options.seed))
    try:
        trained = train(parts, later.where(later.step >= parts.test.step.min()))
    except TrainingError as error:
        sys.stderr.write(f"training: {error}; nothing was written\n")
        return 1
    write(trained, options.out, seed=options.seed, days=options.days)
    sys.stdout.write(json.dumps(_rounded(trained.test), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
