"""GitHub's limits for SARIF uploads: what is too much is cut by severity, and every cut is said."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlsecops.sarif.build import Json
from mlsecops.sarif.json_types import object_of
from mlsecops.sarif.selection import Limits

GITHUB = Limits()
# For what stays with us: every run is needed to compare with, whatever GitHub takes in one file.
EVERY_RUN = replace(GITHUB, runs=1_000)


def gzip_size(chunks: Iterable[bytes]) -> int:
    """How many bytes gzip makes of some bytes, compressed as GitHub's upload action does."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return sum(len(packer.compress(chunk)) for chunk in chunks) + len(packer.flush())


def with_notes(run: Json, notes: Sequence[str]) -> Json:
    """The run with more sentences in `properties.mlsecops.notes`."""
    if not notes:
        return run
    properties = object_of(run, "properties")
    own = object_of(properties, "mlsecops")
    known = own["notes"] if isinstance(own.get("notes"), list) else []
    added = [*known, *(note for note in notes if note not in known)]
    return {**run, "properties": {**properties, "mlsecops": {**own, "notes": added}}}
