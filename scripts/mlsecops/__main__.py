"""`mlsecops` and `python -m mlsecops`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

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
    from mlsecops.cli import command

    sys.exit(command.main(standalone_mode=True))


if __name__ == "__main__":
    main()
