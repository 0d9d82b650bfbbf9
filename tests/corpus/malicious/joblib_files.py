"""joblib: compressors, and payloads before, between and behind raw arrays."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator

from corpus.assembler import Style, pickled
from corpus.formats import joblib
from corpus.formats.packings import lz4
from corpus.sample import Sample, Variation

FAMILY = "joblib"
SOURCE = "https://joblib.readthedocs.io/en/stable/persistence.html"
MODELSCAN = "https://github.com/protectai/modelscan/pull/356"


def samples(vary: Variation) -> Iterator[Sample]:
    """Each compressor, and each place."""
    for technique, source, data in _rows(vary):
        yield Sample(name="model.joblib", data=data, family=FAMILY, technique=technique, source=source)


def _rows(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    level = vary.pick((3, 1, 9))
    inner = vary.payload(4)
    yield "zlib", SOURCE, zlib.compress(inner, level)
    yield "gzip", SOURCE, gzip.compress(inner, level, mtime=0)
    yield "bz2", SOURCE, bz2.compress(inner, level)
    yield "xz", SOURCE, lzma.compress(inner)
    yield "lzma", SOURCE, lzma.compress(inner, lzma.FORMAT_ALONE)
    yield "lz4", SOURCE, lz4(inner)
    yield "zlib of joblib before 0.10", SOURCE, joblib.zfile(zlib.compress(inner), len(inner))
    yield "two compressors", SOURCE, gzip.compress(zlib.compress(inner), mtime=0)
    numbers = tuple(float(number) for number in range(vary.pick((3, 1, 1000))))
    for aligned in (True, False):
        array = joblib.array(numbers, aligned=aligned)
        what = "aligned" if aligned else "not aligned"
        yield f"behind a raw array, {what}", MODELSCAN, pickled([array, vary.evaluation()], Style(4))
    first = pickled({"hook": vary.evaluation(), "w": joblib.array(numbers)}, Style(4))
    yield "before a raw array", MODELSCAN, first
    dots = joblib.array((1.2598e-231,) * 8)  # bytes that are full stops, and opcodes
    yield "behind an array that looks like opcodes", MODELSCAN, pickled([dots, vary.evaluation()], Style(4))
    both = [joblib.array(numbers), joblib.array(numbers), vary.evaluation(), joblib.array(numbers)]
    yield "between raw arrays", MODELSCAN, pickled(both, Style(4))
    yield "in an array of objects", MODELSCAN, pickled([joblib.objects(vary.payload(4)), 1], Style(4))
    packed = zlib.compress(pickled([joblib.array(numbers), vary.evaluation()], Style(4)))
    yield "behind a raw array, zlib", MODELSCAN, packed
    short = joblib.array((1.0,), shape=1 << 40)
    yield (
        "payload before an array longer than the file",
        MODELSCAN,
        pickled([vary.evaluation(), short], Style(4)),
    )
