"""What runs before a stream breaks, behind another stream, or by its sheer size."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corpus.assembler import Call, Global, Style, Then, code_of, pickled
from corpus.formats import onnx, tensorflow, tflite
from corpus.formats.keras import h5, old_sequential
from corpus.formats.plain import gguf, gguf_tensor
from corpus.formats.zips import zip_of
from corpus.sample import Sample, Variation

FAMILY = "broken, several, bombs"
NULLIFAI = "https://www.reversinglabs.com/blog/rl-identifies-malware-ml-model-hosted-on-hugging-face"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/pull/52"
HIDE_AND_SEEK = "https://arxiv.org/abs/2508.19774"
POLYGLOTS = "https://blog.trailofbits.com/2024/03/08/a-whole-lotta-bs-about-polyglots/"
BOMBS = "https://github.com/trailofbits/fickling/blob/master/fickling/fickle.py"
BUFFERS = "https://peps.python.org/pep-0574/"


def samples(vary: Variation) -> Iterator[Sample]:
    """Broken, several, hidden behind a header, too much, and with buffers from elsewhere."""
    rows = (*_broken(vary), *_several(vary), *_polyglots(vary), *_bombs(vary), *_buffers(vary))
    for technique, source, data in rows:
        yield Sample(name="model.pkl", data=data, family=FAMILY, technique=technique, source=source)
    yield Sample(
        name="model.pkl",
        data=_laughs(),
        family=FAMILY,
        technique="lists of lists of lists, and their repr, which never ends",
        source=BOMBS,
        expected="not harmless",
    )


def _broken(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    def started() -> bytes:
        return pickled(Then((vary.evaluation(), 1)), vary.style(vary.pick((2, 3))), stop=False)

    endings = (
        ("nothing more", b""),
        ("an opcode that does not exist", b"\xff."),
        ("a memo entry that does not exist", b"h\xfb."),
        ("more popped than there is", b"0000000."),
        ("STACK_GLOBAL on numbers", b"K\x01K\x02\x93."),
        ("a text that is cut off", b"X\xff\xff\x00\x00abc"),
        ("a name without its end", b"cnumpy\nndarr"),
        ("a text that is no UTF-8", b"X\x02\x00\x00\x00\xff\xfe."),
        ("a number that is none", b"Itwelve\n."),
        ("an unknown extension", b"\x82\xfe."),
        ("a protocol of the future", b"\x80\x63."),
        ("a frame longer than the file", b"\x95" + struct.pack("<Q", 1 << 40) + b"N."),
        ("BUILD on a number", b"K\x01}b."),
        ("MARK without an end", b"((((((("),
    )
    for what, ending in endings:
        yield f"payload, then {what}", NULLIFAI, started() + ending
    whole = vary.payload(4)
    yield "payload, the last opcode cut off", HIDE_AND_SEEK, whole[:-1]
    yield (
        "an exception on purpose",
        HIDE_AND_SEEK,
        pickled((vary.evaluation(), Call(Global("builtins", "int"), ("x",))), vary.style(4)),
    )


def _several(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    good = pickled({"weights": [0.5, 1.5], "name": vary.word()}, vary.style(vary.pick((2, 4))))
    bad = vary.payload()
    filler = vary.chance.bytes(64)
    yield "second stream", PICKLESCAN, good + bad
    yield "third stream", PICKLESCAN, good + good + bad
    yield "behind 60 streams", PICKLESCAN, good * 60 + bad
    yield "behind a stream and zeros", PICKLESCAN, good + bytes(37) + vary.payload(4)
    yield "behind a stream and line ends", PICKLESCAN, good + b"\n\n\t\n" + vary.payload(2)
    yield "behind a stream and other bytes", PICKLESCAN, good + filler + vary.payload(4)
    yield "the second stream is broken as well", PICKLESCAN, good + vary.payload(2)[:-1] + b"\xff"
    yield "first stream, harmless ones follow", PICKLESCAN, bad + good + good


def _polyglots(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    bad = vary.payload(vary.pick((4, 2)))
    yield "behind a header of 16 bytes", POLYGLOTS, b"MODEL\0\x01\0" + struct.pack("<Q", len(bad)) + bad
    yield "behind a line of text", POLYGLOTS, b"# model v1.2\n" + bad
    yield "behind 200 kB of zeros", POLYGLOTS, bytes(200_000) + bad
    yield "behind an image", POLYGLOTS, b"\x89PNG\r\n\x1a\n" + vary.chance.bytes(500) + bad
    for format_, data in _formats():
        yield f"behind a sound {format_}", POLYGLOTS, data + vary.pick((b"", bytes(40))) + bad
    yield "before a zip", POLYGLOTS, bad + zip_of({"readme.txt": b"hello"})
    yield "before a harmless PyTorch zip", POLYGLOTS, bad + zip_of({"archive/data.pkl": b"\x80\x02}."})


def _formats() -> Iterator[tuple[str, bytes]]:
    yield "HDF5 file", h5(old_sequential())
    head = gguf({"general.architecture": "llama"}, gguf_tensor("w", (4,)), count=1)
    yield "GGUF file", head + bytes(-len(head) % 32) + bytes(32)
    yield "ONNX model", onnx.model(onnx.graph((onnx.node("Relu"),)))
    yield "TensorFlow graph", tensorflow.saved_model(tensorflow.graph(tensorflow.node("a", "Relu")))
    yield "TFLite model", tflite.model([None, "TFLite_Detection_PostProcess"])
    yield "JSON file", b'{"model_type": "llama"}\n'


def _bombs(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    huge = Call(Global("builtins", vary.pick(("bytearray", "bytes"))), (1 << 40,))
    yield "a terabyte of zeros", BOMBS, vary.pickled(huge, 4)
    yield (
        "a memo entry number two thousand million",
        "https://github.com/python/cpython/issues/115952",
        (b"\x80\x02]r" + struct.pack("<I", 0x7FFFFFF0) + b"."),
    )


def _laughs() -> bytes:
    levels = 40
    lists = b"".join(
        b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
        for level in range(levels)
    )
    shown = code_of(Global("builtins", "repr"), Style(2))
    return b"\x80\x04]q\x00" + lists + shown + b"h" + bytes([levels]) + b"\x85R."


def _buffers(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    shell = code_of(vary.shell(), Style(5))
    yield "call beside NEXT_BUFFER", BUFFERS, b"\x80\x05\x97" + b"0" + shell + b"."
    yield "call before NEXT_BUFFER", BUFFERS, b"\x80\x05" + shell + b"0\x97\x98."
    loads = code_of(Global("pickle", "loads"), Style(5))
    yield "unpickles a buffer from elsewhere", BUFFERS, b"\x80\x05" + loads + b"\x97\x98\x85R."
