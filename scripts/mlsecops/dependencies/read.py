"""One reader for each kind of manifest."""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml
from packaging.utils import canonicalize_name

from mlsecops.dependencies import requirements
from mlsecops.dependencies.model import Collector, Dependency, Listing, Unaudited, line_of

# What conda installs that is not a Python package of that name.
_CONDA_ONLY = re.compile(
    r"^(?:python|pip|setuptools|wheel|_.*|lib.*|cuda.*|cudnn|cudatoolkit|nccl|mkl.*|openblas|blas|gcc.*|gxx.*|"
    r"openssl|ca-certificates|certifi-ca|sqlite|readline|ncurses|zlib|xz|bzip2|tk|icu|jpeg|ffmpeg|git|make|cmake|"
    r"nodejs|r-.*|ld_impl.*|vc|vs\d+.*|tzdata|krb5|zstd|lz4-c|freetype|hdf5|pandoc|nomkl)$"
)
_LOCAL_SOURCES = ("virtual", "editable", "directory", "path")


def read_manifest(kind: str, text: str) -> Listing:
    """Text of a manifest of that kind -> its listing; text that cannot be read becomes a problem of it."""
    reader = _READERS.get(kind)
    if reader is None:
        return Listing(problems=((1, f"manifests of the kind {kind} cannot be read"),))
    try:
        return reader(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, yaml.YAMLError, configparser.Error) as error:
        return Listing(problems=((1, " ".join(str(error).split())[:200]),))
    except (AttributeError, LookupError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        return Listing(problems=((1, f"it does not have the shape of its kind ({type(error).__name__})"),))


def _pyproject(text: str) -> Listing:
    document = tomllib.loads(text)
    collector = Collector()
    project = document.get("project", {})
    groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    groups += document.get("dependency-groups", {}).values()
    own_name = canonicalize_name(project.get("name", ""))
    for requirement in (each for group in groups for each in group if isinstance(each, str)):
        name = re.split(r"[\s\[<>=!~;@]", requirement.strip(), maxsplit=1)[0]
        if canonicalize_name(name) != own_name:
            collector.add(requirement, line_of(text, requirement))
    if "dependencies" in project.get("dynamic", []):
        collector.problems.append((line_of(text, "dynamic"), "its dependencies are computed by its build"))
    poetry = document.get("tool", {}).get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        _poetry_table(table, text, collector)
    return collector.listing(complete=False)


def _poetry_table(table: Mapping[str, Any], text: str, collector: Collector) -> None:
    for name, value in table.items():
        if name == "python":
            continue
        line = line_of(text, name)
        for constraint in value if isinstance(value, list) else [value]:
            if isinstance(constraint, dict) and "version" not in constraint:
                _sourced(name, constraint, line, collector)
            else:
                version = constraint["version"] if isinstance(constraint, dict) else constraint
                collector.add(f"{name}{poetry_specifier(str(version))}", line)


def _sourced(name: str, source: Mapping[str, Any], line: int, collector: Collector) -> None:
    if "path" in source and ".." not in str(source["path"]):
        collector.own.append(str(source["path"]))
    else:
        collector.unaudited.append(Unaudited(name, line, "it comes from an address, not from an index"))


def poetry_specifier(constraint: str) -> str:
    """Poetry's caret, tilde and bare versions -> PEP 440 specifiers (Poetry's dependency specification)."""
    first = constraint.partition("||")[0]
    parts = [part.strip() for part in first.split(",") if part.strip()]
    return ",".join(_poetry_part(part) for part in parts)


def _poetry_part(part: str) -> str:
    if part == "*":
        return ">=0"
    numbers = [int(number) for number in re.findall(r"\d+", part.lstrip("^~="))]
    if part.startswith("^"):
        leading = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
        upper = ".".join(str(number) for number in [*numbers[:leading], numbers[leading] + 1])
        return f">={part[1:].strip()},<{upper}"
    if part.startswith("~") and not part.startswith("~="):
        upper = ".".join(str(number) for number in [*numbers[:1], *[n + 1 for n in numbers[1:2]]])
        upper = upper if len(numbers) > 1 else str(numbers[0] + 1)
        return f">={part[1:].strip()},<{upper}"
    return f"=={part}" if part[0].isdigit() else part.replace("= ", "=")


def _toml_lock(text: str) -> Listing:
    """uv.lock, poetry.lock, pdm.lock and pylock.toml: tables of packages, each with its version."""
    document = tomllib.loads(text)
    packages = document["packages"] if "packages" in document else document.get("package", [])
    headers = [
        text.count("\n", 0, found.start()) + 1
        for found in re.finditer(r"^\[\[packages?\]\]", text, re.MULTILINE)
    ]
    collector = Collector()
    for package, header in zip(packages, headers, strict=True):
        source = package.get("source", {})
        name, version = canonicalize_name(package["name"]), package.get("version")
        if any(key in source for key in _LOCAL_SOURCES) or "directory" in package:
            collector.own.append(name)
        elif "git" in source or source.get("type") in ("git", "url", "file") or "vcs" in package:
            collector.unaudited.append(Unaudited(name, header, "it comes from an address, not from an index"))
        elif version is None:
            collector.problems.append((header, f"{name} has no version"))
        else:
            collector.dependencies.append(Dependency(name, f"{name}=={version}", header, str(version)))
    return collector.listing(complete=True)


def _pipfile_lock(text: str) -> Listing:
    document = json.loads(text)
    collector = Collector()
    for section in ("default", "develop"):
        for name, entry in document.get(section, {}).items():
            line = line_of(text, name)
            if "version" in entry:
                collector.add(f"{name}{entry['version']}", line)
            else:
                _sourced(name, entry, line, collector)
    return collector.listing(complete=True)


def _pipfile(text: str) -> Listing:
    document = tomllib.loads(text)
    collector = Collector()
    for section in ("packages", "dev-packages"):
        for name, value in document.get(section, {}).items():
            version = value.get("version", "") if isinstance(value, dict) else value
            if isinstance(value, dict) and "version" not in value and ("git" in value or "path" in value):
                _sourced(name, value, line_of(text, name), collector)
            else:
                collector.add(name + ("" if version == "*" else str(version)), line_of(text, name))
    return collector.listing(complete=False)


def _conda(text: str) -> Listing:
    """A conda environment: its `pip:` part as requirements, its packages by their names on the index."""
    document = yaml.safe_load(text)
    collector = Collector()
    for entry in document.get("dependencies") or []:
        if isinstance(entry, dict):
            for requirement in entry.get("pip") or []:
                listing = requirements.read(str(requirement))
                line = line_of(text, str(requirement))
                collector.dependencies += [_at(each, line) for each in listing.dependencies]
                collector.unaudited += [Unaudited(each.what, line, each.reason) for each in listing.unaudited]
                collector.problems += [(line, sentence) for _, sentence in listing.problems]
        elif isinstance(entry, str):
            _conda_package(entry.split("::")[-1], text, collector)
    return collector.listing(complete=False)


def _conda_package(entry: str, text: str, collector: Collector) -> None:
    found = re.match(r"^([A-Za-z0-9._-]+)\s*(.*)$", entry)
    if found is None or _CONDA_ONLY.match(found[1].lower()):
        return
    name, constraint = found[1], found[2].strip()
    exact = re.match(r"^==?([0-9][A-Za-z0-9.+!]*)(?:=.*)?$", constraint)
    if exact:
        constraint = f"=={exact[1]}"
    elif re.match(r"^==?[0-9][0-9.]*\*", constraint):
        constraint = f"=={constraint.lstrip('=').split('=')[0].removesuffix('*').removesuffix('.')}.*"
    collector.add(f"{_ON_THE_INDEX.get(name, name)}{constraint}", line_of(text, name))


def _setup_cfg(text: str) -> Listing:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    collector = Collector()
    blocks = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        blocks += [value for _, value in parser.items("options.extras_require")]
    for line in (each.strip() for block in blocks for each in block.splitlines()):
        if line and not line.startswith("#"):
            collector.add(line, line_of(text, line))
    return collector.listing(complete=False)


def _setup_py(text: str) -> Listing:
    """The literal lists of a setup.py; it is never run."""
    collector = Collector()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require"):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                collector.problems.append((node.value.lineno, f"{node.arg} is computed when it runs"))
                continue
            for requirement in _flat(value):
                collector.add(requirement, line_of(text, requirement))
    return collector.listing(complete=False)


def _script(text: str) -> Listing:
    """Inline script metadata (PEP 723)."""
    block = re.search(r"^# /// script\n((?:#.*\n)+?)# ///$", text, re.MULTILINE)
    collector = Collector()
    if block:
        content = "\n".join(line[2:] for line in block[1].splitlines())
        for requirement in tomllib.loads(content).get("dependencies", []):
            collector.add(requirement, line_of(text, requirement))
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


def _at(dependency: Dependency, line: int) -> Dependency:
    return Dependency(dependency.name, dependency.requirement, line, dependency.version)


_ON_THE_INDEX = {"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch", "py-xgboost": "xgboost"}

_READERS: Mapping[str, Callable[[str], Listing]] = {
    "requirements": requirements.read,
    "requirements-in": requirements.read,
    "pyproject": _pyproject,
    "poetry-lock": _toml_lock,
    "uv-lock": _toml_lock,
    "pdm-lock": _toml_lock,
    "pylock": _toml_lock,
    "pipfile": _pipfile,
    "pipfile-lock": _pipfile_lock,
    "conda": _conda,
    "setup-cfg": _setup_cfg,
    "setup-py": _setup_py,
    "script": _script,
}
