"""Rules: how much one caller may ask for, and what that costs."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

RATE = Rule(
    id="dast-no-rate-limit",
    name="NoRateLimit",
    summary="Predictions can be asked for without a limit.",
    help="With enough answers a model is copied, membership in its training data is told, and inputs that "
    "fool it are found; each answer costs the operator.",
    fix="Limit requests per key and minute (flask-limiter, slowapi, the gateway), and answer 429 beyond.",
    severity=5.3,
    tags=(
        "external/cwe/cwe-770",
        "owasp-ml/ML05",
        "owasp-ml/ML04",
        "mitre-atlas/AML.T0024",
        "mitre-atlas/AML.T0034",
    ),
)
BODY = Rule(
    id="dast-no-body-limit",
    name="NoBodyLimit",
    summary="A request body of any size is read.",
    help="A few callers with large bodies fill the memory of the service.",
    fix="Limit it: Flask `MAX_CONTENT_LENGTH`, `client_max_body_size` of the proxy.",
    severity=4.3,
    tags=("external/cwe/cwe-770", "mitre-atlas/AML.T0029"),
)
LATENCY = Rule(
    id="dast-latency-grows",
    name="LatencyGrowsWithInput",
    summary="The time to answer grows faster than the input.",
    help="A small request keeps the service busy for long: a regular expression that backtracks, or a loop "
    "within a loop.",
    fix="Bound the input, and replace the slow part: no nested quantifiers, a linear algorithm.",
    severity=5.9,
    tags=("external/cwe/cwe-1333", "external/cwe/cwe-407", "mitre-atlas/AML.T0029"),
)
MEMORY = Rule(
    id="dast-memory-grows",
    name="MemoryGrows",
    summary="The service keeps memory for every request.",
    help="Whoever asks often enough ends the service; what it keeps may be the data of its callers.",
    fix="Bound caches (`lru_cache(maxsize=...)`) and lists that live as long as the process.",
    severity=5.9,
    tags=("external/cwe/cwe-401", "mitre-atlas/AML.T0029"),
)

RULES = (RATE, BODY, LATENCY, MEMORY)
