"""As much of GitHub's API as a release asks for, in memory, over HTTP on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Json = dict[str, Any]


@dataclass
class ReleaseService:
    """What GitHub remembers of one repository; `url` is set as long as it serves."""

    repository: str = "octo/mlsecops"
    url: str = ""
    branch: str = "main"
    # Tag -> type and id of the object that it leads to.
    tags: dict[str, tuple[str, str]] = field(default_factory=dict)
    # Id of a tag object -> type and id of what that leads to.
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    releases: list[Json] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    changes: list[tuple[str, str, Json]] = field(default_factory=list)
    # Takes a change of a tag and leaves it as it was.
    frozen: bool = False

    def publish(self, tag: str, *, draft: bool = False) -> None:
        """Add a release."""
        self.releases.append({"tag_name": tag, "draft": draft})

    def get(self, path: str) -> Any:
        """The answer to a GET; None where there is nothing."""
        kind, _, name = path.partition("/")
        if not path:
            return {"default_branch": self.branch}
        if path == "releases":
            return self.releases
        if kind == "compare":
            branch, commit = name.split("...")
            known = unquote(branch) == self.branch and commit in self.merged
            return {"status": "behind" if known else "diverged"}
        if path.startswith("git/ref/tags/"):
            return _object(self.tags.get(path.removeprefix("git/ref/tags/")))
        return _object(self.objects.get(path.removeprefix("git/tags/")))

    def change(self, method: str, path: str, body: Json) -> Json:
        """Do what a POST or a PATCH asks for."""
        self.changes.append((method, path, body))
        ref = body["ref"] if method == "POST" else path.removeprefix("git/")
        if not self.frozen:
            self.tags[ref.removeprefix("refs/tags/")] = ("commit", body["sha"])
        return {"ref": ref}


@contextmanager
def serve(service: ReleaseService) -> Iterator[ReleaseService]:
    """Answer at `service.url` as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(service.get(self._path()))

        def do_POST(self) -> None:
            self._answer(service.change("POST", self._path(), self._body()))

        def do_PATCH(self) -> None:
            self._answer(service.change("PATCH", self._path(), self._body()))

        def _path(self) -> str:
            path = urlsplit(self.path).path.removeprefix(f"/repos/{service.repository}")
            return path.lstrip("/")

        def _body(self) -> Any:
            return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, answer: Any) -> None:
            content = json.dumps({"message": "Not Found"} if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _object(found: tuple[str, str] | None) -> Json | None:
    return None if found is None else {"object": {"type": found[0], "sha": found[1]}}
