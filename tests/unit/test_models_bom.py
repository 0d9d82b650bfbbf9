"""Bills of materials of models, and what model cards say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.models.trust.bom import About, build
from mlsecops.models.trust.cards import Card, CardError, Metric, cards_of, merged, read_mlmodel, read_readme
from mlsecops.models.trust.lock import Entry

A, MD5 = "a" * 64, "b" * 32
README = b"""---
license: apache-2.0
pipeline_tag: text-classification
library_name: transformers
datasets: [imdb, glue]
base_model: bert-base
model-index:
- name: my-bert
  results:
  - task: {type: text-classification}
    dataset: {name: IMDb, type: imdb}
    metrics:
    - {type: accuracy, value: 0.93}
    - {name: F1, value: "0.9"}
    - 7
  - 8
---
# A model
"""
MLMODEL = b"""artifact_path: model
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.4}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.2}
metadata: {datasets: sales, metrics: {rmse: 1.5}}
"""
ABOUT = About(project="shop")


def bill(*entries: Entry, about: About = ABOUT, **cards: Card) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(build(about, entries, cards))
    return found


def test_a_bill_lists_models_and_who_made_them() -> None:
    made = bill(
        Entry(path="b", md5=MD5, producer="keras 3.4"),
        Entry(
            path="a",
            sha256=A,
            size=0,
            format="pickle",
            producer="scikit-learn",
            verdict="harmless",
            signer="k",
        ),
        Entry(path="c", md5=f"{MD5}.dir"),
    )
    assert [each["bom-ref"] for each in made["components"]] == [
        *("model:a", "model:b", "model:c", "library:keras@3.4", "library:scikit-learn")
    ]
    first, second, third = made["components"][:3]
    assert first["hashes"] == [{"alg": "SHA-256", "content": A}]
    assert {each["name"]: each["value"] for each in first["properties"]} == {
        "mlsecops:path": "a",
        "mlsecops:format": "pickle",
        "mlsecops:size": "0",
        "mlsecops:producer": "scikit-learn",
        "mlsecops:verdict": "harmless",
        "mlsecops:signer": "k",
    }
    assert second["hashes"] == [{"alg": "MD5", "content": MD5}]
    assert "hashes" not in third
    assert {"name": "mlsecops:dvc", "value": f"{MD5}.dir"} in third["properties"]
    assert made["dependencies"] == [
        {"ref": "project", "dependsOn": ["model:a", "model:b", "model:c"]},
        {"ref": "model:a", "dependsOn": ["library:scikit-learn"]},
        {"ref": "model:b", "dependsOn": ["library:keras@3.4"]},
        {"ref": "model:c", "dependsOn": []},
        {"ref": "library:keras@3.4", "dependsOn": []},
        {"ref": "library:scikit-learn", "dependsOn": []},
    ]


def test_the_same_models_give_the_same_bytes() -> None:
    entries = [Entry(path=name, sha256=A) for name in "abc"]
    assert build(ABOUT, entries, {}) == build(ABOUT, reversed(entries), {})
    made = bill()
    assert "serialNumber" not in made
    assert "timestamp" not in made["metadata"]


def test_a_time_and_a_serial_number_when_given() -> None:
    about = About(project="", made=datetime(2026, 11, 20, tzinfo=UTC), serial="urn:uuid:1")
    made = bill(about=about)
    assert made["metadata"]["timestamp"] == "2026-11-20T00:00:00Z"
    assert made["serialNumber"] == "urn:uuid:1"
    assert made["metadata"]["component"]["name"] == "project"


def test_a_card_is_in_the_bill() -> None:
    card = read_readme(README)
    assert card is not None
    component = bill(Entry(path="a", sha256=A), a=card)["components"][0]
    assert component["name"] == "my-bert"
    assert component["licenses"] == [{"license": {"name": "apache-2.0"}}]
    assert component["pedigree"]["ancestors"][0]["name"] == "bert-base"
    assert component["modelCard"] == {
        "modelParameters": {
            "task": "text-classification",
            "datasets": [{"type": "dataset", "name": "imdb"}, {"type": "dataset", "name": "glue"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": "accuracy", "value": "0.93", "slice": "IMDb"},
                {"type": "F1", "value": "0.9", "slice": "IMDb"},
            ]
        },
    }


def test_names_of_strangers_are_escaped() -> None:
    made = build(ABOUT, [Entry(path="a\udcff\n\u202e\x1b", sha256=A)], {})
    assert json.loads(made)["components"][0]["name"] == "a\\udcff\\n\\u202e\\x1b"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# A project",
        b"---\n",
        b"---\ntitle: A blog\nlayout: post\n---\n",
        b"---\nsdk: gradio\ndatasets: [a]\n---\n",
        b"---\n- a\n---\n",
    ],
)
def test_what_is_no_model_card(content: bytes) -> None:
    assert read_readme(content) is None


def test_metrics_without_values_and_other_spellings() -> None:
    said = b"---\r\nmetrics: [rmse, true]\r\nlicense: other\r\nlicense_name: ours\r\nmodel_name: m\r\n---\r\n"
    card = Card(name="m", licenses=("ours",), metrics=(Metric("rmse"),))
    assert read_readme(said) == card
    assert read_readme(b"\xef\xbb\xbf" + said) == card
    assert read_readme(
        b"---\nmodel-index: [{results: [{dataset: {type: d}, metrics: [{type: r}]}]}]\n...\n"
    ) == Card(datasets=("d",), metrics=(Metric("r", "", "d"),))


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"---\ndatasets: [\n---\n", "line 3"), (b"---\ndatasets: !!python/name:os.system a\n---\n", "line 2")],
)
def test_a_card_that_cannot_be_read(content: bytes, line: str) -> None:
    with pytest.raises(CardError, match=line):
        read_readme(content)


def test_cards_of_mlflow() -> None:
    assert read_mlmodel(MLMODEL) == Card(
        library="scikit-learn", version="1.5.2", datasets=("sales",), metrics=(Metric("rmse", "1.5"),)
    )
    assert read_mlmodel(b"flavors: {python_function: {}}") == Card()
    assert read_mlmodel(b"flavors: {onnx: 7}\nmetadata: {metrics: 7}") == Card(library="onnx")
    for content in (b"a: 1", b"flavors: 7", b"["):
        with pytest.raises(CardError):
            read_mlmodel(content)


def test_of_the_library_mlflow_knows_best() -> None:
    readme = Card(library="sklearn", datasets=("a",))
    flow = Card(library="scikit-learn", version="1.5", datasets=("b",), task="t")
    assert merged(readme, flow) == Card(library="scikit-learn", version="1.5", datasets=("a",), task="t")
    assert merged(readme, Card()) == readme
    made = bill(Entry(path="a", sha256=A, producer="pickle"), a=flow)
    assert made["components"][1]["bom-ref"] == "library:scikit-learn@1.5"


def test_the_nearest_card_counts() -> None:
    files = {
        "README.md": README.replace(b"my-bert", b"top"),
        "m/readme.md": README.replace(b"my-bert", b"near"),
        "m/plain/README.md": b"# plain",
        "m/MLmodel": MLMODEL,
        "o/README.md": b"---\ndatasets: [\n---\n",
        "far/README.md": README,
    }

    def read(uri: str) -> bytes:
        assert not uri.startswith("far/")
        return files[uri]

    found, problems = cards_of(["a.pkl", "m/plain/b.pkl", "o/c.pkl"], files, read)
    assert {path: card.name for path, card in found.items()} == {
        "a.pkl": "top",
        "m/plain/b.pkl": "near",
        "o/c.pkl": "top",
    }
    assert found["m/plain/b.pkl"].version == "1.5.2"
    assert list(problems) == ["o/README.md"]
    assert problems["o/README.md"].startswith("line 3: not valid YAML")


def test_a_card_that_cannot_be_opened_is_said() -> None:
    def read(uri: str) -> bytes:
        raise PermissionError(13, "Permission denied", uri)

    assert cards_of(["a"], ["README.md"], read) == ({}, {"README.md": "Permission denied"})
    assert cards_of(["a"], [], read) == ({}, {})


@given(st.binary(max_size=120))
def test_any_bytes_are_a_card_or_refused(content: bytes) -> None:
    for read, text in (
        (read_readme, content),
        (read_readme, b"---\n" + content + b"\n---\n"),
        (read_mlmodel, content),
    ):
        try:
            read(text)
        except CardError:
            continue


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_names_make_a_bill(path: str, producer: str) -> None:
    bill(Entry(path=path, sha256=A, producer=producer, signer=producer))
