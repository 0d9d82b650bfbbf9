"""Code scanning is shown what is open, and of which tools nothing is said keeps its alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from mlsecops.conclude import joined
from mlsecops.findings import Report, build_report
from mlsecops.github.upload import Uploaded, write
from mlsecops.policy import Policy, Waiver
from mlsecops.sarif.build import Json, Location, Result
from mlsecops.sarif.check import check
from mlsecops.sarif.files import SarifError, read
from mlsecops.sarif.files import write as write_log
from support.multitool import MultitoolUnavailableError, errors, program
from support.sarif_logs import advisory, log, result, rule, run

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def stages(folder: Path, *runs: Json) -> list[Path]:
    """The runs as the files that stages leave, in GitHub's form."""
    by_stage: dict[str, list[Json]] = {}
    for each in runs:
        by_stage.setdefault(each["properties"]["mlsecops"]["stage"], []).append(each)
    for stage, group in by_stage.items():
        write_log(folder / f"{stage}.sarif", {**log(*group), "$schema": "https://schema.example"})
    return sorted(folder.glob("*.sarif"))


def complete(made: Json) -> Json:
    """A run whose results and rules have all that a stage writes."""
    rules = {each["id"]: number for number, each in enumerate(made["tool"]["driver"]["rules"])}
    for each in made["results"]:
        each.setdefault("level", "error")
        each["ruleIndex"] = rules[each["ruleId"]]
    return made


def sound(stage: str, tool: str, results: Sequence[Result] = (), **more: Any) -> Json:
    return complete(run(stage, tool, results, **more))


def report(paths: Sequence[Path], *waivers: Waiver) -> Report:
    return build_report(
        joined([read(path) for path in paths]), policy=Policy(waivers=waivers), expected=(), generated=NOW
    )


def upload(
    folder: Path, *runs: Json, waivers: Sequence[Waiver] = (), project: str = "."
) -> tuple[Uploaded, Json]:
    """What is said of an upload, and the log in the file, which GitHub takes."""
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    paths = stages(folder / "in", *runs)
    uploaded = write(paths, outputs(folder / "out"), report=report(paths, *waivers), project=project)
    assert set((folder / "out").iterdir()) == set(uploaded.files)
    (made,) = [read(path) for path in uploaded.files]
    assert check(made) == []
    return uploaded, made


def outputs(folder: Path) -> tuple[Path, Path]:
    """Where the files for code scanning are to be."""
    return folder / "upload.sarif", folder / "more.sarif"


def shown(sarif: Json) -> list[tuple[str, list[str]]]:
    return [
        (each["tool"]["driver"]["name"], [found["ruleId"] for found in each["results"]])
        for each in sarif["runs"]
    ]


def test_open_results_are_shown_and_a_tool_without_any_closes_its_alerts(tmp_path: Path) -> None:
    uploaded, sarif = upload(
        tmp_path,
        sound("sast", "bandit", [result("B301"), result("B307", line=2)]),
        sound("container", "hadolint"),
    )

    assert shown(sarif) == [("hadolint", []), ("bandit", ["B301", "B307"])]
    assert uploaded == Uploaded(files=outputs(tmp_path / "out")[:1], results=2)


def test_suppressed_results_are_left_out(tmp_path: Path) -> None:
    accepted, rejected = result("B301", suppression="tests only"), result("B307", line=2, suppression="no")
    made = sound("sast", "bandit", [accepted, rejected, result("B102", line=3)])
    made["results"][1]["suppressions"][0]["status"] = "rejected"

    uploaded, sarif = upload(tmp_path, made)

    assert shown(sarif) == [("bandit", ["B307", "B102"])]
    assert uploaded.results == 2


def test_what_says_that_nothing_is_wrong_is_left_out(tmp_path: Path) -> None:
    made = sound("sast", "bandit", [result("B301"), result("B307", line=2), result("B102", line=3)])
    made["results"][0]["kind"] = "pass"
    made["results"][1]["baselineState"] = "absent"

    assert shown(upload(tmp_path, made)[1]) == [("bandit", ["B102"])]


def test_every_result_of_a_waived_finding_is_left_out_and_no_other(tmp_path: Path) -> None:
    accepted = Waiver(advisory="PYSEC-9", path="**", reason="because we know it", expires=date(2026, 12, 31))
    names = ("GHSA-1", "CVE-2026-1", "PYSEC-9")
    flask = [advisory(names[0], aliases=names[:2]), advisory(names[1], aliases=names[1:])]
    runs = (
        sound("sca", "pip-audit", [*flask, advisory("CVE-2020-7", "jinja2")]),
        sound("container", "image", [advisory("PYSEC-9")]),
    )

    uploaded, sarif = upload(tmp_path, *runs, waivers=[accepted])

    assert shown(sarif) == [("image", []), ("pip-audit", ["CVE-2020-7"])]
    assert uploaded.results == 1


def test_a_finding_that_is_only_partly_waived_is_shown(tmp_path: Path) -> None:
    elsewhere = Waiver(rule="B301", path="tests/**", reason="because we know it", expires=date(2026, 12, 31))
    same = ("the", "same")
    results = [result("B301", "tests/a.py", identity=same), result("B301", "src/a.py", identity=same)]

    _, sarif = upload(tmp_path, sound("sast", "bandit", results), waivers=[elsewhere])

    assert shown(sarif) == [("bandit", ["B301", "B301"])]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "incomplete", "reason": "timed out"},
        {"canary": "not found"},
        {"scanned": 1, "expected": 2},
    ],
)
def test_a_tool_that_did_not_look_at_everything_keeps_its_alerts(tmp_path: Path, changes: Json) -> None:
    uploaded, sarif = upload(
        tmp_path, sound("sast", "bandit", [result("B301")], **changes), sound("sast", "semgrep")
    )

    assert shown(sarif) == [("semgrep", [])]
    assert uploaded == Uploaded(
        files=outputs(tmp_path / "out")[:1],
        left_out_runs=("bandit (sast)",),
        notices=(
            "code scanning keeps the alerts that it has of bandit (sast), which did not look at everything",
        ),
    )


def test_a_skipped_tool_keeps_its_alerts_without_a_word(tmp_path: Path) -> None:
    uploaded, sarif = upload(
        tmp_path, sound("container", "hadolint", status="skipped"), sound("sast", "bandit")
    )

    assert shown(sarif) == [("bandit", [])]
    assert (uploaded.left_out_runs, uploaded.notices) == (("hadolint (container)",), ())


def test_every_tool_that_looked_is_in_one_file_or_the_other(tmp_path: Path) -> None:
    due = {f"{stage}-{number}" for stage in ("container", "sast", "sca", "test") for number in range(6)}
    paths = stages(tmp_path, *(sound(tool.split("-")[0], tool, [result("R1")]) for tool in sorted(due)))

    uploaded = write(paths, outputs(tmp_path), report=report(paths))

    assert (uploaded.files, uploaded.results, uploaded.notices) == (outputs(tmp_path), len(due), ())
    first, second = (read(path) for path in uploaded.files)
    assert check(first) == check(second) == []
    tools = [{tool for tool, _ in shown(each)} for each in (first, second)]
    assert tools[0] | tools[1] == due
    assert {tool.split("-")[0] for tool in tools[1]} == {"test"}, "a stage stays together"


def test_a_stage_with_more_runs_than_a_file_takes_leaves_the_others_their_room(tmp_path: Path) -> None:
    """As only a job that its code has taken over writes it."""
    many = [sound("container", f"tool-{number}", [result("R1")]) for number in range(21)]
    paths = stages(tmp_path, *many, sound("sast", "bandit"))

    uploaded = write(paths, outputs(tmp_path), report=report(paths))

    assert [len(read(path)["runs"]) for path in uploaded.files] == [1, 20]
    assert [notice for notice in uploaded.notices if notice.startswith("Left out: 1 run")]


def test_one_run_of_a_tool_that_did_not_finish_holds_back_its_others(tmp_path: Path) -> None:
    broken = sound("sast", "bandit", status="incomplete", reason="timed out")

    uploaded, sarif = upload(tmp_path, sound("sast", "bandit"), broken, sound("sast", "semgrep"))

    assert shown(sarif) == [("semgrep", [])]
    assert uploaded.left_out_runs == ("bandit (sast)", "bandit (sast)")


def test_nothing_to_upload_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    paths = stages(tmp_path, sound("sast", "bandit", status="skipped"))
    places = outputs(tmp_path / "out")
    places[0].parent.mkdir()
    for output in places:
        output.write_text("of an earlier run")

    uploaded = write(paths, places, report=report(paths))

    assert uploaded == Uploaded(left_out_runs=("bandit (sast)",))
    assert list(places[0].parent.iterdir()) == []
    assert write([], places, report=report([])) == Uploaded()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"].update(
            uri="https://evil.example/\x1b[31m"
        ),
        lambda made: made["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"].update(
            uri="../../etc/passwd"
        ),
        lambda made: made["results"][0].update(locations=[]),
        lambda made: made["results"][0].update(partialFingerprints={}),
        lambda made: made["tool"]["driver"]["rules"][0]["properties"].update({"security-severity": "bad"}),
        lambda made: made["automationDetails"].update(id="mlsecops"),
    ],
)
def test_a_run_that_github_would_refuse_the_whole_file_for_is_left_out(tmp_path: Path, spoil: Any) -> None:
    made = sound("test", "pytest", [result("T1")])
    spoil(made)

    uploaded, sarif = upload(tmp_path, made, sound("sast", "bandit", [result("B301")]), project="a")

    assert shown(sarif) == [("bandit", ["B301"])]
    assert uploaded.left_out_runs == ("pytest (test)",)
    (notice,) = uploaded.notices
    assert notice.startswith("code scanning keeps the alerts that it has of pytest (test), which wrote what")
    assert notice.isprintable()


def everywhere() -> Json:
    """A run with a path in every place that has one."""
    place = Location(uri="src/load model.py", start_line=5, start_column=2, logical="load")
    flow = {"threadFlows": [{"locations": [{"location": place.to_sarif()}]}]}
    made = sound(
        "sast",
        "semgrep",
        [
            Result(
                rule_id="R1",
                message="here",
                location=place,
                severity=9.5,
                related=(("there", Location(uri="src/other.py", start_line=2)),),
            )
        ],
        files={"src/load model.py": "a = 1\n" * 9, "src/other.py": "b = 2\n" * 9},
        rules=[rule("R1", severity=9.5)],
    )
    made["results"][0]["codeFlows"] = [flow]
    fix = {"artifactLocation": {"uri": "src/other.py"}, "replacements": [{"deletedRegion": {"startLine": 2}}]}
    made["results"][0]["fixes"] = [{"description": {"text": "mend"}, "artifactChanges": [fix]}]
    note = {"message": {"text": "odd"}, "locations": [Location(uri="src/other.py").to_sarif()]}
    made["invocations"][0]["toolExecutionNotifications"] = [note]
    made["originalUriBaseIds"] = {"%SRCROOT%": {"description": {"text": "The root of the repository."}}}
    return made


def uris(value: Any) -> list[str]:
    """Every URI of an artifact in a value, in the order in which they come."""
    if isinstance(value, list):
        return [uri for each in value for uri in uris(each)]
    if not isinstance(value, dict):
        return []
    own = [value["uri"]] if isinstance(value.get("uri"), str) else []
    return own + [uri for each in value.values() for uri in uris(each)]


@pytest.mark.parametrize("project", ["services/a b", "./services/a b/"])
def test_in_a_monorepo_every_path_begins_at_the_root_of_the_repository(tmp_path: Path, project: str) -> None:
    made = everywhere()
    before = uris(made)
    assert len(before) == 7

    _, sarif = upload(tmp_path, made, project=project)

    assert sorted(uris(sarif)) == sorted(f"services/a%20b/{uri}" for uri in before)


def test_elsewhere_paths_stay_as_they_are(tmp_path: Path) -> None:
    assert sorted(uris(upload(tmp_path, everywhere())[1])) == sorted(uris(everywhere()))


def test_paths_are_found_however_deep_they_are(tmp_path: Path) -> None:
    made = sound("test", "pytest", [result("T1")])
    deep: Json = {"artifactLocation": {"uri": "deep.py"}}
    for _ in range(240):
        deep = {"a": deep}
    made["results"][0]["properties"] = deep

    upload(tmp_path, made, project="b")

    assert '{"uri":"b/deep.py"}' in (tmp_path / "out" / "upload.sarif").read_text(encoding="utf-8")


def test_what_github_cuts_is_cut_here_and_said(tmp_path: Path) -> None:
    tags = tuple(f"tag-{number}" for number in range(30))
    made = sound("sast", "bandit", [result("B301")], rules=[rule("B301", tags=tags)])
    many = [sound("sast", f"tool-{number}") for number in range(21)]

    uploaded, sarif = upload(tmp_path, made, *many)

    assert len(sarif["runs"]) == 20
    assert "Only the first 10 tags of 1 rule of bandit are kept, as on GitHub." in uploaded.notices
    assert any("runs" in notice for notice in uploaded.notices)


def test_in_doubt_nothing_is_uploaded(tmp_path: Path) -> None:
    paths = stages(tmp_path, sound("sast", "bandit"))
    doubted = replace(report(paths), doubts=("the policy of the base commit cannot be used: gone",))

    uploaded = write(paths, outputs(tmp_path), report=doubted)

    said = "nothing is uploaded in doubt: the policy of the base commit cannot be used: gone"
    assert uploaded == Uploaded(notices=(said,))
    assert not any(output.exists() for output in outputs(tmp_path))


def test_a_stage_that_cannot_be_read_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "sast.sarif").write_text("{")

    with pytest.raises(SarifError):
        write([tmp_path / "sast.sarif"], outputs(tmp_path), report=report([]))
    assert [path.name for path in tmp_path.iterdir()] == ["sast.sarif"]


def test_the_multitool_finds_no_error_in_it(tmp_path: Path) -> None:
    try:
        program()
    except MultitoolUnavailableError as error:
        pytest.skip(str(error))
    runs = (everywhere(), sound("sca", "pip-audit", [advisory("CVE-2026-1")]), sound("container", "hadolint"))

    _, sarif = upload(tmp_path, *runs, project="services/a b")

    assert errors(tmp_path / "out" / "upload.sarif") == []
    assert json.dumps(sarif).count("services/a%20b/") > len(runs)
