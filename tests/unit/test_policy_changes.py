"""What a change does to the policy is told whole, and which way it turns the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from mlsecops.models.trust.sign import SignatureRequirement
from mlsecops.policy import Caller, Policy, PolicyError, Waiver, parse
from mlsecops.policy.changes import changes
from mlsecops.policy.proposal import doubt, proposal, unreadable


def policy(text: str) -> Policy:
    return parse(f"version: 1\n{text}".encode(), ".github/mlsecops.yml")


def told(old: str, new: str) -> list[str]:
    return [f"{each.turn}: {each.what}" for each in changes(policy(old), policy(new))]


WAIVER = "waivers: [{rule: B301, path: 'src/**', reason: the legacy service, expires: 2027-01-31}]"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("fail-on: high", "fail-on: low", ["stricter: `fail-on` high → low"]),
        ("", "fail-on: never", ["weaker: `fail-on` high → never"]),
        ("", "fail-on: {sca: critical}", ["weaker: `fail-on.sca` high → critical"]),
        ("fail-on: {default: high, sca: high}", "", []),
        ("new-only: false", "", ["weaker: `new-only` false → true"]),
        ("", "new-suppressions: honour", ["weaker: `new-suppressions` count → honour"]),
        ("", "on-missing-base: pass", ["weaker: `on-missing-base` all → pass"]),
        ("", "on-missing-base: incomplete", ["stricter: `on-missing-base` all → incomplete"]),
        ("", "stages: {sast: {enabled: false}}", ["weaker: `sast` switched off"]),
        ("stages: {sast: {enabled: false}}", "", ["stricter: `sast` switched on"]),
        (
            "required: [test]",
            "required: [sca]",
            ["weaker: `test` no longer required", "stricter: `sca` required"],
        ),
        ("", "exclude: ['jobs/**', b]", ["weaker: `exclude` added: `jobs/**`, `b`"]),
        ("exclude: [a, b]", "exclude: [b]", ["stricter: `exclude` removed: `a`"]),
        ("", "max-data-age: 4w", ["weaker: `max-data-age` 7 d → 28 d"]),
        (
            "",
            "tools: {use-project-config: [hadolint]}",
            ["weaker: `tools.use-project-config` added: `hadolint`"],
        ),
        ("", "models: {formats: [onnx]}", ["stricter: `models.formats` all → `onnx`"]),
        ("models: {formats: [onnx]}", "", ["weaker: `models.formats` `onnx` → all"]),
        (
            "models: {formats: [onnx]}",
            "models: {formats: [onnx, pickle]}",
            ["weaker: `models.formats` added: `pickle`"],
        ),
        ("models: {max-size: 1MB}", "", ["weaker: `models.max-size` 1,000,000 → not set"]),
        (
            "models: {max-size: 1MB}",
            "models: {max-size: 1KB}",
            ["stricter: `models.max-size` 1,000,000 → 1,000"],
        ),
        ("", "container: {image: required}", ["stricter: `container.image` not set → required"]),
        (
            "",
            "container: {dockerfiles: [Dockerfile]}",
            ["weaker: `container.dockerfiles` all → `Dockerfile`"],
        ),
        ("", "test: {command: ['true', a b]}", ["different: `test.command` not set → `true 'a b'`"]),
        ("", "dast: {env: {KEY: secret}}", ["different: `dast.env` changed: `KEY`"]),
        ("", "dast: {auth: {header: 'X-Key: secret'}}", ["different: `dast.auth` added"]),
        ("", WAIVER, ["weaker: waiver added: `B301` in `src/**`, until 2027-01-31: the legacy service"]),
        (WAIVER, "", ["stricter: waiver removed: `B301` in `src/**`, until 2027-01-31"]),
        (
            WAIVER,
            WAIVER.replace("2027", "2028"),
            ["weaker: waiver of `B301` in `src/**`: until 2027-01-31 → 2028-01-31"],
        ),
        (
            WAIVER,
            WAIVER.replace("2027", "2026"),
            ["stricter: waiver of `B301` in `src/**`: until 2027-01-31 → 2026-01-31"],
        ),
        (
            WAIVER,
            WAIVER.replace("the legacy", "the other"),
            ["different: waiver of `B301` in `src/**`: another reason: the other service"],
        ),
        (WAIVER, f"# moved\n\n{WAIVER}", []),
        (
            "",
            (
                "waivers:\n  - {advisory: CVE-1, package: flask, stage: sca, path: r,\n"
                "     reason: accepted by us, expires: 2027-01-31}"
            ),
            ["weaker: waiver added: `CVE-1` of `flask` in `r` (stage sca), until 2027-01-31: accepted by us"],
        ),
        (
            "",
            "exclude: [a, b, c, d, e, f, g, h, i, j]",
            ["weaker: `exclude` added: `a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` and 2 more"],
        ),
    ],
)
def test_each_difference_is_told_with_its_effect(old: str, new: str, expected: list[str]) -> None:
    assert told(old, new) == expected


def test_what_makes_the_gate_weaker_comes_first_and_no_flood_of_waivers_before_it() -> None:
    flood = ", ".join(
        f"{{rule: R{number}, path: a, reason: accepted by us, expires: 2027-01-31}}" for number in range(50)
    )

    said = told("models: {deep: true}", f"required: [test]\nwaivers: [{flood}]\nfail-on: never")

    assert said[0] == "weaker: `fail-on` high → never"
    assert said[1] == "weaker: `models.deep` true → false"
    assert said[-1] == "stricter: `test` required"
    assert len(said) == 53


def test_of_waivers_of_the_same_the_last_to_end_counts() -> None:
    twice = WAIVER[:-1] + ", {rule: B301, path: 'src/**', reason: the legacy service, expires: 2026-12-31}]"

    assert told(WAIVER, twice) == told(twice, WAIVER) == []


_OTHER: dict[type, Any] = {
    bool: lambda value: not value,
    int: lambda value: value + 1,
    float: lambda value: value + 1,
    timedelta: lambda value: value + timedelta(days=1),
    tuple: lambda value: (*value, "more"),
    frozenset: lambda value: value | {"sast"},
    MappingProxyType: lambda value: MappingProxyType({**value, "sast": "low"}),
    type(None): lambda _: "other",
}
_SPECIAL = {
    "source": "other",
    "default_threshold": "low",
    "new_suppressions": "honour",
    "on_missing_base": "pass",
    "waivers": (Waiver(rule="a", path="b", reason="c", expires=date(2027, 1, 1)),),
    "max_size": 1,
    "port": 80,
    "image": "required",
    "auth": Caller(header="a: b"),
    "identities": (Caller(header="a: b"),),
    "require_signature": (SignatureRequirement(key="a.pem"),),
}


def every_difference(settings: Any) -> Iterator[tuple[str, Any]]:
    """The settings with one field another, for each field of them and of what is in them."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            for name, other in every_difference(value):
                yield f"{field.name}.{name}", replace(settings, **{field.name: other})
        else:
            other = _SPECIAL.get(field.name) or _OTHER[type(value)](value)
            yield field.name, replace(settings, **{field.name: other})


@pytest.mark.parametrize(
    ("name", "other"), [pytest.param(*each, id=each[0]) for each in every_difference(Policy())]
)
def test_no_setting_of_a_policy_changes_unsaid(name: str, other: Policy) -> None:
    expected = 0 if name == "source" else 1

    assert len(changes(Policy(), other)) == len(changes(other, Policy())) == expected


@pytest.mark.parametrize(
    ("old", "new", "kind", "effect"),
    [
        (Policy(), policy(""), "introduced", "the same as without it"),
        (Policy(), policy("fail-on: low"), "introduced", "stricter"),
        (policy("fail-on: low"), Policy(), "removed", "weaker"),
        (policy(""), policy("exclude: [a]\nrequired: [sca]"), "edited", "weaker in part, stricter in part"),
        (policy(""), policy("test: {paths: [t]}"), "edited", "neither weaker nor stricter"),
    ],
)
def test_a_proposal_says_what_happens_to_the_policy(old: Policy, new: Policy, kind: str, effect: str) -> None:
    found = proposal(old, new)

    assert found is not None
    assert (found.kind, found.path, found.effect) == (kind, ".github/mlsecops.yml", effect)


def test_nothing_is_proposed_where_nothing_changes() -> None:
    assert proposal(Policy(), Policy()) is None
    assert proposal(policy("exclude: [a]"), policy("# why\nexclude: [a]")) is None


def test_a_policy_that_cannot_be_read_is_told_with_its_mistake() -> None:
    with pytest.raises(PolicyError) as caught:
        policy("fail-on: hihg")
    found = unreadable(policy(""), caught.value)

    assert (found.kind, found.path, found.effect) == ("edited", ".github/mlsecops.yml", "cannot be read")
    assert found.fault.startswith(".github/mlsecops.yml:2: 'fail-on'")
    assert unreadable(Policy(), caught.value).kind == "introduced"
    assert found.fault in doubt(caught.value)
