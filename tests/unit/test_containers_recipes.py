"""Which context, target and arguments a Dockerfile is built with."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.containers.recipes import Recipe, recipes
from mlsecops.policy import ContainerSettings
from mlsecops.project import discover

COMPOSE = """services:
  api:
    build:
      context: ..
      dockerfile: docker/api.Dockerfile
      target: ${TARGET:-final}
      args: {A: 1, B: "${NOT_SET}", C: "x${D:-y}", E: , F: true}
  again:
    build: {context: .., dockerfile: docker/api.Dockerfile, args: ["G=h", ONLY_NAME]}
  here:
    build: ./here
  elsewhere: {build: "https://example.com/x.git"}
  outside: {build: ../..}
  absolute: {build: /srv}
  unknown: {build: "${WHERE}"}
  inline: {build: {dockerfile_inline: FROM x}}
  odd: {build: 5}
  image: {image: x}
  nothing:
"""


def planned(root: Path, files: dict[str, str], settings: ContainerSettings | None = None) -> list[Recipe]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return recipes(discover(root), settings or ContainerSettings())


def test_without_anything_it_is_the_own_folder_or_the_root(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "FROM a:1\nCOPY x /\n",
        "a/Dockerfile": "FROM a:1\nCOPY own.txt sub $V ./\nCOPY --from=b /x /x\nADD https://example.com /\n",
        "a/own.txt": "",
        "a/sub/x": "",
        "b/Dockerfile": "FROM a:1\nCOPY a/own.txt /\n",
        "c/Dockerfile": "FROM a:1\n" * 6000,
    }
    assert planned(tmp_path, files) == [
        Recipe("Dockerfile", ""),
        Recipe("a/Dockerfile", "a"),
        Recipe("b/Dockerfile", ""),
        Recipe("c/Dockerfile", "c"),
    ]


def test_compose_knows(tmp_path: Path) -> None:
    files = {
        "docker/compose.yaml": COMPOSE,
        "docker/api.Dockerfile": "FROM a:1\n",
        "docker/here/Dockerfile": "FROM a:1\n",
    }
    arguments = (("A", "1"), ("C", "xy"), ("F", "true"))
    assert planned(tmp_path, files) == [
        Recipe("docker/api.Dockerfile", "", "${TARGET:-final}", arguments, "docker/compose.yaml"),
        Recipe("docker/here/Dockerfile", "docker/here", None, (), "docker/compose.yaml"),
    ]


def test_the_policy_knows_better(tmp_path: Path) -> None:
    files = {
        "compose.yml": "services: {api: {build: {context: a, args: ['A=b']}}}",
        "a/Dockerfile": "FROM a:1\n",
        "b/Dockerfile": "FROM a:1\n",
    }
    settings = ContainerSettings(context=".", dockerfiles=("a/Dockerfile",))
    assert planned(tmp_path, files, settings) == [Recipe("a/Dockerfile", "", None, (("A", "b"),), "policy")]
    settings = ContainerSettings(context="b/", dockerfiles=("b/Dockerfile",))
    assert planned(tmp_path, files, settings) == [Recipe("b/Dockerfile", "b", None, (), "policy")]


@pytest.mark.parametrize(
    "text", ["[", "- a", "services: 5", "services: {a: 5}", "a: &a [*a]", "\x07", '"\\UFFFFFFFF"']
)
def test_a_compose_file_that_says_nothing(text: str, tmp_path: Path) -> None:
    files = {"compose.yml": text, "Dockerfile": "FROM a:1\n"}
    assert planned(tmp_path, files) == [Recipe("Dockerfile", "")]
