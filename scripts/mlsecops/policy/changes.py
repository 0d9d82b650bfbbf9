"""What differs between two policies, in words, and whether the gate gets weaker or stricter by it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any, Literal

from mlsecops.models.trust.sign import SignatureRequirement
from mlsecops.policy.model import SEVERITIES, Policy, Waiver, stage_order

Turn = Literal["weaker", "stricter", "different"]
_Compare = Callable[[str, Any, Any], Iterator["PolicyChange"]]

_THRESHOLDS = ("never", *SEVERITIES)
_ORDER: tuple[Turn, ...] = ("weaker", "different", "stricter")
_OPPOSITE: Mapping[Turn, Turn] = {"weaker": "stricter", "stricter": "weaker", "different": "different"}
_MOST_NAMES, _LONGEST = 8, 80


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference: what it is, with code between backticks, and what it does to the gate."""

    what: str
    turn: Turn


def changes(old: Policy, new: Policy) -> tuple[PolicyChange, ...]:
    """Everything that differs, what makes the gate weaker first; what a policy is called does not count."""
    every = [*_thresholds(old, new), *_settings(old, new), *_waivers(old, new)]
    return tuple(sorted(every, key=lambda each: _ORDER.index(each.turn)))


def _thresholds(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    yield from _ranked("fail-on", old.default_threshold, new.default_threshold, order=_THRESHOLDS)
    for stage in sorted({*old.stage_thresholds, *new.stage_thresholds}, key=stage_order):
        before, after = old.threshold(stage), new.threshold(stage)
        yield from _ranked(f"fail-on.{stage}", before, after, order=_THRESHOLDS)


def _settings(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    for field, compare in _FIELDS.items():
        before, after = attrgetter(field)(old), attrgetter(field)(new)
        if before != after:
            yield from compare(_NAMES.get(field, field.replace("_", "-")), before, after)


def _ranked(name: str, old: object, new: object, *, order: Sequence[object]) -> Iterator[PolicyChange]:
    """A value of which the weakest comes first in `order`."""
    if old != new:
        turn: Turn = "stricter" if order.index(new) > order.index(old) else "weaker"
        yield PolicyChange(f"`{name}` {_shown(old).strip('`')} → {_shown(new).strip('`')}", turn)


def _least(name: str, old: Any, new: Any) -> Iterator[PolicyChange]:
    """A limit of which less is stricter, and None is no limit."""
    less = new is not None and (old is None or new < old)
    yield PolicyChange(f"`{name}` {_shown(old)} → {_shown(new)}", "stricter" if less else "weaker")


def _other(name: str, old: object, new: object) -> Iterator[PolicyChange]:
    yield PolicyChange(f"`{name}` {_shown(old)} → {_shown(new)}", "different")


def _unshown(name: str, old: object, new: object) -> Iterator[PolicyChange]:
    """What may hold a key."""
    verb = "added" if not old else "changed" if new else "removed"
    yield PolicyChange(f"`{name}` {verb}", "different")


def _variables(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[PolicyChange]:
    names = (each for each in sorted({*old, *new}) if old.get(each) != new.get(each))
    yield PolicyChange(f"`{name}` changed: {_listed(names)}", "different")


def _members(
    name: str, old: Iterable[Any], new: Iterable[Any], *, more: Turn, none: Turn | None = None
) -> Iterator[PolicyChange]:
    """A list of which each member makes the gate `more`; being empty makes it `none`, if that is special."""
    before, after = (list(dict.fromkeys(map(_word, each))) for each in (old, new))
    if none and (not before or not after):
        turn = none if not after else _OPPOSITE[none]
        yield PolicyChange(f"`{name}` {_listed(before) or 'all'} → {_listed(after) or 'all'}", turn)
        return
    for verb, words, turn in (
        ("added", [each for each in after if each not in before], more),
        ("removed", [each for each in before if each not in after], _OPPOSITE[more]),
    ):
        if words:
            yield PolicyChange(f"`{name}` {verb}: {_listed(words)}", turn)


def _stages(
    _: str, old: frozenset[str], new: frozenset[str], *, more: Turn, words: tuple[str, str]
) -> Iterator[PolicyChange]:
    """Stages of which each one named makes the gate `more`; `words` say that one is named, and no longer."""
    for stage in sorted(old ^ new, key=stage_order):
        named = stage in new
        yield PolicyChange(f"`{stage}` {words[not named]}", more if named else _OPPOSITE[more])


def _waivers(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    """What is accepted longer, shorter, newly or no longer; of waivers of the same the last to end counts."""
    before, after = _by_subject(old.waivers), _by_subject(new.waivers)
    for subject, waiver in after.items():
        was = before.get(subject)
        if was is None:
            words = f"waiver added: {_waiver(waiver)}, until {waiver.expires}: {_cut(waiver.reason)}"
            yield PolicyChange(words, "weaker")
        elif was.expires != waiver.expires:
            turn: Turn = "weaker" if waiver.expires > was.expires else "stricter"
            yield PolicyChange(f"waiver of {_waiver(waiver)}: until {was.expires} → {waiver.expires}", turn)
        elif was.reason != waiver.reason:
            words = f"waiver of {_waiver(waiver)}: another reason: {_cut(waiver.reason)}"
            yield PolicyChange(words, "different")
    for subject, waiver in before.items():
        if subject not in after:
            yield PolicyChange(f"waiver removed: {_waiver(waiver)}, until {waiver.expires}", "stricter")


def _by_subject(waivers: Sequence[Waiver]) -> dict[Hashable, Waiver]:
    last_to_end = sorted(waivers, key=lambda each: (each.expires, each.line))
    known = {(each.rule, each.advisory, each.path, each.stage, each.package): each for each in last_to_end}
    return {subject: known[subject] for subject in sorted(known, key=lambda each: known[each].line)}


def _waiver(waiver: Waiver) -> str:
    package = f" of `{_cut(waiver.package)}`" if waiver.package else ""
    stage = f" (stage {waiver.stage})" if waiver.stage else ""
    return f"`{_cut(waiver.what)}`{package} in `{_cut(waiver.path)}`{stage}"


def _listed(words: Iterable[str]) -> str:
    """Names as code, the first few of them."""
    every = list(words)
    more = f" and {len(every) - _MOST_NAMES:,} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(f"`{_cut(each)}`" for each in every[:_MOST_NAMES]) + more


def _word(member: object) -> str:
    return member.signer if isinstance(member, SignatureRequirement) else str(member)


def _shown(value: object) -> str:
    """A value as people write it; a command as a shell would take it."""
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value / timedelta(days=1):g} d"
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    return f"`{_cut(shlex.join(value) if isinstance(value, tuple) else str(value))}`"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_NAMES = {"use_project_config": "tools.use-project-config"}
_weaker_each: _Compare = partial(_members, more="weaker")
_true: _Compare = partial(_ranked, order=(False, True))
_allowed: _Compare = partial(_members, more="weaker", none="weaker")
# Each setting that `_thresholds` and `_waivers` do not know, the ones that tell most first.
_FIELDS: Mapping[str, _Compare] = {
    "switched_off": partial(_stages, more="weaker", words=("switched off", "switched on")),
    "required": partial(_stages, more="stricter", words=("required", "no longer required")),
    "new_only": partial(_ranked, order=(True, False)),
    "new_suppressions": partial(_ranked, order=("honour", "count")),
    "on_missing_base": partial(_ranked, order=("pass", "all", "incomplete")),
    "exclude": _weaker_each,
    "max_data_age": _least,
    "use_project_config": _weaker_each,
    "models.formats": _allowed,
    "models.imports": _weaker_each,
    "models.max_size": _least,
    "models.require_lock": _true,
    "models.require_signature": _allowed,
    "models.deep": _true,
    "container.image": partial(_ranked, order=("when-available", None, "required")),
    "container.dockerfiles": partial(_members, more="stricter", none="stricter"),
    "dast.exclude_operations": _weaker_each,
    "test.command": _other,
    "test.paths": _other,
    "test.timeout": _other,
    "test.python": _other,
    "sca.osv_url": _other,
    "sca.advisories": _other,
    "dast.target": _other,
    "dast.start": _other,
    "dast.read_only": _other,
    "dast.env": _variables,
    "dast.port": _other,
    "dast.health": _other,
    "dast.start_timeout": _other,
    "dast.timeout": _other,
    "dast.memory": _other,
    "dast.document": _other,
    "dast.auth": _unshown,
    "dast.identities": _unshown,
    "dast.zap": _other,
    "container.context": _other,
    "container.timeout": _other,
    "container.security_index": _other,
    "container.trivy.database": _other,
    "container.trivy.mirror": _other,
}
