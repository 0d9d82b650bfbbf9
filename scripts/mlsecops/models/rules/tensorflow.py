"""Rules of TensorFlow's graphs and of TFLite files."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_ML = ("owasp-ml/ML06", "mitre-atlas/AML.T0010")
_SECURITY = "https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md"
_WITHOUT = (
    "Find out where the operator comes from and export the model without it: `model.export('folder')` "
    "from code that you trust, or `python -m tf2onnx.convert --saved-model folder --output model.onnx`,"
    " which knows no such operator. Run models of strangers in a sandbox only."
)

PYTHON = Rule(
    id="tensorflow-python-call",
    name="TensorflowPythonCall",
    summary="This TensorFlow graph calls Python functions.",
    help="PyFunc operators call functions of the Python process that runs the graph, by number. What is "
    "called depends on the process, not on the model.",
    fix=_WITHOUT,
    severity=8.8,
    tags=("external/cwe/cwe-470", "external/cwe/cwe-94", *_ML, "mitre-atlas/AML.T0011.000"),
    help_uri=_SECURITY,
)
WRITES = Rule(
    id="tensorflow-writes-file",
    name="TensorflowWritesFile",
    summary="This TensorFlow graph writes files when it runs.",
    help="A graph can write any file that the process may write: start-up scripts, keys, other models.",
    fix=_WITHOUT,
    severity=9.1,
    tags=("external/cwe/cwe-73", *_ML, "mitre-atlas/AML.T0011.000"),
    help_uri=_SECURITY,
)
READS = Rule(
    id="tensorflow-reads-file",
    name="TensorflowReadsFile",
    summary="This TensorFlow graph reads files of the machine that runs it.",
    help="A graph can read any file that the process may read, and give it out as a prediction.",
    fix=_WITHOUT,
    severity=7.5,
    tags=("external/cwe/cwe-73", "external/cwe/cwe-200", *_ML, "mitre-atlas/AML.T0025"),
    help_uri=_SECURITY,
)
NETWORK = Rule(
    id="tensorflow-network",
    name="TensorflowNetwork",
    summary="This TensorFlow graph speaks to other machines.",
    help="Operators for remote calls, data services and debugging connect to addresses that the graph names.",
    fix=_WITHOUT,
    severity=8.1,
    tags=("external/cwe/cwe-918", *_ML, "mitre-atlas/AML.T0025"),
    help_uri=_SECURITY,
)
NATIVE = Rule(
    id="tensorflow-native-call",
    name="TensorflowNativeCall",
    summary="This TensorFlow graph calls native code by name or changes how the process reaches files.",
    help="Such operators call functions that are registered in the process, or set options of its file "
    "systems.",
    fix=_WITHOUT,
    severity=7.5,
    tags=("external/cwe/cwe-829", *_ML),
    help_uri=_SECURITY,
    precision="medium",
)
CUSTOM = Rule(
    id="tensorflow-custom-operator",
    name="TensorflowCustomOperator",
    summary="This model needs an operator that is not part of TensorFlow.",
    help="Custom operators are native code in a library that has to be loaded before the model can run.",
    fix="Export the model with TensorFlow's own operators only, or review and pin the library that it needs.",
    severity=5.0,
    tags=("external/cwe/cwe-829", *_ML),
    precision="medium",
)
ASSET = Rule(
    id="tensorflow-asset-escapes",
    name="TensorflowAssetEscapes",
    summary="This SavedModel takes an asset from outside of its folder.",
    help="Assets are named by the model. A name that leads out of the folder makes TensorFlow read whatever "
    "lies there.",
    fix="Export the model again with its assets in `assets/`.",
    severity=8.1,
    tags=("external/cwe/cwe-22", *_ML),
    help_uri="https://www.tensorflow.org/guide/saved_model",
)
OUTSIDE = Rule(
    id="tflite-outside-file",
    name="TfliteOutsideFile",
    summary="This TFLite model takes its numbers from a file outside of its folder.",
    help="External buffers name the file that they lie in, and the runtime maps it into memory.",
    fix="Convert the model again with its numbers inside, or in a file beside it.",
    severity=8.1,
    tags=("external/cwe/cwe-22", *_ML),
)
RULES = (PYTHON, WRITES, READS, NETWORK, NATIVE, CUSTOM, ASSET, OUTSIDE)
