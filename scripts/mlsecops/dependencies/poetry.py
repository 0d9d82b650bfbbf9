"""Poetry's table of dependencies and its constraints (Poetry's dependency specification)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlsecops.dependencies.model import FROM_ADDRESS, Collector, Unaudited, line_of_key

_OPERATOR_SPACE = re.compile(r"([\^~<>=!]+)\s+")


def read_table(table: Mapping[str, Any], text: str, collector: Collector) -> None:
    """A table `name = constraint`, as Poetry and Pipfiles write it; `text` is the file it stands in."""
    for name, value in table.items():
        if name.lower() == "python":
            continue
        line = line_of_key(text, name)
        choices = value if isinstance(value, list) else [value]
        for choice in choices:
            _read_choice(name, choice, line, collector, several=len(choices) > 1)


def _read_choice(name: str, choice: Any, line: int, collector: Collector, *, several: bool) -> None:
    entry = choice if isinstance(choice, Mapping) else {"version": str(choice)}
    if _is_sourced(entry):
        add_sourced(name, entry, line, collector)
        return
    extras = ",".join(entry.get("extras", []))
    markers = [str(entry["markers"])] if "markers" in entry else []
    if several and "python" in entry:
        markers.append(_python_marker(str(entry["python"])))
    condition = " and ".join(f"({marker})" for marker in markers)
    collector.add(
        name
        + (f"[{extras}]" if extras else "")
        + specifier(str(entry.get("version", "*")))
        + (f"; {condition}" if condition else ""),
        line,
    )


def _is_sourced(entry: Mapping[str, Any]) -> bool:
    return any(key in entry for key in ("git", "hg", "svn", "path", "file", "url"))


def add_sourced(name: str, source: Mapping[str, Any], line: int, collector: Collector) -> None:
    """Add a dependency that has a source of its own: a folder, or an address that nobody can audit."""
    if "path" in source:
        collector.refer("code", line, str(source["path"]))
    else:
        collector.unaudited.append(Unaudited(name, line, FROM_ADDRESS))


def specifier(constraint: str) -> str:
    """Poetry's caret, tilde, bare and alternative versions -> PEP 440 specifiers.

    PEP 440 has no "or": of several alternatives it is the one with the highest versions, which is what Poetry
    would install.
    """
    alternatives = [_all_of(each) for each in re.split(r"\|\|?", constraint)]
    return max(alternatives, key=_numbers)


def _all_of(constraint: str) -> str:
    joined = _OPERATOR_SPACE.sub(r"\1", constraint)
    return ",".join(part for each in re.split(r"[,\s]+", joined) if each and (part := _part(each)))


def _part(part: str) -> str:
    if part == "*":
        return ""
    numbers = _numbers(part)
    if part.startswith("^") and numbers:
        leading = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
        return f">={part[1:]},<{_dotted([*numbers[:leading], numbers[leading] + 1])}"
    if part.startswith("~") and not part.startswith("~=") and numbers:
        upper = [numbers[0], numbers[1] + 1] if len(numbers) > 1 else [numbers[0] + 1]
        return f">={part[1:]},<{_dotted(upper)}"
    if re.match(r"=(?!=)", part):
        return f"={part}"
    return f"=={part}" if part[0].isdigit() else part


def _numbers(text: str) -> list[int]:
    """The release segment of the first version in a text."""
    release = re.search(r"\d+(?:\.\d+)*", text)
    return [int(number) for number in release[0].split(".")] if release else []


def _dotted(numbers: list[int]) -> str:
    return ".".join(str(number) for number in numbers)


def _python_marker(constraint: str) -> str:
    """A constraint on Python -> a marker."""
    parts = re.findall(r"([<>=!~]=?)([^,]+)", specifier(constraint))
    return " and ".join(f'python_full_version {operator} "{version}"' for operator, version in parts)
