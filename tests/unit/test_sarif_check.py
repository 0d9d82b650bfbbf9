"""The lint finds every defect that it is there for; each is made by one change to a good log."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from mlsecops.sarif.build import Json
from mlsecops.sarif.check import check
from mlsecops.sarif.selection import Limits
from support.sarif_samples import all_tools


def change_result(*path: str | int, value: Any) -> Callable[[Json], None]:
    """Set something in the first result of the second run."""
    return change("runs", 1, "results", 0, *path, value=value)


def change_rule(*path: str | int, value: Any) -> Callable[[Json], None]:
    """Set something in the first rule of the second run."""
    return change("runs", 1, "tool", "driver", "rules", 0, *path, value=value)


def change(*path: str | int, value: Any) -> Callable[[Json], None]:
    """Set something in the log."""

    def apply(log: Json) -> None:
        holder: Any = log
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value

    return apply


def uri(value: Any) -> Callable[[Json], None]:
    """Set the URI of a result."""
    return change_result("locations", 0, "physicalLocation", "artifactLocation", "uri", value=value)


def same_run_twice(log: Json) -> None:
    """A tool and category twice."""
    log["runs"].append(log["runs"][0])


def same_rule_twice(log: Json) -> None:
    """A rule id twice."""
    rules = log["runs"][1]["tool"]["driver"]["rules"]
    rules.append(rules[0])


@pytest.mark.parametrize(
    ("mutate", "defect"),
    [
        (change("version", value="2.0.0"), "the version is not 2.1.0"),
        (change("$schema", value=None), "the $schema is missing"),
        (same_run_twice, "2 runs are of the tool 'Semgrep OSS' in the category 'mlsecops/sast/semgrep/'"),
        (change("runs", 1, "tool", "driver", "name", value=""), "the tool has no name"),
        (change("runs", 1, "automationDetails", value={}), "automationDetails.id '' does not end in a slash"),
        (same_rule_twice, "2 rules have the id 'B301'"),
        (change_rule("properties", "security-severity", value="high"), "'high' is not a number in text"),
        (change_rule("properties", "security-severity", value=7.5), "7.5 is not a number in text"),
        (change_rule("properties", "security-severity", value="0.0"), "0.0 is not in 0.1 to 10.0"),
        (change_rule("properties", "security-severity", value="10.1"), "10.1 is not in 0.1 to 10.0"),
        (change_rule("properties", "tags", value=["x"]), "the tag security is missing"),
        (change_rule("properties", "tags", value=["security"] * 21), "21 tags, GitHub takes 20"),
        (change_rule("help", value={}), "help.text is missing"),
        (change_rule("shortDescription", value={}), "shortDescription.text is missing"),
        (change_rule("defaultConfiguration", value={}), "defaultConfiguration.level is missing"),
        (change_result("ruleIndex", value=5), "ruleIndex 5 is not that of a rule"),
        (change_result("ruleIndex", value=None), "ruleIndex None is not that of a rule"),
        (change_result("ruleId", value="B302"), "ruleIndex 0 is rule 'B301', not 'B302'"),
        (change_result("message", value={"text": " "}), "message.text is empty"),
        (change_result("level", value=None), "the level is missing"),
        (change_result("locations", value=[]), "there is no location"),
        (change_result("partialFingerprints", "primaryLocationLineHash", value="abc"), "wrong form"),
        (change_result("partialFingerprints", value={}), "partialFingerprints.mlsecops/v1 is missing"),
        (
            change_result("locations", 0, "physicalLocation", "region", value={"startLine": 0}),
            "a location has no startLine",
        ),
        (uri("../a.py"), "'../a.py' is not the plain path"),
        (uri("./a.py"), "'./a.py' is not the plain path"),
        (uri("a/%2e%2e/%2e%2e/b.py"), "is not the plain path"),
        (uri("/etc/passwd"), "'/etc/passwd' is absolute"),
        (uri("https://host/a"), "has a scheme or is not percent-encoded"),
        (uri("a b.py"), "has a scheme or is not percent-encoded"),
        (uri("a%2.py"), "has a scheme or is not percent-encoded"),
        (uri(None), "a location has no URI"),
        (
            change("runs", 1, "artifacts", value=[{"location": {"uri": "/x"}}]),
            "artifacts[0]: the URI '/x' is abs",
        ),
    ],
)
def test_every_defect_is_found_and_only_it(mutate: Callable[[Json], None], defect: str) -> None:
    log = deepcopy(all_tools())
    mutate(log)

    found = check(log)

    assert any(defect in line for line in found)
    assert len(found) <= 2


def test_places_of_flows_and_related_places_are_looked_at() -> None:
    log = deepcopy(all_tools())
    flows = log["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
    flows[0]["location"]["physicalLocation"]["artifactLocation"]["uri"] = "/a"
    log["runs"][1]["results"][0]["relatedLocations"] = [{"physicalLocation": {}}]

    found = check(log)

    assert [line for line in found if "'/a' is absolute" in line]
    assert [line for line in found if "runs[1] (Bandit): results[0]: a location has no URI" in line]


def test_numbers_beyond_the_limits_are_found() -> None:
    log = deepcopy(all_tools())
    log["runs"][2]["results"][0]["locations"] *= 1_001

    found = check(log, Limits(runs=3, results=2, rules=1))

    assert "there are 4 runs, GitHub takes 3" in found
    assert "runs[2] (Hadolint): there are 3 results, GitHub takes 2" in found
    assert "runs[2] (Hadolint): there are 2 rules, GitHub takes 1" in found
    assert "runs[2] (Hadolint): results[0]: more than 1,000 locations" in found
