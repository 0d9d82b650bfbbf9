"""The checks of built images, each on an image with the flaw and on one without."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from mlsecops.containers import check_contents, image_rules
from mlsecops.containers.baked_models import baked, write
from mlsecops.containers.canary import Made
from mlsecops.containers.image import Image
from mlsecops.sarif.build import Json
from mlsecops.tools.image_checks import parse
from support.images import BASE, image, on_base

HEALTHY: Json = {"User": "10001", "Healthcheck": {"Test": ["CMD", "x"]}}
KEY = b"-----BEGIN " + b"PRIVATE KEY-----\nabc\n"
TOKEN = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"


def nothing_known(size: int, digest: str) -> bool:
    return False


def found(opened: Image) -> set[tuple[str, int]]:
    return {(each.rule.id.removeprefix("image-"), each.line) for each in parse(opened, nothing_known)}


def seen(folder: Path, *members: Made, base: tuple[Made, ...] = ()) -> set[tuple[str, int]]:
    """What is found in an image that is well configured."""
    with on_base(folder, *members, base=base, config=HEALTHY) as opened:
        return found(opened)


def test_a_sound_image_has_no_finding(tmp_path: Path) -> None:
    assert seen(tmp_path, Made("app", None, 0o755), Made("app/main.py", b"pass", 0o644)) == set()


@pytest.mark.parametrize("user", ["", "root", "0", "0:0", "root:app", "00"])
def test_root(user: str, tmp_path: Path) -> None:
    with on_base(tmp_path, config={**HEALTHY, "User": user}) as opened:
        assert found(opened) == {("root-user", 1)}


def test_a_root_by_another_name(tmp_path: Path) -> None:
    passwd = Made("etc/passwd", b"toor:x:0:0::/:/bin/sh\n")
    with on_base(tmp_path, passwd, config={**HEALTHY, "User": "toor"}) as opened:
        assert found(opened) == {("root-user", 1)}


def test_the_line_of_the_last_user_and_of_a_switched_off_check(tmp_path: Path) -> None:
    history = [
        BASE,
        ("/bin/sh -c #(nop)  USER 1", False),
        ("/bin/sh -c #(nop)  USER root", False),
        ("/bin/sh -c #(nop)  HEALTHCHECK NONE", False),
    ]
    config: Json = {"User": "root", "Healthcheck": {"Test": ["NONE"]}}
    text = "FROM base:1\nUSER 1\nUSER root\nHEALTHCHECK NONE\n"
    with image(tmp_path, text, [[]], history, config) as opened:
        assert found(opened) == {("root-user", 3), ("no-healthcheck", 4)}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (f"X={TOKEN}", True),
        ("API_TOKEN=q8w7e6r5t4z3", True),
        ("API_TOKEN=", False),
        ("API_TOKEN=/run/secrets/token", False),
        ("PATH=/usr/bin", False),
        ("NOTHING", False),
    ],
)
def test_secrets_in_the_environment(variable: str, expected: bool, tmp_path: Path) -> None:
    with on_base(tmp_path, config={**HEALTHY, "Env": [variable]}) as opened:
        assert found(opened) == ({("secret-in-environment", 1)} if expected else set())
        assert TOKEN not in str([each.message for each in parse(opened, nothing_known)])


@pytest.mark.parametrize("prefix", ["", "RUN "])
def test_secrets_in_the_history(prefix: str, tmp_path: Path) -> None:
    history = [
        BASE,
        ("/bin/sh -c #(nop)  ARG API_TOKEN", False),
        ("/bin/sh -c #(nop)  ENV A=b", False),
        (f"{prefix}|1 API_TOKEN=q8w7e6r5t4z3 /bin/sh -c one", True),
        (f"{prefix}|1 API_TOKEN=q8w7e6r5t4z3 /bin/sh -c two", True),
        (f"{prefix}/bin/sh -c login {TOKEN}", True),
    ]
    text = "FROM base:1\nARG API_TOKEN\nENV A=b\nRUN one\nRUN two\nRUN login\n"
    with image(tmp_path, text, [[], [], [], []], history, HEALTHY) as opened:
        assert found(opened) == {("secret-in-history", 2), ("secret-in-history", 6)}
        assert "q8w7" not in str([each.message for each in parse(opened, nothing_known)])


def test_an_environment_is_told_at_the_line_that_sets_it(tmp_path: Path) -> None:
    history = [BASE, ("/bin/sh -c #(nop)  ENV A=b API_TOKEN=q8w7e6r5t4z3", False)]
    config = {**HEALTHY, "Env": ["A=b", "API_TOKEN=q8w7e6r5t4z3"]}
    with image(tmp_path, "FROM base:1\nENV A=b \\\n  API_TOKEN=x\n", [[]], history, config) as opened:
        assert found(opened) == {("secret-in-environment", 3)}


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o4755, True), (0o2755, True), (0o755, False), (0o4644, False)]
)
def test_setuid_programs(mode: int, expected: bool, tmp_path: Path) -> None:
    member = Made("opt/tool", b"x", mode)
    assert seen(tmp_path, member) == ({("setuid-file", 2)} if expected else set())
    assert seen(tmp_path, base=(member,)) == set()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([Made("app/a.py", b"x", 0o644, 10001)], True),
        ([Made("app/a.py", b"x", 0o666)], True),
        ([Made("app/a.txt", b"x", 0o666)], False),
        ([Made("app", None, 0o777), Made("app/a.py", b"x", 0o644)], True),
        ([Made("app", None, 0o1777), Made("app/a.py", b"x", 0o644)], False),
        ([Made("app", None, 0o755, 10001), Made("app/b", None, 0o755), Made("app/b/a.py", b"x")], True),
        ([Made("tmp/a.py", b"x", 0o666)], False),
        ([Made("usr/local/bin/start", b"x", 0o777)], True),
        ([Made("app/a.py", kind=tarfile.SYMTYPE, target="b.py", mode=0o777)], False),
    ],
)
def test_code_that_the_service_can_change(members: list[Made], expected: bool, tmp_path: Path) -> None:
    assert seen(tmp_path, *members) == ({("writable-code", 2)} if expected else set())


def test_a_model_that_the_service_can_change_is_graver(tmp_path: Path) -> None:
    members = [Made("app/a.py", b"x", 0o666), Made("app/m.onnx", b"x", 0o666)]
    with on_base(tmp_path, *members, config=HEALTHY) as opened:
        (writable,) = (
            each for each in parse(opened, nothing_known, ()) if each.rule == image_rules.WRITABLE_CODE
        )
        assert writable.severity == 6.0
        assert writable.message == "The image's user 10001 can change /app/m.onnx and 1 more files."


def test_groups_count(tmp_path: Path) -> None:
    accounts = [
        Made("etc/passwd", b"app:x:5:6::/:/bin/sh\n"),
        Made("etc/group", b"first:x:6:\nsecond:x:7:app\nbroken\nthird:x:8:other\n"),
    ]
    config = {**HEALTHY, "User": "app"}
    with on_base(tmp_path, *accounts, config=config) as opened:
        assert (opened.user.number, opened.user.groups) == (5, frozenset({6, 7}))
    with on_base(tmp_path, *accounts, config={**HEALTHY, "User": "app:third"}) as opened:
        assert opened.user.groups == frozenset({7, 8})
    with on_base(tmp_path, config={**HEALTHY, "User": "nobody"}) as opened:
        assert opened.user.number is None
        assert found(opened) == set()


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("app/id_rsa", KEY, True),
        ("app/settings.txt", TOKEN.encode(), True),
        ("app/.env", b"A=b", True),
        ("app/.env", b" \n", False),
        ("app/.env.example", b"A=b", False),
        ("app/data.bin", TOKEN.encode() + b"\0", False),
        ("opt/venv/lib/python3.13/site-packages/x/test.key", KEY, False),
        ("usr/share/doc/key.pem", KEY, False),
    ],
)
def test_secret_files(path: str, content: bytes, expected: bool, tmp_path: Path) -> None:
    assert seen(tmp_path, Made(path, content)) == ({("secret-file", 2)} if expected else set())


def test_files_of_the_repository_are_judged_there(tmp_path: Path) -> None:
    members = [Made("app/settings.txt", TOKEN.encode()), Made("app/m.onnx", b"x")]
    with on_base(tmp_path, *members, config=HEALTHY) as opened:
        assert parse(opened, lambda *_: True) == []


def test_a_deleted_secret_is_still_there(tmp_path: Path) -> None:
    history = [BASE, ("/bin/sh -c one", True), ("/bin/sh -c two", True)]
    layers = [[Made("base.key", KEY)], [Made("app/token", TOKEN.encode())], [Made("app/.wh.token")]]
    layers[2].append(Made(".wh.base.key"))
    with image(tmp_path, "FROM base:1\nRUN one\nRUN two\n", layers, history, HEALTHY) as opened:
        assert found(opened) == {("deleted-secret", 2)}


def test_tools_that_need_not_ship(tmp_path: Path) -> None:
    base = (Made("usr/bin/apt", b"x", 0o755), Made("usr/share/gcc", b"x"))
    own = (
        Made("usr/bin/gcc", kind=tarfile.SYMTYPE, target="gcc-14"),
        Made("opt/venv/bin/pip", b"x", 0o755),
        Made("app/pip", b"x"),
    )
    assert seen(tmp_path, *own, base=base) == {
        ("package-manager", 1),
        ("package-manager", 2),
        ("compiler", 2),
    }


def test_waste(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_contents, "_MUCH", 10_000)
    history = [BASE, ("/bin/sh -c one", True), ("/bin/sh -c two", True)]
    layers = [[Made("old", bytes(9_000))], [Made("a", bytes(20_000))], [Made(".wh.a"), Made(".wh.old")]]
    with image(tmp_path, "FROM base:1\nRUN one\nRUN two\n", layers, history, HEALTHY) as opened:
        assert found(opened) == {("hidden-content", 2)}
        assert check_contents.size_note(opened).startswith("Dockerfile: the image has ")


PICKLE = b"cposix\nsystem\n(Vecho mlsecops\ntR."


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("app/model.onnx", b"x", True),
        ("app/weights.bin", b"x", True),
        ("app/blob", PICKLE, True),
        ("app/blob", PICKLE + bytes(9000), True),
        ("app/blob", b"plain text", False),
        ("usr/share/x/model.onnx", b"x", False),
        ("usr/share/x/blob", PICKLE, False),
        ("opt/venv/lib/python3.13/site-packages/x/model.onnx", b"x", False),
        ("opt/venv/lib/python3.13/site-packages/x/blob", PICKLE, False),
    ],
)
def test_models_that_nobody_saw(path: str, content: bytes, expected: bool, tmp_path: Path) -> None:
    assert seen(tmp_path, Made(path, content)) == ({("unseen-model", 2)} if expected else set())
    assert seen(tmp_path, base=(Made(path, content),)) == set()


def test_models_are_written_under_names_of_ours(tmp_path: Path) -> None:
    with on_base(tmp_path, Made("../../app/x.pkl", PICKLE)) as opened:
        written = write(baked(opened, nothing_known), tmp_path / "models")
    assert [Path(path).name for path in written] == ["00000"]
    assert [Path(path).read_bytes() for path in written] == [PICKLE]
