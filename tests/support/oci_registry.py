"""A registry on this machine that has one artifact: a database of Trivy's."""

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

NAME = "mirror/trivy-db"
_LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Registry:
    """Its address with the artifact's name, and what it was asked for."""

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
def registry(database: Path) -> Iterator[Registry]:
    """Serve a database as `NAME:2` until the block ends."""
    layer, config = packed(database), b"{}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor("application/vnd.aquasec.trivy.config.v1+json", config),
            "layers": [
                _descriptor(_LAYER, layer) | {"annotations": {"org.opencontainers.image.title": "db.tar.gz"}}
            ],
        }
    ).encode()
    contents = {
        "/v2/": (b"{}", "application/json"),
        f"/v2/{NAME}/manifests/2": (manifest, _MANIFEST),
        f"/v2/{NAME}/manifests/{_digest(manifest)}": (manifest, _MANIFEST),
        f"/v2/{NAME}/blobs/{_digest(layer)}": (layer, "application/octet-stream"),
        f"/v2/{NAME}/blobs/{_digest(config)}": (config, "application/octet-stream"),
    }
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
    served.repository = f"127.0.0.1:{server.server_address[1]}/{NAME}:2"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"
