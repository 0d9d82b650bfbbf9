"""Rules of GGUF files; those of their templates are with the templates."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_AGAIN = (
    "Download the file again from its source and compare the hash, or convert the original weights anew: "
    "`convert_hf_to_gguf.py --outfile model.gguf FOLDER`. Keep llama.cpp up to date."
)

HEADER = Rule(
    id="gguf-header",
    name="GgufHeader",
    summary="The header of this GGUF file misleads programs that read it.",
    help="Lengths and counts in the header that no file of this size can hold, or that overflow when they "
    "are "
    "multiplied, made llama.cpp write outside of its memory (CVE-2024-21802 and others).",
    fix=_AGAIN,
    severity=8.1,
    tags=("external/cwe/cwe-190", "external/cwe/cwe-787", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    help_uri="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md",
)
TENSORS = Rule(
    id="gguf-tensors",
    name="GgufTensors",
    summary="This GGUF file describes tensors that do not lie where its data is.",
    help="Tensors that overlap, leave the file or overflow in size make a program that trusts the "
    "description read or "
    "write outside of its memory.",
    fix=_AGAIN,
    severity=8.1,
    tags=("external/cwe/cwe-125", "external/cwe/cwe-190", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    help_uri="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md",
)
RULES = (HEADER, TENSORS)
