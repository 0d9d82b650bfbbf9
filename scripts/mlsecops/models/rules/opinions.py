"""What other scanners say of model files and no rule of ours has a name for."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

CALLED_DANGEROUS = Rule(
    id="model-called-dangerous",
    name="ModelCalledDangerous",
    summary="Another scanner calls this model file dangerous.",
    help="Our own readers found nothing dangerous in this file, or could not read all of it. Another scanner "
    "did, and nothing shows that it is wrong.",
    fix="Do not load the file before you know what the scanner means. Keep weights in a format that holds no "
    "code: safetensors, ONNX or skops.",
    severity=8.0,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003"),
    precision="medium",
)
