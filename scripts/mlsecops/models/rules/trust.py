"""Rules about where a model file comes from: the lock and signatures."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_TAGS = ("external/cwe/cwe-353", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003")
_LOCK = (
    "Look at where the model comes from, then write the lock (`mlsecops models lock`) and commit it with the "
    "model."
)

NOT_LOCKED = Rule(
    id="model-not-locked",
    name="ModelNotLocked",
    summary="This model file is not in the lock.",
    help="The project locks its model files by hash, so that none is exchanged unseen. This one came without "
    "its line in `.github/mlsecops-models.lock`: nobody has said that it belongs here.",
    fix=_LOCK,
    severity=7.5,
    tags=_TAGS,
    precision="very-high",
)
CHANGED = Rule(
    id="model-changed",
    name="ModelChanged",
    summary="This model file is not the one that the lock says.",
    help="The project locks its model files by hash, so that none is exchanged unseen. The content of this "
    "one is another than the lock's, or it is gone.",
    fix=_LOCK,
    severity=8.1,
    tags=_TAGS,
    precision="very-high",
)
NOT_SIGNED = Rule(
    id="model-not-signed",
    name="ModelNotSigned",
    summary="This model file has no signature.",
    help="The policy requires a signature of every model file, so that only models of known makers are "
    "loaded. None of the signatures beside this file or above it speaks of it.",
    fix="Sign it where it is made: `mlsecops models sign PATH --key KEY`, and commit the signature with it.",
    severity=7.5,
    tags=("external/cwe/cwe-347", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003"),
    precision="very-high",
)
WRONG_SIGNATURE = Rule(
    id="model-signature-wrong",
    name="ModelSignatureWrong",
    summary="The signature of this model file does not hold.",
    help="There is a signature for this file, and it is not by who the policy says, or the file is not what "
    "was signed: somebody changed one of them.",
    fix="Do not load the model. Get it again from its maker; if the change is yours, sign it again.",
    severity=9.1,
    tags=("external/cwe/cwe-347", "owasp-ml/ML06", "mitre-atlas/AML.T0010.003"),
    precision="very-high",
)
LOCK_RULES = (NOT_LOCKED, CHANGED)
SIGNATURE_RULES = (NOT_SIGNED, WRONG_SIGNATURE)
