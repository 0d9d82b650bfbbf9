"""`python -m corpus.real FOLDER`: save all real objects below a folder, with an index of them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from corpus.real import boosters, estimators, frames
from corpus.real.saving import Saving

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    files = Saving(Path(sys.argv[1]))
    for topic in (frames, boosters, estimators):
        topic.save(files)
    files.close()
