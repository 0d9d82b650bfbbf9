"""The real model scanners over harmless, malicious and unreadable model files."""

from __future__ import annotations

import operator
import pickle
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from corpus.assembler import Style, pickled
from corpus.formats.joblib import array
from corpus.formats.packings import lz4
from mlsecops.job import Options, Scan
from mlsecops.model_scanning.processes import Crew, Readings
from mlsecops.policy import Policy
from mlsecops.scan import scan
from mlsecops.stages import model
from support import pickles
from support.contexts import context, toolbox

OWN = "mlsecops-models"
OTHERS = ("picklescan", "modelaudit-picklescan", "modelscan")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"


def runs(root: Path, tmp_path: Path, files: dict[str, bytes], policy: Policy | None = None) -> dict[str, Any]:
    """The settled runs of the model stage over a project of these files, by tool."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    shared = context("model", root, tmp_path, policy=policy, tools=toolbox(tmp_path / "cache", tools()))
    due = [each for each in model.plan(shared.project, Policy(), Options()) if isinstance(each, Scan)]
    found = model.settle([scan(each.tool, each.targets, shared) for each in due])
    return {run["tool"]["driver"]["name"]: run for run in found}


def tools() -> dict[str, Path]:
    """The environments of the other scanners, so that only the cache of outcomes is a new one."""
    real = toolbox()
    return {name: real.environment(name) for name in OTHERS}


def own(run: Any) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


def uris(run: Any) -> set[str]:
    return {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]
    }


def texts(run: Any) -> list[str]:
    return [result["message"]["text"] for result in run["results"]]


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def test_malicious_pickles_are_found_by_all(root: Path, tmp_path: Path) -> None:
    bad = {f"models/p{protocol}.pkl": pickles.echo(protocol=protocol) for protocol in range(5)}
    bad |= {
        "models/zip.pt": pickles.torch_zip(pickles.echo()),
        "models/small.joblib": pickles.compressed(pickles.echo(), "zlib"),
        "models/no_suffix": pickles.echo(),
        "models/-o.pkl": pickles.echo(),
        "models/a:b c\n.bin": pickles.echo(),
    }
    settings = {"modelscan-settings.toml": b"[modelscan]\nskip = true\n[scanners]\n"}
    good = {"models/good.pkl": pickles.harmless(4), "models/good.pt": pickles.torch_zip(pickles.harmless())}
    found = runs(root, tmp_path, bad | good | settings)
    expected = {name.replace(" ", "%20").replace("\n", "%0A").replace(":", "%3A") for name in bad}
    for name in (OWN, *OTHERS):
        assert own(found[name])["status"] == "findings", own(found[name])["reason"]
        assert uris(found[name]) == expected
        assert own(found[name])["scanned"] == len(bad) + len(good)


def test_one_import_is_one_finding_whoever_reports_it(root: Path, tmp_path: Path) -> None:
    found = runs(root, tmp_path, {"m.pkl": pickles.echo(protocol=0)})
    prints = {
        result["partialFingerprints"]["mlsecops/v1"] for run in found.values() for result in run["results"]
    }
    assert len(prints) == 1


def test_a_finding_says_what_happens_where_and_who_loads_it(root: Path, tmp_path: Path) -> None:
    app = b"""import torch
from fastapi import FastAPI

app = FastAPI()
model = torch.load("net.pt")


@app.post("/forecast")
def forecast():
    return model()
"""
    files = {"net.pt": pickles.torch_zip(pickles.echo(), root="net"), "app.py": app}
    [text] = texts(runs(root, tmp_path, files)[OWN])
    assert "os.system" in text
    assert "`net/data.pkl`" in text
    assert "at byte " in text
    assert text.endswith("It is loaded by `torch.load` in app.py:5, which the route POST /forecast reaches.")


def test_harmless_models_pass(root: Path, tmp_path: Path) -> None:
    files = {"m.pkl": pickles.harmless(), "m.pt": pickles.torch_zip(pickles.harmless())}
    for name, run in runs(root, tmp_path, files).items():
        assert own(run)["status"] == "passed", (name, own(run)["reason"])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), ""),
        ("m.pkl", LFS, "it is a Git LFS pointer"),
        ("m.pkl", b"", "it is empty"),
        ("m.pkl", pickles.harmless()[:-4], ""),
        ("m.pt", pickles.torch_zip(b"garbage"), ""),
        ("m.cbm", b"CBM2 something", "its format is not known"),
    ],
)
def test_what_nothing_can_read_is_incomplete(
    root: Path, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    run = runs(root, tmp_path, {name: content})[OWN]
    assert own(run)["status"] == "incomplete"
    assert own(run)["reason"].startswith(f"{OWN}: could not read {name} (not scanned: ")
    assert reason in own(run)["reason"]


def test_our_readers_vouch_for_what_the_others_cannot_read(root: Path, tmp_path: Path) -> None:
    unaligned = pickled([array(aligned=False)], Style(protocol=4))
    found = runs(root, tmp_path, {"m.joblib": unaligned, "m.pkl.lz4": lz4(pickles.harmless())})
    assert own(found[OWN])["status"] == "passed", own(found[OWN])["reason"]
    for name in OTHERS:
        assert own(found[name])["status"] == "passed", own(found[name])["reason"]
        assert any("could not read m.joblib and 1 more" in note for note in own(found[name])["notes"])


def _settled(name: str, *, unread: bool) -> dict[str, Any]:
    status = "incomplete" if unread else "passed"
    reason = {"status": status, "reason": "", "doubts": ["unparsed"] if unread else [], "notes": []}
    place = {"physicalLocation": {"artifactLocation": {"uri": "m.pt"}}}
    told = [{"message": {"text": "why"}}, {"message": {"text": "m.pt: why"}, "locations": [place]}]
    return {
        "tool": {"driver": {"name": name}},
        "artifacts": [] if unread else [{"location": {"uri": "m.pt"}}],
        "results": [],
        "invocations": [{"toolExecutionNotifications": told if unread else []}],
        "properties": {"mlsecops": {**reason, "unparsed": ["m.pt"] if unread else []}},
    }


@pytest.mark.parametrize(("blind", "status"), [(OWN, "incomplete"), *((name, "passed") for name in OTHERS)])
def test_nobody_vouches_for_our_own_readers(blind: str, status: str) -> None:
    """modelscan reads the first pickle of a legacy file only, and picklescan few formats."""
    names = (OWN, *OTHERS)
    settled = model.settle([_settled(name, unread=name == blind) for name in names])
    assert {run["tool"]["driver"]["name"]: own(run)["status"] for run in settled}[blind] == status


def test_a_call_in_a_later_pickle_is_found(root: Path, tmp_path: Path) -> None:
    found = runs(root, tmp_path, {"m.pt": pickles.torch_legacy(pickles.echo()[:-1] + b"\xff")})
    for name in (OWN, "picklescan"):
        assert uris(found[name]) == {"m.pt"}


def test_what_they_call_dangerous_and_we_read_to_be_harmless_is_a_note(root: Path, tmp_path: Path) -> None:
    found = runs(root, tmp_path, {"m.pkl": pickle.dumps(operator.attrgetter("real"))})
    assert [own(run)["status"] for run in found.values()] == ["passed"] * 4
    notes = [note for run in found.values() for note in own(run)["notes"]]
    assert any(
        "attrgetter` in m.pkl dangerous; mlsecops-models read how it is used" in note for note in notes
    )


def test_a_second_run_reads_only_what_is_new(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    asked: list[list[str]] = []
    read = Crew.read

    def seen(crew: Crew[Any], paths: Sequence[str], canary: str) -> Readings[Any]:
        if crew.python == sys.executable:
            asked.append([Path(path).name for path in paths])
        return read(crew, paths, canary)

    monkeypatch.setattr(Crew, "read", seen)
    (root / "old.pkl").write_bytes(pickles.echo())
    time.sleep(2.1)  # what changed just now could change again without a trace
    runs(root, tmp_path, {})
    found = runs(root, tmp_path, {"new.pkl": pickles.harmless()})[OWN]
    assert asked == [["old.pkl"], ["new.pkl"]]
    assert (uris(found), own(found)["scanned"]) == ({"old.pkl"}, 2)
