"""The service as its image: built, started without a network, attacked from within it, gone at the end."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops import policy
from mlsecops.containers.runs import container_name
from mlsecops.dast.service.running import Request
from mlsecops.dast.serving import attacking
from mlsecops.job import Context, Scan, ToolError
from mlsecops.policy import Caller, DastSettings
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.stages import container, dast
from support import services
from support.docker_engine import DockerEngine
from support.waiting import eventually

AS_IMAGE = DastSettings(target="image", start_timeout=20.0, memory=10**9)
DOCKERFILE = """FROM base:1
COPY service.py /app/
ENV PORT=8080
USER 10001
CMD ["python", "/app/service.py"]
"""
# Tells what a container sees and may do.
TELLING = """
def get(self):
    try:
        open(self.path.replace("/write", "") + "/written", "w").close()
        written = True
    except OSError:
        written = False
    interfaces = [name for name in os.listdir("/sys/class/net")]
    names = ("TOKEN", "GITHUB_TOKEN", "SHOWN")
    self.respond(value=[interfaces, written, {name: os.environ.get(name) for name in names}])


Handler.do_GET = get
"""


def make(root: Path, more: str = "", dockerfile: str = DOCKERFILE) -> Path:
    services.make(root, more)
    (root / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    return root


def runs(around: Context) -> dict[str, Json]:
    """The runs of both stages that need the image, in one chain."""
    both = [replace(around, stage="container"), around]
    with around.shared:
        done = []
        for each, stage in zip(both, (container, dast), strict=True):
            plan = [
                due for due in stage.plan(each.project, each.policy, each.options) if isinstance(due, Scan)
            ]
            done += [scan(due.tool, due.targets, each) for due in plan]
    return {run["tool"]["driver"]["name"]: run for run in done}


def own(run: Json) -> Json:
    properties: Json = run["properties"]["mlsecops"]
    return properties


def test_the_example_is_clean_as_its_image(engine: DockerEngine, example: Path, tmp_path: Path) -> None:
    """Built once for both stages, and all its operations answered."""
    around = services.surroundings(example, tmp_path)
    rules = policy.load(example / ".github" / "mlsecops.yml")
    every = runs(replace(around, policy=rules))
    attacks, probe, image = (every[name] for name in ("service-attacks", "service-probe", "image-checks"))
    for run in (attacks, probe):
        assert (own(run)["status"], own(run)["reason"]) == ("passed", "")
        assert own(run)["scanned"] == own(run)["expected"] > 0
    assert own(probe)["notes"][0] == "the service ran as the image of Dockerfile, in a container of its own"
    assert [each["ruleId"] for each in image["results"]] == ["image-package-manager"]
    assert own(every["security-updates"])["data"]["source"].startswith("trixie-security at ")
    assert own(every["security-updates"])["expected"] > 80


def test_it_has_no_network_and_nothing_of_ours(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "not for the service")
    monkeypatch.setenv("MLSECOPS_TEST_SECRET", "a secret of seven words")
    root = make(tmp_path / "p", TELLING)
    settings = replace(AS_IMAGE, env={"TOKEN": "${MLSECOPS_TEST_SECRET}", "SHOWN": "{port}"})
    for read_only, place in ((False, False), (True, False)):
        folder = tmp_path / str(read_only)
        job = services.job(root, folder, replace(settings, read_only=read_only, port=8080))
        with job.context.shared, attacking(job) as served:
            there = engine.docker("ps", "--format", "{{.Names}}").split()
            anywhere = [
                served.service.ask([Request("GET", each)])[0] for each in ("/write/home", "/write/tmp")
            ]
            assert served.target.pid
            assert served.service.watch.memory == 10**9
        assert [each.startswith("mlsecops-run.") for each in there] == [True]
        home, scratch = (each.body.decode() for each in anywhere)
        told = '{"TOKEN": "a secret of seven words", "GITHUB_TOKEN": null, "SHOWN": "8080"}'
        assert home == f'[["lo"], {str(place).lower()}, {told}]'
        assert scratch == f'[["lo"], true, {told}]'
        assert "seven words" not in " ".join(served.service.tail() + [*served.service.start.argv])


@pytest.mark.parametrize(
    ("more", "settings", "reason"),
    [
        (
            "\nsys.exit('no database, error')\n",
            AS_IMAGE,
            "the service did not start: it ended with exit code 1: no database, error",
        ),
        (
            "\ntime.sleep(60)\n",
            replace(AS_IMAGE, start_timeout=2.0),
            "the service did not answer within 2 s; it does not listen anywhere",
        ),
        (
            "\nkept = [b'x' * (1 << 24) for _ in range(64)]\ntime.sleep(60)\n",
            replace(AS_IMAGE, memory=256 << 20),
            "the service did not start: it ",
        ),
        ("", replace(AS_IMAGE, health="/nowhere", start_timeout=4.0), "; GET /nowhere gave 404"),
        ("", replace(AS_IMAGE, port=9, start_timeout=5.0), "it does not listen on port 9"),
        ("", replace(AS_IMAGE, env={"A": "one\ntwo"}), "a container's variable has one line, and dast.env.A"),
    ],
    ids=["ends", "never listens", "eats memory", "not healthy", "another port", "two lines"],
)
def test_one_that_does_not_start(
    engine: DockerEngine, tmp_path: Path, more: str, settings: DastSettings, reason: str
) -> None:
    settings = replace(settings, start_timeout=min(settings.start_timeout, 30.0))
    own = services.probed(make(tmp_path / "p", more), tmp_path, settings)
    assert own["status"] == "incomplete"
    assert reason in own["reason"]


def test_one_that_dies_under_attack(engine: DockerEngine, tmp_path: Path) -> None:
    job = services.job(make(tmp_path / "p"), tmp_path, AS_IMAGE)

    def attack() -> None:
        with job.context.shared, attacking(job) as served:
            engine.docker("kill", container_name(engine.leftovers()[0]))
            assert eventually(lambda: bool(served.service.ended()))

    with pytest.raises(ToolError, match=r"^the service did not live during this attack: it was killed"):
        attack()


def test_a_login_command_runs_outside_of_it(engine: DockerEngine, tmp_path: Path) -> None:
    more = """
def post(self):
    known = self.headers.get("X-Key") == "open sesame"
    self.respond(value=1) if known else self.respond(401, "who are you?")


Handler.do_POST = post
"""
    login = Caller(login=("python", "-c", "print('X-Key: open sesame')"))
    own = services.probed(make(tmp_path / "p", more), tmp_path, replace(AS_IMAGE, auth=login))
    assert (own["status"], own["reason"]) == ("passed", "")


def test_without_an_image_it_is_a_process(engine: DockerEngine, tmp_path: Path) -> None:
    """The policy's `start` counts then; asked for, an image that cannot be built is a doubt."""
    root = make(tmp_path / "p", dockerfile="FROM base:1\nRUN exit 5\n")
    process = replace(AS_IMAGE, target=None, start=("python", "service.py"))
    reason = "the image of Dockerfile cannot be built: it ended with exit code 5"
    started = "name what starts it in dast.start; its image was not started"
    for number, (settings, told) in enumerate(
        [
            (process, None),
            (replace(AS_IMAGE, target="process", start=process.start), None),
            (
                replace(AS_IMAGE, target=None),
                f"{started}: {reason}",
            ),
            (replace(AS_IMAGE, start=process.start), reason),
        ]
    ):
        own = services.probed(root, tmp_path / str(number), settings)
        assert own["status"] == ("incomplete" if told else "passed")
        assert (told or "") in own["reason"]
        assert not any("image" in note for note in own["notes"])


@pytest.mark.parametrize(
    ("engine_name", "files", "reason"),
    [
        ("none", {}, "MLSECOPS_ENGINE names none of docker, podman, buildah"),
        (
            "docker",
            {"other/Dockerfile": "FROM base:1\n"},
            "there are several Dockerfiles (Dockerfile, other/Dockerfile)",
        ),
    ],
)
def test_where_no_image_can_be_it_is_said(
    engine: DockerEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine_name: str,
    files: dict[str, str],
    reason: str,
) -> None:
    root = make(tmp_path / "p")
    for name, text in files.items():
        (root / name).parent.mkdir()
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("MLSECOPS_ENGINE", engine_name)
    own = services.probed(root, tmp_path, replace(AS_IMAGE, start=("python", "service.py")))
    assert own["status"] == "passed"
    assert own["notes"][0].startswith(f"the service did not run as its image: {reason}")


def test_a_network_that_cannot_be_entered(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine on another machine has containers that are not here."""
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "nsenter" else real(name))
    settings = replace(AS_IMAGE, start=("python", "service.py"))
    own = services.probed(make(tmp_path / "p"), tmp_path, settings)
    assert (own["status"], own["reason"]) == ("passed", "")
    reason = "the container's network cannot be entered from here"
    assert own["notes"][0] == f"the service did not run as its image: {reason}"


def test_one_that_ends_while_its_network_is_entered(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own last words are the reason, not that nobody got in; the engine's client ends later than it."""
    real = shutil.which
    late = 'case " $* " in *" run "*) sleep 6 ;; esac'
    slow = {
        "nsenter": f'sleep 2\nexec {real("nsenter")} "$@"\n',
        "docker": f'{real("docker")} "$@"\ncode=$?\n{late}\nexit $code\n',
    }
    for name, script in slow.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name) if name in slow else real(name))
    root = make(tmp_path / "p", "\ntime.sleep(1)\nsys.exit('no database, error')\n")
    own = services.probed(root, tmp_path, AS_IMAGE)
    assert "the service did not start: it ended with exit code 1: no database, error" in str(own["reason"])
