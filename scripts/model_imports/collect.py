"""Entry inside of a scratch environment: `python collect.py LIBRARY...` prints one JSON object.

From Python 3.7 on.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
warnings.simplefilter("ignore")


def main() -> None:
    """List, pickle, print."""
    from model_imports.listing import entries
    from model_imports.objects import every_object
    from model_imports.recorder import Recorder

    out = os.dup(1)
    os.dup2(2, 1)  # what libraries print is not ours
    recorder = Recorder()
    roots = tuple(sys.argv[1:])
    for thing in every_object():
        recorder.pickle(thing)
    listed = [list(each) for library in roots for each in entries(library, roots)]
    seen = [[module, name, kind] for (module, name), kind in recorder.seen.items()]
    sys.stderr.write(f"objects: {recorder.tried}, written: {recorder.written}, names: {len(seen)}\n")
    with os.fdopen(out, "w") as stream:
        json.dump({"seen": seen, "listed": listed}, stream)
    os._exit(0)  # some library's threads would keep it


if __name__ == "__main__":
    main()
