"""`mlsecops` and `python -m mlsecops`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

from mlsecops.environment import outdated

_REQUESTS = (signal.SIGINT, signal.SIGTERM)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the run, once: a platform asks again soon, and must not interrupt what the run cleans up."""
    for each in _REQUESTS:
        signal.signal(each, lambda *_: None)
    signal.default_int_handler(number, frame)


def main() -> None:
    """Run the command line; a request to end is an interrupt, so that no child is left behind."""
    for each in _REQUESTS:
        signal.signal(each, interrupt)
    scripts = Path(__file__).resolve().parent.parent
    if outdated(Path(sys.prefix), scripts / "requirements"):
        sys.exit(_outdated(scripts / "bootstrap.py"))
    from mlsecops.cli import command

    sys.exit(command.main(standalone_mode=True))


def _outdated(bootstrap: Path) -> int:
    sys.stderr.write(f"mlsecops: its environment is older than its code: run python3 {bootstrap}\n")
    return 3


if __name__ == "__main__":
    main()
