"""What a project's own metadata asks for: pyproject.toml, Pipfile, setup.cfg, setup.py, scripts."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from mlsecops.dependencies import poetry
from mlsecops.dependencies.model import Collector, Listing, line_of, line_of_requirement, name_in

_SETUP_LISTS = ("install_requires", "extras_require", "tests_require", "setup_requires")
_PIPFILE_SETTINGS = ("source", "requires", "scripts", "pipenv")


def read_pyproject(text: str) -> Listing:
    """pyproject.toml: PEP 621, PEP 735 groups, and the tables of Poetry, PDM, uv, Hatch and Flit."""
    document = tomllib.loads(text)
    collector = Collector()
    project = document.get("project", {})
    own_name = canonicalize_name(str(project.get("name", "")))
    for requirement in _listed(document):
        name = name_in(requirement)
        # `project[extra]` among the extras only gathers other extras of the same file.
        if requirement.strip().startswith(f"{name}[") and canonicalize_name(name) == own_name:
            continue
        collector.add(requirement, line_of_requirement(text, requirement))
    tables = document.get("tool", {}).get("poetry", {})
    for group in (tables, *tables.get("group", {}).values()):
        poetry.read_table(group.get("dependencies", {}), text, collector)
        poetry.read_table(group.get("dev-dependencies", {}), text, collector)
    _read_dynamic(document, text, collector)
    return collector.listing(complete=False)


def _listed(document: Mapping[str, Any]) -> Iterator[str]:
    """Every requirement in a list of one of the standards or tools."""
    project, tool = document.get("project", {}), document.get("tool", {})
    flit = tool.get("flit", {}).get("metadata", {})
    lists = [
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *document.get("dependency-groups", {}).values(),
        *tool.get("pdm", {}).get("dev-dependencies", {}).values(),
        tool.get("uv", {}).get("dev-dependencies", []),
        flit.get("requires", []),
        *flit.get("requires-extra", {}).values(),
    ]
    for environment in tool.get("hatch", {}).get("envs", {}).values():
        lists += [environment.get("dependencies", []), environment.get("extra-dependencies", [])]
    # The tables among them are PEP 735's include-group, whose group is read itself.
    return (each for one in lists for each in one if isinstance(each, str))


def _read_dynamic(document: Mapping[str, Any], text: str, collector: Collector) -> None:
    """Dependencies that the build computes: from files that setuptools is told of, or nobody knows how."""
    dynamic = document.get("project", {}).get("dynamic", [])
    tool = document.get("tool", {})
    told = tool.get("setuptools", {}).get("dynamic", {})
    line = line_of(text, "dynamic")
    for key in ("dependencies", "optional-dependencies"):
        if key not in dynamic:
            continue
        tables = [told[key]] if key == "dependencies" and key in told else list(told.get(key, {}).values())
        for table in tables:
            files = table["file"]
            for file in [files] if isinstance(files, str) else files:
                collector.refer("manifest", line, file)
        if not tables and "poetry" not in tool:
            collector.refer("manifest", line, "setup.cfg", "setup.py")


def read_pipfile(text: str) -> Listing:
    """Pipfile: sections of packages, whatever they are called."""
    document = tomllib.loads(text)
    collector = Collector()
    for section in (table for key, table in document.items() if key not in _PIPFILE_SETTINGS):
        poetry.read_table(section, text, collector)
    return collector.listing(complete=False)


def read_setup_cfg(text: str) -> Listing:
    """The lists of a setup.cfg (setuptools' declarative configuration)."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    collector = Collector()
    blocks = [parser.get("options", key, fallback="") for key in _SETUP_LISTS]
    if parser.has_section("options.extras_require"):
        blocks += [value for _, value in parser.items("options.extras_require")]
    for block in blocks:
        if block.strip().startswith("file:"):
            for file in block.strip().removeprefix("file:").split(","):
                collector.refer("manifest", line_of(text, file.strip()), file.strip())
            continue
        # setuptools divides one line at its semicolons, and several lines at their ends.
        for entry in block.splitlines() if "\n" in block else block.split(";"):
            requirement = re.sub(r"(^|\s)#.*$", "", entry).strip()
            if requirement:
                collector.add(requirement, line_of(text, name_in(requirement)))
    return collector.listing(complete=False)


def read_setup_py(text: str) -> Listing:
    """The literal lists of a setup.py; it is never run."""
    tree = ast.parse(text)
    collector = Collector()
    constants = _constants(tree)
    found = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.keyword) or node.arg not in _SETUP_LISTS:
            continue
        found = True
        value = node.value
        try:
            literal = ast.literal_eval(
                constants.get(value.id, value) if isinstance(value, ast.Name) else value
            )
        except ValueError:
            collector.problems.append((value.lineno, f"{node.arg} is computed when it runs"))
            continue
        for requirement in _flat(literal):
            collector.add(requirement, line_of_requirement(text, requirement))
    hidden = None if found else _hidden_list(tree)
    if hidden is not None:
        collector.problems.append((hidden, "its packages are computed when it runs"))
    return collector.listing(complete=False)


def _constants(tree: ast.AST) -> dict[str, ast.expr]:
    """Names that get one value and are used in nothing but arguments, so that they still have it there."""
    values: dict[str, ast.expr] = {}
    passed, used = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value
        elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Name):
            passed.append(node.value.id)
        elif isinstance(node, ast.Name):
            used.append(node.id)
    # Every name is used where it is set and where it is passed.
    return {name: value for name, value in values.items() if used.count(name) == 1 + passed.count(name)}


def _hidden_list(tree: ast.AST) -> int | None:
    """The line on which `install_requires` may come in by another way than as an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == "install_requires":
            return node.lineno
        if isinstance(node, ast.Call) and any(each.arg is None for each in node.keywords):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "setup":
                return node.lineno
    return None


def read_script(text: str) -> Listing:
    """Inline script metadata (PEP 723)."""
    unix = re.sub(r"\r\n?", "\n", text)
    block = re.search(r"^# /// script[ \t]*\n((?:#(?: .*)?\n)+?)# ///[ \t]*$", unix, re.MULTILINE)
    if block is None:
        return Listing(problems=((1, "its block of script metadata is not whole"),))
    collector = Collector()
    content = "\n".join(line[2:] for line in block[1].splitlines())
    for requirement in tomllib.loads(content).get("dependencies", []):
        collector.add(requirement, line_of_requirement(unix, requirement))
    return collector.listing(complete=False)


def _flat(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if line.strip())
    elif isinstance(value, dict):
        for each in value.values():
            yield from _flat(each)
    else:
        for each in value:
            yield from _flat(each)
