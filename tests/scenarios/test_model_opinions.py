"""Second opinions on real files through the whole chain: one row for a fact, and who disagrees is told."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from corpus.collection import harmless, malicious
from mlsecops.chain import Chain
from mlsecops.conclude import Conclusion, Question, conclude
from mlsecops.job import Options
from mlsecops.policy import ModelSettings, Policy
from mlsecops.project import discover
from mlsecops.sarif.build import Status
from support import pickles
from support.comments import listed
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
    return scanned(files, Policy(), tmp_path_factory)


@pytest.fixture(name="deeply", scope="module")
def _deeply(tmp_path_factory: pytest.TempPathFactory) -> Conclusion:
    """With modelaudit, in a repository that has settings for it."""
    blind = 'suppress = ["S201", "S104", "S115"]\n'
    samples = {sample.technique: sample.data for make in (malicious, harmless) for sample in make(0)}
    files = {
        "plain.pkl": pickles.echo(),
        "lambda.h5": samples["h5: Lambda"],
        "saved_model.pb": samples["SavedModel"],
        ".modelaudit.toml": blind.encode(),
        "pyproject.toml": f"[tool.modelaudit]\n{blind}".encode(),
    }
    return scanned(files, Policy(models=ModelSettings(deep=True)), tmp_path_factory)


def scanned(files: dict[str, bytes], policy: Policy, factory: pytest.TempPathFactory) -> Conclusion:
    """The model stage over a project of these files, and what is made of it."""
    root, out = factory.mktemp("project"), factory.mktemp("out")
    for name, content in files.items():
        (root / name).write_bytes(content)
    real = toolbox()
    tools = {name: real.environment(name) for name in (*ALL.split(", ")[1:], "modelaudit")}
    chain = Chain(
        project=discover(root),
        policy=policy,
        options=Options(),
        toolbox=toolbox(factory.mktemp("cache"), tools),
        work=factory.mktemp("work"),
        keep=out,
        cores=2,
    )
    chain.run(["model"], out / "stages", Quiet())
    question = Question(policy=policy, expected=["model"], generated=datetime.now(UTC))
    return conclude(out / "stages", out, question)


def rows(concluded: Conclusion, name: str) -> Iterator[tuple[str, str, str]]:
    """Severity, what it is and who found it, of each finding of the comment in a file."""
    for each in listed(concluded.files["comment.md"].read_text(encoding="utf-8")):
        if each.place == name:
            yield each.severity, each.what, each.tools


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


def test_modelaudit_is_asked_about_every_file_and_not_by_settings_of_the_repository(
    deeply: Conclusion,
) -> None:
    [(_, _, tools)] = rows(deeply, "plain.pkl")
    assert tools == ALL.replace("modelaudit-", "modelaudit, modelaudit-")
    [(severity, what, tools)] = rows(deeply, "lambda.h5")
    assert "critical" in severity
    assert "bytecode" in what
    assert tools == f"{OURS}, modelaudit"


def test_what_modelaudit_misreads_is_told_and_blocks_nothing(deeply: Conclusion) -> None:
    assert not list(rows(deeply, "saved_model.pb"))
    told = f"modelaudit finds Dangerous TensorFlow operation in saved_model.pb; {OURS} read all of it"
    assert told in notes(deeply)


def notes(concluded: Conclusion) -> str:
    """What the summary tells beside the findings."""
    text = concluded.files["summary.md"].read_text(encoding="utf-8")
    return text.partition("#### Notes of the tools")[2].replace("\\_", "_")
