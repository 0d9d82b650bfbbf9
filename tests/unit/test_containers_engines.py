"""Which engine builds, by which commands, and what a dead run has left in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mlsecops.containers.engines import NAMES, Engine, Name, NoEngineError, environment, find, new_steps
from mlsecops.containers.recipes import Recipe
from mlsecops.containers.runs import container_name, dead, run_name

RECIPE = Recipe("docker/Dockerfile", "docker", "final", (("A", "b"),))


def which(*there: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in there else None


def answering(*programs: str, buildx: bool = False) -> Callable[[Sequence[str]], str]:
    def ask(command: Sequence[str]) -> str:
        if command[1] == "buildx":
            if not buildx:
                raise NoEngineError("unknown command")
            return "github.com/docker/buildx v0.20.0\n"
        if Path(command[0]).name not in programs:
            raise NoEngineError("no daemon")
        return "28.0\n"

    return ask


@pytest.mark.parametrize("there", [NAMES, NAMES[1:], NAMES[2:]])
def test_the_first_that_is_there(there: tuple[str, ...]) -> None:
    assert find(which(*there), answering(*there)) == Engine(
        next(name for name in NAMES if name in there), f"/bin/{there[0]}", "28.0"
    )


def test_one_that_does_not_answer_is_passed_over() -> None:
    assert find(which(*NAMES), answering("podman")).name == "podman"
    with pytest.raises(NoEngineError, match=r"^docker does not answer: no daemon$"):
        find(which("docker"), answering())


def test_none_at_all() -> None:
    with pytest.raises(NoEngineError, match=r"^none of docker, podman, buildah is installed$"):
        find(which(), answering())


def test_one_that_is_wanted() -> None:
    assert find(which(*NAMES), answering(*NAMES), "buildah").name == "buildah"
    with pytest.raises(NoEngineError, match=r"^podman is not installed$"):
        find(which("docker"), answering("docker"), "podman")
    with pytest.raises(NoEngineError, match=r"^MLSECOPS_ENGINE names none of docker, podman, buildah$"):
        find(which(*NAMES), answering(*NAMES), "none")


def test_buildkit_is_used_where_it_is() -> None:
    engine = find(which("docker"), answering("docker", buildx=True))
    assert engine.buildx
    command = engine.build(RECIPE, Path("/p"), "t:1")
    assert command[:7] == [
        "/bin/docker",
        "buildx",
        "build",
        "--builder",
        "default",
        "--load",
        "--provenance=false",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_commands(name: Name) -> None:
    engine = Engine(name, f"/bin/{name}")
    command = engine.build(RECIPE, Path("/p"), "t:1")
    assert command[-5:] == ["--tag", "t:1", "--file", "/p/docker/Dockerfile", "/p/docker"]
    assert command[command.index("--target") :][:4] == ["--target", "final", "--build-arg", "A=b"]
    assert "--force-rm" in command
    assert "/x.tar" in engine.save("t:1", Path("/x.tar"))[-2 if name != "buildah" else -1]
    assert engine.remove("t:1")[-1] == "t:1"
    assert "{{.Tag}}" in engine.tags()[-1]
    plain = engine.build(Recipe("Dockerfile", ""), Path("/p"), "t:1")
    assert not {"--target", "--build-arg"} & set(plain)
    assert plain[-1] == "/p"


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_container_has_no_network_and_limits(name: Name) -> None:
    engine = Engine(name, f"/bin/{name}")
    command = engine.start("t:1", "own", variables=Path("/v"), memory=1000, processes=7, read_only=False)
    assert command[-1] == "t:1"
    for option, value in (
        ("--network", "none"),
        ("--pull", "never"),
        ("--name", "own"),
        ("--memory", "1000"),
        ("--memory-swap", "1000"),
        ("--pids-limit", "7"),
        ("--env-file", "/v"),
    ):
        assert command[command.index(option) + 1] == value
    locked = engine.start("t:1", "own", variables=Path("/v"), memory=1, processes=1, read_only=True)
    assert set(locked) - set(command) == {"--read-only", "--tmpfs=/tmp", "1"}
    assert engine.process("own")[-1] == engine.end("own")[-1] == "own"
    assert "{{.Names}}" in engine.containers()


LEGACY = """Step 1/4 : FROM base:1 AS base
 ---> 111111111111
Step 2/4 : RUN a
 ---> Using cache
 ---> 222222222222
Step 3/4 : RUN b
 ---> Running in cccccccccccc
 ---> 333333333333
Step 4/4 : USER 1
 ---> Running in dddddddddddd
 ---> 444444444444
Successfully built 444444444444
"""
PODMAN = """[1/2] STEP 1/2: FROM base:1 AS build
[1/2] STEP 2/2: RUN a
--> Using cache 222222222222
--> 222222222222
[2/2] STEP 1/2: FROM base:1
[2/2] STEP 2/2: RUN b
[2/2] COMMIT t:1
--> 333333333333
"""


def test_the_steps_that_a_build_made_are_those_it_did_not_find() -> None:
    assert new_steps(LEGACY) == ["444444444444", "333333333333"]
    assert new_steps(PODMAN) == ["333333333333"]
    assert new_steps("#5 [2/3] RUN a\n#5 DONE 0.1s\n") == []


def test_buildah_has_no_containers_that_run() -> None:
    engine = Engine("buildah", "/bin/buildah")
    assert not engine.runs
    assert engine.containers() == []


def test_an_engine_sees_its_own_settings_and_no_tokens() -> None:
    kept = {"HOME": "h", "PATH": "p", "DOCKER_HOST": "d", "XDG_RUNTIME_DIR": "x", "https_proxy": "y"}
    assert environment({**kept, "GITHUB_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "s", "PYTHONPATH": "q"}) == kept


def test_tags_of_dead_runs() -> None:
    own = f"{run_name()}:abc"
    gone = own.replace(f"-{os.getpid()}-", "-4194304-")
    reused = f"{own.rsplit('-', 1)[0]}-12345:abc"
    other = own.replace(own.split("/")[1][:8], "00000000")
    assert dead([container_name(own), container_name(gone)]) == [container_name(gone)]
    tags = [own, gone, f"localhost/{gone}", reused, other, "python:3", "<none>:<none>", "mlsecops-run/x:1"]
    assert dead(tags) == [gone, f"localhost/{gone}", reused]
