"""Rules of Keras models and of the HDF5 files that they are stored in."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_CODE = ("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000")
_FOREIGN = ("external/cwe/cwe-829", "owasp-ml/ML06", "mitre-atlas/AML.T0010")
_PATHS = ("external/cwe/cwe-73", "owasp-ml/ML06", "mitre-atlas/AML.T0010")
_SAVING = "https://keras.io/guides/serialization_and_saving/"
_FORMAT = "https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html"

LAMBDA = Rule(
    id="keras-lambda-code",
    name="KerasLambdaCode",
    summary="This Keras model carries Python bytecode that runs when it is loaded or used.",
    help="A Lambda layer stores its function as marshalled bytecode. Keras rebuilds and calls it: while "
    "loading, to find the layer's shape, and at every prediction. `safe_mode` only holds in some "
    "versions and formats (CVE-2024-3660, CVE-2025-9906).",
    fix="Replace the Lambda by a layer or by `keras.ops`, save the model again, and delete this file. To "
    "only run the model, export it: `model.export('model.onnx', format='onnx')`.",
    severity=9.8,
    tags=("external/cwe/cwe-94", *_CODE),
    help_uri=_SAVING,
)
IMPORT = Rule(
    id="keras-arbitrary-import",
    name="KerasArbitraryImport",
    summary="This Keras model imports a module that is no part of Keras, and takes a function from it.",
    help="Keras resolves `module` and `class_name` of its configuration by importing them. Before version "
    "3.9 it did so for any module, also with `safe_mode=True` (CVE-2025-1550); helpers of Keras itself,"
    " such as `keras.utils.get_file`, could be reached until 3.11 (CVE-2025-8747).",
    fix="Do not load this file. Build the model from your own code and load numbers only: "
    "`model.load_weights('model.weights.h5')`, or keep them as safetensors.",
    severity=9.8,
    tags=("external/cwe/cwe-470", *_CODE),
    help_uri="https://github.com/keras-team/keras/security/advisories",
)
TORCH = Rule(
    id="keras-pickled-module",
    name="KerasPickledModule",
    summary="This Keras model holds a pickled PyTorch module.",
    help="`TorchModuleWrapper` hands bytes of the configuration to `torch.load` without `weights_only`, "
    "which runs whatever the pickle says (CVE-2025-49655).",
    fix="Save the PyTorch module's numbers by themselves: `safetensors.torch.save_file(module.state_dict(),"
    " 'module.safetensors')`, and build the wrapper in code.",
    severity=9.8,
    tags=_CODE,
    help_uri="https://github.com/keras-team/keras/security/advisories",
)
OUTSIDE = Rule(
    id="keras-outside-file",
    name="KerasOutsideFile",
    summary="This Keras model reads another file, or fetches one, when it is loaded.",
    help="Vocabularies and models may be given by path. Keras opens whatever path or address the "
    "configuration names, so that a model can read files of the machine that loads it, or reach into "
    "its network (CVE-2025-12058).",
    fix="Give vocabularies as lists (`StringLookup(vocabulary=[...])`) and save the model again; weights "
    "and vocabularies then lie inside of the `.keras` file.",
    severity=8.1,
    tags=("external/cwe/cwe-918", *_PATHS),
    help_uri="https://github.com/keras-team/keras/security/advisories",
)
CUSTOM = Rule(
    id="keras-custom-object",
    name="KerasCustomObject",
    summary="This Keras model needs a class or function that is not part of Keras.",
    help="The configuration names custom code. It has to be imported before the model can be loaded, or is "
    "looked up by name while loading; what it does cannot be seen from here.",
    fix="Review that code, pin where it comes from, and allow it by name in the policy; or save the model "
    "with Keras' own layers only.",
    severity=5.5,
    tags=_FOREIGN,
    precision="medium",
    help_uri=_SAVING,
)
LINKS = Rule(
    id="hdf5-outside-file",
    name="Hdf5OutsideFile",
    summary="This HDF5 file takes its content from other files of the machine that opens it.",
    help="External links, external storage and virtual datasets name further files. The HDF5 library opens "
    "them without asking, so that a model can read files that it was never given (CVE-2026-1669).",
    fix="Copy the data into the file (`h5repack`, or load and save it again on a machine that you trust), "
    "or keep the weights as safetensors.",
    severity=8.1,
    tags=_PATHS,
    help_uri=_FORMAT,
)
OVERSIZED = Rule(
    id="hdf5-oversized",
    name="Hdf5Oversized",
    summary="This HDF5 file describes far more numbers than it holds.",
    help="Reading a dataset allocates its described size. A small file that describes terabytes takes down "
    "whoever loads it (CVE-2026-0897).",
    fix="Do not load this file. Take the model from its source again.",
    severity=6.5,
    tags=("external/cwe/cwe-789", "owasp-ml/ML06", "mitre-atlas/AML.T0029"),
    help_uri=_FORMAT,
)
PICKLED_ROWS = Rule(
    id="hdf5-pickled-rows",
    name="Hdf5PickledRows",
    summary="This HDF5 file holds rows of pickled Python objects.",
    help="PyTables, and pandas through it, store objects as pickles. Reading the rows unpickles them, and a "
    "pickle is a program.",
    fix="Store numbers and texts in columns of their own type, for instance with "
    "`frame.to_parquet('data.parquet')`.",
    severity=6.5,
    tags=_CODE,
)
FILTER = Rule(
    id="hdf5-unknown-filter",
    name="Hdf5UnknownFilter",
    summary="This HDF5 file needs a compression plug-in that is not known.",
    help="The HDF5 library loads native code by the filter's number from its plug-in folder to read the "
    "data.",
    fix="Write the file again without the filter: `h5repack -f GZIP=4 old.h5 new.h5`.",
    severity=3.5,
    tags=_FOREIGN,
    precision="medium",
    help_uri=_FORMAT,
)
RULES = (LAMBDA, IMPORT, TORCH, OUTSIDE, CUSTOM, LINKS, OVERSIZED, PICKLED_ROWS, FILTER)
