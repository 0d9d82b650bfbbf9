"""Waivers into a policy file, as text: all that is there stays as it was written, comments included."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import yaml

from mlsecops.policy import Policy, PolicyError, Waiver, parse

_KEY = "waivers"
_HEAD = "version: 1\n"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def with_waivers(content: bytes, name: str, waivers: Sequence[Waiver]) -> bytes:
    """A policy's bytes with waivers at the end of its list. `name` is what people are told it is called.

    Raises PolicyError where the policy cannot be read, where a waiver is not what a policy may hold, or where
    the file is written in such a way that only a person can edit it.
    """
    waivers = [replace(each, reason=" ".join(each.reason.split())) for each in waivers]
    before = parse(content, name)
    text = content.decode("utf-8-sig")
    changed = _inserted(text or _HEAD, waivers)
    mark = "\ufeff" if content.startswith(b"\xef\xbb\xbf") else ""
    written = (mark + changed).encode()
    after = parse(written, name)
    if _plain(after) != _plain(before, waivers):
        by_hand = ", ".join(map(_line, waivers))
        raise PolicyError(f"{name}:1: cannot be edited as it is written; add by hand: {by_hand}")
    return written


def _inserted(text: str, waivers: Sequence[Waiver]) -> str:
    """The text with the waivers, or as it is where there is no place for them."""
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = text.splitlines(keepends=True)
    if not isinstance(root, yaml.MappingNode):
        return _joined([*lines, _HEAD, *_block(_KEY, waivers)], newline)
    value = next((value for key, value in root.value if key.value == _KEY), None)
    if value is None:
        return text if root.flow_style else _joined([*lines, *_block(_KEY, waivers)], newline)
    if not value.value and not root.flow_style:
        key = value.start_mark.line
        lines[key] = f"{_KEY}:{lines[key].partition('[')[2].partition(']')[2]}"
        return _joined([*lines[: key + 1], *_items(2, waivers), *lines[key + 1 :]], newline)
    if not value.flow_style:
        after = _last_line(value) + 1
        return _joined([*lines[:after], *_items(value.start_mark.column, waivers), *lines[after:]], newline)
    place = value.end_mark.index - 1
    comma = ", " if value.value else ""
    return text[:place] + comma + ", ".join(map(_line, waivers)) + text[place:]


def _block(key: str, waivers: Sequence[Waiver]) -> list[str]:
    return [f"{key}:\n", *_items(2, waivers)]


def _items(indent: int, waivers: Sequence[Waiver]) -> list[str]:
    """The waivers as items of a list whose dashes stand in this column, from 0."""
    lines = []
    for waiver in waivers:
        for number, (key, value) in enumerate(_fields(waiver)):
            lines.append(f"{' ' * indent}{'  ' if number else '- '}{key}: {_scalar(value)}\n")
    return lines


def _joined(lines: Sequence[str], newline: str) -> str:
    """Lines as one text; the last one of a file may lack its end."""
    ended = [line if line.endswith(("\n", "\r")) else line + newline for line in lines]
    return "".join(line[:-1] + newline if not line.endswith(newline) else line for line in ended)


def _line(waiver: Waiver) -> str:
    """A waiver on one line."""
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in _fields(waiver)) + "}"


def _fields(waiver: Waiver) -> list[tuple[str, str]]:
    fields = {
        "rule": waiver.rule,
        "advisory": waiver.advisory,
        "package": waiver.package,
        "stage": waiver.stage,
        "path": waiver.path,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
    }
    return [(key, value) for key, value in fields.items() if value is not None]


def _scalar(value: str) -> str:
    """A value as YAML writes it, in quotes only where it must be; a date is text to a policy."""
    if _DATE.fullmatch(value):
        return value
    plain = yaml.safe_dump(value, width=10**6, allow_unicode=True).removesuffix("...\n").strip()
    return json.dumps(value) if "\n" in plain else plain


def _last_line(node: yaml.Node) -> int:
    """The last line of a node that has text, from 0; its own end mark is behind the comments that follow."""
    if isinstance(node, yaml.ScalarNode):
        return int(node.end_mark.line) - (1 if node.style in ("|", ">") else 0)
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.line)
    children = [each for child in node.value for each in (child if isinstance(child, tuple) else (child,))]
    return max(map(_last_line, children))


def _plain(policy: Policy, more: Sequence[Waiver] = ()) -> Policy:
    """A policy without the lines on which its waivers stand."""
    every = (*policy.waivers, *more)
    return replace(policy, waivers=tuple(replace(waiver, line=1) for waiver in every))
