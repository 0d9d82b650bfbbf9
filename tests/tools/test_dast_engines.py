"""Other engines for real: a flawed service that they attack, what they send, and what stays of keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from mlsecops.dast.attacks.messages import Found, Request
from mlsecops.dast.attacks.rules.injection import SQL
from mlsecops.dast.canary_service import CanaryService, described
from mlsecops.dast.engines.engine import attacked
from mlsecops.dast.engines.results import results
from mlsecops.dast.serving import Attacked
from mlsecops.dast.target import Handler, Target
from mlsecops.job import Job, Parsed, ToolError
from mlsecops.programs import relay
from mlsecops.sarif.build import Json
from mlsecops.scan import scan
from mlsecops.tools.schemathesis import Schemathesis
from mlsecops.tools.wapiti import Wapiti
from support import notes_service, services, small_project, small_service
from support.contexts import context


@contextmanager
def flawed(job: Job, paths: tuple[str, ...]) -> Iterator[Attacked]:
    """The canary as if it were a project's service: some of its operations, each with a line of its own."""
    del job
    known = described()
    with CanaryService() as service:
        operations = tuple(
            replace(each, handler=Handler("app.py", number))
            for number, each in enumerate(known.operations, start=1)
            if each.path in paths
        )
        yield small_service.Served(
            replace(
                known, base_url=service.base_url, operations=operations, application=Handler("app.py", 1)
            ),
            {},
        )


def project(folder: Path) -> Path:
    """A project with a file that has a line for each operation."""
    root = small_project.make(folder)
    (root / "app.py").write_text("".join(f"line = {number}\n" for number in range(99)), encoding="utf-8")
    return root


def facts(run: Json) -> dict[tuple[str, str], int]:
    """Rule and operation of each finding, and its line."""
    return {
        (each["ruleId"], each["properties"]["mlsecops"]["identity"][2]): each["locations"][0][
            "physicalLocation"
        ]["region"]["startLine"]
        for each in run["results"]
    }


def lines() -> dict[str, int]:
    return {each.name: number for number, each in enumerate(described().operations, start=1)}


def test_schemathesis_finds_flaws_at_their_handlers(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    serve = partial(flawed, paths=("/sql", "/page", "/protected", "/objects/{id}"))
    around = context("dast", root, tmp_path)
    run = scan(Schemathesis(serve=serve), ("app.py",), around)
    own = run["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] == 4
    found = facts(run)
    at = lines()
    assert found[("dast-sql-injection", "GET /sql")] == at["GET /sql"]
    assert found[("dast-reflected-xss", "GET /page")] == at["GET /page"]
    assert found[("dast-auth-ignored", "GET /protected")] == at["GET /protected"]
    assert ("dast-any-credential", "GET /protected") not in found
    assert ("dast-unhandled-input", "GET /sql") not in found
    again = scan(Schemathesis(serve=serve), ("app.py",), replace(around, work=tmp_path / "again"))
    assert facts(again) == found
    assert_no_keys(run, tmp_path)


def test_wapiti_finds_flaws_at_their_handlers(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    serve = partial(flawed, paths=("/sql", "/protected"))
    run = scan(Wapiti(serve=serve), ("app.py",), context("dast", root, tmp_path))
    own = run["properties"]["mlsecops"]
    assert (own["status"], own["canary"]) == ("findings", "found"), own["reason"]
    assert own["scanned"] == own["expected"] == 1
    assert facts(run) == {("dast-sql-injection", "GET /sql"): lines()["GET /sql"]}
    assert run["tool"]["driver"]["semanticVersion"].startswith("3.")
    assert_no_keys(run, tmp_path)


def test_wapiti_is_incomplete_where_requests_get_no_answer(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    serve = partial(small_service.serve, operation=small_service.CLOSING)
    run = scan(Wapiti(serve=serve), ("app.py",), context("dast", root, tmp_path))
    own = run["properties"]["mlsecops"]
    assert own["status"] == "incomplete"
    assert "requests were skipped due to network issues" in own["reason"]


def assert_no_keys(run: Json, folder: Path) -> None:
    """The callers' keys are in no output, and in no file that stays."""
    secrets = [secret for each in described().auth.identities for secret in each.secrets()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = [json.dumps(run), *(path.read_bytes().decode("latin-1") for path in files)]
    assert len(files) > 3
    for secret in secrets:
        assert not [text[:200] for text in texts if secret in text]


ASKING = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())
"""


def test_the_relay_lends_one_address_to_a_place_without_a_network(tmp_path: Path) -> None:
    with CanaryService() as service:
        host, port = service.base_url.removeprefix("http://").split(":")
        out = [sys.executable, "-I", relay.__file__, "out", "service.sock", host, port]
        with subprocess.Popen(
            out, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as beside:
            assert beside.stdout
            assert beside.stdout.readline() == "ready\n"
            command = [sys.executable, "-c", ASKING, "http://127.0.0.1:8000/page?value=hello"]
            into = ["-I", relay.__file__, "in", str(tmp_path / "service.sock"), "8000", *command]
            apart = [
                "unshare",
                "--net",
                "--map-root-user",
                "sh",
                "-c",
                'ip link set lo up && exec "$@"',
                "sh",
                sys.executable,
            ]
            done = subprocess.run([*apart, *into], check=False, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stdout) == (0, "<html>hello</html>\n"), done.stderr
            assert json.loads(beside.stdout.readline()) == {
                "method": "GET",
                "target": "/page?value=hello",
                "status": 200,
            }
            failing = [*apart, *into[:-4], "false"]
            assert subprocess.run([*failing], check=False, timeout=60).returncode == 1
            beside.communicate()
        assert beside.returncode == 0


def test_schemathesis_asks_for_what_belongs_to_another_caller(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    run = scan(Schemathesis(serve=notes_service.serve), ("app.py",), context("dast", root, tmp_path))
    own = run["properties"]["mlsecops"]
    assert own["status"] == "findings", own["reason"]
    assert facts(run) == {("dast-object-access", "GET /notes/{id}"): 2}


def found_one(job: Job, target: Target) -> Parsed:
    """An attack that finds one thing at each operation of any service."""
    del job
    request = Request(method="GET", target="/")
    facts = [Found(rule=SQL, message="x", request=request, operation=each) for each in target.operations]
    names = frozenset(each.name for each in target.operations)
    return Parsed(
        looked_at=names,
        due=names,
        rules=[],
        results=results(facts, target),
        canary=frozenset(),
        notes=["one"],
    )


@contextmanager
def dying(job: Job) -> Iterator[Attacked]:
    """A service that does not live through the attack; one of its operations was never there."""
    with flawed(job, ("/sql", "/page")) as served:
        yield small_service.Served(served.target, {"GET /page": "is not there"})
    raise ToolError("the service did not live during this attack")


def test_what_was_found_stays_found_when_the_service_dies(tmp_path: Path) -> None:
    around = services.job(project(tmp_path / "project"), tmp_path)
    parsed = attacked(around, dying, ("/sql",), found_one)
    assert [each["ruleId"] for each in parsed.results] == ["dast-sql-injection"]
    assert parsed.canary == {"dast-sql-injection"}
    assert parsed.due == frozenset({"GET /sql"})
    assert [each.message for each in parsed.problems] == ["the service did not live during this attack"]


def test_an_engine_that_fails_on_the_canary_says_why_and_names_no_key(tmp_path: Path) -> None:
    around = services.job(project(tmp_path / "project"), tmp_path)
    caller = described().auth.identities[0].headers["Authorization"]

    def failing(job: Job, target: Target) -> Parsed:
        if not target.prefix and len(target.operations) == 2:
            return found_one(job, target)
        raise ToolError(f"it ended with {caller}", {"seen": 1})

    serve = partial(flawed, paths=("/sql", "/page"))
    parsed = attacked(around, serve, ("/sql",), failing)
    assert (parsed.canary, parsed.notes) == (frozenset(), ["one", "on the canary, it ended with ***"])
    with pytest.raises(ToolError, match=r"^it ended with \*\*\*$") as raised:
        attacked(around, partial(flawed, paths=("/sql",)), ("/sql",), failing)
    assert raised.value.properties == {"seen": 1}
