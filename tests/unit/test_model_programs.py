"""What other scanners say of a file, in our words: the programs that ask them, and what is made of it."""

from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlsecops.job import Job, Parsed, Problem
from mlsecops.model_scanning.processes import Crew, Readings
from mlsecops.model_scanning.readings import CANARY
from mlsecops.model_scanning.scanners import Opinion, Scanner, ask
from mlsecops.programs import each_file, modelaudit, modelaudit_picklescan, picklescan
from mlsecops.programs.opinion import guarded, not_read, opinion
from mlsecops.tools.picklescan import Picklescan
from support.contexts import context, toolbox

SCRIPTS = Path(each_file.__file__).resolve().parents[2]
EMPTY = {"imports": [], "extensions": [], "others": [], "trouble": "", "unlisted": False}


class TestPicklescan:
    @staticmethod
    def said(
        *imports: tuple[str, str], troubles: tuple[str, ...] = (), failed: bool = False, files: int = 1
    ) -> Mapping[str, Any]:
        found = [
            SimpleNamespace(module="os", name=name, safety=SimpleNamespace(value=word))
            for word, name in imports
        ]
        result = SimpleNamespace(globals=found, scan_err=failed, scanned_files=files)
        return picklescan.said(result, troubles)

    def test_dangerous_names_and_those_it_does_not_know(self) -> None:
        line = self.said(("dangerous", "system"), ("innocuous", "path"), ("suspicious", "nice"))
        assert line == {**EMPTY, "imports": ["os.system"], "unlisted": True}

    @pytest.mark.parametrize(
        ("how", "trouble"),
        [
            ({"troubles": ("it is cut off",), "failed": True}, "it is cut off"),
            ({"failed": True}, "picklescan could not read it"),
            ({"files": 0}, "picklescan says that it scanned nothing"),
        ],
    )
    def test_what_does_not_count_as_read(self, how: dict[str, Any], trouble: str) -> None:
        assert self.said(("dangerous", "system"), **how) == {
            **EMPTY,
            "imports": ["os.system"],
            "trouble": trouble,
        }

    def test_only_what_it_logs_of_troubles_is_kept(self) -> None:
        log = logging.Logger("test")
        troubles = picklescan.Troubles()
        log.addHandler(troubles)
        log.warning("%s: %s import '%s %s' FOUND", "m.pkl", "dangerous", "os", "system")
        log.warning("Invalid file %s in zip archive", "a")
        log.debug("Scanning file")
        assert troubles.said == ["Invalid file a in zip archive"]


class TestModelauditPicklescan:
    @staticmethod
    def said(
        *findings: tuple[str, dict[str, Any]], status: str = "complete", notice: str = ""
    ) -> Mapping[str, Any]:
        return modelaudit_picklescan.said(
            {
                "findings": [
                    {"rule_code": rule, "message": f"about {rule}", "details": details}
                    for rule, details in findings
                ],
                "status": status,
                "errors": [],
                "notices": [{"message": notice}] if notice else [],
            }
        )

    def test_dangerous_calls_by_name_once_each(self) -> None:
        system = {"import_reference": "os.system"}
        line = self.said(
            ("DANGEROUS_CALL", system),
            ("DANGEROUS_GLOBAL", system),
            ("DANGEROUS_CALL", {"import_reference": "builtins.getattr.__call__"}),
            ("POST_BUDGET_GLOBAL", {"import_reference": "os.popen"}),
        )
        assert line == {**EMPTY, "imports": ["os.system", "builtins.getattr", "os.popen"]}

    def test_what_has_no_name(self) -> None:
        line = self.said(
            ("EXTENSION_REF", {"extension_code": 7}),
            ("DANGEROUS_CALL", {"import_reference": "copyreg.extension.code_7"}),
            ("STRUCTURAL_TAMPER", {}),
            ("MALFORMED_STACK_GLOBAL", {}),
        )
        others = [
            ("opcodes where none may be", "about STRUCTURAL_TAMPER"),
            ("an import without a name", "about MALFORMED_STACK_GLOBAL"),
        ]
        assert line == {**EMPTY, "extensions": ["7"], "others": others}

    @pytest.mark.parametrize(
        ("rule", "details"),
        [
            ("S213", {}),
            ("PERSISTENT_ID", {}),
            ("NON_ALLOWLISTED_GLOBAL", {"import_reference": "mypackage.Model"}),
            ("DANGEROUS_CALL_GRAPH", {"import_reference": "re._compile"}),
            ("DANGEROUS_CALL", {"import_reference": "os.system", "nested_rule_code": "DANGEROUS_CALL"}),
            ("DANGEROUS_CALL", {"import_reference": "__main__.Model"}),
            ("DANGEROUS_CALL", {}),
        ],
    )
    def test_what_does_not_count(self, rule: str, details: dict[str, Any]) -> None:
        assert self.said((rule, details)) == EMPTY

    @pytest.mark.parametrize(
        ("how", "trouble"),
        [
            ({"status": "error"}, "modelaudit-picklescan did not read it to its end"),
            ({"status": "inconclusive", "notice": "it is cut off"}, "it is cut off"),
        ],
    )
    def test_what_does_not_count_as_read(self, how: dict[str, Any], trouble: str) -> None:
        assert self.said(**how)["trouble"] == trouble


class TestModelaudit:
    @staticmethod
    def said(*issues: tuple[str, str | None, str, dict[str, Any]], whole: bool = True) -> Mapping[str, Any]:
        keys = ("severity", "rule_code", "message", "details")
        return modelaudit.said([dict(zip(keys, issue, strict=True)) for issue in issues], whole=whole)

    def test_critical_imports_by_name(self) -> None:
        line = self.said(
            ("critical", "S201", "Found REDUCE", {"import_reference": "os.system"}),
            ("critical", "S115", "Found REDUCE", {"import_reference": "builtins.getattr.__call__"}),
            ("critical", "S201", "opaque", {"import_reference": "copyreg.extension.code_7"}),
            ("critical", "S203", "Found NEWOBJ", {"import_reference": "__main__.Model"}),
        )
        assert line == {**EMPTY, "imports": ["os.system", "builtins.getattr"], "extensions": ["7"]}

    def test_what_has_no_name_goes_by_its_first_words(self) -> None:
        line = self.said(
            ("critical", "S106", "Dangerous operation: ReadFile", {}),
            ("critical", "S205", "Malformed STACK_GLOBAL", {"pickle_rule_code": "MALFORMED_STACK_GLOBAL"}),
        )
        assert line["others"] == [
            ("Dangerous operation", "Dangerous operation: ReadFile"),
            ("an import without a name", "Malformed STACK_GLOBAL"),
        ]

    @pytest.mark.parametrize(
        ("severity", "rule", "details"),
        [
            ("warning", "S201", {"import_reference": "os.system"}),
            ("critical", "S213", {}),
            ("critical", "S601", {}),
            ("critical", "DANGEROUS_CALL_GRAPH", {"import_reference": "re._compile"}),
            ("critical", "S201", {"import_reference": "os.system", "nested_rule_code": "DANGEROUS_CALL"}),
        ],
    )
    def test_what_does_not_count(self, severity: str, rule: str, details: dict[str, Any]) -> None:
        assert self.said((severity, rule, "It is odd", details)) == EMPTY

    def test_what_does_not_count_as_read(self) -> None:
        noise, missing = ("debug", None, "noise"), ("info", "S902", "h5py is required")
        assert self.said((*missing, {}))["trouble"] == ""
        assert self.said((*noise, {}), (*missing, {}), whole=False)["trouble"] == "h5py is required"
        assert self.said(whole=False)["trouble"] == "modelaudit did not read it to its end"


def test_a_scanner_that_fails_on_a_file_is_heard_on_the_next(tmp_path: Path) -> None:
    def scan(path: Path) -> Mapping[str, Any]:
        if path.name == "broken":
            raise zipfile.BadZipFile(f"no zip: {path}")
        return opinion(["os.system"])

    read = guarded(scan)
    assert read(tmp_path / "broken") == {**EMPTY, "trouble": "BadZipFile: no zip: the file"}
    assert read(tmp_path / "whole") == {**EMPTY, "imports": ["os.system"]}


def test_lines_of_another_shape_are_none() -> None:
    with pytest.raises(LookupError):
        Opinion.from_json({"imports": []})


class TestStart:
    """Programs run where nothing of ours is installed, and other versions of what we use may be."""

    @staticmethod
    def run(*arguments: str) -> str:
        command = [sys.executable, "-I", "-S", "-c", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def test_our_folder_is_gone_when_the_scanner_is_imported(self, tmp_path: Path) -> None:
        text = "import sys\n\ndef main(arguments):\n    print(arguments, sys.path)\n"
        (tmp_path / "program.py").write_text(text, encoding="utf-8")
        said = self.run(each_file.START, str(tmp_path), "program", "order", "lines")
        assert said.startswith("['order', 'lines']")
        assert str(tmp_path) not in said

    @pytest.mark.parametrize("name", ["picklescan", "modelaudit_picklescan", "modelaudit"])
    def test_they_import_nothing_else_of_ours(self, name: str) -> None:
        program = f"import sys; sys.path.insert(0, sys.argv[1]); import mlsecops.programs.{name}; "
        said = self.run(program + "print(*sys.modules)", str(SCRIPTS)).split()
        ours = {each for each in said if each.startswith("mlsecops")}
        package = "mlsecops.programs"
        names = {f"{package}.{each}" for each in ("each_file", "opinion", name)}
        assert ours == {"mlsecops", package, *names}


BAD = opinion(["posix.system"])


def parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canaries: list[Any], **lines: Any) -> Parsed:
    """What is made of lines by the names of files; a text is why a file was lost."""
    (tmp_path / "project").mkdir()
    (tmp_path / "work").mkdir()
    tools = toolbox(overrides={"picklescan": Path(sys.prefix)})
    shared = context("model", tmp_path / "project", tmp_path, tools=tools)
    job = Job(tool=Picklescan(), context=shared, targets=(), work=tmp_path / "work")

    def read(crew: Crew[Opinion], paths: Sequence[str], canary: str) -> Readings[Opinion]:
        assert (crew.program, Path(canary).read_bytes()) == ("mlsecops.programs.any", CANARY)
        return Readings(
            read={path: crew.parse(lines[path]) for path in paths if not isinstance(lines[path], str)},
            lost={path: lines[path] for path in paths if isinstance(lines[path], str)},
            canaries=[crew.parse(each) for each in canaries],
        )

    monkeypatch.setattr(Crew, "read", read)
    files = {path: f"{path}.pkl" for path in lines}
    return ask(job, Scanner(program="any", small=10), files, [Problem("z.pkl", "it is encrypted")])


def test_all_that_it_says_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = opinion(["os.system"], extensions=["7"], others=[("odd opcodes", "Odd opcodes.")], unlisted=True)
    found = parsed(tmp_path, monkeypatch, [BAD], a=line, b=opinion(unlisted=True))
    assert [(each["ruleId"], each["properties"]["mlsecops"]["identity"]) for each in found.results] == [
        ("model-runs-code", ["model-import", "a.pkl", "os.system"]),
        ("model-unknown-import", ["model", "model-unknown-import", "a.pkl", "extension 7"]),
        ("model-called-dangerous", ["model-opinion", "a.pkl", "odd opcodes"]),
    ]
    assert found.results[2]["message"]["text"] == "picklescan says: Odd opcodes."
    assert {each["ruleId"] for each in found.results} == {rule["id"] for rule in found.rules}
    assert found.looked_at == {"a.pkl", "b.pkl"}
    assert found.canary == {"model-runs-code"}
    assert found.notes == ["imports in a.pkl and 1 more are on no list of picklescan"]


def test_what_it_did_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = opinion(["os.system"], trouble="cut\noff")
    found = parsed(tmp_path, monkeypatch, [BAD], a=line, b="it broke the reader", c=opinion())
    assert found.looked_at == {"c.pkl"}
    assert [(each.uri, each.message, each.kind) for each in found.problems] == [
        ("z.pkl", "it is encrypted", "unreadable"),
        ("a.pkl", "cut\\noff", "unparsed"),
        ("b.pkl", "it broke the reader", "unparsed"),
    ]
    assert len(found.results) == 1


@pytest.mark.parametrize("canaries", [[], [BAD, opinion()], [not_read("it is empty")]])
def test_every_process_has_to_find_the_canary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canaries: list[Any]
) -> None:
    assert parsed(tmp_path, monkeypatch, canaries, a=opinion()).canary == frozenset()
