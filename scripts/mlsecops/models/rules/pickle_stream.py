"""Rules about pickles as files: what they take from elsewhere, and what stands behind them."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_FIX = (
    "Save the model again with the library that made it, in one piece, or convert it to safetensors, ONNX or "
    "skops, which hold data only."
)

TRAILING = Rule(
    id="pickle-trailing-bytes",
    name="PickleTrailingBytes",
    summary="Bytes of no known format follow a pickle in this file.",
    help="A pickle has an end mark, and loaders stop there. What lies behind it is read by whoever knows "
    "that it is there: files that are two things at once hide one of them that way.",
    fix=_FIX,
    severity=4.5,
    tags=("external/cwe/cwe-506", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    precision="medium",
)
OUTSIDE = Rule(
    id="pickle-outside-objects",
    name="PickleOutsideObjects",
    summary="Loading this pickle takes objects from outside of it.",
    help="Persistent ids, out-of-band buffers and wrappers around files beside the pickle stand for objects "
    "that only the program that loads it can say. What they are cannot be told from the file.",
    fix=_FIX,
    severity=5.0,
    tags=("external/cwe/cwe-829", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    precision="medium",
)
MEMORY = Rule(
    id="pickle-memory-bomb",
    name="PickleMemoryBomb",
    summary="Loading this pickle takes far more memory than the file has bytes.",
    help="Numbers in a pickle tell the unpickler how much room to make before anything is there to fill it. "
    "This one asks for more than any machine has, so that loading it ends the process or the machine.",
    fix="Do not load the file. " + _FIX,
    severity=7.5,
    tags=("external/cwe/cwe-789", "owasp-ml/ML06", "mitre-atlas/AML.T0029"),
)
RULES = (TRAILING, OUTSIDE, MEMORY)
