"""Keras configurations: what rebuilding a model from one imports, runs and opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corpus.formats.hdf5 import Group, hdf5
from corpus.formats.keras import Config, dense, function, h5, lambda_code, layer, old_sequential, sequential
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.keras import config, modules
from mlsecops.models.readers.keras_h5 import Hdf5Reader
from mlsecops.models.readers.keras_zip import KerasConfigReader
from mlsecops.models.rules import keras as keras_rules
from support.parts import read_with, reasons, rules, subjects

CODE = lambda_code("__import__('os').system('echo')")


def of_config(folder: Path, value: Any) -> Inspection:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_with(folder, data, KerasConfigReader())


def old_lambda(**config: object) -> Config:
    return {"class_name": "Lambda", "config": {"name": "l", "function_type": "lambda", **config}}


def harmless() -> list[Config]:
    """Objects as Keras 2.11 to 3 write them."""
    policy = layer("keras", "DTypePolicy", {"name": "float32"})
    history = {"shape": [None, 4], "dtype": "float32", "keras_history": ["a", 0, 0]}
    tensor: Config = {"class_name": "__keras_tensor__", "config": history}
    spec = {
        "class_name": "__typespec__",
        "spec_name": "TensorSpec",
        "module": "tensorflow.python.framework.tensor",
    }
    return [
        layer("keras.layers", "Dense", {"activation": function("builtins", "relu"), "dtype": policy}),
        layer("keras.layers", "Dense", {"activation": function("keras.ops", "tanh"), "vocabulary": None}),
        layer(
            "keras.layers", "Activation", {"activation": function("tensorflow.python.ops.gen_nn_ops", "relu")}
        ),
        layer("keras.layers", "Lambda", {"function": function("builtins", "preprocess_input")}),
        layer("keras.layers", "StringLookup", {"vocabulary": ["a", "/etc/passwd", "http://x"]}),
        layer("keras.src.models.functional", "Functional", {"layers": []}, "Functional"),
        layer("tf_keras.src.engine.functional", "Functional", {"layers": []}, "Functional"),
        layer("keras_hub.src.models.bert.bert_backbone", "BertBackbone", {}, "keras_hub>BertBackbone"),
        layer("keras.optimizers.schedules", "ExponentialDecay", {}),
        {"class_name": "Custom>Adam", "config": {"learning_rate": 0.1}},
        {"class_name": "Addons>AdamW", "config": {}},
        {"class_name": "TFOpLambda", "config": {"function": "math.add"}},
        {"class_name": "TFOpLambda", "config": {"function": "image.resize"}},
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": '{"name": "a", "op": "AddV2"}'}},
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": {"name": "a", "op": "AddV2"}}},
        {"class_name": "TensorShape", "config": {"items": [1]}},
        {"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": []},
        {**spec, "config": [], "registered_name": None},
        {"name": "n", "inbound_nodes": [{"args": [tensor], "kwargs": {}}]},
        {"class_name": 7, "config": {}},
    ]


@pytest.mark.parametrize("item", harmless())
def test_keras_own_objects_are_no_fact(tmp_path: Path, item: Config) -> None:
    found = of_config(tmp_path, sequential(dense(), item))

    assert (found.facts, found.unread, found.formats) == ({}, [], ["Keras configuration"])


DANGEROUS: list[tuple[Config, str, str]] = [
    (layer("os", "system", {}), "keras-arbitrary-import", "os.system"),
    (layer("subprocess", "Popen", {}), "keras-arbitrary-import", "subprocess.Popen"),
    (function("builtins", "eval"), "keras-arbitrary-import", "builtins.eval"),
    (function("posix", "system"), "keras-arbitrary-import", "posix.system"),
    (function("keras.utils", "get_file"), "keras-arbitrary-import", "keras.utils.get_file"),
    (layer("keras.src.utils.file_utils", "get_file", {}), "keras-arbitrary-import", "get_file"),
    (layer("keras.utils", "FeatureSpaceX", {}), "keras-arbitrary-import", "keras.utils.FeatureSpaceX"),
    (function("numpy", "load"), "keras-arbitrary-import", "numpy.load"),
    (function("tensorflow.python.ops.io_ops", "read_file"), "keras-arbitrary-import", "read_file"),
    (layer("../evil", "X", {}), "keras-arbitrary-import", "../evil.X"),
    (function("a b", "c"), "keras-arbitrary-import", "a b.c"),
    (
        {
            "class_name": "__typespec__",
            "spec_name": "system",
            "module": "os",
            "config": [],
            "registered_name": None,
        },
        "keras-arbitrary-import",
        "os.system",
    ),
    (
        old_lambda(function="system", function_type="function", module="os"),
        "keras-arbitrary-import",
        "os.system",
    ),
    (old_lambda(function_type=None, function="lambda x: f(x)"), "keras-lambda-code", "the layer `l`"),
    (old_lambda(function_type=None, function=["4wEAAA==", None, None]), "keras-lambda-code", "the layer `l`"),
    (old_lambda(function_type=None, function="system", module="os"), "keras-arbitrary-import", "os.system"),
    (
        {"class_name": "TFOpLambda", "config": {"function": "io.write_file"}},
        "keras-arbitrary-import",
        "write_file",
    ),
    (
        {"class_name": "TFOpLambda", "config": {"function": "py_function"}},
        "keras-arbitrary-import",
        "py_function",
    ),
    (
        {"class_name": "TFOpLambda", "config": {"function": "raw_ops.ReadFile"}},
        "keras-arbitrary-import",
        "ReadFile",
    ),
    (
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": '{"name": "a", "op": "WriteFile"}'}},
        "tensorflow-writes-file",
        "WriteFile",
    ),
    (layer("builtins", "__lambda__", {"code": CODE}), "keras-lambda-code", "the layer"),
    (old_lambda(function=[CODE, None, None]), "keras-lambda-code", "the layer `l`"),
    (old_lambda(output_shape=["x"], output_shape_type="lambda"), "keras-lambda-code", "the layer `l`"),
    (
        layer("keras.layers", "TorchModuleWrapper", {"module": "gAI="}),
        "keras-pickled-module",
        "TorchModuleWrapper",
    ),
    (
        layer("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
        "keras-outside-file",
        "/etc/passwd",
    ),
    (
        layer("keras.layers", "TextVectorization", {"vocabulary": "http://x/y"}),
        "keras-outside-file",
        "http://x/y",
    ),
    (layer("keras.layers", "TFSMLayer", {"filepath": "..\\x"}), "keras-outside-file", "..\\x"),
    (
        {"class_name": "KerasLayer", "config": {"handle": "https://tfhub.dev/x"}},
        "keras-outside-file",
        "https://",
    ),
]


@pytest.mark.parametrize(("item", "rule", "subject"), DANGEROUS)
def test_what_is_no_part_of_a_model_is_dangerous(
    tmp_path: Path, item: Config, rule: str, subject: str
) -> None:
    nested = sequential(layer("keras.layers", "TimeDistributed", {"name": "t", "layer": item}))
    found = of_config(tmp_path, {"modelTopology": {"model_config": nested}})

    assert any(subject in each for each in subjects(found, rule)), found.facts
    [fact] = [fact for fact in found.facts.values() if fact.rule == rule]
    assert fact.severity is None
    assert fact.message.endswith(".")


UNKNOWN: list[tuple[Config, str]] = [
    (layer("my_package.layers", "Mine", {}), "my_package.layers.Mine"),
    (layer("my_package.losses", "function", "focal"), "my_package.losses.focal"),
    (function("builtins", "focal_loss"), "builtins.focal_loss"),
    ({"module": None, "class_name": "Mine", "config": {}, "registered_name": "lab>Mine"}, "lab>Mine"),
    (layer("keras.layers", "Dense", {}, "lab>Dense"), "lab>Dense"),
    (layer("keras.layers", "NewerThanWeKnow", {}), "keras.layers.NewerThanWeKnow"),
    (layer("keras_hub.src.utils", "preset", {}), "keras_hub.src.utils.preset"),
    ({"class_name": "Attention2", "config": {}}, "Attention2"),
    (old_lambda(function="mine", function_type="function", module="__main__"), "mine"),
    (old_lambda(function="mine", function_type=None), "mine"),
    ({"class_name": "TFOpLambda", "config": {"function": "raw_ops.Add"}}, "tensorflow.raw_ops.Add"),
    ({"class_name": "TFOpLambda", "config": {"function": "what.ever"}}, "tensorflow.what.ever"),
]


@pytest.mark.parametrize(("item", "subject"), UNKNOWN)
def test_custom_objects_are_unknown_by_name(tmp_path: Path, item: Config, subject: str) -> None:
    found = of_config(tmp_path, sequential(item))

    assert subjects(found, "keras-custom-object") == [subject]
    assert rules(found) == ["keras-custom-object"]


def test_a_vocabulary_beside_the_model_is_a_lesser_matter(tmp_path: Path) -> None:
    found = of_config(
        tmp_path, sequential(layer("keras.layers", "StringLookup", {"vocabulary": "words.txt"}))
    )

    assert [fact.severity for fact in found.facts.values()] == [5.3]


def test_the_sentence_names_the_layer_and_what_its_code_refers_to(tmp_path: Path) -> None:
    inner = layer(
        "keras.layers", "Lambda", {"name": "scale", "function": layer("", "__lambda__", {"code": CODE})}
    )
    broken = layer(
        "keras.layers", "Lambda", {"name": "odd", "function": layer("", "__lambda__", {"code": "é"})}
    )
    messages = [fact.message for fact in of_config(tmp_path, sequential(inner, broken)).facts.values()]
    start = "Loading or calling this model runs Python bytecode that is stored in the layer"

    assert messages == [f"{start} `scale`; it refers to `os`, `__import__`, `system`.", f"{start} `odd`."]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-32-le"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("class_name", "cl\\u0061ss_n\\u0061me").encode(),
        lambda text: b" " * 3_000_000 + text.encode(),
        lambda text: f"[{text}]".encode(),
    ],
)
def test_spelling_hides_nothing(tmp_path: Path, encode: Any) -> None:
    found = of_config(tmp_path, encode(json.dumps(sequential(layer("os", "system", {})))))

    assert rules(found) == ["keras-arbitrary-import"]


@pytest.mark.parametrize(
    "data", [b"", b'{"model_type": "bert"}', b'class_name: "x"', b'["_class_name"]', b"{"]
)
def test_other_json_is_not_ours(tmp_path: Path, data: bytes) -> None:
    assert reasons(of_config(tmp_path, data)) == ["nobody knows it"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"class_name": ', "it is not sound JSON"),
        ('{"class_name": '.encode("utf-16-le"), "it is not sound JSON"),
        (b'{"class_name": "\xff"}', "it is not sound JSON"),
        (b'{\x00"\x00class_name"\x00\xd8\xd8', "it is not sound JSON"),
        (b'{"class_name": ' + b"[" * 20_000, "it is not sound JSON"),
        (b'{"class_name": [' + b"0," * 8_000_001, "its JSON has more"),
        (b'{"class_name": "' + b"a" * (33 << 20), "its JSON is longer than 32 MiB"),
    ],
)
def test_configurations_that_cannot_be_read_are_said(tmp_path: Path, data: bytes, reason: str) -> None:
    [found] = reasons(of_config(tmp_path, data))
    assert found.startswith(reason)


def test_metadata_names_the_version(tmp_path: Path) -> None:
    found = of_config(tmp_path, {"keras_version": "3.11.0", "date_saved": "2025-10-01@10:00:00"})

    assert (found.producer, found.details, found.facts) == ("keras 3.11.0", {"keras_version": "3.11.0"}, {})
    assert of_config(tmp_path, {"keras_version": 3}).producer == ""


@pytest.mark.parametrize("variable", [False, True])
def test_h5_files_are_read_like_their_configuration(tmp_path: Path, variable: bool) -> None:
    data = h5(
        old_sequential({"class_name": "Dense", "config": {}}, old_lambda(function=[CODE])), variable=variable
    )
    found = read_with(tmp_path, data, Hdf5Reader())

    assert rules(found) == ["keras-lambda-code"]
    assert (found.producer, found.details["backend"]) == ("keras 2.13.1", "tensorflow")
    assert found.formats == ["HDF5"]


def test_an_h5_training_configuration_counts(tmp_path: Path) -> None:
    training = {"loss": function("os", "system")}
    found = read_with(tmp_path, h5(old_sequential(), training=training), Hdf5Reader())

    assert rules(found) == ["keras-arbitrary-import"]


def test_harmless_h5_is_harmless(tmp_path: Path) -> None:
    found = read_with(tmp_path, h5(sequential(dense()), training={"loss": "mse"}), Hdf5Reader())

    assert (found.facts, found.unread) == ({}, [])


def test_attributes_that_are_no_configuration(tmp_path: Path) -> None:
    group = Group({"a": "{", "b": "[1, 2]", "c": '{"class_name": ', "model_config": "x", "d": "A sentence."})
    found = read_with(tmp_path, hdf5(group), Hdf5Reader())

    assert found.facts == {}
    assert reasons(found) == [
        "its attribute c cannot be read: it is not sound JSON",
        "its attribute model_config cannot be read: it is not sound JSON",
    ]


def test_pickled_attributes_are_parts_of_their_own(tmp_path: Path) -> None:
    seen: list[tuple[str, bytes]] = []

    class Listening:
        format = "pickle"

        def recognises(self, head: bytes, source: Any) -> bool:
            if head.startswith(b"cos"):
                seen.append((source.name, head))
            return False

        def read(self, source: Any, walk: Any) -> None:
            raise AssertionError

    pickled = "cos\nsystem\n(S'echo'\ntR."
    read_with(tmp_path, hdf5(Group({}, {"g": Group({"p": pickled})})), Hdf5Reader(), Listening())
    assert seen == [("/g@p", pickled.encode())]


def test_many_facts_are_told_a_hundred_times_and_graver_ones_always(tmp_path: Path) -> None:
    custom: list[Config] = [{"class_name": f"Mine{number}", "config": {}} for number in range(500)]
    found = of_config(tmp_path, old_sequential(*custom, layer("os", "system", {})))

    assert len(subjects(found, "keras-custom-object")) == 100
    assert subjects(found, "keras-arbitrary-import") == ["os.system"]


def test_in_a_saved_model_unknown_classes_are_rebuilt_and_no_fact() -> None:
    value = sequential(
        layer("mine", "Mine", {}), {"class_name": "Other", "config": {}}, layer("os", "system", {})
    )

    assert [fact.subject for fact in config.facts(value, "", revived=True)] == ["os.system"]


def test_rules_have_ids_of_their_own() -> None:
    ids = [rule.id for rule in keras_rules.RULES]

    assert len(set(ids)) == len(ids)
    assert all(rule.fix and rule.help and rule.summary.endswith(".") for rule in keras_rules.RULES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "class_name",
                    "config",
                    "module",
                    "registered_name",
                    "function",
                    "function_type",
                    "vocabulary",
                    "x",
                ]
            ),
            inner
            | st.sampled_from(
                ["Lambda", "function", "__lambda__", "__typespec__", "lambda", "os", "TFOpLambda"]
            ),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_any_value_is_walked_through(value: Any) -> None:
    for fact in config.facts(value, "p"):
        assert fact.message
        assert fact.part == "p"
    list(config.operators(value))


@given(st.text(max_size=20) | st.none(), st.text(max_size=20))
def test_any_name_has_a_standing(module: str | None, name: str) -> None:
    standings = {"known", "dangerous", "unknown"}

    assert modules.of_class(module, name) in standings
    assert modules.of_function(module, name) in standings
    assert modules.of_registered(name) in standings
    assert modules.of_symbol(name) in standings
