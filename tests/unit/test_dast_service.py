"""How a service is started, where it listens, what the policy's texts stand for, what its answers show."""

from __future__ import annotations

import hashlib
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from mlsecops.dast import preflight
from mlsecops.dast.service.command import Place, callers, identity, program, start
from mlsecops.dast.service.guess import LAUNCHER, guess, startable
from mlsecops.dast.service.placeholders import Placeholders
from mlsecops.dast.service.ports import parse
from mlsecops.dast.service.running import Answer
from mlsecops.dast.service.watch import Watch
from mlsecops.dast.target import Body, Handler, Identity, Operation, Parameter
from mlsecops.job import ToolError
from mlsecops.policy import Caller, DastSettings
from mlsecops.project import Project, discover
from mlsecops.project_environment import ProjectEnvironment

SECRETS = Placeholders.of("secret of this run", {"TOKEN": "from outside", "SHORT": "x"})
TABLE = """  sl  local_address rem_address   st tx_queue
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   1: 00000000:0050 00000000:0000 0A 00000000:00000000
   2: 0100007F:9C40 0100007F:1F90 01 00000000:00000000
   3: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A
   4: 0000000000000000FFFF00000100007F:1F92 00000000000000000000000000000000:0000 0A
   5: 00000000000000000000000000000000:1F93 00000000000000000000000000000000:0000 0A
"""


def place(folder: Path) -> Place:
    environment = ProjectEnvironment(folder / "environment")
    return Place(source=folder / "source", environment=environment, home=folder, scratch=folder)


def project(root: Path, files: dict[str, str]) -> Project:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return discover(root)


FLASK = "from flask import Flask\n\napp = Flask('a')\n"
FACTORY = "from fastapi import FastAPI\n\n\ndef create_app():\n    app = FastAPI()\n    return app\n"


def test_the_kernel_says_where_a_service_listens() -> None:
    assert list(parse(TABLE)) == [
        ("127.0.0.1", 8080),
        ("127.0.0.1", 80),
        ("::1", 8081),
        ("127.0.0.1", 8082),
        ("127.0.0.1", 8083),
    ]


class TestPlaceholders:
    def test_keys_are_of_this_run_and_differ(self) -> None:
        key, second = SECRETS.fill("{key}", "x"), SECRETS.fill("{key2}", "x")
        assert len({key, second, Placeholders.of("another", {}).fill("{key}", "x")}) == 3
        assert SECRETS.fill("a {key.sha256}", "x") == f"a {hashlib.sha256(key.encode()).hexdigest()}"

    def test_what_is_none_stays(self) -> None:
        text = '{"json": 1} {unknown} $TOKEN ${} {port}'
        assert SECRETS.fill(text, "x") == text
        assert SECRETS.knowing(port="80").fill("{port}", "x") == "80"

    def test_variables_come_from_outside_and_one_that_is_missing_is_named(self) -> None:
        assert SECRETS.fill("Bearer ${TOKEN}", "x") == "Bearer from outside"
        with pytest.raises(ToolError, match=r"dast\.auth needs the variable MISSING"):
            SECRETS.fill("${MISSING}", "dast.auth")

    def test_secrets_are_the_keys_and_the_variables_that_are_named(self) -> None:
        found = SECRETS.secrets(["Bearer ${TOKEN}", "${SHORT} ${MISSING} {port}"])
        assert "from outside" in found
        assert SECRETS.fill("{key}", "x") in found
        assert "x" not in found


class TestGuess:
    def test_an_application_is_started_by_our_launcher_from_its_import_root(self, tmp_path: Path) -> None:
        found = guess(project(tmp_path, {"src/api/main.py": FACTORY, "src/api/__init__.py": ""}))
        argv = found.argv(Path("/env/python"), Path("/copy"), 8000)
        assert argv[:6] == (
            "/env/python",
            str(LAUNCHER),
            "/copy/src/api/main.py",
            "create_app()",
            "/copy/src",
            "8000",
        )

    def test_one_without_a_name_is_run_as_a_script(self, tmp_path: Path) -> None:
        script = "from flask import Flask\n\n\ndef main(port):\n    Flask('a').run(port=port)\n"
        assert guess(project(tmp_path, {"serve.py": script})).argv(Path("py"), Path("/copy"), 1) == (
            "py",
            "/copy/serve.py",
        )

    def test_dash_holds_its_flask(self, tmp_path: Path) -> None:
        both = f"{FLASK}from dash import Dash\n\nboard = Dash(server=app)\n"
        assert guess(project(tmp_path, {"a.py": both})).app.name == "board"

    def test_an_example_gives_way(self, tmp_path: Path) -> None:
        found = project(tmp_path, {"app.py": FLASK, "examples/app.py": FLASK})
        assert [each.uri for each in startable(found)] == ["app.py"]

    @pytest.mark.parametrize(
        ("chosen", "more"),
        [
            ("api/main.py", {"Dockerfile": 'FROM python\nCMD ["uvicorn", "api.main:app"]\n'}),
            ("api/main.py", {"Dockerfile": "FROM python\nCMD python api/main.py\n"}),
            ("admin.py", {"Procfile": "web: gunicorn admin:app\n"}),
            ("admin.py", {"compose.yaml": "services:\n  a:\n    command: python /app/admin.py\n"}),
            ("admin.py", {"admin.py": f"{FLASK}from api.main import app as inner\n"}),
            ("api/main.py", {"api/main.py": f"{FLASK}import admin\n"}),
            ("api/main.py", {"api/main.py": f"{FLASK}from .. import admin\n", "__init__.py": ""}),
        ],
    )
    def test_of_several_the_one_that_is_started_or_holds_the_others(
        self, chosen: str, more: dict[str, str], tmp_path: Path
    ) -> None:
        files = {"api/__init__.py": "", "api/main.py": FLASK, "admin.py": FLASK, **more}
        assert guess(project(tmp_path, files)).app.uri == chosen

    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"Dockerfile": "FROM python\nCMD python old-admin.py\n"},
            {"Procfile": "web: gunicorn admin:app\nworker: python api/main.py\n"},
            {"api/main.py": f"{FLASK}import admin\n", "admin.py": f"{FLASK}import api.main\n"},
            {"admin.py": f"{FLASK}def broken(:\n"},
        ],
    )
    def test_several_that_nothing_tells_apart_are_a_question(
        self, more: dict[str, str], tmp_path: Path
    ) -> None:
        files = {"api/__init__.py": "", "api/main.py": FLASK, "admin.py": FLASK, **more}
        with pytest.raises(ToolError, match=r"several files make an application \(admin\.py, api/main\.py\)"):
            guess(project(tmp_path, files))

    def test_several_or_none_are_a_question(self, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="no application that could be started"):
            guess(project(tmp_path / "none", {"a.py": "import gradio\n\nface = gradio.Blocks()\n"}))
        with pytest.raises(ToolError, match=r"several files make an application \(a\.py, b\.py\)"):
            guess(project(tmp_path / "two", {"a.py": FLASK, "b.py": FLASK}))


class TestStart:
    def test_of_the_policy(self, tmp_path: Path) -> None:
        settings = DastSettings(start=("sh", "-c", "serve {port}"), env={"KEY": "{key}"}, health="/up")
        found = start(settings, None, place(tmp_path), SECRETS, alone=True)
        assert found.argv == (str(program("sh", place(tmp_path))), "-c", "serve 8000")
        assert (found.port, found.env["PORT"], found.env["KEY"]) == (8000, "8000", SECRETS.fill("{key}", ""))
        assert found.env["PATH"].startswith(str(tmp_path / "environment" / "bin"))

    def test_a_port_that_nobody_was_told_is_found_out(self, tmp_path: Path) -> None:
        settings = DastSettings(start=("./serve",))
        found = start(settings, None, place(tmp_path), SECRETS, alone=True)
        assert found.port is None
        assert found.argv == (str(tmp_path / "source" / "serve"),)

    def test_what_is_missing_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="there is no nonesuch here"):
            start(DastSettings(start=("nonesuch",)), None, place(tmp_path), SECRETS, alone=True)

    def test_a_port_of_this_machine_must_be_free(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            settings = DastSettings(start=("sh",), port=taken.getsockname()[1])
            with pytest.raises(ToolError, match="is taken by somebody else"):
                start(settings, None, place(tmp_path), SECRETS, alone=False)
        assert start(settings, None, place(tmp_path), SECRETS, alone=False).port == settings.port
        assert (
            start(replace(settings, port=None), None, place(tmp_path), SECRETS, alone=False).env["PORT"]
            != "8000"
        )


class TestIdentity:
    def test_of_each_kind(self) -> None:
        key = SECRETS.fill("{key}", "")
        first = identity(Caller(header="X-Key: {key}"), 0, "", SECRETS)
        assert (first.name, first.headers) == ("identity 1", {"X-Key": key})
        assert identity(Caller(key="k=${TOKEN}"), 1, "", SECRETS).query == {"k": "from outside"}
        printed = "logging in\nAuthorization: Bearer abc\n"
        assert identity(Caller(login=("login",)), 0, printed, SECRETS).headers == {
            "Authorization": "Bearer abc"
        }

    def test_what_else_a_login_prints_is_no_header(self) -> None:
        printed = "logging in at 12:30: done\nX-Key: a\n2026-01-05 warning: slow\nCookie : s=1\n"
        known = identity(Caller(login=("login",)), 0, printed, SECRETS)
        assert known.headers == {"X-Key": "a", "Cookie": "s=1"}

    def test_what_belongs_to_a_caller_is_known_with_it(self) -> None:
        caller = Caller(header="X-Key: {key}", objects={"report": "r-{port}"})
        known = identity(caller, 0, "", SECRETS.knowing(port="7"))
        assert known.objects == {"report": "r-7"}
        assert identity(Caller(key="k=v", objects={"a": "1"}), 1, "", SECRETS).objects == {"a": "1"}

    def test_a_login_that_prints_nothing_is_no_login(self) -> None:
        with pytest.raises(ToolError, match=r"dast\.identities\[1\] printed no header"):
            identity(Caller(login=("login",)), 1, "failed\n", SECRETS)

    def test_the_one_for_everything_comes_first(self) -> None:
        settings = DastSettings(auth=Caller(key="a=1"), identities=(Caller(key="b=1"),))
        assert [each.key for each in callers(settings)] == ["a=1", "b=1"]


class TestWatch:
    def test_memory_that_processes_share_counts_once_for_nobody(self) -> None:
        watch = Watch(memory=100)
        assert watch.look([(80, 40), (50, 10)])
        assert watch.peak == 80
        assert not watch.look([(120, 10)])
        assert "of memory and was ended" in watch.exceeded

    def test_too_many_processes(self) -> None:
        watch = Watch(memory=100, processes=2)
        assert not watch.look([(1, 1)] * 3)
        assert "more than 2 processes" in watch.exceeded


def operation(path: str = "/a", method: str = "GET") -> Operation:
    return Operation(method=method, path=path, handler=Handler("a.py"))


class TestPreflight:
    def test_requests_are_made_as_the_document_and_the_project_show_them(self) -> None:
        asked = Operation(
            method="POST",
            path="/a/{id}",
            parameters=(
                Parameter(name="id", where="path", required=True, schema={}, examples=("x/y",)),
                Parameter(name="limit", where="query", required=True, schema={}, examples=(3,)),
                Parameter(name="X-Trace", where="header", schema={}, examples=("t",)),
                Parameter(name="unknown", where="query", schema={}),
            ),
            body=Body(required=True, content={"text/plain": {}, "application/json": {}}),
            handler=Handler("a.py"),
            samples=({"a": 1},),
        )
        caller = Identity(name="i", headers={"X-Key": "k"}, query={"q": "1"}, cookies={"c": "2"})
        plain, nowhere = preflight.requests([asked], {}, caller)
        assert (plain.method, plain.path) == ("POST", "/a/x%2Fy?limit=3&q=1")
        assert dict(plain.headers) == {
            "X-Trace": "t",
            "Content-Type": "application/json",
            "X-Key": "k",
            "Cookie": "c=2",
        }
        assert plain.body == b'{"a": 1}'
        assert (nowhere.method, nowhere.path) == ("POST", f"{preflight.NOWHERE}?q=1")

    def test_a_form_and_bytes_are_sent_as_such(self) -> None:
        form = Body(required=True, content={"application/x-www-form-urlencoded": {}})
        asked = replace(operation(method="POST"), body=form, samples=({"a": [1]},))
        assert preflight.requests([asked], {}, None)[0].body == b"a=%5B1%5D"
        binary = Body(required=True, content={"application/octet-stream": {}})
        asked = replace(asked, body=binary, samples=())
        assert preflight.requests([asked], {}, None)[0].body == b"mlsecops"

    @pytest.mark.parametrize(
        ("answer", "nowhere", "why"),
        [
            (Answer(200), Answer(404), ""),
            (Answer(500), Answer(404), ""),
            (Answer(404), Answer(404), "is not there (status 404)"),
            (Answer(404), Answer(302), ""),
            (Answer(405), Answer(404), "is not there (status 405)"),
            (Answer(0, failure="hung up"), Answer(404), "gave no answer (hung up)"),
            (
                Answer(403),
                Answer(404),
                "answers 403: it does not know the caller that the policy names in dast.auth",
            ),
        ],
    )
    def test_an_operation_that_is_not_there_is_told_from_one_that_fails(
        self, answer: Answer, nowhere: Answer, why: str
    ) -> None:
        judgement = preflight.judge([operation()], [answer, nowhere], known=True)
        assert judgement.absent == ({"GET /a": why} if why else {})
        assert judgement.doubt == ""

    def test_a_thing_that_is_not_there_is_no_operation_that_is_not_there(self) -> None:
        judgement = preflight.judge([operation("/a/{id}")], [Answer(404), Answer(404)], known=False)
        assert judgement.absent == {}

    @pytest.mark.parametrize(
        ("location", "doubted"),
        [
            ("https://example.com/a", True),
            ("https://127.0.0.1:8000/a", True),
            ("//example.com", True),
            ("/login", False),
            ("http://127.0.0.1:8000/login", False),
            ("http://[", False),
        ],
    )
    def test_only_a_redirect_to_another_address_leads_away(self, location: str, doubted: bool) -> None:
        answer = Answer(302, (("location", location),))
        doubt = preflight.judge([operation()], [answer, answer], known=False).doubt
        assert ("another address" in doubt) is doubted
        assert ("dast.auth" in doubt) is not doubted

    @pytest.mark.parametrize(
        ("body", "nowhere", "alike"),
        [
            (b"ok", b"ok", True),
            (
                b'{"asked": "/a/x-7", "at": 17.5}',
                b'{"asked": "/mlsecops-nothing-is-here", "at": 18.25}',
                True,
            ),
            (b'{"id": "0a1b2c3d-77"}', b'{"id": "ffa1-0000"}', True),
            (b'{"well": true}', b"<html>page</html>", False),
            (b'{"load": 1}', b'{"error": 1}', False),
        ],
    )
    def test_answers_that_differ_in_numbers_and_in_the_path_alone_are_alike(
        self, body: bytes, nowhere: bytes, alike: bool
    ) -> None:
        answers = [Answer(200, (), body), Answer(200, (), nowhere)]
        judgement = preflight.judge([operation("/a/{id}")], answers, known=False)
        assert bool(judgement.doubt) is alike


def test_the_order_of_the_asking_program_is_plain_json() -> None:
    from mlsecops.dast.service.running import Request, _received, _sent

    sent = _sent(Request("GET", "/", {"a": "b"}, b"\xff"))
    assert json.loads(json.dumps(sent)) == {
        "method": "GET",
        "path": "/",
        "headers": {"a": "b"},
        "body": "/w==",
    }
    assert _received({"error": "OSError: \x1b"}).failure == "OSError: \\x1b"
