"""How a result compares with a baseline, as SARIF says it: `baselineState` (3.27.24)."""

from __future__ import annotations

from collections.abc import Callable, Collection

import orjson
from msgspec import Raw

from mlsecops.sarif.build import Json
from mlsecops.sarif.raw import Result

# The fingerprints of a run's results that the baseline has too, from the run without its results.
Known = Callable[[Json], Collection[str]]

_KEY = "baselineState"


def with_state(piece: bytes | Raw, result: Result, known: Collection[str] | None) -> bytes | Raw:
    """The bytes of a result that is there, new or unchanged; without `known` there is no baseline.

    A tool does not know our baseline, so what it says of one does not stay; but what it calls absent is no
    result of this run.
    """
    said = result.baseline_state
    if said == "absent" or (known is None and said is None):
        return piece
    given = orjson.loads(bytes(piece)) if said is not None else {}
    rest = orjson.dumps({key: each for key, each in given.items() if key != _KEY}) if given else bytes(piece)
    if known is None:
        return rest
    state = b"unchanged" if result.fingerprint in known else b"new"
    comma = b"" if rest.strip(b"{} \t\r\n") == b"" else b","
    return b'{"%s":"%s"%s%s' % (_KEY.encode(), state, comma, rest[1:])
