"""Run the `mlsecops` command on a runner: the composite actions call `python3 -I on_runner.py …`.

The working folder is the checkout of a repository that may be hostile: no Python started here looks for
modules there, nor where PYTHONPATH points.
`MLSECOPS_CACHE` names a folder that keeps the command's environment from job to job.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlsecops.__main__ import main; main()"


def command_line(environment: Path, arguments: list[str]) -> list[str]:
    """The command of this repository with the packages of an environment."""
    return [str(environment / "bin" / "python"), "-I", "-c", _START, str(SCRIPTS), *arguments]


def main(arguments: list[str]) -> int:
    """Become the `mlsecops` command with these arguments; return only when it cannot be had."""
    # Isolated Python does not look beside the script.
    sys.path.insert(0, str(SCRIPTS))
    import bootstrap

    cache = os.environ.get("MLSECOPS_CACHE")
    try:
        shared = Path(cache).resolve() / "command" if cache else None
        environment = bootstrap.ensure("run", shared=shared)
        command = command_line(environment, arguments)
        sys.stderr.flush()
        os.execv(command[0], command)
    except (bootstrap.BootstrapError, OSError) as error:
        print(f"::error title=mlsecops::{error}", flush=True)
    return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
