"""uv's answer, each package on the line of the dependency that brings it in; what manifests lean on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops import resolution
from mlsecops.dependencies import Dependency
from mlsecops.job import Job, ToolError
from mlsecops.resolution import Resolution, Resolver, Target
from mlsecops.tools.cyclonedx import CycloneDx
from mlsecops.uv_output import Package, anchored, cause
from support.contexts import context

NAMED = (
    Dependency("flask", "flask==2.0.1", 3, "2.0.1"),
    Dependency("uvicorn", "uvicorn[standard]>=0.20", 5),
)
OUTPUT = """anyio==4.16.0             # via watchfiles
click==8.5.1              # via flask, uvicorn
flask==2.0.1              # via -r requirements.in
jinja2==3.1.6             # via -c constraints.txt, flask
markupsafe==3.0.4         # via jinja2, werkzeug
typing-extensions==4.16.0  # via anyio
uvicorn==0.54.0           # via -r requirements.in
watchfiles==1.3.0         # via uvicorn
werkzeug==3.1.9 ; python_version >= '3.8'  # via flask
orphan==1.0
"""


def test_every_package_is_on_the_line_that_brings_it_in() -> None:
    found = {each.name: (each.version, each.line, each.via) for each in anchored(OUTPUT, NAMED, "r.txt")}
    assert found == {
        "anyio": ("4.16.0", 5, "uvicorn"),
        "click": ("8.5.1", 3, "flask"),
        "flask": ("2.0.1", 3, None),
        "jinja2": ("3.1.6", 3, "flask"),
        "markupsafe": ("3.0.4", 3, "flask"),
        "typing-extensions": ("4.16.0", 5, "uvicorn"),
        "uvicorn": ("0.54.0", 5, None),
        "watchfiles": ("1.3.0", 5, "uvicorn"),
        "werkzeug": ("3.1.9", 3, "flask"),
        "orphan": ("1.0", 1, None),
    }


def test_parents_that_need_each_other_end() -> None:
    assert anchored("a==1  # via b\nb==1  # via a\n", NAMED, "r.txt") == [
        Package("a", "1", "r.txt", 1),
        Package("b", "1", "r.txt", 1),
    ]


def test_a_version_stands_on_the_line_that_pins_it() -> None:
    named = (
        Dependency("numpy", 'numpy==1.19.5; python_version < "3.7"', 1, "1.19.5"),
        Dependency("numpy", 'numpy==1.26; python_version >= "3.7"', 2, "1.26"),
    )
    assert anchored("numpy==1.26.0  # via -r r.in\n", named, "r.txt") == [
        Package("numpy", "1.26.0", "r.txt", 2)
    ]


@pytest.mark.parametrize("line", ["flask @ https://example.org/flask.whl", "-e .", "flask>=2", "<html>"])
def test_an_answer_that_is_not_understood_is_not_lost(line: str) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        anchored(f"# header\n\nsix==1.16.0\n{line}\n", NAMED, "r.txt")


NAMES = st.lists(
    st.from_regex(r"[a-z]{1,6}(-[a-z]{1,3})?", fullmatch=True), min_size=1, max_size=9, unique=True
)


@settings(deadline=None)
@given(names=NAMES, data=st.data())
def test_no_package_of_an_answer_is_lost(names: list[str], data: st.DataObject) -> None:
    parents = [data.draw(st.lists(st.sampled_from(names), max_size=3)) for _ in names]
    named = [Dependency(name, name, line) for line, name in enumerate(names, 1) if data.draw(st.booleans())]
    output = "".join(
        f"{name}==1.{number}" + (f"  # via {', '.join(above)}" if above else "") + "\n"
        for number, (name, above) in enumerate(zip(names, parents, strict=True))
    )
    packages = anchored(output, named, "r.txt")
    assert [(each.name, each.version) for each in packages] == [
        (name, f"1.{n}") for n, name in enumerate(names)
    ]
    lines = {each.name: each.line for each in named}
    for each in packages:
        assert each.line == lines.get(each.via or each.name, 1)


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (
            "error: No solution found\n  cause: Because a\n         and b.\n\nhint: try c\n  or d\n",
            "Because a and b.",
        ),
        ("error: Failed to fetch\n  Caused by: dns error\n  Caused by: no such host\n", "no such host"),
        ("  × No solution found:\n  ╰─▶ Because a\n      and b.\n", "Because a and b."),
        ("error: it is broken\n", "it is broken"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("", "uv gave no reason"),
    ],
)
def test_the_cause_that_uv_tells_last_is_what_people_read(stderr: str, expected: str) -> None:
    assert cause(stderr) == expected


def resolve(root: Path, tmp_path: Path) -> Resolution:
    """The resolution of all manifests of the project in `root`."""
    shared = context("sca", root, tmp_path / "scratch")
    work = tmp_path / "scratch" / "job"
    work.mkdir(parents=True)
    resolver = Resolver(tuple(shared.project.manifests_to_audit()))
    job = Job(tool=CycloneDx(resolver), context=shared, targets=(), work=work)
    found = resolver.resolve(job)
    assert resolver.resolve(job) is found
    return found


def write(root: Path, **files: str) -> Path:
    """A project of these files; `__` in a name stands for a dot, `___` for a slash."""
    for name, content in files.items():
        path = root / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str], Target]]:
    """What the resolver was asked; it answers with version 1.0, and not where there is a marker."""
    calls: list[tuple[list[str], list[str], Target]] = []

    def answer(_: Job, named: Sequence[Dependency], constraints: Sequence[str], target: Target) -> str:
        calls.append(([each.requirement for each in named], list(constraints), target))
        here = [each for each in named if "; " not in each.requirement]
        return "".join(f"{each.name}=={each.version or '1.0'}\n" for each in here)

    monkeypatch.setattr(resolution, "compile_requirements", answer)
    return calls


Asked = list[tuple[list[str], list[str], Target]]


def test_constraints_narrow_what_is_resolved(tmp_path: Path, asked: Asked) -> None:
    root = write(
        tmp_path / "p", requirements__txt="flask\n-c limits.txt\n", limits__txt="werkzeug<1\nsix==1\n"
    )
    assert not resolve(root, tmp_path).problems
    assert asked == [(["flask"], ["werkzeug<1", "six==1"], Target())]


def test_constraints_that_cannot_be_followed_are_problems(tmp_path: Path, asked: Asked) -> None:
    limits = "six @ https://example.org/six.zip\n-c more.txt\nnot one\n"
    root = write(tmp_path / "p", requirements__txt="flask\n-c limits.txt\n-c gone.txt\n", limits__txt=limits)
    problems = {(each.uri, each.line) for each in resolve(root, tmp_path).problems}
    assert problems == {("limits.txt", 1), ("limits.txt", 2), ("limits.txt", 3), ("requirements.txt", 3)}


@pytest.mark.parametrize(
    "line", ["-r gone.txt", "-r ../outside.txt", "-r https://example.org/r.txt", "-c gone.txt"]
)
def test_a_file_that_is_not_there_is_a_problem(line: str, tmp_path: Path, asked: Asked) -> None:
    (tmp_path / "outside.txt").write_text("flask==0.1\n")
    root = write(tmp_path / "p", requirements__txt=f"six\n{line}\n")
    (problem,) = resolve(root, tmp_path).problems
    assert (problem.uri, problem.line) == ("requirements.txt", 2)
    assert "not in the repository" in problem.message


def test_a_file_that_only_a_conda_environment_takes_in_is_read(tmp_path: Path, asked: Asked) -> None:
    root = write(
        tmp_path / "p",
        env___environment__yml="dependencies:\n- pip:\n  - -r ../lists/all.lst\n",
        lists___all__lst="six==1.16.0\n-r all.lst\n",
    )
    found = resolve(root, tmp_path)
    assert found.packages == (Package("six", "1.16.0", "lists/all.lst", 1),)
    assert not found.problems


def test_the_own_code_has_its_own_manifests_and_other_code_is_named(tmp_path: Path, asked: Asked) -> None:
    (tmp_path / "beside").mkdir()
    root = write(
        tmp_path / "p",
        requirements__txt="-e .\n-e libs/own\n-e ../beside\n-e libs/gone\n/opt/thing\n",
        libs___own___setup__py="setup(name='own', install_requires=['six==1.16.0'])\n",
    )
    found = resolve(root, tmp_path)
    assert [(each.what, each.line) for _, each in found.unaudited] == [
        ("../beside", 3),
        ("libs/gone", 4),
        ("/opt/thing", 5),
    ]
    assert [each.unit for each in found.packages] == ["six==1.16.0"]


def test_what_a_marker_keeps_from_this_machine_is_not_lost(tmp_path: Path, asked: Asked) -> None:
    root = write(
        tmp_path / "p",
        requirements__txt="six\nnumpy==1.19.5; python_version < '3'\npywin32; sys_platform == 'none'\n",
    )
    found = resolve(root, tmp_path)
    assert [(each.unit, each.line) for each in found.packages] == [
        ("six==1.0", 1),
        ("numpy==1.19.5", 2),
        ("pywin32==1.0", 3),
    ]
    assert [requirements for requirements, _, _ in asked][1:] == [["pywin32"]]
    assert not found.problems


def test_a_lock_is_not_resolved(tmp_path: Path, asked: Asked) -> None:
    root = write(tmp_path / "p", uv__lock='version = 1\n[[package]]\nname = "six"\nversion = "1.16.0"\n')
    assert resolve(root, tmp_path).packages == (Package("six", "1.16.0", "uv.lock", 2),)
    assert asked == []


def test_what_is_no_python_package_is_told(tmp_path: Path, asked: Asked) -> None:
    root = write(tmp_path / "p", environment__yml="dependencies:\n- python=3.8\n- cudatoolkit\n- six\n")
    assert resolve(root, tmp_path).notes == (
        "environment.yml: no Python packages and so not audited: cudatoolkit, python",
    )


def test_a_manifest_without_an_answer_is_a_problem_and_its_pins_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[Target] = []

    def refuse(_: Job, named: object, constraints: object, target: Target) -> str:
        targets.append(target)
        raise ToolError(f"no answer for {target}")

    monkeypatch.setattr(resolution, "compile_requirements", refuse)
    root = write(tmp_path / "p", requirements__txt="flask==2.0.1\nsix\n")
    found = resolve(root, tmp_path)
    assert found.packages == (Package("flask", "2.0.1", "requirements.txt", 1),)
    (problem,) = found.problems
    assert problem.message.endswith(
        "only 1 pinned were audited; a lock file says all: no answer for this Python"
    )
    assert len(targets) > 2


def test_another_python_may_have_an_answer_and_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def old_only(_: Job, named: object, constraints: object, target: Target) -> str:
        if target.python is None:
            raise ToolError("there are no wheels")
        return "six==1.16.0\n"

    monkeypatch.setattr(resolution, "compile_requirements", old_only)
    found = resolve(write(tmp_path / "p", requirements__txt="six==1.16.0\n"), tmp_path)
    assert not found.problems
    assert found.notes == (
        "requirements.txt (six) was resolved for Python 3.10, there is no answer for this one",
    )


def test_without_a_network_no_manifest_waits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Target] = []

    def offline(_: Job, named: object, constraints: object, target: Target) -> str:
        calls.append(target)
        raise ToolError("it ended with exit code 2: error sending request for url")

    monkeypatch.setattr(resolution, "compile_requirements", offline)
    root = write(tmp_path / "p", requirements__txt="six\n", more___requirements__txt="flask==2.0.1\n")
    found = resolve(root, tmp_path)
    assert len(calls) == 1
    assert {each.uri for each in found.problems} == {"requirements.txt", "more/requirements.txt"}
    assert [each.unit for each in found.packages] == ["flask==2.0.1"]


def test_a_file_that_vanished_is_a_problem(tmp_path: Path) -> None:
    root = write(tmp_path / "p", requirements__txt="six\n")
    shared = context("sca", root, tmp_path / "scratch")
    resolver = Resolver(tuple(shared.project.manifests_to_audit()))
    (root / "requirements.txt").unlink()
    job = Job(tool=CycloneDx(resolver), context=shared, targets=(), work=tmp_path)
    (problem,) = resolver.resolve(job).problems
    assert problem.uri == "requirements.txt"
