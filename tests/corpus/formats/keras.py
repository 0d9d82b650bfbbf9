"""Configurations of Keras models, old and new, and the files around them (keras.src.saving)."""

from __future__ import annotations

import base64
import json
import marshal
from collections.abc import Mapping

from corpus.formats.hdf5 import Group, hdf5
from corpus.formats.zips import zip_of

Config = dict[str, object]


def lambda_code(source: str) -> str:
    """Byte code of a function as Keras stores it: marshalled, in base64; compiled here, and never run."""
    code = compile(f"lambda x: {source}", "<lambda>", "eval").co_consts[0]
    return base64.encodebytes(marshal.dumps(code)).decode()


def dense(name: str = "dense", units: int = 4) -> Config:
    """A layer that is in any model, Keras 3."""
    initializer: Config = {
        "module": "keras.initializers",
        "class_name": "Zeros",
        "config": {},
        "registered_name": None,
    }
    config: Config = {"name": name, "units": units, "activation": "relu", "bias_initializer": initializer}
    return layer("keras.layers", "Dense", config)


def layer(module: str, name: str, config: object, registered: str | None = None) -> Config:
    """An object as Keras 3 writes it."""
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def function(module: str, name: str) -> Config:
    """A function as Keras 3 writes it."""
    return layer(module, "function", name, "function")


def sequential(*layers: Config, compile_config: object = None) -> Config:
    """A model as Keras 3 writes it."""
    first = layer(
        "keras.layers", "InputLayer", {"batch_shape": [None, 4], "dtype": "float32", "name": "input"}
    )
    model = layer(
        "keras", "Sequential", {"name": "sequential", "trainable": True, "layers": [first, *layers]}
    )
    return {**model, "build_config": {"input_shape": [None, 4]}, "compile_config": compile_config}


def old_sequential(*layers: Config) -> Config:
    """A model as Keras 2 writes it."""
    first: Config = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "input"}}
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [first, *layers]}}


def v3(config: object, members: Mapping[str, bytes] | None = None, metadata: object = None) -> bytes:
    """A `.keras` file."""
    about = metadata or {"keras_version": "3.11.0", "date_saved": "2025-10-01@10:00:00"}
    return zip_of(
        {
            "metadata.json": json.dumps(about).encode(),
            "config.json": config if isinstance(config, bytes) else json.dumps(config).encode(),
            "model.weights.h5": hdf5(Group(groups={"layers": Group(groups={"dense": Group()})})),
            **(members or {}),
        }
    )


def h5(config: object, *, variable: bool = False, training: object = None, version: str = "2.13.1") -> bytes:
    """A `.h5` file."""
    attributes = {"model_config": json.dumps(config), "keras_version": version, "backend": "tensorflow"}
    if training is not None:
        attributes["training_config"] = json.dumps(training)
    weights = Group({"backend": "tensorflow"}, {"dense": Group()})
    return hdf5(Group(attributes, {"model_weights": weights}, variable))
