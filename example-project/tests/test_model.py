from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from loadforecast.features import NAMES
from loadforecast.model import Forecaster, ModelError
from loadforecast.schema import ForecastRequest


@pytest.fixture
def models(root: Path, tmp_path: Path) -> Path:
    """A copy of the model and its checksum that a test may spoil."""
    for name in ("forecast.onnx", "SHA256SUMS"):
        shutil.copy(root / "models" / name, tmp_path)
    return tmp_path


def record(model: Path) -> None:
    checksum = hashlib.sha256(model.read_bytes()).hexdigest()
    (model.parent / "SHA256SUMS").write_text(f"{checksum} *{model.name}\n", encoding="ascii")


def change_metadata(model: Path, **values: str) -> None:
    proto = onnx.load(model)
    kept = {one.key: one.value for one in proto.metadata_props} | values
    onnx.helper.set_model_props(proto, kept)
    onnx.save(proto, model)
    record(model)


def test_the_committed_model_loads_and_answers(models: Path, body: dict[str, Any]) -> None:
    forecaster = Forecaster.load(models / "forecast.onnx")
    now = ForecastRequest.model_validate_json(str(body).replace("'", '"')).measurements()
    found = forecaster.forecast(now)
    assert found.low_kw[0] < found.load_kw[0] < found.high_kw[0]
    assert found.seasonal_naive_kw[0] == body["load_kw"][0]


def test_loading_leaves_no_trace_and_reports_to_nobody(
    models: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    # onnxruntime's telemetry starts with its import, so it takes a new process to see it
    process = multiprocessing.get_context("spawn").Process(
        target=Forecaster.load, args=(models / "forecast.onnx",)
    )
    process.start()
    process.join(timeout=30)
    assert process.exitcode == 0
    assert list(home.rglob("*")) == []


def test_both_forms_that_sha256sum_writes_are_read(models: Path) -> None:
    record(models / "forecast.onnx")
    assert Forecaster.load(models / "forecast.onnx").version


def test_one_changed_byte_is_refused(models: Path) -> None:
    path = models / "forecast.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"checksum of forecast\.onnx is not the one"):
        Forecaster.load(path)


@pytest.mark.parametrize("recorded", ["", "0" * 64 + "  forecast.onnx\n", "nonsense\n"])
def test_a_model_without_its_checksum_is_refused(models: Path, recorded: str) -> None:
    (models / "SHA256SUMS").write_text(recorded, encoding="ascii")
    with pytest.raises(ModelError, match="is not the one"):
        Forecaster.load(models / "forecast.onnx")


@pytest.mark.parametrize("missing", ["forecast.onnx", "SHA256SUMS"])
def test_a_missing_file_is_one_sentence(models: Path, missing: str) -> None:
    (models / missing).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        Forecaster.load(models / "forecast.onnx")


def test_what_is_no_model_is_refused(models: Path) -> None:
    path = models / "forecast.onnx"
    path.write_bytes(b"not a model")
    record(path)
    with pytest.raises(ModelError, match="not a model of this service"):
        Forecaster.load(path)


def test_a_model_for_other_inputs_is_refused(models: Path) -> None:
    path = models / "forecast.onnx"
    change_metadata(path, features=",".join(reversed(NAMES)))
    with pytest.raises(ModelError, match="other inputs"):
        Forecaster.load(path)


def test_an_answer_that_is_not_finite_is_an_error(body: dict[str, Any]) -> None:
    class Broken:
        def run(self, _outputs: None, _inputs: dict[str, Any]) -> list[Any]:
            return [np.array([[np.nan]], dtype=np.float32)]

    now = ForecastRequest(**body).measurements()
    with pytest.raises(ModelError, match="not finite"):
        Forecaster(Broken(), "0", (0.0, 0.0)).forecast(now)
