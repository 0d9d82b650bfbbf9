"""Second opinions on real files through the whole chain: one row for a fact, and who disagrees is told."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlsecops.chain import Chain
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Options
from mlsecops.policy import Policy
from mlsecops.project import discover
from mlsecops.sarif.build import Status
from support import pickles
from support.contexts import toolbox

OURS = "mlsecops-models"
ALL = "mlsecops-models, modelaudit-picklescan, modelscan, picklescan"
# Two numbers as the name of what is to be imported.
NAMELESS = b"\x80\x04K\x01K\x02\x93."


class Quiet:
    """Nobody watches."""

    def started(self, stage: str, tool: str) -> None: ...
    def finished(self, stage: str, tool: str, status: Status, reason: str, seconds: float) -> None: ...


@pytest.fixture(name="concluded", scope="module")
def _concluded(tmp_path_factory: pytest.TempPathFactory) -> Conclusion:
    root, out = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("out")
    files = {
        "plain.pkl": pickles.echo(),
        "archive.pt": pickles.torch_zip(pickles.echo()),
        "packed.joblib": pickles.compressed(pickles.echo(protocol=4), "zlib"),
        "legacy.pt": pickles.torch_legacy(pickles.echo()),
        "harmless.pkl": pickle.dumps(operator.attrgetter("real")),
        "extension.pkl": b"\x80\x02\x82\x01.",
        "nameless.pkl": NAMELESS,
        "dangerous-and-nameless.pkl": pickles.echo(protocol=4) + NAMELESS,
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
    chain = Chain(
        project=discover(root),
        policy=Policy(),
        options=Options(),
        toolbox=toolbox(tmp_path_factory.mktemp("cache"), tools()),
        work=tmp_path_factory.mktemp("work"),
        keep=out,
        cores=2,
    )
    chain.run(["model"], out / "stages", Quiet())
    question = Question(policy=Policy(), expected=["model"], generated=datetime.now(UTC))
    return conclude(out / "stages", out, question)


def tools() -> dict[str, Path]:
    real = toolbox()
    return {name: real.environment(name) for name in ALL.split(", ") if name != OURS}


def rows(concluded: Conclusion, name: str) -> Iterator[tuple[str, str, str]]:
    """Severity, what it is and who found it, of each row of the comment about a file."""
    for line in concluded.files["comment.md"].read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and cells[2:3] == [f"`{name}:1`"]:
            yield cells[0], cells[1], cells[3]


@pytest.mark.parametrize("name", ["plain.pkl", "archive.pt", "packed.joblib"])
def test_what_all_find_is_one_row_that_names_all(concluded: Conclusion, name: str) -> None:
    [(severity, what, tools)] = rows(concluded, name)
    assert "critical" in severity
    assert "runs a program or shell command through `os.system`" in what
    assert tools == ALL


def test_a_row_names_only_who_found_it_and_a_note_who_did_not(concluded: Conclusion) -> None:
    [(_, _, tools)] = rows(concluded, "legacy.pt")
    assert tools == ALL.replace(" modelscan,", "")
    assert f"modelscan finds nothing in legacy.pt, which {OURS} calls dangerous" in notes(concluded)


def test_what_only_others_call_dangerous_is_no_finding_but_told(concluded: Conclusion) -> None:
    assert not list(rows(concluded, "harmless.pkl"))
    for name in ALL.split(", ")[1:]:
        told = f"{name} calls `operator.attrgetter` in harmless.pkl dangerous; {OURS} read how it is used"
        assert told in notes(concluded)


def test_an_extension_is_one_row_too(concluded: Conclusion) -> None:
    [(severity, what, tools)] = rows(concluded, "extension.pkl")
    assert "medium" in severity
    assert "extension 1" in what
    assert tools == f"{OURS}, modelaudit-picklescan"


def test_what_has_no_name_is_one_row_whoever_says_it(concluded: Conclusion) -> None:
    [(severity, what, tools)] = rows(concluded, "nameless.pkl")
    assert "high" in severity
    assert "Another scanner calls this model file dangerous" in what
    assert tools == ALL.replace(f"{OURS}, ", "")


def test_what_has_no_name_joins_the_danger_that_we_found(concluded: Conclusion) -> None:
    [(severity, what, tools)] = rows(concluded, "dangerous-and-nameless.pkl")
    assert "critical" in severity
    assert "`os.system`" in what
    assert OURS in tools


def notes(concluded: Conclusion) -> str:
    """What the summary tells beside the findings."""
    text = concluded.files["summary.md"].read_text(encoding="utf-8")
    return text.partition("#### Notes of the tools")[2].replace("\\_", "_")
