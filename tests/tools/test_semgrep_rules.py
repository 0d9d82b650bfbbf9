"""Our semgrep rules: exactly the annotated lines of the samples match, and every rule explains itself.

In `tests/fixtures/semgrep/` a comment `# ruleid: x` or `# ok: x, y` speaks of the line after it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from mlsecops.sarif.build import Json
from mlsecops.toolbox import Toolbox
from mlsecops.tools.semgrep import RULES, Semgrep, read_pack
from support.semgrep_samples import Match, alone, annotated

SAMPLES = Path(__file__).resolve().parents[1] / "fixtures" / "semgrep"
PACK = read_pack(RULES)
IDS = [rule["id"] for rule in PACK]
_METAVARIABLE = re.compile(r"\$[A-Z][A-Z0-9_]*")


@pytest.fixture(name="pieces", scope="module")
def _pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every function and class of the samples in a file of its own, `<sample>/<first line>.py`."""
    folder = tmp_path_factory.mktemp("pieces")
    for path in SAMPLES.rglob("*.py"):
        for lines, text in alone(path.read_text(encoding="utf-8")):
            piece = folder / path.relative_to(SAMPLES) / f"{lines.start}.py"
            piece.parent.mkdir(parents=True, exist_ok=True)
            piece.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(name="results", scope="module")
def _results(tmp_path_factory: pytest.TempPathFactory, pieces: Path) -> list[Json]:
    """What the real semgrep finds in all samples, whole and in pieces, in one run."""
    programs = Toolbox.default().environment("semgrep") / "bin"
    pack = tmp_path_factory.mktemp("pack") / "rules.json"
    pack.write_bytes(orjson.dumps({"rules": PACK}))
    options = ["--experimental", "--json", "--metrics=off", "--disable-version-check", "--quiet", "--jobs=1"]
    options += ["--disable-nosem", "--no-git-ignore", "--x-ignore-semgrepignore-files", f"--config={pack}"]
    done = subprocess.run(
        [str(programs / "semgrep"), "scan", *options, str(SAMPLES), str(pieces)],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.defpath}", "SEMGREP_SEND_METRICS": "off"},
    )
    report: Json = json.loads(done.stdout)
    assert report["errors"] == []
    return list(report["results"])


@pytest.fixture(name="matches", scope="module")
def _matches(results: list[Json]) -> set[Match]:
    return below(SAMPLES, results)


def below(folder: Path, results: list[Json]) -> set[Match]:
    """File, line and rule of the results in a folder."""
    return {
        (
            Path(result["path"]).relative_to(folder).as_posix(),
            result["start"]["line"],
            result["check_id"].rsplit(".", 1)[-1],
        )
        for result in results
        if Path(result["path"]).is_relative_to(folder)
    }


def test_the_annotated_lines_match_and_no_others(matches: set[Match]) -> None:
    expected = set(annotated(SAMPLES, "ruleid"))
    assert sorted(expected - matches) == [], "not found"
    assert sorted(matches - expected) == [], "found without an annotation"


def test_the_harmless_lines_do_not_match(matches: set[Match]) -> None:
    assert matches & set(annotated(SAMPLES, "ok")) == set()


def test_a_finding_does_not_depend_on_words_elsewhere_in_the_file(
    matches: set[Match], results: list[Json], pieces: Path
) -> None:
    # semgrep skips a rule in files that lack its words: a word too many in that filter, and it is blind.
    found = below(pieces, results)
    lost = [
        (path, line, rule)
        for path, line, rule in sorted(matches)
        for piece in (pieces / path).glob("*.py")
        if piece.read_text(encoding="utf-8").split("\n")[line - 1]
        and (piece.relative_to(pieces).as_posix(), line, rule) not in found
    ]
    assert lost == []


def test_a_suggested_fix_is_valid_python(results: list[Json]) -> None:
    changed = set()
    for result in results:
        fix, source = result["extra"].get("fix"), Path(result["path"]).read_bytes()
        start, end = result["start"]["offset"], result["end"]["offset"]
        if fix is not None and fix.encode() != source[start:end]:
            ast.parse(source[:start] + fix.encode() + source[end:])
            changed.add(result["check_id"])
    assert changed == {rule["id"] for rule in PACK if "fix-regex" in rule}


def test_every_rule_is_held_to_two_bad_and_two_harmless_samples() -> None:
    bad = Counter(rule for _, _, rule in annotated(SAMPLES, "ruleid"))
    harmless = Counter(rule for _, _, rule in annotated(SAMPLES, "ok"))
    assert [rule for rule in IDS if bad[rule] < 2] == []
    assert [rule for rule in IDS if harmless[rule] < 2] == []
    assert (bad.keys() | harmless.keys()) - set(IDS) == set(), "annotations of rules that are not there"


def test_there_are_many_rules_and_each_has_its_own_id() -> None:
    assert len(IDS) == len(set(IDS)) >= 100
    assert all(re.fullmatch(r"mlsecops(-[a-z0-9]+)+", each) for each in IDS)


def bound(formula: Any) -> set[str]:
    """The metavariables that every match of a formula binds."""
    if isinstance(formula, str):
        return set(_METAVARIABLE.findall(formula))
    names: set[str] = set()
    for key, inner in formula.items():
        if key in ("pattern", "pattern-inside"):
            names |= bound(inner)
        elif key == "patterns":
            names |= set().union(*(bound(each) for each in inner))
        elif key == "pattern-either":
            names |= set.intersection(*(bound(each) for each in inner))
    return names


def conjunctions(node: Any) -> Iterator[list[Any]]:
    """Every `patterns` list of a rule, at any depth."""
    if isinstance(node, dict):
        if "patterns" in node:
            yield node["patterns"]
        for inner in node.values():
            yield from conjunctions(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from conjunctions(inner)


@pytest.mark.parametrize("rule", PACK, ids=IDS)
def test_every_condition_speaks_of_what_each_alternative_binds(rule: Json) -> None:
    # A condition on a metavariable that an alternative does not bind silently switches the alternative off.
    for formulas in conjunctions(rule):
        given = bound({"patterns": formulas})
        for formula in formulas:
            for key in ("metavariable-regex", "metavariable-pattern"):
                assert formula.get(key, {}).get("metavariable", "") in given | {""}
            assert formula.get("focus-metavariable", "") in given | {""}


@pytest.mark.parametrize("rule", PACK, ids=IDS)
def test_a_rule_says_what_why_and_what_to_do_instead(rule: Json) -> None:
    data = rule["metadata"]
    assert data["cwe"]
    assert all(re.match(r"CWE-\d+: ", each) for each in data["cwe"])
    score = float(data["security-severity"])
    assert 0.1 <= score <= 10.0
    assert rule["severity"] == ("ERROR" if score >= 7 else "WARNING" if score >= 4 else "INFO")
    assert data["precision"] in ("very-high", "high", "medium", "low")
    for text in (data["title"], data["fix"], data["help"], rule["message"]):
        assert len(text.split()) >= 2
    for key, form in (("owasp-ml", r"ML\d\d:2023 "), ("mitre-atlas", r"AML\.T\d{4}(\.\d{3})?$")):
        tags = data.get(key, [])
        assert all(re.match(form, each) for each in ([tags] if isinstance(tags, str) else tags))


def test_the_canary_expects_a_rule_of_every_file() -> None:
    import yaml

    for file in RULES.glob("*.yaml"):
        own = {rule["id"] for rule in yaml.safe_load(file.read_text(encoding="utf-8"))["rules"]}
        assert own & Semgrep().canary_rules, file.name
