"""All samples of a seed, and where they lie once they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus import indeterminate as indeterminate_files
from corpus.harmless import older, other_formats, tools, torch_files
from corpus.malicious import (
    archives,
    beside,
    broken,
    data_files,
    indirection,
    joblib_files,
    keras_models,
    ml_libraries,
    onnx_models,
    other,
    plain,
    pytorch,
    standard_library,
    structure,
    suffix,
    templates,
    tensorflow_models,
)
from corpus.sample import Expected, Sample, Variation

MALICIOUS = (
    plain,
    standard_library,
    ml_libraries,
    structure,
    indirection,
    broken,
    suffix,
    pytorch,
    joblib_files,
    keras_models,
    tensorflow_models,
    onnx_models,
    templates,
    data_files,
    archives,
    beside,
    other,
)


def malicious(seed: int) -> Iterator[Sample]:
    """Files that do something when they are loaded."""
    for family in MALICIOUS:
        yield from family.samples(Variation.of(seed, family.FAMILY))


def harmless(seed: int) -> Iterator[Sample]:
    """Files made byte by byte that do nothing; real ones are in `corpus.real_files`."""
    for family in (torch_files, other_formats, tools, older):
        yield from family.samples(Variation.of(seed, family.__name__))


def indeterminate(seed: int) -> Iterator[Sample]:
    """Files that nobody can judge, and code by names that no library has."""
    yield from indeterminate_files.samples(Variation.of(seed, "indeterminate"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file of the corpus on the disk."""

    path: Path
    family: str
    technique: str
    expected: Expected
    reason: tuple[str, ...] = ()
    source: str = ""

    def __str__(self) -> str:
        return f"{self.family}: {self.technique}"


def placed(samples: Iterable[Sample], folder: Path) -> list[Placed]:
    """Put each sample into a folder of its own."""
    return [
        Placed(
            path=sample.write(folder / f"{number:04}"),
            family=sample.family,
            technique=sample.technique,
            expected=sample.expected,
            reason=sample.reason,
            source=sample.source,
        )
        for number, sample in enumerate(samples)
    ]
