"""Rules of NumPy and safetensors files."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

OBJECTS = Rule(
    id="numpy-objects",
    name="NumpyObjects",
    summary="This NumPy file holds pickled Python objects.",
    help="NumPy stores arrays of objects as a pickle, a program that runs when the file is loaded with "
    "`allow_pickle=True`. What this pickle imports is looked at as that of every other.",
    fix="Save arrays with a number or text type (`array.astype(float)`, `array.astype(str)`) and load them "
    "without "
    "`allow_pickle`; put tables into Parquet.",
    severity=3.0,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
    help_uri="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
)
NUMPY_HEADER = Rule(
    id="numpy-header",
    name="NumpyHeader",
    summary="The header of this NumPy file is no plain description of an array.",
    help="NumPy evaluates the header as a Python literal; calls, huge sizes and deep nesting are meant for "
    "readers "
    "that evaluate more, or that take the sizes for granted.",
    fix="Write the array anew with `numpy.save` from its source.",
    severity=7.5,
    tags=("external/cwe/cwe-95", "owasp-ml/ML06"),
    help_uri="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
)
SAFETENSORS = Rule(
    id="safetensors-header",
    name="SafetensorsHeader",
    summary="The header of this safetensors file misleads programs that read it.",
    help="The format allows only tensors side by side that fill the file. Tensors that overlap, leave holes "
    "or do not "
    "fit their shape make readers with fewer checks read foreign memory, or hide another file inside.",
    fix="Write the file anew: `safetensors.torch.save_file(safetensors.torch.load_file(old), new)`, which "
    "refuses "
    "what is not sound; or download it again and compare the hash.",
    severity=7.5,
    tags=("external/cwe/cwe-125", "external/cwe/cwe-20", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    help_uri="https://github.com/huggingface/safetensors#format",
)
RULES = (OBJECTS, NUMPY_HEADER, SAFETENSORS)
