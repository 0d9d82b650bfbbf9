"""TensorFlow graphs with operators that read, write, send, list or call Python."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpus.formats import tensorflow as tf
from corpus.formats import tflite
from corpus.formats.keras import lambda_code
from corpus.formats.protobuf import message
from corpus.sample import Sample, Variation

FAMILY = "TensorFlow graphs"
TENSORABUSE = "https://github.com/ZJU-SEC/TensorAbuse"
MALOPS = "https://research.jfrog.com/model-threats/tflow-malops"
NESTED = "https://huggingface.co/MediumIQ/tfhunt-savedmodel-nested-writefile"

OPERATORS = (
    *("ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "EagerPyFunc", "PyFuncStateless", "ImmutableConst"),
    *("WholeFileReaderV2", "DebugIdentityV2", "DebugIdentityV3", "RegisterDataset", "DataServiceDataset"),
    *("TextLineDataset", "FixedLengthRecordDataset", "CacheDataset", "SaveDataset", "SnapshotDatasetV2"),
    *("RpcCall", "RpcServer", "MergeV2Checkpoints", "CreateSummaryFileWriter", "TFRecordDataset"),
)


def samples(vary: Variation) -> Iterator[Sample]:
    """One for each operator at the top, and the places to hide one."""
    for op in (*OPERATORS[:4], *vary.some(OPERATORS[4:], 9)):
        definition = tf.graph(*_acting(op, vary))
        yield _sample(op, TENSORABUSE, "saved_model.pb", tf.saved_model(definition))
    yield from _hidden(vary)
    yield from _frozen(vary)


def _sample(technique: str, source: str, name: str, data: bytes) -> Sample:
    return Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)


def _acting(op: str, vary: Variation) -> tuple[bytes, ...]:
    """A file name, a content and the operator on both, among harmless nodes."""
    path = vary.pick(("/etc/passwd", f"/tmp/{vary.word()}", "../../../.ssh/authorized_keys"))
    before = tuple(tf.node(f"add_{number}", "AddV2", ("x", "y")) for number in range(vary.pick((1, 0, 40))))
    nodes = (tf.const("path", path), tf.const("content", vary.command()))
    return (*before, *nodes, tf.node(vary.word(), op, ("path", "content")))


def _hidden(vary: Variation) -> Iterator[Sample]:
    op = vary.pick(("WriteFile", "ReadFile"))
    acting = tf.function("inner", *_acting(op, vary))
    called = tf.graph(tf.calling("call", "inner"), functions=(acting,))
    yield _sample(f"{op} in a function", MALOPS, "saved_model.pb", tf.saved_model(called))
    outer = tf.function("outer", tf.calling("call", "inner"))
    deep = tf.graph(tf.calling("call", "outer"), functions=(outer, acting))
    yield _sample(f"{op} in a function that a function calls", MALOPS, "saved_model.pb", tf.saved_model(deep))
    inner = tf.graph(*_acting(op, vary))
    data = tf.graph(tf.const("graph", inner), tf.node("set", "DatasetFromGraph", ("graph",)))
    yield _sample(f"{op} in a graph within a text", NESTED, "saved_model.pb", tf.saved_model(data))
    place = vary.pick(("/etc/passwd", "../../vocabulary.txt"))
    table = tf.node("t", "HashTableV2"), tf.node("i", "InitializeTableFromTextFileV2", ("t", "path"))
    reading = tf.saved_model(tf.graph(tf.const("path", place), *table))
    yield _sample("a vocabulary outside of the folder", TENSORABUSE, "saved_model.pb", reading)
    flex = tflite.model(["FlexAddV2", vary.pick(("FlexWriteFile", "FlexPyFunc", "FlexEagerPyFunc"))])
    yield _sample("TFLite that calls such an operator", TENSORABUSE, "model.tflite", flex)
    printed = tf.node("print", "PrintV2", ("x",), output_stream=message((2, f"file:///tmp/{vary.word()}")))
    yield _sample("PrintV2 into a file", TENSORABUSE, "saved_model.pb", tf.saved_model(tf.graph(printed)))
    away = f"file:///tmp/{vary.word()}"
    debug = tf.node("debug", "DebugNumericSummaryV2", ("x",), debug_urls=message((1, message((2, away)))))
    identity = tf.node("debug", "DebugIdentity", ("x",), debug_urls=message((1, message((2, away)))))
    yield _sample(
        "debugging into a file", TENSORABUSE, "saved_model.pb", tf.saved_model(tf.graph(debug, identity))
    )


def _frozen(vary: Variation) -> Iterator[Sample]:
    op = vary.pick(("WriteFile", "PyFunc", "ReadFile"))
    graph = tf.graph(*_acting(op, vary))
    name = vary.pick(("frozen.pb", "graph.pb", "model.bin"))
    yield _sample(f"frozen graph, {op}", MALOPS, name, graph)
    bare = message((1, message((4, "serve"))), (2, graph))
    yield _sample(f"meta graph, {op}", MALOPS, "model.meta", bare)
    text = f'node {{\n  name: "w"\n  op: "{op}"\n  input: "path"\n  input: "content"\n}}\n'
    path = 'node {\n  name: "path"\n  op: "Const"\n}\n'
    yield _sample(f"graph as text, {op}", MALOPS, "saved_model.pbtxt", (path + text).encode())
    code = [lambda_code(vary.expression()), None, None]
    lambda_layer = {
        "class_name": "Lambda",
        "config": {"name": "l", "function": code, "function_type": "lambda"},
    }
    entry = message((2, 1), (3, "root.layer-1"), (4, "_tf_keras_layer"), (5, json.dumps(lambda_layer)))
    yield _sample(
        "Lambda in the metadata of Keras", "CVE-2024-3660", "keras_metadata.pb", message((1, entry))
    )
