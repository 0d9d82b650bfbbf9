"""Rules about archives, compressed files and PyTorch's own archives."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_SUPPLY = ("owasp-ml/ML06", "mitre-atlas/AML.T0010.003")
_RUNS = ("owasp-ml/ML06", "mitre-atlas/AML.T0011.000")
_SAVE_WEIGHTS = (
    "Keep the weights alone, without code: "
    '`from safetensors.torch import save_file; save_file(model.state_dict(), "model.safetensors")`, and '
    "build the model from your own source before `load_state_dict`."
)

ESCAPES = Rule(
    id="archive-escapes",
    name="ArchiveEscapes",
    summary="Unpacking this archive writes outside of its folder.",
    help="A name or a link in the archive leads out of the folder that it is unpacked into. Who unpacks it "
    "without looking overwrites whatever lies there: start-up scripts, keys, another model.",
    fix="Do not unpack it. Get the model again from its maker, as single files or as safetensors or ONNX.",
    severity=8.1,
    tags=("external/cwe/cwe-22", "external/cwe/cwe-59", *_SUPPLY),
)
AMBIGUOUS = Rule(
    id="archive-ambiguous",
    name="ArchiveAmbiguous",
    summary="Loaders differ in what they read from this archive.",
    help="The archive says different things about its members in different places, so that one program reads "
    "something else than another. That is how content is hidden from scanners (CVE-2025-1944, "
    "CVE-2025-1945): libraries that save models never write such files.",
    fix="Do not load it. Save the model again from its source, or get it from its maker as safetensors or "
    "ONNX.",
    severity=8.2,
    tags=("external/cwe/cwe-436", *_SUPPLY),
)
CHECKSUM = Rule(
    id="archive-wrong-checksum",
    name="ArchiveWrongChecksum",
    summary="A member of this archive is not what its checksum says.",
    help="The file was changed after it was saved, or damaged on its way. Some loaders refuse it, PyTorch "
    "loads it without comparing: scanners that refuse it then see nothing (CVE-2025-10156).",
    fix="Get the file again from its maker and compare its SHA-256 with the one that is published.",
    severity=6.5,
    tags=("external/cwe/cwe-354", *_SUPPLY),
)
HIDDEN = Rule(
    id="archive-hidden-bytes",
    name="ArchiveHiddenBytes",
    summary="There are bytes before, after or between what this file says that it holds.",
    help="The file carries bytes that no part of it lays claim to. A loader of another format may find its "
    "own file in them.",
    fix="Save the model again from its source, or unpack the file that was meant and pack it anew.",
    severity=5.0,
    tags=("external/cwe/cwe-436", *_SUPPLY),
)
CODE = Rule(
    id="archive-holds-code",
    name="ArchiveHoldsCode",
    summary="This model archive holds a program.",
    help="Beside the model there is a script, a library or a program. Loaders that unpack the archive, or "
    "put it on Python's path, run it; weights need none.",
    fix="Keep code in the repository, where it is reviewed, and only weights in the archive: safetensors or "
    "ONNX.",
    severity=5.0,
    tags=("external/cwe/cwe-829", *_RUNS),
)
BOMB = Rule(
    id="archive-bomb",
    name="ArchiveBomb",
    summary="Unpacking this file fills memory or disk.",
    help="A few bytes of the file grow to more than any weights would. Who unpacks or loads it runs out of "
    "memory or disk.",
    fix="Do not load it. Get the model again from its maker, uncompressed.",
    severity=7.5,
    tags=("external/cwe/cwe-409", *_SUPPLY),
)
PACKAGE = Rule(
    id="torch-package-code",
    name="TorchPackageCode",
    summary="Loading this PyTorch package runs the Python code in it.",
    help="A `torch.package` archive brings Python modules along, and `PackageImporter` runs them when it "
    "loads an object, with all rights of the process.",
    fix=_SAVE_WEIGHTS,
    severity=9.8,
    tags=("external/cwe/cwe-829", *_RUNS),
)
SCRIPT = Rule(
    id="torchscript-reaches-out",
    name="TorchScriptReachesOut",
    summary="This TorchScript model reads or writes files, or talks to other machines.",
    help="TorchScript is a program. Most of its operators compute; this model also calls some that open "
    "files or connections on the machine that runs it, which `weights_only=True` does not keep it from.",
    fix="Do not run it. Export the model again from its source with `torch.onnx.export`, or keep its weights "
    "as safetensors.",
    severity=8.8,
    tags=("external/cwe/cwe-73", *_RUNS),
)
OPERATOR = Rule(
    id="torchscript-custom-operator",
    name="TorchScriptCustomOperator",
    summary="This PyTorch model needs operators from outside of PyTorch.",
    help="Custom operators and classes are native code that has to be loaded beside the model to run it.",
    fix="Export the model with PyTorch's own operators, or review and pin the library that it needs.",
    severity=5.0,
    tags=("external/cwe/cwe-829", *_SUPPLY),
)
EXPORT = Rule(
    id="torch-export-runs-code",
    name="TorchExportRunsCode",
    summary="Loading this exported PyTorch program calls something else than operators.",
    help="`torch.export.load` looks up the functions of a graph by name below `torch`, and evaluates its "
    "expressions as Python text. This file names a function or holds an expression that no export writes.",
    fix="Do not load it. Export the program again from its source, or save its weights as safetensors.",
    severity=9.8,
    tags=("external/cwe/cwe-94", *_RUNS),
)
NATIVE = Rule(
    id="torch-native-code",
    name="TorchNativeCode",
    summary="Loading this compiled PyTorch package runs native code.",
    help="The package brings a library that was compiled from the model, and the loader puts it into the "
    "process. Nobody can tell from outside what else is in it.",
    fix="Compile the model where it runs: keep the exported program or safetensors, and call "
    "`torch._inductor.aoti_compile_and_package` in your own build.",
    severity=8.5,
    tags=("external/cwe/cwe-829", *_RUNS),
)
RULES = (
    ESCAPES,
    AMBIGUOUS,
    CHECKSUM,
    HIDDEN,
    CODE,
    BOMB,
    PACKAGE,
    SCRIPT,
    OPERATOR,
    EXPORT,
    NATIVE,
)
