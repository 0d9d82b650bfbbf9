"""Files that nobody can judge, each with words that its reason must have one of; code by unknown names."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

from corpus.assembler import Build, Call, Global, Style, pickled
from corpus.formats import onnx, torch
from corpus.formats.keras import dense, h5, layer, old_sequential, sequential, v3
from corpus.formats.plain import gguf, npy, safetensors, tensor
from corpus.formats.seven_zips import AES, PPMD, File, Folder, coder, of_files, seven_zip
from corpus.formats.zips import Member, zip_of
from corpus.sample import Sample, Variation

FAMILY, UNKNOWN = "nobody can read", "unknown code"
FORMAT = ("format", "not known", "unknown", "not a")
BROKEN = (
    "end",
    "cut",
    "trunc",
    "short",
    "beyond",
    "broken",
    "damaged",
    "incomplete",
    "missing",
    "inside",
    "less",
)
Row = tuple[str, str, bytes, tuple[str, ...]]


def samples(vary: Variation) -> Iterator[Sample]:
    """Nothing, pointers, something else, cut off, locked."""
    rows = (
        *_nothing(vary),
        *_pointers(vary),
        *_something_else(vary),
        *_cut_off(vary),
        *_locked(vary),
        *_no_reader(vary),
    )
    for technique, name, data, reason in rows:
        yield Sample(
            name=name,
            data=data,
            family=FAMILY,
            technique=technique,
            source="the issue",
            expected="not scanned",
            reason=reason,
        )
    ops = onnx.graph((onnx.node("Own", "own.ops"),))
    yield Sample(
        name="model.onnx",
        data=onnx.model(ops, ("", "own.ops")),
        family=UNKNOWN,
        technique="an operator of one's own, which is in a library",
        source="https://onnxruntime.ai/docs/reference/operators/add-custom-op.html",
        expected="not harmless",
    )
    for technique, name, data in _unknown(vary):
        yield Sample(
            name=name, data=data, family=UNKNOWN, technique=technique, source="the issue", expected="unknown"
        )


def _nothing(vary: Variation) -> Iterator[Row]:
    for suffix in (".pkl", ".safetensors", ".h5", ".onnx", ""):
        yield f"empty, {suffix or 'no suffix'}", f"model{suffix}", b"", ("empty",)
    yield "zeros", "model.bin", bytes(4096), FORMAT
    yield "one line end", "model.pkl", b"\n", FORMAT
    yield "noise", "model.bin", b"\xfe\xed" + vary.chance.bytes(3000), FORMAT


def _pointers(vary: Variation) -> Iterator[Row]:
    digest = vary.chance.bytes(32).hex()
    lfs = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 1234567\n"
    for name in ("model.pkl", "model.safetensors", "model.gguf"):
        yield f"Git LFS pointer, {name}", name, lfs.encode(), ("LFS", "pointer")
    hawser = lfs.replace("git-lfs.github", "hawser.github")
    yield "older Git LFS pointer", "model.bin", hawser.encode(), ("LFS", "pointer")
    annex = f"/annex/objects/SHA256E-s12--{digest}.bin\n"
    yield "git-annex pointer", "model.bin", annex.encode(), ("annex", "pointer")
    dvc = f"outs:\n- md5: {digest[:32]}\n  size: 1234\n  hash: md5\n  path: model.pkl\n"
    yield "DVC pointer", "model.pkl.dvc", dvc.encode(), ("DVC", "pointer", *FORMAT)


def _something_else(vary: Variation) -> Iterator[Row]:
    page = f"<!DOCTYPE html>\n<html><head><title>{vary.word()}</title></head><body>404</body></html>\n"
    yield "a web page", "pytorch_model.bin", page.encode(), (*FORMAT, "HTML")
    yield "an error message", "model.pkl", b"Repository not found\n", FORMAT
    yield (
        "an answer of a server",
        "model.bin",
        b'{"error": "Access to model x is restricted"}',
        (*FORMAT, "JSON"),
    )
    yield "an image", "model.pt", b"\x89PNG\r\n\x1a\n" + vary.chance.bytes(200), FORMAT
    yield "a document", "model.pb", b"%PDF-1.7\n" + vary.chance.bytes(200), FORMAT
    yield (
        "an archive of another kind",
        "model.rar",
        b"Rar!\x1a\x07\x01\x00" + vary.chance.bytes(100),
        (*FORMAT, "RAR"),
    )


def _cut_off(vary: Variation) -> Iterator[Row]:
    weights = pickled({"weights": [0.5] * 20, "name": vary.word()}, Style(4))
    wholes = {
        "pickle": ("model.pkl", weights),
        "PyTorch zip": ("model.pt", torch.archive(torch.state_dict())),
        "safetensors": ("model.safetensors", safetensors({"a": tensor(0, 400)}, bytes(400))),
        "GGUF": ("model.gguf", gguf({"general.architecture": "llama", "general.name": "x" * 200})),
        "array": ("a.npy", npy(bytes(24))),
        "ONNX": ("model.onnx", onnx.model(onnx.graph((onnx.node("Relu"),), (onnx.tensor(),)))),
        "HDF5": ("model.h5", h5(old_sequential({"class_name": "Dense", "config": {"units": 4}}))),
        "Keras v3": ("model.keras", v3(sequential(dense()))),
        "gzip": ("model.pkl.gz", gzip.compress(weights, mtime=0)),
        "zlib": ("model.joblib", zlib.compress(weights)),
        "7z": ("model.7z", of_files({"model.pkl": weights})),
    }
    for kind, (name, whole) in wholes.items():
        size = (
            len(whole) * vary.pick((3, 2)) // 4
            if vary.plain
            else len(whole) * (30 + vary.chance.below(60)) // 100
        )
        yield f"{kind}, cut off", name, whole[:size], ()
    yield "pickle without its end", "model.pkl", weights[:-1], BROKEN


def _no_reader(vary: Variation) -> Iterator[Row]:
    words = ("no reader", "nothing here", "not known")
    noise = vary.chance.bytes(300)
    yield "fastText", "model.bin", b"\xba\x16\x4f\x2f\x0c\0\0\0" + noise, words
    yield "ONNX Runtime's own format", "model.ort", b"\x20\0\0\0ORTM" + noise, words
    yield "ExecuTorch", "model.pte", b"\x20\0\0\0ET12" + noise, words
    yield "PyTorch mobile", "model.ptl", b"\x20\0\0\0PTMF" + noise, ("no reader",)
    odd = Member(name="model.pkl", data=noise, method=9, checksum=1, unpacked=400)
    yield "zip with Deflate64", "models.zip", zip_of([odd]), ("compressed with",)
    yield "lzip", "model.pkl.lz", b"LZIP\x01" + noise, ("compressed with",)


def _locked(vary: Variation) -> Iterator[Row]:
    secret = vary.chance.bytes(200)
    # as `zip -P` writes it: twelve bytes come before the ciphertext, which nothing can unpack
    locked = Member(name="model.pkl", data=secret, flags=1, checksum=1, unpacked=len(secret) - 12)
    stronger = Member(name="model.pkl", data=secret, flags=1, method=99, checksum=0, unpacked=len(secret))
    yield "zip with AES", "models.zip", zip_of([stronger]), ("encrypt", "password", "locked")
    yield "zip with a password", "models.zip", zip_of([locked]), ("encrypt", "password", "locked")
    for kind, method, why in (("with a password", AES, "encrypt"), ("in PPMd", PPMD, "PPMd")):
        folder = Folder(contents=[secret], packs=[secret], coders=[coder(method, bytes(5))])
        yield f"7z {kind}", "models.7z", seven_zip([folder], [File(name="model.pkl")]), (why,)
    pgp = b"-----BEGIN PGP MESSAGE-----\n\n" + secret.hex().encode() + b"\n-----END PGP MESSAGE-----\n"
    yield "PGP message", "model.pkl.asc", pgp, FORMAT
    salted = b"Salted__" + secret
    yield "encrypted by OpenSSL", "model.pkl.enc", salted, FORMAT


def _unknown(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    package = vary.pick(("mypackage", "acme_forecast", vary.word()))
    kind = Global(f"{package}.models", vary.pick(("Forecaster", "Model", "Estimator")))
    state = {"weights": [1.0, 2.0], "name": vary.word()}
    yield "an object of one's own", "model.pkl", vary.pickled(Build(Call(kind, (), "NEWOBJ"), state), 4)
    old = Call(Global("copyreg", "_reconstructor"), (kind, Global("builtins", "object"), None))
    yield "the same, protocol 0", "model.pkl", vary.pickled(Build(old, state), 0)
    yield "a call of one's own", "model.pkl", vary.pickled(Call(Global(package, "make"), (1, "x")), 4)
    main = Global("__main__", vary.pick(("Net", "Model")))
    yield (
        "an object of a script",
        "model.pt",
        torch.archive(pickled(Build(Call(main, (), "NEWOBJ"), state), Style(2))),
    )
    yield "a name alone", "model.pkl", vary.pickled({"kind": kind}, 4)
    own = layer(f"{package}.layers", "Own", {"name": "o"}, f"{package}>Own")
    yield "a layer of one's own", "model.keras", v3(sequential(own))
