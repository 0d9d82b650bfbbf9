"""All samples of a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

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
from corpus.sample import Sample, Variation

FAMILIES = (
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
    for family in FAMILIES:
        yield from family.samples(Variation.of(seed, family.FAMILY))


def written(samples: Iterable[Sample], folder: Path) -> dict[Path, Sample]:
    """Put each sample into a folder of its own; return where they are."""
    return {sample.write(folder / f"{number:04}"): sample for number, sample in enumerate(samples)}
