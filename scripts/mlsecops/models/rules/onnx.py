"""Rules of ONNX, Core ML and PaddlePaddle models, which are graphs of operators."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_FOREIGN = ("external/cwe/cwe-829", "owasp-ml/ML06", "mitre-atlas/AML.T0010")
_FILES = ("external/cwe/cwe-22", "owasp-ml/ML06", "mitre-atlas/AML.T0010")

ESCAPES = Rule(
    id="onnx-external-data-escapes",
    name="OnnxExternalDataEscapes",
    summary="This model reads a file outside of its folder.",
    help="A tensor of the model says that its data lies at an absolute path, above the model's folder, or "
    "in memory. "
    "A runtime that follows it reads whatever lies there on the machine that serves the model "
    "(CVE-2024-5187, "
    "CVE-2024-27318).",
    fix="Export the model again with its data inside or beside it: "
    "`onnx.save(onnx.load(old), new, save_as_external_data=False)`.",
    severity=8.1,
    tags=_FILES,
    help_uri="https://onnx.ai/onnx/repo-docs/ExternalData.html",
)
CUSTOM = Rule(
    id="onnx-custom-operator",
    name="OnnxCustomOperator",
    summary="This ONNX model needs operators from outside of ONNX.",
    help="Custom operators are native code that has to be loaded beside the model before it can run.",
    fix="Export the model with standard operators only, or review and pin the library that it needs.",
    severity=5.0,
    tags=_FOREIGN,
    help_uri="https://onnxruntime.ai/docs/reference/operators/add-custom-op.html",
)
PYTHON = Rule(
    id="onnx-python-operator",
    name="OnnxPythonOperator",
    summary="This ONNX model calls Python code or the network while it runs.",
    help="Operators such as `PyOp` and `PythonOp` import a module that the model names, and call it; those "
    "named "
    "after services send what they are given to them.",
    fix="Export the model with standard operators only; do in the service's own code what the operator does.",
    severity=9.3,
    tags=("external/cwe/cwe-94", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
    help_uri="https://onnxruntime.ai/docs/extensions/",
)
REDEFINES = Rule(
    id="onnx-redefined-operator",
    name="OnnxRedefinedOperator",
    summary="This ONNX model defines a standard operator anew.",
    help="A function with the name of a standard operator changes what the model computes behind its back.",
    fix="Export the model again from its source and compare.",
    severity=5.0,
    tags=("external/cwe/cwe-710", "owasp-ml/ML10"),
)
CORE_ML_CUSTOM = Rule(
    id="core-ml-custom-code",
    name="CoreMlCustomCode",
    summary="This Core ML model calls classes of the app that loads it.",
    help="Custom layers and custom models name a class, which Core ML looks up in the app and calls.",
    fix="Convert the model without custom layers (`coremltools.convert(...)` names what it cannot convert), "
    "or review "
    "the class.",
    severity=5.0,
    tags=_FOREIGN,
    help_uri="https://apple.github.io/coremltools/mlmodel/index.html",
)
PADDLE = Rule(
    id="paddle-code",
    name="PaddleCode",
    summary="This PaddlePaddle program calls Python code or files while it runs.",
    help="The operator `py_func` calls a Python function, others read and write files that the program "
    "names.",
    fix="Export the model again without them: `paddle.jit.save(layer, path, input_spec=[...])`, or to ONNX "
    "by "
    "`paddle2onnx --model_dir DIR --save_file model.onnx`.",
    severity=8.6,
    tags=("external/cwe/cwe-94", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
    help_uri="https://www.paddlepaddle.org.cn/documentation/docs/en/api/index_en.html",
)
RULES = (ESCAPES, CUSTOM, PYTHON, REDEFINES, CORE_ML_CUSTOM, PADDLE)
