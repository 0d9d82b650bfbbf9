"""TensorFlow's graphs: operators that read, write, send or call, wherever they stand."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from corpus.formats import tensorflow as tf
from corpus.formats.keras import Config, lambda_code, layer, old_sequential
from corpus.formats.protobuf import message
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.outcome import severity_of
from mlsecops.models.readers.tensorflow import TensorFlowReader, TensorFlowTextReader
from mlsecops.models.rules import tensorflow as tensorflow_rules
from mlsecops.models.tensorflow import operators, text
from mlsecops.models.walk import UnreadableError
from support.parts import read_with, reasons, rules, subjects

PLACEHOLDER = tf.node("x", "Placeholder")
PATH = tf.const("path", "/etc/passwd")


def of(folder: Path, data: bytes) -> Inspection:
    return read_with(folder, data, TensorFlowReader(), TensorFlowTextReader())


def saved(folder: Path, *nodes: bytes, functions: tuple[bytes, ...] = ()) -> Inspection:
    return of(folder, tf.saved_model(tf.graph(*nodes, functions=functions)))


def severities(found: Inspection) -> list[float]:
    return [severity_of(fact) for fact in found.facts.values()]


def calling(name: str, target: str, *inputs: str, listed: bool = False) -> bytes:
    """A node that calls a function of the library with inputs."""
    value = (
        message((10, message((1, target))))
        if not listed
        else message((1, message((9, message((1, target))))))
    )
    return tf.node(name, "StatefulPartitionedCall", inputs, f=value)


def saving() -> tuple[bytes, ...]:
    """What a SavedModel of TensorFlow 1 does with its checkpoint."""
    return (
        tf.const("save/filename/input", "model"),
        tf.node("save/filename", "PlaceholderWithDefault", ("save/filename/input",)),
        tf.node("save/Const", "PlaceholderWithDefault", ("save/filename",)),
        tf.const("save/part", "_temp_0c/part"),
        tf.node("save/join", "StringJoin", ("save/Const", "save/part")),
        tf.node("save/sharded", "ShardedFilename", ("save/join", "save/n", "save/n", "^save/x")),
        tf.const("save/names", "a/.ATTRIBUTES/VARIABLE_VALUE"),
        tf.node("save/save", "SaveV2", ("save/sharded", "save/names", "x")),
        tf.node("save/restore", "RestoreV2", ("save/Const", "save/names")),
        tf.node("save/merge", "MergeV2Checkpoints", ("save/sharded:0", "save/Const")),
    )


HARMLESS: list[tuple[bytes, ...]] = [
    saving(),
    (PLACEHOLDER, tf.node("y", "AddV2", ("x", "x")), tf.node("_x", "_Retval", ("y",))),
    (PLACEHOLDER, tf.node("print", "PrintV2", ("x",), output_stream=message((2, "stderr")))),
    (PLACEHOLDER, tf.node("p", "DecodeProtoV2", ("x",), descriptor_source=message((2, "local://")))),
    (PLACEHOLDER, tf.node("p", "EncodeProto", ("x",), descriptor_source=message((2, "bytes://abc")))),
    (PLACEHOLDER, tf.node("d", "TFRecordDataset", ("x",))),
    (tf.const("empty", ""), tf.node("c", "CacheDataset", ("x", "empty"))),
    (tf.const("v", "vocab.txt"), tf.node("t", "InitializeTableFromTextFileV2", ("table", "v"))),
    (tf.const("words", "/"), calling("init", "f", "words")),
    (PLACEHOLDER, tf.node("g", "DatasetFromGraph", ("x",))),
]


@pytest.mark.parametrize("nodes", HARMLESS)
def test_honest_graphs_are_no_fact(tmp_path: Path, nodes: tuple[bytes, ...]) -> None:
    function = tf.function("f", tf.node("i", "LookupTableImportV2", ("a", "b")))
    found = saved(
        tmp_path, *nodes, functions=(function, tf.function("g", tf.node("r", "RestoreV2", ("p", "q"))))
    )

    assert (found.facts, found.unread) == ({}, [])
    assert (found.formats, found.producer) == (["TensorFlow graph"], "tensorflow 2.15.0")


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        ("ReadFile", "tensorflow-reads-file"),
        ("WriteFile", "tensorflow-writes-file"),
        ("PyFunc", "tensorflow-python-call"),
        ("ExperimentalSqlDataset", "tensorflow-reads-file"),
        ("SnapshotDatasetV2", "tensorflow-writes-file"),
        ("RpcServer", "tensorflow-network"),
        ("RemoteCall", "tensorflow-native-call"),
        ("DebugIdentityV3", "tensorflow-writes-file"),
        ("TFRecordDatasetV2", "tensorflow-reads-file"),
        ("CreateSummaryFileWriter", "tensorflow-writes-file"),
        ("WholeFileReaderV2", "tensorflow-reads-file"),
        ("RestoreV2", "tensorflow-reads-file"),
        ("SaveV2", "tensorflow-writes-file"),
    ],
)
@pytest.mark.parametrize("place", ["main", "function", "deep"])
def test_operators_on_paths_of_the_machine_are_dangerous(
    tmp_path: Path, op: str, rule: str, place: str
) -> None:
    acting = (
        PATH,
        tf.const("c", "text"),
        tf.node("same", "Identity", ("path:0",)),
        tf.node("act", op, ("same", "c")),
    )
    inner, outer = tf.function("inner", *acting), tf.function("outer", tf.calling("call", "inner"))
    if place == "main":
        found = saved(tmp_path, *acting)
    else:
        functions = (inner,) if place == "function" else (inner, outer)
        found = saved(tmp_path, PLACEHOLDER, functions=functions)

    assert rules(found) == [rule]
    assert max(severities(found)) >= 7.0


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("/etc/x", 8.6),
        ("../x", 8.6),
        ("http://x/y", 8.6),
        ("file:///x", 8.6),
        ("C:\\x", 8.6),
        ("beside.txt", 7.5),
    ],
)
def test_the_path_decides_how_grave_reading_is(tmp_path: Path, path: str, severity: float) -> None:
    found = saved(tmp_path, tf.const("path", path), tf.node("r", "ReadFile", ("path",)))

    assert severities(found) == [severity]
    assert [fact.message for fact in found.facts.values()] == [
        f"Running this graph reads a file: `{path}` (operator `ReadFile`)."
    ]


def test_a_path_from_the_caller_is_less_and_a_computed_one_more(tmp_path: Path) -> None:
    assert severities(saved(tmp_path, PLACEHOLDER, tf.node("r", "ReadFile", ("x",)))) == [6.5]
    hidden = (
        tf.node("n", "RandomUniform"),
        tf.node("s", "AsString", ("n",)),
        tf.node("r", "ReadFile", ("s",)),
    )
    assert severities(saved(tmp_path, *hidden)) == [7.5]
    assert severities(saved(tmp_path, tf.node("n", "NoOp"), tf.node("r", "SaveV2", ("n",)))) == [7.5]


def test_data_beside_the_model_is_a_lesser_matter(tmp_path: Path) -> None:
    found = saved(tmp_path, tf.const("p", "train.csv"), tf.node("d", "TextLineDataset", ("p",)))

    assert severities(found) == [5.3]


def test_paths_reach_operators_through_arguments_of_functions(tmp_path: Path) -> None:
    acting = tf.function("inner", tf.node("w", "SaveV2", ("argument", "names", "data")))
    outer = tf.function("outer", calling("call", "inner", "argument", listed=True))
    found = saved(tmp_path, PATH, calling("call", "outer", "path", "^path", "x"), functions=(acting, outer))
    assert subjects(found, "tensorflow-writes-file") == ["SaveV2 /etc/passwd"]

    by_name = saved(tmp_path, PATH, tf.node("call", "outer", ("path",)), functions=(acting, outer))
    assert subjects(by_name, "tensorflow-writes-file") == ["SaveV2 /etc/passwd"]


def test_functions_that_call_each_other_end(tmp_path: Path) -> None:
    one = tf.function("one", calling("c", "two", "a"), tf.node("r", "ReadFile", ("a",)))
    two = tf.function("two", calling("c", "one", "a"))
    found = saved(tmp_path, PATH, calling("c", "one", "path"), functions=(one, two))

    assert "ReadFile /etc/passwd" in subjects(found, "tensorflow-reads-file")


@pytest.mark.parametrize(
    ("op", "key", "value", "rule"),
    [
        ("PrintV2", "output_stream", "file:///tmp/x", "tensorflow-writes-file"),
        ("DebugIdentity", "debug_urls", "grpc://host:1", "tensorflow-network"),
        ("DebugNumericSummaryV2", "debug_urls", "file:///tmp/x", "tensorflow-writes-file"),
        ("ImmutableConst", "memory_region_name", "/etc/passwd", "tensorflow-reads-file"),
        ("DecodeProtoV2", "descriptor_source", "/etc/x", "tensorflow-reads-file"),
    ],
)
def test_attributes_name_places_too(tmp_path: Path, op: str, key: str, value: str, rule: str) -> None:
    for packed in (message((2, value)), message((1, message((2, value)))), message((8, message((8, value))))):
        found = saved(tmp_path, PLACEHOLDER, tf.node("n", op, ("x",), **{key: packed}))
        assert rule in rules(found)
        assert max(severities(found)) >= 7.0


def test_a_node_with_two_operators_is_both(tmp_path: Path) -> None:
    node = message((1, "n"), (2, ["AddV2", "PyFunc"]), (3, "x"))

    assert rules(of(tmp_path, tf.saved_model(message((1, [PLACEHOLDER, node]))))) == [
        "tensorflow-python-call"
    ]


def test_custom_operators_are_unknown_and_own_functions_are_none(tmp_path: Path) -> None:
    nodes = (PLACEHOLDER, tf.node("a", "SentencepieceOp", ("x",)), tf.node("b", "Addons>Thing", ("x",)))
    found = saved(tmp_path, *nodes, tf.node("c", "own", ("x",)), functions=(tf.function("own", PLACEHOLDER),))

    assert subjects(found, "tensorflow-custom-operator") == ["Addons>Thing", "SentencepieceOp"]
    assert severities(found) == [5.0, 5.0]


def test_graphs_within_texts(tmp_path: Path) -> None:
    data = tf.graph(PATH, tf.node("r", "ReadFile", ("path",)))
    found = Inspection()
    for depth in range(6):
        found = saved(tmp_path, tf.const("g", data), tf.node("d", "DatasetFromGraph", ("g",)))
        assert (rules(found) == ["tensorflow-reads-file"]) == (depth < 4)
        data = tf.graph(tf.const("g", data), tf.node("d", "DatasetFromGraph", ("g",)))
    assert reasons(found) == ["its graphs are nested too deeply"]
    assert reasons(saved(tmp_path, PATH, tf.node("d", "DatasetFromGraph"))) == [
        "it computes a graph while it runs"
    ]


def meta_graph(*nodes: bytes, assets: tuple[bytes, ...] = (), objects: bytes = b"") -> bytes:
    return message((1, message((5, "1.15.0"))), (2, tf.graph(*nodes)), (6, assets), (7, [objects]))


def asset(node: str, name: str) -> bytes:
    return message((1, message((1, node))), (2, name))


def test_assets_are_filled_in_by_the_loader_unless_they_lead_away(tmp_path: Path) -> None:
    table = (
        tf.const("where", "/home/me/vocab.txt"),
        tf.node("t", "InitializeTableFromTextFileV2", ("x", "where")),
    )
    assert of(tmp_path, meta_graph(*table, assets=(asset("where:0", "vocab.txt"),))).facts == {}
    assert severities(of(tmp_path, meta_graph(*table))) == [7.5]

    found = of(tmp_path, meta_graph(PLACEHOLDER, assets=(asset("where:0", "../../etc/passwd"),)))
    assert subjects(found, "tensorflow-asset-escapes") == ["../../etc/passwd"]
    assert found.producer == "tensorflow 1.15.0"


LAMBDA: Config = {
    "class_name": "Lambda",
    "config": {"name": "l", "function": [lambda_code("x")], "function_type": "lambda"},
}


def test_objects_of_keras_are_looked_at_in_old_saved_models_and_beside_new_ones(tmp_path: Path) -> None:
    metadata = json.dumps(old_sequential(LAMBDA, layer("mine", "Mine", {})))
    objects = message((1, message((4, message((1, "_tf_keras_layer"), (3, metadata))))))
    model = message((1, 1), (2, meta_graph(PLACEHOLDER, objects=objects)))
    assert rules(of(tmp_path, model)) == ["keras-lambda-code"]

    entry = message((2, 1), (3, "root"), (4, "_tf_keras_layer"), (5, metadata))
    plain = message((2, 2), (3, "root.x"), (4, "_tf_keras_metric"), (5, "no json"))
    assert rules(of(tmp_path, message((1, [plain, entry])))) == ["keras-lambda-code"]


def test_padding_and_order_hide_nothing(tmp_path: Path) -> None:
    graph = tf.graph(PATH, tf.node("r", "ReadFile", ("path",)))
    padding = message((100, [1] * 5000))
    reverse = message(
        (4, message((1, 5))), (2, b""), (1, [message((2, "ReadFile"), (1, "r"), (3, "path")), PATH])
    )
    for data in (
        padding + tf.saved_model(graph),
        padding + graph,
        padding + message((2, padding + graph)),
        reverse,
    ):
        assert "tensorflow-reads-file" in rules(of(tmp_path, data))


def test_a_fingerprint_is_harmless(tmp_path: Path) -> None:
    found = of(
        tmp_path, message((1, 2**63), (2, 5), (3, 6), (4, 7), (5, 8), (6, message((1, 1))), (7, "12345"))
    )

    assert (found.facts, found.unread, found.formats) == ({}, [], ["TensorFlow graph"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\x80\x04.",
        bytes(500),
        message((1, 8), (2, "pytorch"), (7, b"x")),
        message((1, "a"), (1, 2.5)),
    ],
)
def test_other_files_are_not_ours(tmp_path: Path, data: bytes) -> None:
    assert reasons(of(tmp_path, data)) == ["nobody knows it"]


def test_what_breaks_off_is_not_clean_and_keeps_its_facts(tmp_path: Path) -> None:
    graph = tf.graph(PATH, tf.node("a", "NewOp"), tf.node("r", "PyFunc", ("path",)))
    found = of(tmp_path, graph + b"\x0a\x50abc")
    assert reasons(found) == ["its protobuf message is cut off"]

    metadata = message((5, b"{" + bytes(17 << 20)), (4, "_tf_keras_layer"))
    assert "larger than any real" in reasons(of(tmp_path, message((1, metadata))))[0]


TEXT = """
# a comment
node {
  name: "path" op: 'Const'
  attr { key: "value" value { tensor { dtype: DT_STRING tensor_shape {} string_val: "/etc/" "pass\\x77d" } } }
  attr < key: "dtype" value: < type: DT_STRING > >
}
node: [ { name: "r"; op: "%s", input: ["path", "^x"] },
  { name: "n" op: "NoOp" [some.extension] { a: -1.5e3 } } ]
versions { producer: 1882 }
library { function { signature { name: "f" } node_def { name: "\\u0070" op: "P\\171Func\\n" } } }
"""


def test_texts_are_read_like_binary_graphs(tmp_path: Path) -> None:
    found = of(tmp_path, TEXT.replace("\\n", "").encode() % b"ReadFile")

    assert subjects(found, "tensorflow-reads-file") == ["ReadFile /etc/passwd"]
    assert subjects(found, "tensorflow-python-call") == ["PyFunc"]
    assert found.formats == ["TensorFlow graph as text"]


def test_meta_graphs_and_saved_models_as_text(tmp_path: Path) -> None:
    asset_text = 'asset_file_def { tensor_info { name: "a:0" } filename: "/etc/x" }'
    node = 'node { name: "p" op: "PyFunc" input: "a" }'
    whole = f"saved_model_schema_version: 1 meta_graphs {{ graph_def {{ {node} }} {asset_text} }}"
    for data in (whole, f"\ufeffgraph_def {{ {node} }} {asset_text}"):
        assert rules(of(tmp_path, data.encode())) == ["tensorflow-asset-escapes", "tensorflow-python-call"]
    assert of(tmp_path, b'node { name: "p" op: "AddV2" }').facts == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"node { name: 'a' ", "its text breaks off"),
        (b"node { name: } }", "its text is no sound message"),
        (b"node { ? }", "its text is no sound message"),
        (b"node { 'a' }", "its text is no sound message"),
        (b"node { a { " * 200, "its text is nested too deeply"),
        (b"node { }" + b" " * text.LONGEST, "its text is longer than 32 MiB"),
    ],
)
def test_texts_that_cannot_be_read_are_said(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reasons(of(tmp_path, data)) == [reason]


def test_texts_of_too_many_parts_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MOST_TOKENS", 1000)

    assert reasons(of(tmp_path, b"node { i: [" + b"1 " * 1000)) == [
        "its text has more parts than any real model's"
    ]


def test_a_text_is_not_taken_for_what_it_does_not_begin_like() -> None:
    with pytest.raises(UnreadableError):
        text.to_binary(b"layer { }")
    assert text.to_binary(b'node { name: "\\U0001F600\\UFFFFFFFF\\q" }')[0] == message(
        (1, message((1, "\U0001f600?q")))
    )
    assert text.to_binary(b'node { name: "' + b"n" * 300 + b'" }')[0] == message((1, message((1, "n" * 300))))


def test_operators_by_name_alone() -> None:
    assert operators.of("AddV2") is None
    assert operators.of("SaveV2") is None
    assert operators.of("_Arg") is None
    for name, rule in (("WriteFile", tensorflow_rules.WRITES), ("NoSuchOp", tensorflow_rules.CUSTOM)):
        deed = operators.of(name)
        assert deed is not None
        assert deed.rule is rule


@settings(deadline=None)
@given(
    st.sampled_from(
        [tf.saved_model(tf.graph(*saving(), functions=(tf.function("f", PATH),))), meta_graph(PATH)]
    ),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=6)), max_size=6),
    st.integers(0, 1500),
)
def test_damaged_graphs_end(
    tmp_path_factory: pytest.TempPathFactory, sample: bytes, damages: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(sample)
    for place, damage in damages:
        start = place % len(data)
        data[start : start + len(damage)] = damage
    found = of(tmp_path_factory.mktemp("graph"), bytes(data[:cut] if cut % 3 else data))
    assert all(fact.message for fact in found.facts.values())


@given(st.text(alphabet="node{}<>:[]'\"\\ aopinput#\n19", max_size=60))
def test_any_text_ends(content: str) -> None:
    with suppress(UnreadableError):
        text.to_binary(b"node {" + content.encode())
