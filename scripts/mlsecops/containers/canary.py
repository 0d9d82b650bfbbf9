"""Images made by hand, for the check of the checks: one that has nearly every flaw that we look for."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlsecops.sarif.build import Json

# The pieces of secrets stand apart so that no scanner takes this file for one.
_TOKEN = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
DOCKERFILE = """FROM canary
RUN install everything
RUN rm key
ENV API_TOKEN=...
RUN use token
USER 10001
"""


@dataclass(frozen=True, slots=True)
class Made:
    """One member of a layer; `content` None makes a folder."""

    path: str
    content: bytes | None = b""
    mode: int = 0o644
    user: int = 0
    kind: bytes = tarfile.REGTYPE
    target: str = ""


def layer(members: Sequence[Made]) -> bytes:
    """The tar of a layer."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in members:
            member = tarfile.TarInfo(each.path)
            member.mode, member.uid, member.gid = each.mode, each.user, each.user
            member.type = tarfile.DIRTYPE if each.content is None else each.kind
            member.linkname = each.target
            member.size = len(each.content or b"") if member.isreg() else 0
            archive.addfile(member, io.BytesIO(each.content or b""))
    return packed.getvalue()


def archive_of(layers: Sequence[bytes], config: Json, history: Sequence[tuple[str, bool]]) -> bytes:
    """An archive as `docker save` writes it; `history` is each step's command and whether it left a layer."""
    document = {
        "architecture": "amd64",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(each)}" for each in layers]},
        "history": [{"created_by": by, **({} if left else {"empty_layer": True})} for by, left in history],
    }
    content = json.dumps(document).encode()
    name = f"{_sha256(content)}.json"
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": name, "RepoTags": None, "Layers": names}]
    files: Mapping[str, bytes] = {
        **dict(zip(names, layers, strict=True)),
        name: content,
        "manifest.json": json.dumps(manifest).encode(),
    }
    return layer([Made(path, data) for path, data in files.items()])


def canary() -> bytes:
    """The archive of the image with every flaw, each above its base but for the package manager."""
    base = [Made("usr", None, 0o755), Made("usr/bin", None, 0o755), Made("usr/bin/apt", b"x", 0o755)]
    own = [
        Made("usr/bin/gcc", b"x", 0o755),
        Made("usr/bin/canary", b"x", 0o4755),
        Made("app", None, 0o755),
        Made("app/canary.py", b"x", 0o666),
        Made("app/canary.pkl", b"cposix\nsystem\n(Vecho mlsecops canary\ntR."),
        Made("app/id_rsa", b"-----BEGIN " + b"PRIVATE KEY-----\n"),
        Made("app/.env", b"x"),
    ]
    gone = [Made("app/.wh..env")]
    config = {"User": "10001", "Env": [f"API_TOKEN={_TOKEN}"]}
    history = [
        ("base", True),
        ("/bin/sh -c install everything", True),
        ("/bin/sh -c rm key", True),
        (f"/bin/sh -c #(nop)  ENV API_TOKEN={_TOKEN}", False),
        (f"/bin/sh -c use {_TOKEN}", False),
        ("/bin/sh -c #(nop)  USER 10001", False),
    ]
    return archive_of([layer(base), layer(own), layer(gone)], config, history)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
