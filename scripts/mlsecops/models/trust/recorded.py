"""Hashes that stand-ins record: pointers of Git LFS and git-annex, `.dvc` files and `dvc.lock`.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md,
https://git-annex.branchable.com/internals/key_format/, https://dvc.org/doc/user-guide/project-structure
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlsecops.models.trust.lock import Entry
from mlsecops.policy.document import DocumentError, read

_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size ([0-9]{1,18})$", re.MULTILINE)
_KEY = re.compile(rb"/(?:SHA256|MD5)E?(?:-s([0-9]{1,18}))?(?:-[a-zA-Z][0-9]+)*--([0-9a-f]+)")
_DIGEST = re.compile(r"[0-9a-f]{32}(?:\.dir)?", re.ASCII)
_OF_LENGTH = {64: "sha256", 32: "md5"}


class RecordedError(ValueError):
    """A stand-in that does not say which content it stands for; the text is one plain phrase."""


def lfs(path: str, content: bytes) -> Entry:
    """What a pointer of Git LFS at `path` says. Raises RecordedError."""
    oid, size = _OID.findall(content), _SIZE.findall(content)
    if len(oid) != 1 or len(size) != 1:
        raise RecordedError("its Git LFS pointer does not say one SHA-256 and one size")
    return Entry(path=path, sha256=oid[0].decode(), size=int(size[0]))


def annex(path: str, content: bytes) -> Entry:
    """What a pointer, or the target of a link, of git-annex says. Raises RecordedError."""
    key = content.strip().rpartition(b"/")
    match = _KEY.match(b"/" + key[2])
    kind = _OF_LENGTH.get(len(match[2])) if match else None
    if match is None or kind is None:
        raise RecordedError("its git-annex key holds no SHA-256 or MD5")
    size = int(match[1]) if match[1] else None
    return Entry(path=path, size=size, **{kind: match[2].decode()})


def dvc(uri: str, content: bytes) -> dict[str, Entry | None]:
    """What a `.dvc` file or a `dvc.lock` at `uri` keeps, by path; None where it records no hash.

    What lies outside of the project is left out. Raises RecordedError when it cannot be read.
    """
    try:
        data = read(content).data
    except DocumentError as error:
        raise RecordedError(f"it cannot be read, line {error.line}: {error.text}") from error
    folder = uri.rpartition("/")[0]
    found: dict[str, Entry | None] = {}
    for out in _outs(data):
        path = posixpath.normpath(posixpath.join(folder, str(out.get("path", ""))))
        if path.startswith(("/", "../")) or path in (".", "..") or "://" in str(out.get("path", "")):
            continue
        found |= _listed(path, out)
    return found


def _outs(data: Any) -> Iterator[Mapping[str, Any]]:
    """The outputs of all stages; a `.dvc` file is one stage. Schema 1 of dvc.lock has no `stages`."""
    if not isinstance(data, dict):
        return
    stages = data.get("stages", data)
    several = [data] if "outs" in data else stages.values() if isinstance(stages, dict) else []
    for stage in several:
        outs = stage.get("outs") if isinstance(stage, dict) else None
        yield from (out for out in (outs if isinstance(outs, list) else []) if isinstance(out, dict))


def _listed(path: str, out: Mapping[str, Any]) -> dict[str, Entry | None]:
    """An output, or the files of a folder whose versions the remote keeps."""
    files = out.get("files")
    if "md5" in out or not isinstance(files, list):
        return {path: _kept(path, out)}
    each = [file for file in files if isinstance(file, dict)]
    names = [posixpath.normpath(posixpath.join(path, str(file.get("relpath", "")))) for file in each]
    return {
        name: _kept(name, file) for name, file in zip(names, each, strict=True) if name.startswith(f"{path}/")
    }


def _kept(path: str, out: Mapping[str, Any]) -> Entry | None:
    digest, size = out.get("md5"), out.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        return None
    return Entry(path=path, md5=digest, size=size if isinstance(size, int) and size >= 0 else None)
