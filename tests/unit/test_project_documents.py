from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.project import Project, discover
from support.shapes import DOCKERFILE, LFS_POINTER, write


def found(root: Path, files: dict[str, str | bytes]) -> Project:
    write(root, files)
    return discover(root)


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("Dockerfile", ""),
        ("dockerfile", DOCKERFILE),
        ("Dockerfile.train", "broken"),
        ("Dockerfile-gpu", DOCKERFILE),
        ("Dockerfile_gpu", DOCKERFILE),
        ("docker/api.Dockerfile", DOCKERFILE),
        ("docker/api.dockerfile", DOCKERFILE),
        ("train-dockerfile", DOCKERFILE),
        ("Containerfile", DOCKERFILE),
        ("Containerfile.gpu", DOCKERFILE),
        ("DockerfileGPU", DOCKERFILE),
        ("Dockerfile.txt", DOCKERFILE),
        ("Dockerfile.j2", "# {{ x }}\nFROM {{ base }}\n"),
        ("docker/train", "# syntax=docker/dockerfile:1\nARG BASE=python\nFROM ${BASE}\nRUN x\n"),
        ("docker/train", "\r\nFROM python\r\nCOPY . .\r\n"),
    ],
)
def test_dockerfiles(uri: str, content: str, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).dockerfiles == (uri,)


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("Dockerfile.md", DOCKERFILE),
        ("Dockerfile.dockerignore", ".git\n"),
        (".dockerignore", ".git\n"),
        ("dockerfile.py", "FROM = 1\n"),
        ("dockerfile_lint.yml", "FROM x\n"),
        ("Dockerfile.txt", "how to build the image\n"),
        ("mydockerfiles", "a list\n"),
        ("letter", "FROM the desk of\nthe director\n"),
        ("letter", "Dear all,\nFROM x\nRUN y\n"),
        ("docker/train", b"FROM python\nRUN x\n\0"),
    ],
)
def test_what_is_no_dockerfile(uri: str, content: str | bytes, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).dockerfiles == ()


def test_dockerignores(tmp_path: Path) -> None:
    project = found(tmp_path, {".dockerignore": "", "sub/api.Dockerfile.dockerignore": ""})
    assert project.dockerignores == {".dockerignore", "sub/api.Dockerfile.dockerignore"}


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("a.py", ""),
        ("A.PY", ""),
        ("a.pyw", ""),
        ("app.wsgi", ""),
        ("bin/run", "#!/usr/bin/env python3\n"),
        ("bin/run", "#!/usr/bin/python\n"),
        ("bin/run.cgi", "#! /usr/local/bin/python3.12 -u\n"),
        ("bin/run", "#!/usr/bin/env -S uv run --script\n"),
        ("bin/run", "#!/usr/bin/pypy3\n"),
    ],
)
def test_python(uri: str, content: str, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).python == (uri,)


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("run", "#!/bin/sh\npython x\n"),
        ("run", "# python\n"),
        ("run", "#!/opt/pythonic/sh\n"),
        ("a.pyx", "x = 1\n"),
    ],
)
def test_what_is_not_python(uri: str, content: str, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).python == ()


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        (".github/workflows/ci.yml", "on: push\n"),
        (".github/workflows/ci.yaml", "broken: ["),
        (".github/workflows/ci.yml", "openapi: 3.1.0\n"),
        (".github/actions/a/action.yml", ""),
        (".github/actions/a/deep/action.yaml", ""),
        (".github/dependabot.yml", ""),
        ("sub/.github/workflows/ci.yml", ""),
        ("action.yml", "name: x\nruns:\n  using: composite\n"),
        ("actions/a/action.yaml", "runs: {}\n"),
    ],
)
def test_workflows(uri: str, content: str, tmp_path: Path) -> None:
    project = found(tmp_path, {uri: content})
    assert project.workflows == (uri,)
    assert project.openapi == ()


@pytest.mark.parametrize(
    "uri", [".github/workflows/sub/ci.yml", ".github/workflows/ci.txt", "workflows/ci.yml", "rasa/action.yml"]
)
def test_what_is_no_workflow(uri: str, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: "x: 1\n"}).workflows == ()


def test_the_policy_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, {".github/mlsecops.yml": ""}).policy_file == ".github/mlsecops.yml"
    assert discover(tmp_path / ".github").policy_file is None


PATHS = '{"paths": {"/a": {}}' + ', "x": "' + "y" * 20_000 + '"'


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("openapi.yaml", "openapi: 3.1.0\n"),
        ("api.yml", "# comment\n---\ninfo: {}\nopenapi: '3.0.3'\n"),
        ("api.yml", '"swagger": "2.0"\n'),
        ("api.yml", "paths: {}\n" + "# long\n" * 3000 + "openapi: 3.1.0\n"),
        ("api.json", '{"openapi": "3.1.0"}'),
        ("api.json", PATHS + ', "openapi": "3.1.0"}'),
        ("api.json", '\n{"swagger": "2.0", broken'),
        ("api.yaml", '{"openapi": "3.1.0"}'),
        ("api.json", '{"swagger": "2.0"}'.encode("utf-8-sig")[3:]),
    ],
)
def test_openapi(uri: str, content: str | bytes, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).openapi == (uri,)


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("a.yml", "tool:\n  openapi: 3.1.0\n"),
        ("a.yml", "openapi: true\n"),
        ("a.json", '{"x": {"openapi": "3.1.0"}}'),
        ("a.json", '["openapi"]'),
        ("a.txt", "openapi: 3.1.0\n"),
        ("a.json", '{"openapi": "3.1.0"}' + " " * 6_000_000),
    ],
)
def test_what_is_no_openapi_document(uri: str, content: str, tmp_path: Path) -> None:
    assert found(tmp_path, {uri: content}).openapi == ()


def test_text_files_are_all_that_is_no_binary(tmp_path: Path) -> None:
    project = found(
        tmp_path,
        {
            ".env": "TOKEN=x\n",
            "a.ipynb": "{}",
            "empty": "",
            "utf16.txt": "\ufeffa".encode("utf-16-le"),
            "late.txt": b"x" * 9000 + b"\0",
            "binary": b"\0\1",
            "pointer.pkl": LFS_POINTER,
        },
    )
    assert project.text_files == (".env", "a.ipynb", "empty", "late.txt", "pointer.pkl", "utf16.txt")
