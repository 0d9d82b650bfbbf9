"""Rules about what pickles import and call."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

UNSAFE = Rule(
    id="model-runs-code",
    name="ModelRunsCode",
    summary="Loading this model file runs code.",
    help="The file is a pickle, and a pickle is a program: whoever loads it runs the calls in it, with all "
    "rights of the process that loads it. This one imports something that no model needs.",
    fix="Do not load the file. Get the model from a source you trust and save it without code: "
    "`safetensors.torch.save_file(model.state_dict(), 'model.safetensors')` for PyTorch, "
    "`skops.io.dump(model, 'model.skops')` for scikit-learn, ONNX for both.",
    severity=9.8,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "owasp-ml/ML10", "mitre-atlas/AML.T0011.000"),
    precision="very-high",
)
UNKNOWN_IMPORT = Rule(
    id="model-unknown-import",
    name="ModelUnknownImport",
    summary="Loading this model file imports code that is not known here.",
    help="A pickle imports what it names and calls it. The libraries that models are made with are known by "
    "what they write; this name is of none of them, so that nothing can be said of what it does.",
    fix="If the code is yours, allow it by name: `models: {imports: [mypackage.*]}` in the policy. Otherwise "
    "save it without code: `safetensors.torch.save_file(model.state_dict(), 'model.safetensors')` for "
    "PyTorch, `skops.io.dump(model, 'model.skops')` for scikit-learn, ONNX for both.",
    severity=6.5,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003"),
    precision="medium",
)
RULES = (UNSAFE, UNKNOWN_IMPORT)
