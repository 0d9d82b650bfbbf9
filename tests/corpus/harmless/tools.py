"""Models of other tools as they write them, Keras models within a pickle, several models in one archive."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator

from corpus.assembler import Build, Call, Global
from corpus.formats import tflite, torch
from corpus.formats.keras import dense, h5, layer, old_sequential, sequential, v3
from corpus.formats.protobuf import message
from corpus.formats.zips import tar_of, zip_of
from corpus.sample import Sample, Variation

Row = tuple[str, str, str, bytes]


def samples(vary: Variation) -> Iterator[Sample]:
    """By tool."""
    for family, technique, name, data in (*_other(vary), *_kept(vary), *_together(vary)):
        yield Sample(
            name=name, data=data, family=family, technique=technique, source="the format", expected="harmless"
        )


def _other(vary: Variation) -> Iterator[Row]:
    family = "other formats"
    yield family, "TFLite", "model.tflite", tflite.model([None, None, "TFLite_Detection_PostProcess"])
    yield family, "TFLite with TensorFlow's operators", "model.tflite", tflite.model(["FlexAddV2", None])
    dense_layer = message((1, message((1, "dense"), (140, message((1, 4), (2, 4))))))
    described = message((1, message((1, "in"))), (100, message((3, vary.word()))))
    yield family, "Core ML", "model.mlmodel", message((1, 4), (2, described), (500, dense_layer))
    operators = [message((3, each)) for each in ("feed", "conv2d", "relu", "fetch")]
    block = message((1, 0), (2, 0), (3, message((1, "x"))), (4, operators))
    yield family, "PaddlePaddle", "model.pdmodel", message((1, block), (4, message((1, 0))))
    table = '<RegressionTable intercept="1.5"><NumericPredictor name="x" coefficient="2"/></RegressionTable>'
    pmml = (
        '<?xml version="1.0"?><PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>'
        f'<RegressionModel functionName="regression" modelName="{vary.word()}">'
        f"{table}</RegressionModel></PMML>"
    )
    yield family, "PMML", "model.pmml", pmml.encode()
    head = b"X\n" + struct.pack(">IIII", 3, 0x00040300, 0x00030500, 5) + b"UTF-8"
    numbers = head + struct.pack(">II3d", 14, 3, 0.5, 1.5, 2.5)
    yield family, "R", "model.rds", gzip.compress(numbers, mtime=0)


def _kept(vary: Variation) -> Iterator[Row]:
    """A Keras model as it pickles itself: a call of its class with a stream of bytes."""
    family, kept = "Keras", sequential(dense(), layer("keras.layers", "Dropout", {"name": "d", "rate": 0.1}))
    kind = Global("keras.src.models.sequential", "Sequential")
    unpickle = Call(Global("builtins", "getattr"), (kind, "_unpickle_model"))
    old = h5(old_sequential({"class_name": "Dense", "config": {"name": vary.word(), "units": 4}}))
    for technique, data in (("zip", v3(kept)), ("HDF5", old)):
        stream = Build(Call(Global("_io", "BytesIO"), (), "NEWOBJ"), (data, 0, None))
        pickle = vary.pickled({"model": Call(unpickle, (stream,))}, 4)
        yield family, f"in a pickle, as {technique}", "model.pkl", pickle


def _together(vary: Variation) -> Iterator[Row]:
    """Several models in one archive."""
    family, one = "archives", torch.archive(torch.state_dict())
    names = {f"{vary.word()}/model.pt": one, f"{vary.word()}.pt": one, "config.json": b'{"model_type": "x"}'}
    yield family, "tar with two models", "models.tar", tar_of(names)
    yield family, "tar.gz with two models", "models.tar.gz", tar_of(names, mode="w:gz")
    yield family, "zip with two models", "models.zip", zip_of(names)
