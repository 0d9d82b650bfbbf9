"""Loads the model after checking its checksum, and forecasts with it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime

from loadforecast import features
from loadforecast.features import Floats, Measurements

CHECKSUMS = "SHA256SUMS"


class ModelError(Exception):
    """The model cannot be used; the text says why in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """N forecasts in kW, each (N,); low and high enclose the load nine times out of ten."""

    load_kw: Floats
    low_kw: Floats
    high_kw: Floats
    seasonal_naive_kw: Floats


@dataclass(frozen=True, slots=True)
class Forecaster:
    """A loaded model; safe to use from several threads."""

    session: Any
    version: str
    offsets: tuple[float, float]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load an ONNX file whose SHA-256 stands in the SHA256SUMS file beside it.

        The bytes that are checked are the bytes that are loaded. Raises ModelError when the file
        or its checksum is missing, they do not match, or the model was made for other inputs.
        """
        try:
            content = path.read_bytes()
            recorded = (path.parent / CHECKSUMS).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"the model or its checksum cannot be read: {error}") from error
        expected = dict(_checksum(line) for line in recorded.splitlines() if line.strip())
        actual = hashlib.sha256(content).hexdigest()
        if not hmac.compare_digest(expected.get(path.name, "").encode(), actual.encode()):
            raise ModelError(f"the checksum of {path.name} is not the one in {CHECKSUMS}")
        return cls._from_bytes(content, path.name)

    @classmethod
    def _from_bytes(cls, content: bytes, name: str) -> Self:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one row at a time; the server has threads enough
        options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(
                content, sess_options=options, providers=["CPUExecutionProvider"]
            )
            metadata = session.get_modelmeta().custom_metadata_map
            made_for = tuple(metadata["features"].split(","))
            offsets = (float(metadata["interval_low"]), float(metadata["interval_high"]))
            version = metadata["version"]
        except Exception as error:  # onnxruntime has no common base class for what it raises
            raise ModelError(f"{name} is not a model of this service: {error}") from error
        if made_for != features.NAMES:
            raise ModelError(f"{name} was trained on other inputs than this service makes")
        return cls(session, version, offsets)

    def forecast(self, now: Measurements) -> Forecast:
        """Forecast the next quarter hour of each row.

        Raises ModelError when the model answers with something that is not a finite number.
        """
        (output,) = self.session.run(None, {"inputs": features.build(now)})
        change = np.asarray(output, dtype=np.float64)[:, 0]
        if not np.isfinite(change).all():
            raise ModelError("the model gave a value that is not finite")
        low, high = self.offsets
        return Forecast(
            load_kw=features.to_kw(change, now.load_kw),
            low_kw=features.to_kw(change + low, now.load_kw),
            high_kw=features.to_kw(change + high, now.load_kw),
            seasonal_naive_kw=features.seasonal_naive_kw(now.load_kw),
        )


def _checksum(line: str) -> tuple[str, str]:
    """Read a line as `sha256sum` writes it: digest, two spaces (or space and star), name."""
    digest, _, name = line.partition(" ")
    return name.strip().removeprefix("*"), digest.lower()
