"""Rules of PMML documents and of R's serialized objects."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

ENTITY = Rule(
    id="pmml-entity",
    name="PmmlEntity",
    summary="This PMML document makes its reader fetch or repeat something.",
    help="Entities, inclusions and document types of XML let a document read files and addresses of the "
    "machine that "
    "parses it, or grow without bound.",
    fix="Write the document again from the model; parse PMML with document types and external entities "
    "turned off.",
    severity=8.2,
    tags=("external/cwe/cwe-611", "external/cwe/cwe-776", "owasp-ml/ML06"),
    help_uri="https://cheatsheetseries.owasp.org/cheatsheets/XML_External_Entity_Prevention_Cheat_Sheet.html",
)
FUNCTION = Rule(
    id="pmml-foreign-function",
    name="PmmlForeignFunction",
    summary="This PMML document calls functions that are not PMML's.",
    help="Evaluators look up functions with dots in their names as classes of Java, and call them with "
    "values of the "
    "model's input; some run scripts in extensions.",
    fix="Express the step with PMML's built-in functions, or do it before the model; allow classes by name "
    "in the "
    "evaluator.",
    severity=6.5,
    tags=("external/cwe/cwe-470", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    help_uri="https://dmg.org/pmml/v4-4-1/Functions.html",
)
R_PROMISE = Rule(
    id="r-promise",
    name="RPromise",
    summary="This R object runs code as soon as somebody looks at it.",
    help="A promise is an expression that R evaluates when its value is first used. R before 4.4.0 takes "
    "promises "
    "from files (CVE-2024-27322).",
    fix="Update R to 4.4.0; keep models as data: `xgb.save`, `lgb.save`, ONNX, or tables of coefficients in "
    "Parquet.",
    severity=9.3,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
    help_uri="https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats",
)
R_CODE = Rule(
    id="r-dangerous-call",
    name="RDangerousCall",
    summary="This R object carries code that runs commands or fetches files.",
    help="Functions and calls in the file do so when the model is used: fitted, printed, updated or asked "
    "to predict.",
    fix="Save the numbers instead of the functions; keep code in a package that is reviewed.",
    severity=8.8,
    tags=("external/cwe/cwe-502", "owasp-ml/ML06", "mitre-atlas/AML.T0011.000"),
    help_uri="https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats",
)
RULES = (ENTITY, FUNCTION, R_PROMISE, R_CODE)
