"""A small project in which every tool has something to look at, and nothing to find above low severity."""

from __future__ import annotations

import pickle
from pathlib import Path

REQUIREMENTS = (
    "six==1.16.0 \\\n    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n"
)
WORKFLOW = """on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - run: echo test
"""


def make(root: Path) -> Path:
    """Write the project below `root` and return it."""
    files = {
        "app.py": b'"""An app."""\n\n\ndef double(number: int) -> int:\n    return 2 * number\n',
        "Dockerfile": b'FROM python:3.13.1-slim\nRUN useradd app\nUSER app\nCMD ["python"]\n',
        ".github/workflows/ci.yml": WORKFLOW.encode(),
        "models/weights.pkl": pickle.dumps({"weights": [1.0, 2.0]}),
        "tests/test_app.py": b"from app import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root
