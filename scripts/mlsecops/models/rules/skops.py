"""Rules of skops files."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_CODE = ("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000")
_FIX = (
    "Write the file anew from the trained object: `skops.io.dump(model, 'model.skops')`; update skops; load "
    "with "
    "`skops.io.load(path, trusted=[...])`, where the list holds reviewed names only, never "
    "`get_untrusted_types(file=path)` as it comes."
)

CALLS = Rule(
    id="skops-calls-code",
    name="SkopsCallsCode",
    summary="This skops file names functions that run code or commands.",
    help="The schema of a skops file says which functions to import and call. Trusted by name they run, and "
    "older "
    "versions of skops did not ask for all of them (CVE-2025-54412, CVE-2025-54413).",
    fix=_FIX,
    severity=9.3,
    tags=_CODE,
    help_uri="https://skops.readthedocs.io/en/stable/persistence.html",
)
DISGUISE = Rule(
    id="skops-disguise",
    name="SkopsDisguise",
    summary="This skops file shows one name and loads another.",
    help="A node whose kind does not go with its module and class, which nothing that skops writes has, "
    "lets a "
    "harmless name be trusted and something else be called (CVE-2025-54412, CVE-2025-54413).",
    fix=_FIX,
    severity=8.7,
    tags=_CODE,
    help_uri="https://skops.readthedocs.io/en/stable/persistence.html",
)
OPERATOR = Rule(
    id="skops-operator",
    name="SkopsOperator",
    summary="This skops file calls methods by name when it is used.",
    help="`methodcaller` and `attrgetter` reach whatever method or attribute they are given by name.",
    fix=_FIX,
    severity=6.5,
    tags=_CODE,
    help_uri="https://skops.readthedocs.io/en/stable/persistence.html",
)
RULES = (CALLS, DISGUISE, OPERATOR)
