"""`mlsecops` and `python -m mlsecops`."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line; a request to end is an interrupt, so that no child is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from mlsecops.cli import command

    sys.exit(command.main(standalone_mode=True))


if __name__ == "__main__":
    main()
