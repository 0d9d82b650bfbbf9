"""Conda environments: a `pip:` part, and conda packages by their names on the Python index."""

from __future__ import annotations

import re

import yaml

from mlsecops.dependencies import requirements
from mlsecops.dependencies.model import Collector, Listing, line_of

# What conda installs that is no Python package of that name.
_NOT_PYTHON = re.compile(
    r"python|python_abi|pip|_.*|lib(?!rosa$|cst$|sass$|tmux$|linear).*|cuda(?!-python).*|cudnn|cudatoolkit|nccl|"
    r"pytorch-cuda|pytorch-mutex|mkl|mkl-devel|mkl-include|openblas|blas(?:-.*)?|gcc.*|gxx.*|gfortran.*|"
    r"binutils.*|sysroot.*|kernel-headers.*|compilers?|openssl|ca-certificates|sqlite|readline|ncurses|zlib.*|"
    r"xz|bzip2|tk|icu|jpeg|openjpeg|lcms2|giflib|ffmpeg|git|git-lfs|make|nodejs|openjdk|r-.*|bioconductor-.*|"
    r"ld_impl.*|vc|vc14.*|vs\d+.*|ucrt|m2w64.*|msys2.*|tzdata|krb5|zstd|lz4-c|freetype|fontconfig|glib.*|hdf5|"
    r"nomkl|yaml|expat|pcre2?|llvm-openmp|intel-openmp|cpuonly|qt|qt-main|dbus|gst.*|gettext|pandoc|curl|wget"
)
_ON_THE_INDEX = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "matplotlib-base": "matplotlib",
    "dask-core": "dask",
    "pytables": "tables",
    "msgpack-python": "msgpack",
    "python-graphviz": "graphviz",
    "python-flatbuffers": "flatbuffers",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "ruamel_yaml": "ruamel.yaml",
    "pyqt": "pyqt5",
}
_SPEC = re.compile(r"([A-Za-z0-9._-]+)\s*(.*)", re.DOTALL)
_VERSION = r"\d[A-Za-z0-9.+!_]*"
_EXACT = re.compile(rf"(={{1,2}})({_VERSION})(?:=\S+)?")


def read(text: str) -> Listing:
    """An environment.yml -> its listing, which conda would complete."""
    document = yaml.safe_load(text)
    collector = Collector()
    for entry in document.get("dependencies") or []:
        if isinstance(entry, str):
            _read_package(entry.split("::")[-1].strip(), text, collector)
        elif isinstance(entry, dict) and set(entry) == {"pip"} and isinstance(entry["pip"], list | None):
            for requirement in entry["pip"] or []:
                written = str(requirement)
                collector.take(requirements.read(written), _line_of_entry(text, written))
        else:
            collector.problems.append((line_of(text, "dependencies"), f"not a package: {str(entry)[:80]}"))
    return collector.listing(complete=False)


def _line_of_entry(text: str, entry: str) -> int:
    found = re.search(rf"""^[ \t]*-[ \t]*["']?{re.escape(entry)}""", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _read_package(entry: str, text: str, collector: Collector) -> None:
    line = _line_of_entry(text, entry) if f"- {entry}" in text else line_of(text, entry)
    found = _SPEC.fullmatch(entry)
    if found is None:
        collector.problems.append((line, f"not a package of conda: {entry[:80]}"))
    elif _NOT_PYTHON.fullmatch(found[1].lower()):
        collector.left_out.append(found[1])
    else:
        name = _ON_THE_INDEX.get(found[1].lower(), found[1])
        collector.add(name + specifier(found[2]), line)


def specifier(constraint: str) -> str:
    """Conda's version constraint -> PEP 440; what has no counterpart comes back as it is.

    `=1.2` means any 1.2, three numbers are taken for a release, as `conda env export --no-builds` writes it.
    """
    words = constraint.split()
    if words and words[0][0].isdigit():  # `name version build`
        constraint = f"={words[0]}"
    joined = re.sub(r"\s+", "", constraint)
    if joined in ("", "*", "=*", "==*"):
        return ""
    exact = _EXACT.fullmatch(joined)
    if exact:
        fuzzy = exact[1] == "=" and exact[2].count(".") < 2 and "=" not in joined[1:]
        return f"=={exact[2]}{'.*' if fuzzy else ''}"
    wildcard = re.fullmatch(r"={1,2}(\d[0-9.]*?)\.?\*", joined)
    return f"=={wildcard[1]}.*" if wildcard else joined
