"""One reader for each kind of manifest."""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Callable, Mapping

import yaml

from mlsecops.dependencies import conda, locks, projects, requirements
from mlsecops.dependencies.model import Listing

_READERS: Mapping[str, Callable[[str], Listing]] = {
    "requirements": requirements.read,
    "requirements-in": requirements.read,
    "pyproject": projects.read_pyproject,
    "poetry-lock": locks.read_toml_lock,
    "uv-lock": locks.read_toml_lock,
    "pdm-lock": locks.read_toml_lock,
    "pylock": locks.read_toml_lock,
    "pipfile": projects.read_pipfile,
    "pipfile-lock": locks.read_pipfile_lock,
    "conda": conda.read,
    "setup-cfg": projects.read_setup_cfg,
    "setup-py": projects.read_setup_py,
    "script": projects.read_script,
}


def read_manifest(kind: str, text: str) -> Listing:
    """Text of a manifest of that kind -> its listing; text that cannot be read becomes a problem of it."""
    reader = _READERS.get(kind)
    if reader is None:
        return Listing(problems=((1, f"manifests of the kind {kind} cannot be read"),))
    try:
        return reader(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, yaml.YAMLError, configparser.Error) as error:
        return Listing(problems=((1, " ".join(str(error).split())[:200]),))
    except SyntaxError as error:
        return Listing(problems=((error.lineno or 1, f"it is not Python ({error.msg})"),))
    except (
        *(ArithmeticError, AttributeError, LookupError, MemoryError),
        *(RecursionError, TypeError, ValueError),
    ) as error:
        return Listing(problems=((1, f"it does not have the shape of its kind ({type(error).__name__})"),))
