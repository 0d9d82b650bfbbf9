"""A model file of each format through the whole chain: what a reviewer reads in the comment."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from corpus.collection import indeterminate, malicious
from corpus.sample import Sample
from mlsecops.chain import Chain
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Options
from mlsecops.policy import Policy
from mlsecops.project import discover
from mlsecops.sarif.build import Status
from support.comments import Listed, listed
from support.contexts import toolbox

FOLDER = "models/churn"
PICKLED = "(?:runs|calls|loads)"


@dataclass(frozen=True)
class Scene:
    """A file of the corpus, the line that loads it, and what the comment says of it: what, and what to do."""

    family: str
    technique: str
    loads: str = ""
    says: str = PICKLED
    fix: str = "safetensors|ONNX|skops"


TORCH, DATA, CONFIG = "PyTorch archives", "safetensors, skops, NumPy", "configuration and code"
ARCHIVES, OTHER, TENSORFLOW = "archives around models", "other formats", "TensorFlow graphs"
SCENES = {
    "pickle": Scene("plain pickles", "posix.system, protocol 4", "pickle.load(open(FILE, 'rb'))"),
    "joblib": Scene("joblib", "behind a raw array, not aligned", "joblib.load(FILE)"),
    "joblib, compressed": Scene("joblib", "lz4", "joblib.load(FILE)"),
    "PyTorch": Scene(TORCH, "payload among tensors", "torch.load(FILE)"),
    "PyTorch before 1.6": Scene(TORCH, "legacy, payload as the object", "torch.load(FILE)"),
    "PyTorch in a tar": Scene(TORCH, "legacy tar, payload as pickle", "torch.load(FILE)"),
    "TorchScript": Scene(TORCH, "TorchScript that calls aten.save", "torch.jit.load(FILE)", "save|write"),
    "torch.export": Scene(TORCH, "payload among the weights of a .pt2", "torch.export.load(FILE)"),
    "NumPy": Scene(DATA, "objects, version 1", "numpy.load(FILE, allow_pickle=True)"),
    "NumPy archive": Scene(DATA, "objects in an .npz", "numpy.load(FILE, allow_pickle=True)"),
    "safetensors": Scene(DATA, "tensors that overlap", "safetensors.torch.load_file(FILE)", "overlap"),
    "skops": Scene(DATA, "a function", "skops.io.load(FILE)", "runs code|calls"),
    "Keras, HDF5": Scene("Keras", "h5: Lambda", "keras.models.load_model(FILE)", "bytecode"),
    "Keras": Scene("Keras", "v3: Lambda", "keras.models.load_model(FILE)", "bytecode"),
    "SavedModel": Scene(TENSORFLOW, "WriteFile", "tensorflow.saved_model.load(FOLDER)", "write", ""),
    "TensorFlow graph": Scene(TENSORFLOW, "frozen graph, WriteFile", "", "write", ""),
    "ONNX": Scene(
        "ONNX", "external data above the folder", "onnxruntime.InferenceSession(FILE)", "outside", ""
    ),
    "GGUF": Scene("GGUF", "template: all classes", "llama_cpp.Llama(FILE)", "template", ""),
    "Hugging Face": Scene(
        CONFIG,
        "auto_map to another repository",
        "transformers.AutoModel.from_pretrained(FOLDER)",
        "another repository",
        "",
    ),
    "tokenizer": Scene(
        CONFIG, "template: all classes", "transformers.AutoTokenizer.from_pretrained(FOLDER)", "template", ""
    ),
    "MLflow": Scene(CONFIG, "MLmodel with any loader", "mlflow.pyfunc.load_model(FOLDER)", "code", ""),
    "Hydra": Scene(CONFIG, "a target of Hydra", "", "code|names", ""),
    "zip": Scene(ARCHIVES, "zip"),
    "tar.gz": Scene(ARCHIVES, "tar.gz"),
    "lz4": Scene(ARCHIVES, "lz4"),
    "zstd": Scene(ARCHIVES, "zstd"),
    "7z": Scene(ARCHIVES, "7z"),
    "7z, compressed": Scene(ARCHIVES, "7z, compressed"),
    "7z in the place of a PyTorch file": Scene(TORCH, "7z", "torch.load(FILE)"),
    "four archives deep": Scene(ARCHIVES, "four archives deep"),
    "R": Scene(OTHER, "R: a promise that runs when it is read", "pyreadr.read_r(FILE)", "run", ""),
    "PMML": Scene(OTHER, "PMML: an external entity", "pypmml.Model.load(FILE)", "outside|entit", ""),
    "Paddle": Scene(OTHER, "Paddle: a pickle of parameters", "paddle.load(FILE)"),
}
# A harmless file, the one that takes its place, and what is new in it.
CHANGED = {
    "pickle": (("plain pickles", "posix.system, protocol 4"), "imports: `+ posix.system`"),
    "Keras": (("Keras", "v3: Lambda"), "`+ Lambda`"),
    "TensorFlow graph": ((TENSORFLOW, "frozen graph, WriteFile"), "`+ WriteFile`"),
    "Paddle": ((OTHER, "Paddle: a program that calls py_func"), "`+ py_func`"),
}
UNREAD = {
    "empty": ("nobody can read", "empty, .pkl", "it is empty"),
}


class Quiet:
    """Nobody watches."""

    def started(self, stage: str, tool: str) -> None: ...
    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None: ...


@pytest.fixture(name="samples", scope="module")
def _samples() -> dict[tuple[str, str], Sample]:
    return {
        (sample.family, sample.technique): sample for make in (malicious, indeterminate) for sample in make(0)
    }


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")


def concluded(root: Path, tmp_path: Path, baseline: Path | None = None) -> Conclusion:
    """The model stage over a project, and what is made of it."""
    out = tmp_path / ("out" if baseline is None else "again")
    chain = Chain(
        project=discover(root),
        policy=Policy(),
        options=Options(),
        toolbox=toolbox(),
        work=tmp_path / "work",
        keep=out,
        cores=2,
    )
    chain.run(["model"], out / "stages", Quiet())
    question = Question(policy=Policy(), expected=["model"], generated=datetime.now(UTC), baseline=baseline)
    return conclude(out / "stages", out, question)


def source(loads: str, uri: str) -> str:
    """A service that loads a file when it is imported and uses it for a route."""
    call = loads.replace("FILE", repr(uri)).replace("FOLDER", repr(FOLDER))
    module = loads.split("(", maxsplit=1)[0].rpartition(".")[0]
    while module.rpartition(".")[2][:1].isupper():
        module = module.rpartition(".")[0]
    route = "@app.post('/forecast')\ndef forecast():\n    return model.predict()\n"
    return f"import {module}\nfrom flask import Flask\n\napp = Flask(__name__)\nmodel = {call}\n\n\n{route}"


def rows(conclusion: Conclusion, uri: str) -> Iterator[Listed]:
    """The comment's findings in a file."""
    comment = conclusion.files["comment.md"].read_text(encoding="utf-8")
    return (each for each in listed(comment) if uri in each.what)


@pytest.mark.parametrize("name", SCENES)
def test_a_reviewer_reads_what_a_model_file_would_do(
    name: str, samples: dict[tuple[str, str], Sample], tmp_path: Path
) -> None:
    scene = SCENES[name]
    root = tmp_path / "project"
    sample = samples[scene.family, scene.technique]
    uri = sample.write(root / FOLDER).relative_to(root).as_posix()
    if scene.loads:
        (root / "app.py").write_text(source(scene.loads, uri), encoding="utf-8")
    conclusion = concluded(root, tmp_path)
    assert conclusion.verdict.word == "blocked"
    found = list(rows(conclusion, uri))
    first = found[0]
    assert first.severity in ("critical", "high")
    assert "mlsecops-models" in first.tools
    assert re.search(scene.says, first.what), first.what
    assert re.search(scene.fix, first.fix, re.IGNORECASE), first.fix
    assert all(each.fix for each in found)
    if scene.loads:
        called = scene.loads.split("(")[0]
        assert (
            f"It is loaded by `{called}` in app.py:5, which the route POST /forecast reaches." in first.what
        )


@pytest.mark.parametrize("name", UNREAD)
def test_a_reviewer_reads_that_a_file_was_not_read(
    name: str, samples: dict[tuple[str, str], Sample], tmp_path: Path
) -> None:
    family, technique, reason = UNREAD[name]
    root = tmp_path / "project"
    uri = samples[family, technique].write(root / FOLDER).relative_to(root).as_posix()
    conclusion = concluded(root, tmp_path)
    assert conclusion.verdict.word == "incomplete"
    comment = conclusion.files["comment.md"].read_text(encoding="utf-8")
    told = [line for line in comment.splitlines() if uri in line and "not scanned" in line]
    assert any(reason in line for line in told), comment


def test_a_reviewer_reads_what_changed_in_models(
    samples: dict[tuple[str, str], Sample], tmp_path: Path
) -> None:
    folder = tmp_path / "project" / FOLDER
    folder.mkdir(parents=True)
    worse = {
        folder / f"{name}{Path(samples[key].name).suffix}": samples[key].data
        for name, (key, _) in CHANGED.items()
    }
    for path in worse:
        path.write_bytes(pickle.dumps({"weights": [1.0]}))
    concluded(tmp_path / "project", tmp_path)
    for path, data in worse.items():
        path.write_bytes(data)
    conclusion = concluded(tmp_path / "project", tmp_path, tmp_path / "out" / "report.sarif")
    comment = conclusion.files["comment.md"].read_text(encoding="utf-8")
    assert f"#### Models that change ({len(CHANGED)})" in comment
    assert [said for _, said in CHANGED.values() if said not in comment] == []
