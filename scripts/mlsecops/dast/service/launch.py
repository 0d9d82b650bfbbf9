"""Serves a web application that a file makes; a program of its own, run by the project's interpreter.

    launch.py FILE NAME ROOT PORT [MORE...]

FILE is the path of the module, NAME its variable (`app`) or a factory with its parentheses (`create_app()`),
ROOT the folder that its import starts from, MORE are folders to import others from. Nothing but the standard
library is imported before the application; the project's Python may be older than ours.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def load(file: str, name: str, folders: list[str]) -> Any:
    """Import the module by its name, as the project itself would, and give what makes the application."""
    sys.path[:1] = folders  # in the place of our own folder
    module = ".".join(Path(file).relative_to(folders[0]).with_suffix("").parts)
    made = getattr(importlib.import_module(module), name.replace("()", ""))
    return made() if name.endswith("()") else made


def serve_asgi(application: Any, port: int) -> None:
    """With the server that such applications come with."""
    if importlib.util.find_spec("uvicorn") is None:
        sys.exit(
            "uvicorn is missing among the project's packages; name what starts the service in dast.start"
        )
    uvicorn = importlib.import_module("uvicorn")
    uvicorn.run(application, host=HOST, port=port, log_level="warning")


def serve_wsgi(application: Any, port: int) -> None:
    """With a server for use, where the project has one, else with the development server that it has."""
    if importlib.util.find_spec("waitress"):
        importlib.import_module("waitress").serve(application, host=HOST, port=port, ident=None)
        return
    serving = importlib.import_module("werkzeug.serving")
    # Its name and version would be our doing, not the project's.
    serving.WSGIRequestHandler.version_string = lambda _: "development"
    serving.run_simple(HOST, port, application, threaded=True)


def is_asgi(application: Any) -> bool:
    """Whether it is called as ASGI asks."""
    called = application if inspect.isfunction(application) else type(application).__call__
    return inspect.iscoroutinefunction(called)


def main() -> None:
    """Load and serve."""
    file, name, root, port, *more = sys.argv[1:]
    application = load(file, name, [root, *more])
    if is_asgi(application):
        serve_asgi(application, int(port))
    else:
        # Dash keeps the application that answers within its own.
        serve_wsgi(getattr(application, "server", application), int(port))


if __name__ == "__main__":
    main()
