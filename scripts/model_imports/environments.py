"""The scratch environments: which libraries, in which versions, are looked at."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from model_imports import sources
from model_imports.rows import Listing

_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "umap": "umap-learn",
    "category_encoders": "category-encoders",
    "skbase": "scikit-base",
    "xgboost": "xgboost",
}
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Environment:
    """Libraries that are installed together, and the Python that can have them."""

    name: str
    python: str
    requirements: tuple[str, ...]
    libraries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A library that is only read: its wheel, whatever platform it is for, and the modules that count."""

    library: str
    requirement: str
    below: tuple[str, ...]


ENVIRONMENTS = (
    Environment(
        "2018",
        "3.7",
        (
            "scikit-learn==0.20.4",
            "numpy==1.16.6",
            "scipy==1.2.3",
            "pandas==0.25.3",
            "joblib==1.3.2",
            "xgboost==0.90",
            "statsmodels==0.10.2",
            "patsy==1.0.3",
        ),
        ("numpy", "scipy", "pandas", "sklearn", "joblib", "xgboost", "statsmodels", "patsy"),
    ),
    Environment(
        "2022",
        "3.9",
        (
            "scikit-learn==1.0.2",
            "numpy==1.23.5",
            "scipy==1.8.1",
            "pandas==1.4.4",
            "joblib==1.5.3",
            "xgboost==1.7.6",
            "lightgbm==3.3.5",
            "statsmodels==0.13.5",
            "patsy==1.0.3",
        ),
        ("numpy", "scipy", "pandas", "sklearn", "joblib", "xgboost", "lightgbm", "statsmodels", "patsy"),
    ),
    Environment(
        "2026",
        "3.12",
        (
            "scikit-learn==1.9.1",
            "numpy==2.5.5",
            "scipy==1.18.1",
            "pandas==3.0.6",
            "joblib==1.6.0",
            "xgboost-cpu==3.4.1",
            "lightgbm==4.7.0",
            "catboost==1.2.10",
            "statsmodels==0.15.0",
            "patsy==1.0.3",
            "formulaic==1.2.2",
            "imbalanced-learn==0.14.2",
            "category-encoders==2.11.2",
            "mlxtend==0.25.0",
            "hdbscan==0.8.44",
            "umap-learn==0.5.12",
            "pynndescent==0.7.0",
            "skops==0.16.0",
            "sktime==1.2.0",
            "scikit-base==1.1.1",
        ),
        (
            *("numpy", "scipy", "pandas", "sklearn", "joblib", "xgboost", "lightgbm", "catboost"),
            *("statsmodels", "patsy", "formulaic", "imblearn", "category_encoders", "mlxtend", "hdbscan"),
            *("umap", "pynndescent", "skops", "sktime", "skbase"),
        ),
    ),
)
SOURCES = (
    Source(
        "torch",
        "torch==2.11.0",
        (
            *("torch.nn", "torch.optim", "torch.distributions", "torch.utils.data", "torch.ao", "torch.amp"),
            *("torch.functional", "torch.storage", "torch._tensor", "torch._utils", "torch.special"),
        ),
    ),
    Source("keras", "keras==3.15.1", ("keras.src",)),
    Source("prophet", "prophet==1.5.0", ("prophet",)),
)


def collected(scratch: Path, uv: Sequence[str]) -> Iterator[Listing]:
    """Make the environments below `scratch`, where they are not yet, and look into each of them."""
    for environment in ENVIRONMENTS:
        yield from _installed(environment, scratch / environment.name, uv)
    for source in SOURCES:
        folder = scratch / "sources"
        if not (folder / source.library).is_dir():
            _run(
                [*uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
                + [
                    "--python-platform",
                    "aarch64-apple-darwin",
                    "--python-version",
                    "3.12",
                    source.requirement,
                ]
            )
        rows = sorted(sources.entries(folder, source.library, source.below))
        yield Listing(source.library, source.requirement.partition("==")[2], rows, [])


def _installed(environment: Environment, folder: Path, uv: Sequence[str]) -> Iterator[Listing]:
    python = folder / "bin" / "python"
    if not python.exists():
        _run([*uv, "venv", "--python", environment.python, str(folder)])
        _run([*uv, "pip", "install", "--python", str(python), *environment.requirements])
    out = folder.with_suffix(".json")
    if not out.exists():
        script = str(_HERE / "collect.py")
        printed = _run([str(python), "-I", script, *environment.libraries], cwd=folder)
        out.write_bytes(printed)
    found = json.loads(out.read_bytes())
    versions = _versions(folder)
    for library in (*environment.libraries, ""):
        listed = [tuple(row) for row in found["listed"] if row[0].partition(".")[0] == library]
        seen = [tuple(row) for row in found["seen"] if row[0].partition(".")[0] == library]
        if library:
            yield Listing(library, versions.get(_DISTRIBUTIONS.get(library, library), "?"), listed, seen)


def _versions(folder: Path) -> dict[str, str]:
    (packages,) = folder.glob("lib/python*/site-packages")
    found = {
        each.metadata["Name"].lower().replace("_", "-"): each.version
        for each in distributions(path=[str(packages)])
    }
    return found | ({"xgboost": found["xgboost-cpu"]} if "xgboost-cpu" in found else {})


def _run(command: Sequence[str], cwd: Path | None = None) -> bytes:
    environ = {**os.environ, "OMP_NUM_THREADS": "2", "NUMBA_DISABLE_JIT": "1"}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=cwd, env=environ).stdout
