"""Files that are not what their name says, and names that say nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator

from corpus.formats.zips import zip_of
from corpus.sample import Sample, Variation

FAMILY = "wrong or missing suffix"
SOURCE = "https://github.com/mmaitre314/picklescan/security/advisories/GHSA-jgw4-cr84-mqxg"
OTHER = "https://github.com/mmaitre314/picklescan/security/advisories/GHSA-769v-p64c-89pr"
SUFFIXES = (
    *(".bin", ".dat", ".model", ".safetensors", ".h5", ".onnx", ".txt", ".json", ".png", ".npy", ".gguf", ""),
    *(".pth.tar", ".ckpt", ".PKL", ".pb", ".keras", ".csv", ".md", ".p", ".sav", ".dill", ".cpkl", ".tmp"),
)
PACKINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("zlib", zlib.compress),
    ("gzip", lambda data: gzip.compress(data, mtime=0)),
    ("bz2", bz2.compress),
    ("xz", lzma.compress),
    ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
)


def samples(vary: Variation) -> Iterator[Sample]:
    """Pickles, PyTorch zips and packed pickles under other formats' names."""
    for suffix in vary.some(SUFFIXES, 16):
        yield _sample(
            f"pickle named {suffix or 'without a suffix'}", f"model{suffix}", vary.payload(), SOURCE
        )
    for suffix in vary.some((".bin", ".safetensors", ".model", "", ".pkl", ".onnx", ".h5", ".jpg"), 4):
        data = zip_of({"archive/data.pkl": vary.payload(2), "archive/version": b"3\n"})
        yield _sample(f"PyTorch zip named {suffix or 'without a suffix'}", f"model{suffix}", data, OTHER)
    for name, pack in PACKINGS:
        suffix = vary.pick((".pkl", ".bin", ".model", ""))
        yield _sample(
            f"{name} named {suffix or 'without a suffix'}", f"model{suffix}", pack(vary.payload()), SOURCE
        )


def _sample(technique: str, name: str, data: bytes, source: str) -> Sample:
    return Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)
