"""Keras, TensorFlow, GGUF, Hugging Face, MLflow and archives as they are in real repositories."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterator

from corpus.formats import keras, torch
from corpus.formats import tensorflow as tf
from corpus.formats.packings import lz4, zstd
from corpus.formats.plain import gguf, gguf_tensor, npy, safetensors, tensor
from corpus.formats.seven_zips import of_files
from corpus.formats.tables import checkpoint
from corpus.formats.zips import DEFLATED, tar_of, zip_of
from corpus.harmless.chats import TEMPLATES
from corpus.sample import Sample, Variation

Row = tuple[str, str, str, bytes]


def samples(vary: Variation) -> Iterator[Sample]:
    """By format."""
    rows = (*_keras(vary), *_tensorflow(), *_gguf(vary), *_hugging_face(vary), *_archives(vary), *_data())
    for family, technique, name, data in rows:
        yield Sample(
            name=name, data=data, family=family, technique=technique, source="the format", expected="harmless"
        )


def _keras(vary: Variation) -> Iterator[Row]:
    layers = (
        keras.dense(),
        keras.layer("keras.layers", "Dropout", {"name": "d", "rate": 0.2}),
        keras.layer("keras.layers", "LSTM", {"name": "l", "units": 4, "activation": "tanh"}),
        keras.layer("keras.layers", "Conv2D", {"name": "c", "filters": 8, "kernel_size": [3, 3]}),
        keras.layer("keras.layers", "StringLookup", {"name": "v", "vocabulary": ["a", "b"]}),
        keras.layer("keras.layers", "TextVectorization", {"name": "t", "vocabulary": None, "max_tokens": 10}),
    )
    optimizer = keras.layer("keras.optimizers", "Adam", {"learning_rate": 0.001})
    compiled = {"optimizer": optimizer, "loss": "mse", "metrics": ["mae"], "jit_compile": True}
    yield "Keras", "v3, Dense", "model.keras", keras.v3(keras.sequential(layers[0]))
    yield (
        "Keras",
        "v3, many layers",
        "model.keras",
        keras.v3(keras.sequential(*layers, compile_config=compiled)),
    )
    loss = {**compiled, "loss": keras.function("builtins", "mean_squared_error")}
    yield (
        "Keras",
        "v3, a loss by name",
        "model.keras",
        keras.v3(keras.sequential(layers[0], compile_config=loss)),
    )
    old: keras.Config = {"class_name": "Dense", "config": {"name": "d", "units": 4, "activation": "relu"}}
    training = {"loss": "mse", "optimizer_config": {"class_name": "Adam", "config": {"learning_rate": 0.001}}}
    yield "Keras", "h5", "model.h5", keras.h5(keras.old_sequential(old), training=training)
    yield "Keras", "h5, texts on the heap", "model.h5", keras.h5(keras.old_sequential(old), variable=True)
    wrapped: keras.Config = {"class_name": "Bidirectional", "config": {"name": "b", "layer": old}}
    yield "Keras", "h5, a layer in a layer", "model.h5", keras.h5(keras.old_sequential(wrapped))
    assets = {"assets/text_vectorization/vocabulary.txt": f"{vary.word()}\n".encode()}
    yield "Keras", "v3, a vocabulary as asset", "model.keras", keras.v3(keras.sequential(*layers), assets)


def _tensorflow() -> Iterator[Row]:
    ops = ("Placeholder", "VarHandleOp", "ReadVariableOp", "MatMul", "BiasAdd", "Relu", "Softmax", "Identity")
    body = tuple(tf.node(f"n{number}", op, ("x",)) for number, op in enumerate(ops))
    saver = tuple(
        tf.node(f"s{number}", op, ("x",))
        for number, op in enumerate(
            ("SaveV2", "RestoreV2", "ShardedFilename", "MergeV2Checkpoints", "StringJoin")
        )
    )
    inner = tf.function("__inference_f", *body)
    graph = tf.graph(*body, *saver, tf.calling("c", "__inference_f"), functions=(inner,))
    yield "TensorFlow", "SavedModel", "saved_model.pb", tf.saved_model(graph)
    names = [f"layer_with_weights-{number}/kernel/.ATTRIBUTES/VARIABLE_VALUE" for number in range(6)]
    yield "TensorFlow", "index of a checkpoint", "ckpt-1.index", checkpoint(names)
    table = tf.node("t", "HashTableV2"), tf.node("i", "InitializeTableFromTextFileV2", ("t", "path"))
    asset = tf.const("path", "assets/vocabulary.txt")
    yield (
        "TensorFlow",
        "SavedModel with a table",
        "saved_model.pb",
        tf.saved_model(tf.graph(asset, *table, *body)),
    )
    yield "TensorFlow", "frozen graph", "frozen.pb", tf.graph(*body)


def _gguf(vary: Variation) -> Iterator[Row]:
    base: dict[str, object] = {
        "general.architecture": vary.pick(("llama", "qwen2", "gemma")),
        "general.name": vary.word(),
        "general.license": "apache-2.0",
        "llama.context_length": 4096,
        "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.tokens": ["<s>", "</s>", "__class__", "os", "system"],
        "tokenizer.ggml.scores": [0.0, 0.5, 1.5, 2.0, 3.0],
        "tokenizer.ggml.add_bos_token": True,
    }
    weights = gguf_tensor("token_embd.weight", (4, 2))
    for name, template in TEMPLATES.items():
        head = gguf({**base, "tokenizer.chat_template": template}, weights, count=1)
        data = head + bytes(-len(head) % 32) + struct.pack("<8f", *range(8))
        yield "GGUF", f"chat template: {name}", "model.gguf", data
    yield "GGUF", "no tensors", "vocabulary.gguf", gguf(base)
    yield "GGUF", "version 2", "model.gguf", gguf(base, version=2)


def _hugging_face(vary: Variation) -> Iterator[Row]:
    family = "configuration"
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 64,
        "torch_dtype": "float16",
    }
    yield family, "config.json", "config.json", json.dumps(config).encode()
    for name, template in vary.some(tuple(TEMPLATES.items()), 3):
        tokenizer = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "chat_template": template}
        yield (
            family,
            f"tokenizer_config.json: {name}",
            "tokenizer_config.json",
            json.dumps(tokenizer).encode(),
        )
    generation = {"do_sample": True, "temperature": 0.7, "max_new_tokens": 100}
    yield family, "generation_config.json", "generation_config.json", json.dumps(generation).encode()
    index = {"metadata": {"total_size": 32}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    yield family, "index", "model.safetensors.index.json", json.dumps(index).encode()
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    yield family, "modules.json", "modules.json", json.dumps(modules).encode()
    mlmodel = (
        "artifact_path: model\nflavors:\n  python_function:\n    env:\n      conda: conda.yaml\n"
        "    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    python_version: 3.11.7\n"
        "  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n"
    )
    yield family, "MLmodel", "MLmodel", mlmodel.encode()


def _archives(vary: Variation) -> Iterator[Row]:
    family = "archives"
    good = torch.archive(torch.state_dict())
    inside = {"models/model.pt": good, "models/README.md": b"# model\n", "models/config.json": b'{"a": 1}'}
    yield family, "zip", "models.zip", zip_of(inside, method=DEFLATED)
    yield family, "tar.gz", "models.tar.gz", tar_of(inside, mode="w:gz")
    yield family, "tar", "models.tar", tar_of(inside, {"models/latest.pt": "model.pt"})
    yield family, "7z", "models.7z", of_files({"model.pt": good})
    for name, pack in (("gz", gzip.compress), ("zst", zstd), ("lz4", lz4)):
        yield family, name, f"model.pt.{name}", pack(good)


def _data() -> Iterator[Row]:
    header = {"__metadata__": {"format": "pt"}, "a": tensor(0, 16), "b": tensor(16, 16)}
    yield "safetensors", "two tensors", "model.safetensors", safetensors(header, bytes(32))
    yield "safetensors", "none", "model.safetensors", safetensors({"__metadata__": {"format": "np"}})
    for version in (1, 2, 3):
        yield "NumPy", f"version {version}", "a.npy", npy(bytes(24), version=version)
