"""The real model scanners over harmless, malicious and unreadable model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlsecops.job import Options, Scan
from mlsecops.policy import Policy
from mlsecops.scan import scan
from mlsecops.stages import model
from support import pickles
from support.contexts import context


def runs(root: Path, tmp_path: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """The settled runs of the model stage over a project of these files, by tool."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    shared = context("model", root, tmp_path)
    due = [each for each in model.plan(shared.project, Policy(), Options()) if isinstance(each, Scan)]
    found = model.settle([scan(each.tool, each.targets, shared) for each in due])
    return {run["tool"]["driver"]["name"]: run for run in found}


def own(run: Any) -> dict[str, Any]:
    properties: dict[str, Any] = run["properties"]["mlsecops"]
    return properties


def uris(run: Any) -> set[str]:
    return {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]
    }


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def test_malicious_pickles_are_found_by_both(root: Path, tmp_path: Path) -> None:
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
    for name in ("picklescan", "modelscan"):
        assert own(found[name])["status"] == "findings", own(found[name])["reason"]
        assert uris(found[name]) == expected
        assert own(found[name])["scanned"] == len(bad) + len(good)


def test_harmless_models_pass(root: Path, tmp_path: Path) -> None:
    files = {"m.pkl": pickles.harmless(), "m.pt": pickles.torch_zip(pickles.harmless())}
    for name, run in runs(root, tmp_path, files).items():
        assert own(run)["status"] == "passed", (name, own(run)["reason"])


@pytest.mark.parametrize(
    ("name", "content", "tool"),
    [
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), "mlsecops-model-formats"),
        ("m.keras", pickles.zipped({"config.json": b"{}", "metadata.json": b"{}"}), "mlsecops-model-formats"),
        (
            "m.pkl",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
            "mlsecops-model-formats",
        ),
        ("m.pkl", b"", "picklescan"),
        ("m.pkl", pickles.harmless()[:-4], "picklescan"),
        ("m.joblib", pickles.joblib_with_array(), "picklescan"),
        ("m.pt", pickles.torch_zip(b"garbage"), "picklescan"),
    ],
)
def test_what_nothing_can_read_is_incomplete(
    root: Path, tmp_path: Path, name: str, content: bytes, tool: str
) -> None:
    run = runs(root, tmp_path, {name: content})[tool]
    assert own(run)["status"] == "incomplete"
    assert name in own(run)["reason"]


def _settled(name: str, *, unread: bool) -> dict[str, Any]:
    status = "incomplete" if unread else "passed"
    reason = {"status": status, "reason": "", "doubts": ["unparsed"] if unread else [], "notes": []}
    return {
        "tool": {"driver": {"name": name}},
        "artifacts": [] if unread else [{"location": {"uri": "m.pt"}}],
        "results": [],
        "invocations": [{"toolExecutionNotifications": []}],
        "properties": {"mlsecops": {**reason, "unparsed": ["m.pt"] if unread else []}},
    }


@pytest.mark.parametrize(("blind", "status"), [("picklescan", "incomplete"), ("modelscan", "passed")])
def test_only_picklescan_vouches_for_what_the_other_cannot_read(blind: str, status: str) -> None:
    """modelscan reads the first pickle of a legacy file only, and calls the rest clean."""
    names = ("picklescan", "modelscan")
    settled = model.settle([_settled(name, unread=name == blind) for name in names])
    assert {run["tool"]["driver"]["name"]: own(run)["status"] for run in settled}[blind] == status


def test_a_call_in_a_later_pickle_is_found(root: Path, tmp_path: Path) -> None:
    found = runs(root, tmp_path, {"m.pt": pickles.torch_legacy(pickles.echo()[:-1] + b"\xff")})
    assert uris(found["picklescan"]) == {"m.pt"}
