"""A registry on this machine that has databases of Trivy's."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_KINDS = {
    "trivy.db": ("mirror/trivy-db", "2", "db"),
    "trivy-java.db": ("mirror/trivy-java-db", "1", "javadb"),
}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Registry:
    """Where it has the vulnerabilities, and what it was asked for."""

    repository: str = ""
    asked: list[str] = field(default_factory=list)


def packed(database: Path) -> bytes:
    """A database as Trivy's project publishes it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as out:
        for file in sorted(database.iterdir()):
            out.add(file, arcname=file.name)
    return archive.getvalue()


@contextmanager
def registry(*databases: Path) -> Iterator[Registry]:
    """Serve databases under the names that they usually have, until the block ends."""
    contents = {"/v2/": (b"{}", "application/json")}
    for database in databases:
        contents |= _artifact(database)
    served = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._give(body=False)

        def do_GET(self) -> None:
            self._give(body=True)

        def _give(self, *, body: bool) -> None:
            served.asked.append(self.path)
            content, kind = contents.get(self.path, (b"{}", ""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.repository = f"127.0.0.1:{server.server_address[1]}/mirror/trivy-db:2"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _artifact(database: Path) -> dict[str, tuple[bytes, str]]:
    name, tag, kind = next(each for file, each in _KINDS.items() if (database / file).is_file())
    layer, config = packed(database), b"{}"
    about = _descriptor(f"application/vnd.aquasec.trivy.{kind}.layer.v1.tar+gzip", layer)
    about |= {"annotations": {"org.opencontainers.image.title": "db.tar.gz"}}
    document = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor("application/vnd.aquasec.trivy.config.v1+json", config),
        "layers": [about],
    }
    manifest = json.dumps(document).encode()
    return {
        f"/v2/{name}/manifests/{tag}": (manifest, _MANIFEST),
        f"/v2/{name}/manifests/{_digest(manifest)}": (manifest, _MANIFEST),
        f"/v2/{name}/blobs/{_digest(layer)}": (layer, "application/octet-stream"),
        f"/v2/{name}/blobs/{_digest(config)}": (config, "application/octet-stream"),
    }


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"
