"""`mlsecops export defectdojo` against a DefectDojo that holds every request to its description."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlsecops.cli import command
from mlsecops.export.defectdojo import DEFECTDOJO, PATH, SCAN_TYPE
from mlsecops.export.errors import ExportError, ExportUsageError
from mlsecops.export.service import Patience, Service, Upload
from mlsecops.policy import Policy, Waiver
from mlsecops.toolbox import ToolboxError
from mlsecops.web.asking import Tries
from support.export_services.command import Export, exporter
from support.export_services.description import descriptions
from support.export_services.folders import report_folder
from support.export_services.form import Form
from support.export_services.products import DefectDojo
from support.export_services.server import KEY, ExportServer, document_of
from support.github_api.wire import Answer
from support.sarif_logs import advisory, result, run


@pytest.fixture
def dojo() -> Iterator[ExportServer]:
    """A DefectDojo; the test fails when it was sent what its description does not allow."""
    try:
        described = descriptions()["defectdojo"]
    except ToolboxError as error:
        pytest.skip(f"the generated clients cannot be had: {error}")
    with ExportServer(DefectDojo(described)).running() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def export(dojo: ExportServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """The command with a report folder, the double's address and a project without a policy."""
    (tmp_path / "project").mkdir()
    arguments = ["--project", str(tmp_path / "project")]
    start = exporter(monkeypatch, "defectdojo", "DEFECTDOJO_API_KEY", arguments)
    return lambda folder, *more, url=dojo.url, **rest: start(
        "--url", url, "--report", str(folder), *more, **rest
    )


def known_to(server: ExportServer) -> dict[str, dict[str, str]]:
    """What the server knows: state by unique id, by test."""
    behaviour = server.behaviour
    assert isinstance(behaviour, DefectDojo)
    return {title: known for (_, _, title), known in behaviour.tests.items()}


def states(server: ExportServer, stage: str = "sast") -> list[str]:
    return sorted(known_to(server)[stage].values())


def findings(server: ExportServer, number: int = -1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document_of(server.forms[number], "file")["findings"]
    return found


EVAL, LOAD = result("eval", line=3), result("load", line=9)


def test_each_stage_becomes_a_test_with_its_findings(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    sca = run("sca", "pip-audit", [advisory("PYSEC-2026-1", aliases=["CVE-2026-1"])])
    folder = report_folder(tmp_path / "r", run("sast", "bandit", [EVAL, LOAD]), sca)

    done = export(folder, "--branch", "main", "--commit", "abc123", "--build", "77")

    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == ["sca: 1 finding sent", "sast: 2 findings sent"]
    fields = [form.fields for form in dojo.forms]
    assert [each["test_title"] for each in fields] == ["sca", "sast"]
    assert fields[1] == {
        "scan_type": "Generic Findings Import",
        "product_type_name": "Research and Development",
        "product_name": "forecast-api",
        "engagement_name": "mlsecops",
        "test_title": "sast",
        "auto_create_context": "true",
        "deduplication_on_engagement": "true",
        "minimum_severity": "Info",
        "close_old_findings": "true",
        "close_old_findings_product_scope": "false",
        "do_not_reactivate": "false",
        "branch_tag": "main",
        "commit_hash": "abc123",
        "build_id": "77",
    }
    (package,) = findings(dojo, 0)
    assert package["vulnerability_ids"] == ["CVE-2026-1", "PYSEC-2026-1"]
    assert (package["component_name"], package["component_version"]) == ("flask", "2.0.1")


def test_what_is_fixed_is_closed_and_what_is_back_opens_again(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    both = report_folder(tmp_path / "both", run("sast", "bandit", [EVAL, LOAD]))
    one = report_folder(tmp_path / "one", run("sast", "bandit", [LOAD]))

    export(both)
    fixed = export(one)
    assert states(dojo) == ["active", "mitigated"]
    back = export(both)

    assert fixed.output == "sast: 1 finding sent (1 closed, 1 untouched)\n"
    assert back.output == "sast: 2 findings sent (1 reopened, 1 untouched)\n"


def test_a_stage_without_findings_closes_all_it_had(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    export(report_folder(tmp_path / "both", run("sast", "bandit", [EVAL, LOAD])))
    export(report_folder(tmp_path / "none", run("sast", "bandit")))
    assert states(dojo) == ["mitigated", "mitigated"]


def test_an_incomplete_stage_closes_nothing(export: Export, dojo: ExportServer, tmp_path: Path) -> None:
    whole, half = run("sast", "bandit", [EVAL, LOAD]), run("sast", "bandit", [LOAD])
    half["properties"]["mlsecops"].update(status="incomplete", reason="bandit ended with exit code 77")

    export(report_folder(tmp_path / "both", whole))
    done = export(report_folder(tmp_path / "half", half))

    assert (done.exit_code, states(dojo)) == (0, ["active", "active"])
    assert dojo.forms[-1].fields["close_old_findings"] == "false"
    assert "nothing closed: it is incomplete: bandit ended with exit code 77" in done.output


def test_a_doubt_about_the_run_closes_nothing_in_any_stage(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    export(report_folder(tmp_path / "both", run("sast", "bandit", [EVAL, LOAD])))
    doubted = report_folder(tmp_path / "x", run("sast", "bandit"), doubts=["the policy cannot be read"])

    done = export(doubted)

    assert states(dojo) == ["active", "active"]
    assert "nothing closed: the report as a whole is in doubt" in done.output


def test_findings_that_were_cut_off_are_not_closed(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    note = "Left out of bandit (mlsecops/sast/bandit/): 1 of 2 results, the least severe (severity 5.0 and"
    export(report_folder(tmp_path / "both", run("sast", "bandit", [EVAL, LOAD])))
    export(report_folder(tmp_path / "cut", run("sast", "bandit", [LOAD], notes=[note])))
    assert states(dojo) == ["active", "active"]


def test_stages_that_did_not_look_are_not_sent(export: Export, dojo: ExportServer, tmp_path: Path) -> None:
    skipped = run("container", "trivy", status="skipped", reason="there is no Dockerfile")
    folder = report_folder(tmp_path / "r", run("sast", "bandit"), skipped, expected=["sca"])

    done = export(folder)

    assert list(known_to(dojo)) == ["sast"]
    assert "sca: not sent, incomplete: nothing came back from this stage" in done.output
    assert "container: not sent, skipped: there is no Dockerfile" in done.output


def test_a_run_that_looked_at_nothing_is_not_exported(export: Export, tmp_path: Path) -> None:
    done = export(report_folder(tmp_path / "r", expected=["sca"]))
    assert (done.exit_code, "no stage of this run looked at anything" in done.output) == (3, True)


WAIVER = Waiver(rule="eval", path="**", reason="a <b>test</b> harness", expires=date(2026, 12, 31))
POLICY = """version: 1
waivers:
  - {rule: eval, path: "**", reason: a <b>test</b> harness, expires: 2026-12-31}
"""


def test_a_waived_finding_stays_open_and_says_so(export: Export, dojo: ExportServer, tmp_path: Path) -> None:
    folder = report_folder(tmp_path / "r", run("sast", "bandit", [EVAL]), policy=Policy(waivers=(WAIVER,)))
    (tmp_path / "p.yml").write_text(POLICY)

    export(folder, "--policy", str(tmp_path / "p.yml"))

    (found,) = findings(dojo)
    assert (found["active"], found["is_mitigated"], states(dojo)) == (True, False, ["active"])
    assert found["severity_justification"] == (
        "Waived in the policy of mlsecops until 2026-12-31: a &lt;b&gt;test&lt;/b&gt; harness"
    )
    assert not {"risk_accepted", "false_p", "out_of_scope", "duplicate"} & found.keys()


def test_a_waived_finding_can_be_closed_and_opens_again_when_the_waiver_ends(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    folder = report_folder(tmp_path / "r", run("sast", "bandit", [EVAL]))
    (tmp_path / "p.yml").write_text(POLICY)

    export(folder, "--waived", "closed", "--policy", str(tmp_path / "p.yml"))
    assert states(dojo) == ["mitigated"]
    export(folder, "--waived", "closed")

    assert states(dojo) == ["active"]


def test_findings_of_several_stages_have_ids_of_their_own(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    folder = report_folder(
        tmp_path / "r",
        run("sca", "pip-audit", [advisory("PYSEC-2026-1")]),
        run("container", "trivy", [advisory("PYSEC-2026-1")]),
    )
    export(folder)
    ids = [each["unique_id_from_tool"] for number in (0, 1) for each in findings(dojo, number)]
    assert [each.partition(":")[0] for each in ids] == ["sca", "container"]
    assert ids[0].removeprefix("sca:") == ids[1].removeprefix("container:")


# What goes wrong


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A report with two stages."""
    return report_folder(tmp_path / "r", run("sca", "pip-audit"), run("sast", "bandit", [EVAL]))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"detail": "Invalid token."}, "does not accept the key in DEFECTDOJO_API_KEY"),
        (403, {"detail": "No permission."}, "does not accept the key in DEFECTDOJO_API_KEY"),
        (404, b"<html>nothing</html>", "has nothing there (HTTP 404): is the address right"),
        (
            400,
            {"message": "a conflict with the supplied product type"},
            "HTTP 400: a conflict with the supplied",
        ),
        (400, {"scan_type": ["\x1b[31mnot a valid choice."]}, "scan_type: \\x1b[31mnot a valid choice."),
        (413, b"", "its limit for uploads has to be raised"),
        (302, b"", "sends to another address (HTTP 302): give the address of the API itself"),
        (504, b"", "did not wait for its answer (HTTP 504)"),
    ],
)
def test_a_refusal_is_one_line_and_is_not_asked_again(
    status: int, body: Any, said: str, export: Export, dojo: ExportServer, folder: Path
) -> None:
    dojo.fail(status, body)

    done = export(folder)

    assert (done.exit_code, len(dojo.requests), len(done.output.splitlines())) == (3, 1, 1)
    assert said in done.output
    assert done.output.endswith("(nothing was sent; not sent: sca, sast)\n")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int, export: Export, dojo: ExportServer, folder: Path) -> None:
    dojo.fail(status, b"<html>", times=2)
    done = export(folder)
    assert (done.exit_code, len(dojo.requests)) == (0, 4)


def test_what_does_not_pass_is_given_up(export: Export, dojo: ExportServer, folder: Path) -> None:
    dojo.fail(503, {"detail": "down"}, times=99)
    done = export(folder)
    assert (done.exit_code, len(dojo.requests)) == (3, 3)
    assert "cannot take it now (HTTP 503: down): export again later" in done.output


def test_a_wait_that_is_too_long_is_not_waited_for(export: Export, dojo: ExportServer, folder: Path) -> None:
    dojo.fail(429, headers={"Retry-After": "86400"})
    assert (export(folder).exit_code, len(dojo.requests)) == (3, 1)


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_broken_connection_is_tried_again_and_nothing_is_there_twice(
    kind: Any, export: Export, dojo: ExportServer, folder: Path
) -> None:
    dojo.break_off(kind, times=2)
    done = export(folder)
    assert (done.exit_code, len(dojo.requests), states(dojo)) == (0, 4, ["active"])


def test_the_second_of_two_stages_is_named_when_only_the_first_was_taken(
    export: Export, dojo: ExportServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = dojo.behaviour.take

    def once(form: Form) -> Answer:
        dojo.fail(400, {"detail": "full"})
        return take(form)

    monkeypatch.setattr(dojo.behaviour, "take", once)
    done = export(folder)
    assert done.exit_code == 3
    assert done.output.endswith("(HTTP 400: full) (sent: sca; not sent: sast)\n")


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (b"<html>log in</html>", {"Content-Type": "text/html"}, "with a web page"),
        (b"nonsense", {}, "with something else than JSON"),
        (b"[]", {}, "with something else than an object"),
        (b"{}", {}, "names no test"),
        (b"x" * (17 << 20), {}, "with more than 16 MiB"),
    ],
)
def test_an_answer_of_something_else_is_no_success(
    body: bytes, headers: dict[str, str], said: str, export: Export, dojo: ExportServer, folder: Path
) -> None:
    dojo.fail(200, body, headers=headers)
    done = export(folder)
    assert (done.exit_code, said in done.output, len(dojo.requests)) == (3, True, 1)


def test_a_redirect_to_another_host_never_sees_the_key(
    export: Export, dojo: ExportServer, folder: Path
) -> None:
    with ExportServer(dojo.behaviour).running() as other:
        dojo.fail(307, headers={"Location": f"{other.url}/api/v2/reimport-scan/?key={KEY}"})
        done = export(folder)
        assert other.requests == []
    assert (done.exit_code, "sends to 127.0.0.1" in done.output) == (3, True)


def test_a_key_that_comes_back_is_not_shown(export: Export, dojo: ExportServer, folder: Path) -> None:
    dojo.fail(400, {"detail": f"Token {KEY} is bad", KEY: [KEY]})
    assert "Token *** is bad" in export(folder).output
    dojo.fail(400, b'{"detail": "' + KEY.replace("k", "\\u006b").encode() + b'"}')
    assert "***" in export(folder).output


def test_nobody_listening_is_said(export: Export, folder: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = export(folder, url=f"http://127.0.0.1:{held.getsockname()[1]}")
    assert (done.exit_code, "cannot be reached: the connection is refused" in done.output) == (3, True)


def test_a_server_that_is_still_at_work_is_not_sent_it_twice(
    export: Export, dojo: ExportServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Patience(connect=2.0, read=0.1, tries=Tries(most=3, pause=0.01))
    monkeypatch.setattr("mlsecops.export.cli.Patience", lambda read: quick)

    def never(form: Form) -> Answer:
        dojo.wait_for_the_end()
        return Answer()

    monkeypatch.setattr(dojo.behaviour, "take", never)

    done = export(folder)

    assert (done.exit_code, len(dojo.requests)) == (3, 1)
    assert "may still be at work on what was sent" in done.output


def test_an_answer_that_stops_in_the_middle_is_asked_for_again(
    export: Export, dojo: ExportServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Patience(connect=2.0, read=0.2, tries=Tries(most=3, pause=0.01))
    monkeypatch.setattr("mlsecops.export.cli.Patience", lambda read: quick)
    dojo.break_off("stall")
    assert (export(folder).exit_code, len(dojo.requests)) == (0, 3)


def test_an_answer_that_drips_is_given_up(dojo: ExportServer) -> None:
    moments = iter(range(0, 9_000, 100))
    service = Service(DEFECTDOJO, dojo.url, KEY, sleep=lambda _: None, now=lambda: float(next(moments)))
    dojo.fail(201, {"test_id": 1}, times=9)
    with pytest.raises(ExportError, match="so slowly that 60 s are not enough"):
        service.post(PATH, {"scan_type": SCAN_TYPE}, Upload("file", "a.json", b"{}"))
    service.close()


def test_neither_a_netrc_nor_a_proxy_of_the_environment_comes_between(
    export: Export, dojo: ExportServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert export(folder).exit_code == 0


# How it is asked for


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("", KEY, "give --url or set DEFECTDOJO_URL"),
        ("https://dojo.example", "", "set DEFECTDOJO_API_KEY"),
        ("https://dojo.example", "two words", "set DEFECTDOJO_API_KEY"),
        ("http://dojo.example", KEY, "give an https address, or say --insecure-http"),
        ("https://user:secret@dojo.example", KEY, "without a password"),
        ("ftp://dojo.example", KEY, "give an https address"),
        ("https://[dojo", KEY, "must be a plain https URL"),
        ("https://dojo.example/?a=b", KEY, "must be a plain https URL"),
        ("dojo.example", KEY, "must be a plain https URL"),
    ],
)
def test_an_address_or_key_that_cannot_do_is_said_before_anything_is_sent(
    url: str, key: str, said: str, export: Export, dojo: ExportServer, folder: Path
) -> None:
    done = export(folder, url=url, key=key)
    assert (done.exit_code, said in done.output, dojo.requests) == (2, True, [])
    assert "secret" not in done.output


def test_http_is_possible_where_it_is_asked_for() -> None:
    service = Service(DEFECTDOJO, "http://dojo.example/", KEY, insecure=True)
    assert service.url == "http://dojo.example"
    with pytest.raises(ExportUsageError, match="give an https address"):
        Service(DEFECTDOJO, "ftp://dojo.example", KEY, insecure=True)


def test_the_address_may_be_that_of_the_api(export: Export, dojo: ExportServer, folder: Path) -> None:
    assert export(folder, url=f"{dojo.url}/api/v2/").exit_code == 0


def test_there_is_no_option_for_the_key(export: Export, folder: Path) -> None:
    shown = CliRunner().invoke(command, ["export", "defectdojo", "--help"]).output
    assert "--key" not in shown
    assert "--api-key" not in shown


def test_the_run_of_a_pull_request_needs_a_place_of_its_own(
    export: Export, dojo: ExportServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    done = export(folder)
    assert (done.exit_code, "this is a pull request" in done.output, dojo.requests) == (2, True, [])
    assert export(folder, "--engagement", "pull request 7").exit_code == 0


def test_many_findings_are_sent_at_once_and_none_stands_for_another(
    export: Export, dojo: ExportServer, tmp_path: Path
) -> None:
    many = [result("eval", line=number, message=f"number {number}") for number in range(1, 501)]
    files = {"app.py": "".join(f"line {number}\n" for number in range(501))}
    done = export(report_folder(tmp_path / "r", run("sast", "bandit", many, files=files)))
    assert (done.exit_code, len(findings(dojo))) == (0, 500)
    assert len({each["unique_id_from_tool"] for each in findings(dojo)}) == 500
