"""Rules: inputs that no model should see, and what comes back."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_CRAFTED = ("owasp-ml/ML01", "mitre-atlas/AML.T0043")
_VALIDATE = "Validate every field before the model sees it"

NOT_FINITE = Rule(
    id="dast-non-finite-input",
    name="NonFiniteInput",
    summary="NaN or infinity is taken for a feature.",
    help="JSON has no such numbers, but Python's parser takes them. They pass every comparison with a bound "
    "and make the model's answer meaningless, or poison what is learned from the requests.",
    fix=f"{_VALIDATE}: pydantic `Field(allow_inf_nan=False)`, or `math.isfinite`.",
    severity=5.3,
    tags=("external/cwe/cwe-1287", *_CRAFTED),
)
RANGE = Rule(
    id="dast-out-of-range-input",
    name="OutOfRangeInput",
    summary="A number outside its range, or as large as 1e308, is taken for a feature.",
    help="Far outside what it was trained on, a model answers anything, with confidence; sums and products "
    "of such numbers overflow.",
    fix=f"{_VALIDATE}: give each feature its bounds (pydantic `Field(ge=..., le=...)`, JSON schema "
    "`minimum` and `maximum`).",
    severity=5.0,
    tags=("external/cwe/cwe-1284", *_CRAFTED),
)
TYPE = Rule(
    id="dast-wrong-type-input",
    name="WrongTypeInput",
    summary="A value of the wrong type is taken for a feature.",
    help="What the code makes of it (0, 1, NaN, a default) is a feature that nobody measured.",
    fix=f"{_VALIDATE}: strict types (pydantic `ConfigDict(strict=True)`), no `errors='coerce'`.",
    severity=4.3,
    tags=("external/cwe/cwe-1287", *_CRAFTED),
)
MISSING = Rule(
    id="dast-missing-feature",
    name="MissingFeature",
    summary="A request without a required feature is answered.",
    help="A default stands in for the measurement, and the caller is not told: whoever leaves a feature out "
    "chooses the default.",
    fix=f"{_VALIDATE}, and refuse requests that lack one; make features optional only in the document too.",
    severity=4.3,
    tags=("external/cwe/cwe-20", *_CRAFTED),
)
SURPLUS = Rule(
    id="dast-surplus-feature",
    name="SurplusFeature",
    summary="A field that the document does not allow is taken.",
    help="A misspelt feature goes unnoticed, and a field such as `is_admin` may reach what it should not "
    "(mass assignment).",
    fix="Refuse unknown fields (pydantic `ConfigDict(extra='forbid')`, JSON schema "
    "`additionalProperties: false`).",
    severity=4.3,
    tags=("external/cwe/cwe-915", *_CRAFTED),
)
UNSORTED = Rule(
    id="dast-unsorted-times",
    name="UnsortedTimestamps",
    summary="A series whose timestamps are not in order is answered.",
    help="A model over lags and windows takes the order for granted: shuffled rows give it any past the "
    "caller likes.",
    fix=f"{_VALIDATE}: refuse series that are not sorted or hold a moment twice.",
    severity=4.0,
    tags=("external/cwe/cwe-1288", *_CRAFTED),
)
FUTURE = Rule(
    id="dast-future-times",
    name="FutureTimestamps",
    summary="Measurements from the far future are taken.",
    help="Nobody can have measured them; a model that learns from requests keeps them for truth.",
    fix=f"{_VALIDATE}: refuse moments later than now plus the horizon that is forecast.",
    severity=4.0,
    tags=("external/cwe/cwe-1284", *_CRAFTED),
)
EMPTY = Rule(
    id="dast-empty-batch",
    name="EmptyBatch",
    summary="An empty batch is answered like a full one, or breaks the service.",
    help="A mean over nothing is NaN; a model called with no rows may raise, or answer with what was before.",
    fix=f"{_VALIDATE}: `min_length=1`, `minItems: 1`.",
    severity=4.0,
    tags=("external/cwe/cwe-1284", *_CRAFTED),
)
RAGGED = Rule(
    id="dast-ragged-batch",
    name="RaggedBatch",
    summary="Rows of different lengths are answered, or break the service.",
    help="Features slide into one another's places: the model sees another question than the caller asked.",
    fix=f"{_VALIDATE}: the same length for every row, and for every series of one request.",
    severity=4.3,
    tags=("external/cwe/cwe-1288", *_CRAFTED),
)
HUGE = Rule(
    id="dast-huge-batch",
    name="HugeBatch",
    summary="A batch of any size is answered, or breaks the service.",
    help="One request costs as much as thousands: a single caller takes the service away from all others.",
    fix=f"{_VALIDATE}: `max_length`, `maxItems`; let callers send several requests, each of which counts "
    "towards their limit.",
    severity=5.3,
    tags=("external/cwe/cwe-770", "mitre-atlas/AML.T0029", "mitre-atlas/AML.T0034"),
)
DEEP = Rule(
    id="dast-deep-json",
    name="DeepJson",
    summary="Deeply nested JSON breaks the service.",
    help="A few kilobytes of brackets exhaust the stack of the parser, or of the code behind it.",
    fix="Limit the size of bodies, use a parser that bounds depth, and answer RecursionError with 400.",
    severity=5.3,
    tags=("external/cwe/cwe-674", "mitre-atlas/AML.T0029"),
)
UNHANDLED = Rule(
    id="dast-unhandled-input",
    name="UnhandledInput",
    summary="An input that should be refused breaks the service.",
    help="An exception that nobody expects leaves work half done, says too much, and can be raised again and "
    "again by everyone.",
    fix=f"{_VALIDATE}, and answer 4xx for what cannot be used.",
    severity=4.3,
    tags=("external/cwe/cwe-248", "mitre-atlas/AML.T0029"),
)
CRASH = Rule(
    id="dast-crash",
    name="ServiceCrash",
    summary="One request ends the service.",
    help="Everyone who may call the operation can switch the service off for all others.",
    fix="Find out from the log what ended the process; limit the size of inputs before they are worked on.",
    severity=7.5,
    tags=("external/cwe/cwe-400", "mitre-atlas/AML.T0029"),
)
ANSWER_NOT_FINITE = Rule(
    id="dast-answer-not-finite",
    name="AnswerNotFinite",
    summary="An answer holds NaN or infinity.",
    help="It is no JSON: most clients fail on it, and those that do not go on calculating with it.",
    fix="Check the model's output (`np.isfinite`) and answer with an error when it is no number.",
    severity=5.3,
    tags=("external/cwe/cwe-754", "owasp-ml/ML09", "mitre-atlas/AML.T0031"),
)
ANSWER_RANGE = Rule(
    id="dast-answer-out-of-range",
    name="AnswerOutOfRange",
    summary="An answer is outside the range that the document promises.",
    help="A negative load or a probability above one is acted upon by whoever trusts the document.",
    fix="Bound the model's output to what can be, and answer with an error when it is far off.",
    severity=4.8,
    tags=("external/cwe/cwe-1284", "owasp-ml/ML09", "mitre-atlas/AML.T0031"),
)
ANSWER_SHAPE = Rule(
    id="dast-answer-schema",
    name="AnswerOutsideSchema",
    summary="An answer does not have the form that the document promises.",
    help="Clients written from the document misread it; fields that it does not name may say too much.",
    fix="Build answers with a model of their own (`response_model`), and test them against the document.",
    severity=3.1,
    tags=("external/cwe/cwe-1286", "owasp-ml/ML09", "mitre-atlas/AML.T0031"),
)

RULES = (
    NOT_FINITE,
    RANGE,
    TYPE,
    MISSING,
    SURPLUS,
    UNSORTED,
    FUTURE,
    EMPTY,
    RAGGED,
    HUGE,
    DEEP,
    UNHANDLED,
    CRASH,
    ANSWER_NOT_FINITE,
    ANSWER_RANGE,
    ANSWER_SHAPE,
)
