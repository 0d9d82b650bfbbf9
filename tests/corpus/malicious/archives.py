"""Archives and compressions around a model, one in another, and archives that write elsewhere."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator

from corpus.formats import torch
from corpus.formats.packings import lz4, zstd
from corpus.formats.seven_zips import of_files
from corpus.formats.zips import DEFLATED, Member, tar_of, zip_of
from corpus.sample import Sample, Variation

FAMILY = "archives around models"
SLIP = "https://snyk.io/research/zip-slip-vulnerability"
TARFILE = "CVE-2007-4559"
PICKLESCAN = "https://github.com/mmaitre314/picklescan#readme"


def samples(vary: Variation) -> Iterator[Sample]:
    """Around, nested, and out of the folder."""
    for technique, source, name, data in (*_around(vary), *_nested(vary), *_outside(vary)):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)


def _around(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    bad = vary.payload()
    inside = {f"{vary.word()}/{vary.pick(('model.pkl', 'weights.bin', 'x'))}": bad, "README.md": b"# model\n"}
    yield "zip", PICKLESCAN, "models.zip", zip_of(inside)
    yield "zip, deflated", PICKLESCAN, "models.zip", zip_of(inside, method=DEFLATED)
    yield "tar", PICKLESCAN, "models.tar", tar_of(inside)
    yield "tar.gz", PICKLESCAN, "models.tar.gz", tar_of(inside, mode="w:gz")
    yield "tar.bz2", PICKLESCAN, "models.tar.bz2", tar_of(inside, mode="w:bz2")
    yield "tar.xz", PICKLESCAN, "models.tar.xz", tar_of(inside, mode="w:xz")
    yield "7z", PICKLESCAN, "models.7z", of_files({"model.pkl": bad})
    method = vary.pick(("lzma2", "lzma", "x86", "x86+lzma", "deflate", "bzip2", "delta"))
    solid = {"README.md": b"# model\n" * 50} | inside
    yield "7z, compressed", PICKLESCAN, "models.7z", of_files(solid, method, header="lzma")
    yield "zstd", PICKLESCAN, "model.pkl.zst", zstd(bad)
    yield "lz4", PICKLESCAN, "model.pkl.lz4", lz4(bad)
    two = gzip.compress(b"", mtime=0) + gzip.compress(bad, mtime=0)
    yield "gzip, in its second member", PICKLESCAN, "model.pkl.gz", two


def _nested(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    packings: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, bz2.compress, lzma.compress, zstd, lz4)
    data = torch.archive(vary.payload(2))
    for _ in range(vary.pick((2, 3))):
        data = vary.pick(packings)(data)
    yield "compressed several times", PICKLESCAN, "model.bin", data
    inner = zip_of({"model.pt": torch.archive(vary.payload(2))})
    yield "zip in tar.gz", PICKLESCAN, "models.tgz", tar_of({"a/models.zip": inner}, mode="w:gz")
    deep = vary.payload()
    for level in range(4):
        deep = zip_of({f"level{level}.zip": deep}) if level % 2 else tar_of({f"level{level}.tar": deep})
    yield "four archives deep", PICKLESCAN, "models.zip", deep


def _outside(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    good = torch.archive(torch.state_dict())
    away = vary.pick(("../../../.bashrc", "/etc/cron.d/x", "a/../../x.py"))
    yield "zip member outside the folder", SLIP, "models.zip", zip_of({"model.pt": good, away: b"echo\n"})
    yield "tar member outside the folder", TARFILE, "models.tar", tar_of({"model.pt": good, away: b"echo\n"})
    names = {"model.pt": good, away: b"echo\n"}
    yield "7z member outside the folder", SLIP, "models.7z", of_files(names, "lzma2", header="lzma")
    target = vary.pick(("/etc/passwd", "../../.ssh"))
    yield (
        "tar link outside the folder",
        TARFILE,
        "models.tar",
        tar_of({"model.pt": good}, {"weights": target}),
    )
    link = Member(name="weights", data=target.encode(), unix=0o120777)
    yield (
        "zip link outside the folder",
        SLIP,
        "models.zip",
        zip_of([Member(name="model.pt", data=good), link]),
    )
