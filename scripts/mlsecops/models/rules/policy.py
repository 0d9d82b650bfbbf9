"""Rules about model files that the policy does not want here, whatever is in them."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

NOT_ALLOWED = Rule(
    id="model-format-not-allowed",
    name="ModelFormatNotAllowed",
    summary="The policy does not allow model files of this format.",
    help="`models.formats` in the policy lists the formats that model files of this repository may be in. "
    "This file is in another one, or holds something in another one.",
    fix="Convert the model to one of the formats that are allowed, or have the policy allow this one.",
    severity=7.0,
    tags=("owasp-ml/ML06", "mitre-atlas/AML.T0010.003"),
    precision="very-high",
)
TOO_LARGE = Rule(
    id="model-too-large",
    name="ModelTooLarge",
    summary="This model file is larger than the policy allows.",
    help="`models.max-size` in the policy says how large model files of this repository may be.",
    fix="Keep large models outside of the repository (DVC, a registry), or raise the limit in the policy.",
    severity=7.0,
    tags=("external/cwe/cwe-400", "owasp-ml/ML06"),
    precision="very-high",
)
RULES = (NOT_ALLOWED, TOO_LARGE)
