"""Services that are slow, broken, greedy or deceptive: the right status, and a plain reason."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from mlsecops.dast.service.isolation import NO_NAMESPACE
from mlsecops.dast.serving import attacking
from mlsecops.job import ToolError
from mlsecops.policy import Caller
from mlsecops.scan import scan
from mlsecops.tools.service_attacks import ServiceAttacks
from mlsecops.tools.service_probe import ServiceProbe
from support import services

EVERYTHING = """
def every(self):
    {what}


Handler.do_GET = Handler.do_POST = every
"""
FORKING = """
for _ in range(6):
    if os.fork() == 0:
        kept = b"x" * (1 << 28)
        time.sleep(60)
time.sleep(60)
"""
REFUSING = """
def every(self):
    self.respond(401, "who are you?") if self.headers.get("X-Key") != os.environ.get("KEY", "-") else ok(self)


ok = Handler.do_POST
Handler.do_POST = every
"""


def everything(what: str) -> str:
    return EVERYTHING.replace("{what}", what)


def post(what: str) -> str:
    return f"\ndef post(self):\n    {what}\n\n\nHandler.do_POST = post\n"


def test_a_sound_service_is_passed_with_every_operation_answered(tmp_path: Path) -> None:
    own = services.probed(services.make(tmp_path / "p"), tmp_path)
    assert (own["status"], own["reason"]) == ("passed", "")
    assert own["scanned"] == own["expected"] == 2
    assert own["canary"] == "found"


def test_one_that_starts_slowly_is_waited_for(tmp_path: Path) -> None:
    root = services.make(tmp_path / "p", "\ntime.sleep(2)\n")
    assert services.probed(root, tmp_path)["status"] == "passed"


BROKEN = {
    "one that starts too slowly": (
        "\nprint('loading: model missing, asking again', flush=True)\ntime.sleep(60)\n",
        "within 2 s; it does not listen on port 8000: loading: model missing, asking again",
    ),
    "one that crashes at the start": (
        "\nDATABASE = os.environ['DATABASE_URL']\n",
        "the service did not start: it ended with exit code 1: KeyError: 'DATABASE_URL'",
    ),
    "one that crashes when it is asked": (
        post("os._exit(3)"),
        "the service did not outlive one plain request to each operation: it ended with exit code 3",
    ),
    "one that takes all memory at the start": (
        "\nkept = [bytearray(1 << 30) for _ in range(64)]\n",
        "the service did not start: it ended with exit code 1: MemoryError",
    ),
    "one that takes all memory with many processes": (
        FORKING,
        "the service did not start: it took more than 0.9 GiB of memory and was ended",
    ),
    "one that is never ready": (
        everything("self.respond(503, 'later')"),
        "the service did not answer within 2 s; GET /health gave 503",
    ),
    "one that sends everybody elsewhere": (
        everything("self.respond(302, Location='https://www.example.com' + self.path)"),
        "the service answers every request by sending the caller to another address (https://www.example.com)",
    ),
    "one that says 200 to everything": (
        everything("self.respond(200, 'ok')"),
        "the service answers every request alike (200), also for paths that nobody has",
    ),
    "one that says 500 to everything": (
        everything("self.respond(500, 'no')"),
        "the service answers every request with an error of its own (500)",
    ),
    "one that leaves an operation unanswered": (
        post("self.close_connection = True"),
        "service-probe: POST /predict gave no answer (RemoteDisconnected",
    ),
    "one whose operation is not there": (
        post("self.respond(404, 'not here')"),
        "service-probe: POST /predict is not there (status 404)",
    ),
    "one that wants a key": (
        REFUSING,
        "POST /predict answers 401: the policy's dast.auth must say who the scan is, such as {header: ",
    ),
    "one that wants a key for everything": (
        everything("self.respond(403, 'who are you?')"),
        "the service answers 403 to every request: the policy's dast.auth must say who the scan is",
    ),
    "one that sends everybody to its login": (
        everything("self.respond(302, Location='/login?next=' + self.path)"),
        "the service answers every request by sending the caller to /login?next=/",
    ),
    "one that sends callers of one operation to its login": (
        post("self.respond(302, Location='/login')"),
        "POST /predict sends the caller to /login: the policy's dast.auth must say who the scan is",
    ),
    "one that says 200 to everything, each time in other words": (
        everything("self.respond(200, ['you asked for ' + self.path, time.time()])"),
        "the service answers every request alike (200), also for paths that nobody has",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_service_is_incomplete_and_the_reason_is_plain(name: str, tmp_path: Path) -> None:
    more, reason = BROKEN[name]
    settings = services.STARTED
    if "too slowly" in name or "never ready" in name:
        settings = replace(settings, start_timeout=2.0, health="/health", port=8000)
    own = services.probed(services.make(tmp_path / "p", more), tmp_path, settings)
    assert own["status"] == "incomplete"
    assert reason in own["reason"]


def test_the_end_of_the_log_is_told_with_the_keys_of_the_run_blanked(tmp_path: Path) -> None:
    more = "\nprint('key is', os.environ['KEY'], '\\x1b[31m', flush=True)\nsys.exit('bad setting')\n"
    settings = replace(services.STARTED, env={"KEY": "{key}"})
    own = services.probed(services.make(tmp_path / "p", more), tmp_path, settings)
    assert own["notes"] == ["service log: key is *** \\x1b[31m", "service log: bad setting"]


def test_without_a_document_nothing_says_what_to_attack(tmp_path: Path) -> None:
    own = services.probed(services.make(tmp_path / "p", document=None), tmp_path)
    assert "nothing says what the service offers" in own["reason"]


def test_a_document_that_the_service_has_is_used(tmp_path: Path) -> None:
    more = f"""
DOCUMENT = {services.DOCUMENT!r}


def served(self):
    if self.path == "/openapi.yaml":
        self.send_response(200)
        self.send_header("Content-Length", str(len(DOCUMENT)))
        self.end_headers()
        self.wfile.write(DOCUMENT.encode())
    else:
        get(self)


get, Handler.do_GET = Handler.do_GET, served
"""
    own = services.probed(services.make(tmp_path / "p", more, document=None), tmp_path)
    assert (own["status"], own["scanned"]) == ("passed", 2)
    assert "no OpenAPI document is in the repository: the service's own one was used" in own["notes"]


def test_a_key_made_up_for_the_run_opens_what_wants_one(tmp_path: Path) -> None:
    settings = replace(services.STARTED, env={"KEY": "{key}"}, auth=Caller(header="X-Key: {key}"))
    own = services.probed(services.make(tmp_path / "p", REFUSING), tmp_path, settings)
    assert (own["status"], own["reason"]) == ("passed", "")


def test_a_key_that_the_service_does_not_know_opens_nothing(tmp_path: Path) -> None:
    settings = replace(services.STARTED, env={"KEY": "{key2}"}, auth=Caller(header="X-Key: {key}"))
    around = services.surroundings(services.make(tmp_path / "p", REFUSING), tmp_path, settings)
    with around.shared:
        run = scan(ServiceProbe(), ("service.py",), around)
    own = run["properties"]["mlsecops"]
    why = "answers 401: it does not know the caller that the policy names in dast.auth"
    assert own["reason"] == f"service-probe: POST /predict {why}"


def test_where_no_operation_lets_the_scan_in_the_attacks_say_so_too(tmp_path: Path) -> None:
    settings = replace(services.STARTED, exclude_operations=("GET /health",))
    around = services.surroundings(services.make(tmp_path / "p", REFUSING), tmp_path, settings)
    with around.shared:
        run = scan(ServiceAttacks(), ("service.py",), around)
    own = run["properties"]["mlsecops"]
    assert own["status"] == "incomplete"
    assert "the policy's dast.auth must say who the scan is" in own["reason"]


def test_a_service_that_dies_under_attack_is_no_passed_scan(tmp_path: Path) -> None:
    job = services.job(services.make(tmp_path / "p"), tmp_path)
    with job.context.shared:
        with (
            pytest.raises(ToolError, match="did not live during this attack: it was killed"),
            attacking(job) as served,
        ):
            psutil.Process(served.target.pid).kill()
        with pytest.raises(ToolError, match="did not live before this attack"), attacking(job):
            pass


def test_an_excluded_operation_is_never_asked(tmp_path: Path) -> None:
    settings = replace(services.STARTED, exclude_operations=("POST /pre*",))
    own = services.probed(services.make(tmp_path / "p", post("os._exit(3)")), tmp_path, settings)
    assert (own["status"], own["scanned"]) == ("passed", 1)
    assert "the policy leaves out 1 of 2 operations" in own["notes"]


def test_where_no_namespace_can_be_made_loopback_will_do_and_the_notes_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlsecops.dast.service.isolation.shutil.which", lambda _: None)
    own = services.probed(services.make(tmp_path / "p"), tmp_path)
    assert (own["status"], own["reason"]) == ("passed", "")
    assert NO_NAMESPACE in own["notes"]


def test_the_stage_as_a_whole_ends_with_the_time_that_the_policy_gives_it(tmp_path: Path) -> None:
    settings = replace(services.STARTED, timeout=12.0)
    root = services.make(tmp_path / "p", post("time.sleep(1) or self.respond(value=7)"))
    around = services.surroundings(root, tmp_path, settings)
    started = time.monotonic()
    with around.shared:
        # What is asked last finds no time left.
        runs = [scan(ServiceAttacks(), ("service.py",), around) for _ in range(3)]
        running = services.processes(tmp_path)
    assert time.monotonic() - started < 30
    reasons = [run["properties"]["mlsecops"]["reason"] for run in runs]
    assert all("dast.timeout" in reason for reason in reasons)
    assert {run["properties"]["mlsecops"]["status"] for run in runs} == {"incomplete"}
    assert running
    assert services.processes(tmp_path) == []
