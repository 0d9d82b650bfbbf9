"""Model files that are to be overlooked, or to harm who reads them."""

from __future__ import annotations

import gzip
import io
import os
import pickletools
import tarfile
import zipfile
from pathlib import Path

from hostile.attacks.attack import Attack, Change, Files
from mlsecops.verdict import Word

EVIL = b"cposix\nsystem\n(S'echo harmless'\ntR."
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 132917423\n"


def _model(tries: str, files: Files, sees: str = "model-", change: Change | None = None) -> Attack:
    return Attack(
        tries=tries, stage="model", tools=("mlsecops-models",), files=files, change=change, sees=sees
    )


def _unread(
    tries: str, files: Files, says: str, change: Change | None = None, word: Word = "incomplete"
) -> Attack:
    return Attack(
        tries=tries,
        stage="model",
        tools=("mlsecops-models",),
        files=files,
        change=change,
        word=word,
        says=says,
    )


def _zip(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return out.getvalue()


def _bomb() -> bytes:
    """A gigabyte of nothing in a gzip in a gzip, several times over: 5 kB."""
    inner = gzip.compress(bytes(64 << 20))
    return gzip.compress(inner * 400)


def _link(root: Path) -> None:
    (root.parent / "outside").mkdir(exist_ok=True)
    (root.parent / "outside" / "evil.pkl").write_bytes(EVIL)
    (root / "models" / "linked.pkl").symlink_to(root.parent / "outside" / "evil.pkl")


def _link_inside(root: Path) -> None:
    (root / "models" / "notes.txt").write_bytes(EVIL)
    (root / "models" / "linked.pkl").symlink_to("notes.txt")


def _fifo(root: Path) -> None:
    os.mkfifo(root / "models" / "pipe.pkl")


def _folder(root: Path) -> None:
    (root / "models" / "folder.pkl").mkdir()
    (root / "models" / "folder.pkl" / "data").write_bytes(EVIL)


def _unreadable(root: Path) -> None:
    (root / "models" / "loop.pkl").symlink_to("loop.pkl")


ATTACKS = {
    "pickle": _model("is a pickle that calls a program", {"models/a.pkl": EVIL}),
    "other-suffix": _model("is called a picture", {"models/a.png": EVIL}),
    "no-model-suffix": _model("has no suffix", {"models/weights": EVIL}),
    "behind-text": _model("has a harmless pickle first", {"models/a.pkl": b"]." + EVIL}),
    "gzip-in-tar": _model(
        "lies in a gzip in a tar", {"models/a.tar": _tar({"x/b.pkl.gz": gzip.compress(EVIL)})}
    ),
    "zip-in-zip": _model("lies in archives", {"models/a.zip": _zip({"b.zip": _zip({"c.pkl": EVIL})})}),
    "polyglot": _model(
        "is a picture and an archive", {"models/a.png": b"\x89PNG\r\n\x1a\n" + _zip({"data.pkl": EVIL})}
    ),
    "folder": _model("is a folder called like a model", {"models/x.txt": ""}, change=_folder),
    "link-inside": _model("links to a file of another kind", {"models/x.txt": ""}, change=_link_inside),
    "scanner-settings": _model(
        "configures modelscan", {"models/a.pkl": EVIL, "modelscan-settings.toml": "[scanners]\n"}
    ),
    "own-lock": _model(
        "brings a lock that vouches for it",
        {"models/a.pkl": EVIL, ".github/mlsecops-models.lock": "version: 1\n"},
    ),
    "own-imports": _model(
        "allows its own imports",
        {"models/a.pkl": EVIL, ".github/mlsecops.yml": "version: 1\nmodels: {imports: [posix.system]}\n"},
    ),
    "exported-ignored": _model(
        "is left out of archives by git",
        {"models/a.pkl": EVIL, ".gitattributes": "*.pkl -diff export-ignore\n"},
    ),
    "traversal": _model("leaves its archive's folder", {"models/a.zip": _zip({"../../b.pkl": EVIL})}),
    "flood": _model(
        "hides among ten thousand files",
        {"models/a.zip": _zip({**{f"{n}.txt": b"x" for n in range(3000)}, "z.pkl": EVIL})},
    ),
    "optimised": _model("is rewritten", {"models/a.pkl": pickletools.optimize(EVIL)}),
    "pointer": _unread("is a pointer to a file elsewhere", {"models/a.pkl": POINTER}, "models/a.pkl"),
    "link-outside": _unread("links to a file outside", {"models/x.txt": ""}, "models/linked.pkl", _link),
    "link-loop": _unread("links to itself", {"models/x.txt": ""}, "models/loop.pkl", _unreadable),
    "pipe": _unread("is a pipe that nobody writes to", {"models/x.txt": ""}, "models/pipe.pkl", _fifo),
    "cut-off": _unread(
        "is cut off", {"models/a.pkl": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00]"}, "models/a.pkl"
    ),
    "bomb": _model("unpacks to gigabytes", {"models/a.gz": _bomb()}, "archive-bomb"),
    "encrypted": _unread(
        "cannot be opened", {"models/a.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\x01" * 40}, "models/a.7z"
    ),
    "empty": _unread("is empty", {"models/a.pt": b""}, "models/a.pt"),
}
