"""Every tool, with every way a tool can go wrong: the run is incomplete and says which tool and why."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from mlsecops.containers import building
from mlsecops.containers.canary import Made
from mlsecops.containers.recipes import Recipe
from mlsecops.job import Context, Scan, Tool
from mlsecops.policy import Policy
from mlsecops.project import Project, discover
from mlsecops.resolution import Resolver
from mlsecops.scan import scan
from mlsecops.tools.bandit import Bandit
from mlsecops.tools.cyclonedx import CycloneDx
from mlsecops.tools.detect_secrets import DetectSecrets
from mlsecops.tools.hadolint import Hadolint
from mlsecops.tools.image_checks import ImageChecks
from mlsecops.tools.model_reader import ModelReader
from mlsecops.tools.modelaudit import Modelaudit
from mlsecops.tools.modelaudit_picklescan import ModelauditPicklescan
from mlsecops.tools.modelscan import Modelscan
from mlsecops.tools.picklescan import Picklescan
from mlsecops.tools.pip_audit import PipAudit
from mlsecops.tools.pytest import Pytest
from mlsecops.tools.schemathesis import Schemathesis
from mlsecops.tools.security_updates import SecurityUpdates
from mlsecops.tools.semgrep import Semgrep
from mlsecops.tools.service_attacks import ServiceAttacks
from mlsecops.tools.trivy import Trivy
from mlsecops.tools.wapiti import Wapiti
from mlsecops.tools.zizmor import Zizmor
from support import faulty, small_image, small_project, small_service, trivy, trivy_images
from support.contexts import context, toolbox

ALWAYS_FRESH = timedelta(days=100_000)


@dataclass(frozen=True)
class Subject:
    """A tool, the program it runs, and what a wrapper must blank to make it blind.

    `code` is the exit code with which the program ends when it found nothing wrong, `sound` an argument with
    which it never goes wrong. `real` is where it is when it has no environment.
    """

    name: str
    program: str
    make: Callable[[Project], Scan]
    sources: tuple[str, ...]
    canary: tuple[str, ...]
    code: int = 0
    with_requirements: bool = False
    sound: str = ""
    real: Callable[[], Path] = lambda: Path(sys.prefix)
    around: Callable[..., Context] | None = None
    image: tuple[Made, ...] | None = None
    faults: tuple[str, ...] = faulty.FAULTS


def _manifests(project: Project) -> tuple[Resolver, tuple[str, ...]]:
    manifests = tuple(project.manifests_to_audit())
    return Resolver(manifests), tuple(manifest.uri for manifest in manifests)


def _pip_audit(project: Project) -> Scan:
    resolver, targets = _manifests(project)
    return Scan(PipAudit(resolver, osv_url="http://127.0.0.1:9"), targets)


def _cyclonedx(project: Project) -> Scan:
    resolver, targets = _manifests(project)
    return Scan(CycloneDx(resolver), targets)


def _pickled(tool: Tool) -> Callable[[Project], Scan]:
    return lambda project: Scan(tool, tuple(model.uri for model in project.models))


# Ours, or nobody's, is the canary of what an engine only builds.
BUILDING = tuple(each for each in faulty.FAULTS if each != "canary lost")
RECIPE = Recipe("Dockerfile", "")
SUBJECTS = (
    Subject("semgrep", "semgrep", lambda p: Scan(Semgrep(), p.python), ("sources/*.py",), ("canary.py",)),
    Subject("bandit", "bandit", lambda p: Scan(Bandit(), p.python), ("sources/*.py",), ("canary.py",)),
    Subject(
        "detect-secrets",
        "detect-secrets",
        lambda p: Scan(DetectSecrets(), p.text_files),
        ("sources/0*",),
        ("sources/canary.py",),
    ),
    Subject("zizmor", "zizmor", lambda p: Scan(Zizmor(), p.workflows), ("ci.yml",), ("canary.yml",)),
    Subject(
        "hadolint", "hadolint", lambda p: Scan(Hadolint(), p.dockerfiles), ("dockerfiles/*",), ("Dockerfile",)
    ),
    Subject(
        "mlsecops-models",
        "python",
        lambda p: Scan(ModelReader(), tuple(model.uri for model in p.models)),
        ("order.json",),
        ("canary.pkl",),
    ),
    Subject("picklescan", "python", _pickled(Picklescan()), ("models/*",), ("canary.pkl",)),
    Subject(
        "modelaudit-picklescan", "python", _pickled(ModelauditPicklescan()), ("models/*",), ("canary.pkl",)
    ),
    Subject("modelaudit", "python", _pickled(Modelaudit()), ("order.json",), ("canary.pkl",)),
    Subject(
        "service-attacks",
        "python",
        lambda p: Scan(ServiceAttacks(serve=small_service.serve), p.python[:1]),
        ("order.json",),
        ("canary.json",),
    ),
    Subject(
        "trivy",
        "trivy",
        lambda p: Scan(
            Trivy((Recipe("Dockerfile", ""),), which=lambda _: str(trivy.program())), p.dockerfiles
        ),
        ("image.tar",),
        ("canary.tar",),
        sound="--version",
        real=trivy.installation,
        around=trivy_images.around,
    ),
    Subject(
        "image-checks",
        small_image.PROGRAM,
        lambda p: Scan(ImageChecks((RECIPE,)), p.dockerfiles),
        ("built.tar",),
        (),
        image=(),
        faults=BUILDING,
    ),
    Subject(
        "image-checks",
        "python",
        lambda p: Scan(ImageChecks((RECIPE,)), p.dockerfiles),
        ("order.json",),
        ("canary.pkl",),
        image=(Made("app/model.pkl", pickle.dumps({"weights": [3.0]})),),
    ),
    Subject(
        "security-updates",
        small_image.PROGRAM,
        lambda p: Scan(SecurityUpdates((RECIPE,)), p.dockerfiles),
        ("built.tar",),
        (),
        image=(),
        faults=BUILDING,
    ),
    Subject(
        "schemathesis",
        "schemathesis",
        lambda p: Scan(Schemathesis(serve=small_service.serve), p.python[:1]),
        ("attack-1/openapi.json",),
        ("attack/openapi.json",),
    ),
    Subject(
        "wapiti",
        "wapiti",
        lambda p: Scan(
            Wapiti(serve=partial(small_service.serve, operation=small_service.ASKED)), p.python[:1]
        ),
        ("attack-1/addresses.txt",),
        ("attack/addresses.txt",),
    ),
    Subject("modelscan", "modelscan", _pickled(Modelscan()), ("models/0*",), ("canary.pkl",)),
    Subject("pip-audit", "pip-audit", _pip_audit, ("pins*.txt",), ("pins*.txt",), 0, True),
    Subject("cyclonedx-bom", "cyclonedx-py", _cyclonedx, ("pins.txt",), ("pins.txt",), 0, True),
    Subject(
        "pytest", "python", lambda p: Scan(Pytest(), p.tests.files), ("test_app.py",), ("test_mlsecops*",), 1
    ),
)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier run has read would not be read again."""
    monkeypatch.setenv("CI", "true")


@pytest.fixture(autouse=True)
def _trivy_is_here(request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["subject"].name == "trivy":
        request.getfixturevalue("trivy_program")


@pytest.fixture(autouse=True)
def _unsigned_and_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small image's index is signed by nobody; a client that hangs is not waited for."""
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gpgv" else real(name))
    monkeypatch.setattr(building, "UNDO_SECONDS", 0.5)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return small_project.make(tmp_path / "project")


def impatient(tool: Tool) -> Tool:
    """The same tool with two seconds to end."""
    assert dataclasses.is_dataclass(tool)
    assert not isinstance(tool, type)
    return dataclasses.replace(tool, timeout=2.0)


def run_subject(subject: Subject, root: Path, tmp_path: Path, fault: str | None) -> dict[str, object]:
    """Scan with the subject's tool, its program faulty; return the run's own properties."""
    if subject.with_requirements:
        (root / "requirements.txt").write_text(small_project.REQUIREMENTS, encoding="utf-8")
    due = subject.make(discover(root))
    name = due.tool.environment
    tool = impatient(due.tool) if fault == "hangs" else due.tool
    overrides = {}
    engine = (
        small_image.make(tmp_path / "engine", root, *subject.image) if subject.image is not None else None
    )
    builds = engine is not None and subject.program == small_image.PROGRAM
    if fault is not None:
        folder = faulty.environment(
            tmp_path / "faulty",
            toolbox().environment(name) if name else engine if builds and engine else subject.real(),
            subject.program,
            fault,
            code=subject.code,
            sources=subject.sources,
            canary=subject.canary,
            sound=subject.sound,
        )
        if name:
            overrides[name] = folder
        elif builds:
            engine = folder
        elif isinstance(tool, ModelReader | ServiceAttacks | ImageChecks):
            tool = dataclasses.replace(tool, python=str(folder / "bin" / subject.program))
        elif isinstance(tool, Trivy):
            faulty_program = str(folder / "bin" / subject.program)
            tool = dataclasses.replace(tool, which=lambda _: faulty_program)
    fresh = Policy(max_data_age=ALWAYS_FRESH, container=small_image.SETTINGS)
    prepare = subject.around or partial(context, "any")
    around = prepare(root, tmp_path, policy=fresh, tools=toolbox(tmp_path / "cache", overrides))
    with around.shared:
        if engine:
            small_image.use(around, engine)
        run = scan(tool, due.targets, around)
    own: dict[str, object] = run["properties"]["mlsecops"]
    return own


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_sound_tool_is_complete(subject: Subject, root: Path, tmp_path: Path) -> None:
    own = run_subject(subject, root, tmp_path, None)
    assert own["status"] in ("passed", "findings"), own["reason"]
    assert own["canary"] == "found"
    assert own["scanned"] == own["expected"] != 0


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        pytest.param(each, fault, id=f"{each.name}-{each.program}-{fault}")
        for each in SUBJECTS
        for fault in each.faults
    ],
)
def test_a_faulty_tool_is_never_green(subject: Subject, fault: str, root: Path, tmp_path: Path) -> None:
    if fault == "output left from before":
        # The same scratch folder, with the whole output of a sound run in it.
        assert run_subject(subject, root, tmp_path, None)["status"] != "incomplete"
    own = run_subject(subject, root, tmp_path, fault)
    assert own["status"] == "incomplete"
    reason = str(own["reason"])
    assert reason.startswith(f"{subject.name}: ")
    assert any(words in reason for words in faulty.REASONS[fault]), reason
    assert "\n" not in reason
