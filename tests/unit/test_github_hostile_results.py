"""Whatever a hostile job writes into a result: it is refused in one line, or everything after can take it."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.conclude import Question, conclude
from mlsecops.github import artifacts, upload
from mlsecops.github.needs import Need
from mlsecops.policy import Policy
from mlsecops.sarif.build import Json
from mlsecops.sarif.check import check
from mlsecops.sarif.files import read
from support.sarif_logs import log, result, rule, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**53,
    1e308,
    "",
    "x\x00\x1b[31m\u202e",
    "../../up",
    [],
    [[]],
    {},
    [{}],
    [1, "a"],
    {"text": 5},
)


def sound() -> Json:
    """A result with all kinds of things in it."""
    findings = [result("T1", suppression="known"), result("T2", line=3, severity=9.5)]
    made = run("test", "pytest", findings, [rule("T1"), rule("T2")])
    place = made["results"][0]["locations"][0]
    made["results"][0]["codeFlows"] = [{"threadFlows": [{"locations": [{"location": place}]}]}]
    made["results"][1]["relatedLocations"] = [place]
    for number, each in enumerate(made["results"]):
        each |= {"ruleIndex": number, "level": "error"}
    return log(made, left_out=[{"path": "a", "reason": "b", "files": 1}])


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside of a value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [way for key, each in inner for way in [(*above, key), *places(each, (*above, key))]]


@settings(max_examples=100)
@given(chance=st.randoms(), number=st.integers(1, 4))
def test_a_result_with_anything_in_it_ends_in_a_report(chance: Random, number: int) -> None:
    sarif = sound()
    for _ in range(number):
        *way, last = chance.choice(places(sarif))
        holder: Any = sarif
        for key in way:
            holder = holder[key]
        holder[last] = deepcopy(chance.choice(STRANGE))
    content = orjson.dumps(sarif)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("downloads", "stages", "out"):
            (folder / name).mkdir()
        (folder / "downloads" / "test.sarif").write_bytes(content)
        needs = {"test": Need("success", hashlib.sha256(content).hexdigest(), 1)}

        absent = artifacts.accept(folder / "downloads", needs, ["test"], folder / "stages")
        question = Question(policy=Policy(), expected=["test"], generated=NOW, absent=absent)
        conclusion = conclude(folder / "stages", folder / "out", question)
        outputs = (folder / "upload.sarif", folder / "upload-more.sarif")
        uploaded = upload.write(
            sorted((folder / "stages").iterdir()), outputs, report=conclusion.report, project="a"
        )

        assert all(reason.isprintable() for reason in absent.values())
        assert all(check(read(output)) == [] for output in uploaded.files)
