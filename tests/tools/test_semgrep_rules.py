"""Our semgrep rules: exactly the annotated lines of the samples match, and every rule explains itself.

In `tests/fixtures/semgrep/` a comment `# ruleid: x` or `# ok: x, y` speaks of the line after it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from mlsecops.sarif.build import Json
from mlsecops.toolbox import Toolbox
from mlsecops.tools.semgrep import RULES, Semgrep, read_pack

SAMPLES = Path(__file__).resolve().parents[1] / "fixtures" / "semgrep"
PACK = read_pack(RULES)
IDS = [rule["id"] for rule in PACK]
_ANNOTATION = re.compile(r"\s*#\s*(ruleid|ok):\s*(.+)$")
Match = tuple[str, int, str]


def annotated(kind: str) -> Iterator[Match]:
    """File, line and rule of every annotation of a kind."""
    for path in sorted(SAMPLES.rglob("*.py")):
        waiting: list[str] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found = _ANNOTATION.match(line)
            if found:
                waiting += [each.strip() for each in found[2].split(",") if found[1] == kind]
                continue
            yield from ((str(path.relative_to(SAMPLES)), number, rule) for rule in waiting)
            waiting = []


@pytest.fixture(name="matches", scope="module")
def _matches(tmp_path_factory: pytest.TempPathFactory) -> set[Match]:
    """What the real semgrep finds in all samples, in one run."""
    programs = Toolbox.default().environment("semgrep") / "bin"
    pack = tmp_path_factory.mktemp("pack") / "rules.json"
    pack.write_bytes(orjson.dumps({"rules": PACK}))
    options = ["--experimental", "--json", "--metrics=off", "--disable-version-check", "--quiet", "--jobs=1"]
    options += ["--disable-nosem", "--no-git-ignore", "--x-ignore-semgrepignore-files", f"--config={pack}"]
    done = subprocess.run(
        [str(programs / "semgrep"), "scan", *options, str(SAMPLES)],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.defpath}", "SEMGREP_SEND_METRICS": "off"},
    )
    report = json.loads(done.stdout)
    assert report["errors"] == []
    return {
        (
            str(Path(result["path"]).relative_to(SAMPLES)),
            result["start"]["line"],
            result["check_id"].rsplit(".", 1)[-1],
        )
        for result in report["results"]
    }


def test_the_annotated_lines_match_and_no_others(matches: set[Match]) -> None:
    expected = set(annotated("ruleid"))
    assert sorted(expected - matches) == [], "not found"
    assert sorted(matches - expected) == [], "found without an annotation"


def test_the_harmless_lines_do_not_match(matches: set[Match]) -> None:
    assert matches & set(annotated("ok")) == set()


def test_every_rule_is_held_to_two_bad_and_two_harmless_samples() -> None:
    bad = Counter(rule for _, _, rule in annotated("ruleid"))
    harmless = Counter(rule for _, _, rule in annotated("ok"))
    assert [rule for rule in IDS if bad[rule] < 2] == []
    assert [rule for rule in IDS if harmless[rule] < 2] == []
    assert (bad.keys() | harmless.keys()) - set(IDS) == set(), "annotations of rules that are not there"


def test_there_are_many_rules_and_each_has_its_own_id() -> None:
    assert len(IDS) == len(set(IDS)) >= 100
    assert all(re.fullmatch(r"mlsecops(-[a-z0-9]+)+", each) for each in IDS)


@pytest.mark.parametrize("rule", PACK, ids=IDS)
def test_a_rule_says_what_why_and_what_to_do_instead(rule: Json) -> None:
    data = rule["metadata"]
    assert data["cwe"]
    assert all(re.match(r"CWE-\d+: ", each) for each in data["cwe"])
    assert 0.1 <= float(data["security-severity"]) <= 10.0
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
