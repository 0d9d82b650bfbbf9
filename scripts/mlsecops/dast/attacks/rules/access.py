"""Rules: who may do what, and what browsers are told."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_ATLAS = "mitre-atlas/AML.T0049"

AUTH_IGNORED = Rule(
    id="dast-auth-ignored",
    name="AuthenticationIgnored",
    summary="An operation that asks for a credential in the document answers without one.",
    help="The document says that it is protected, so its users rely on that; it is open to everyone.",
    fix="Check the credential before anything else, for all routes at once (`before_request`, a router's "
    "`dependencies`), and test that it is refused.",
    severity=8.6,
    tags=("external/cwe/cwe-306", "mitre-atlas/AML.T0040"),
)
WRONG_KEY = Rule(
    id="dast-any-credential",
    name="AnyCredentialAccepted",
    summary="A credential that nobody has issued is accepted.",
    help="The service looks whether there is a credential, not whether it is one of its own.",
    fix="Compare with the issued keys (`hmac.compare_digest` on hashes), or verify the token's signature.",
    severity=8.6,
    tags=("external/cwe/cwe-287", "mitre-atlas/AML.T0040"),
)
UNSIGNED_TOKEN = Rule(
    id="dast-unsigned-token",
    name="UnsignedTokenAccepted",
    summary="A token without a signature is accepted.",
    help="With `alg: none` everyone writes tokens for any user.",
    fix="Name the algorithms that count when decoding: `jwt.decode(token, key, algorithms=['RS256'])`.",
    severity=9.1,
    tags=("external/cwe/cwe-347", "mitre-atlas/AML.T0040"),
)
OPEN_PREDICTION = Rule(
    id="dast-prediction-open",
    name="PredictionWithoutKey",
    summary="Predictions are given to everyone, without a key.",
    help="Nobody can be told apart, limited or locked out: anyone may copy the model by asking it, look for "
    "inputs that fool it, and run up its costs.",
    fix="Ask for a key per caller; say so in the OpenAPI document (`security`).",
    severity=5.8,
    tags=("external/cwe/cwe-306", "owasp-ml/ML05", "mitre-atlas/AML.T0040"),
)
OBJECTS = Rule(
    id="dast-object-access",
    name="ObjectOfAnotherCaller",
    summary="A caller gets what belongs to another one.",
    help="The service checks who calls, but not whose object it is; ids can be guessed or seen.",
    fix="Look objects up by their id and their owner together, and answer 404 for those of others.",
    severity=8.1,
    tags=("external/cwe/cwe-639", _ATLAS),
)
METHOD = Rule(
    id="dast-undeclared-method",
    name="UndeclaredMethod",
    summary="A path answers a method that its document does not name.",
    help="What is in no document is in nobody's review: such a method often lacks the checks of the others.",
    fix='List the methods of a route (`methods=["GET"]`); describe what is meant to be there.',
    severity=5.3,
    tags=("external/cwe/cwe-650", _ATLAS),
)
TRACE = Rule(
    id="dast-trace-method",
    name="TraceMethod",
    summary="The service answers TRACE with the request it got.",
    help="Headers that a proxy adds, and credentials, come back readable to scripts and to callers.",
    fix="Refuse TRACE in the server or the proxy.",
    severity=4.3,
    tags=("external/cwe/cwe-693", _ATLAS),
)
OVERRIDE = Rule(
    id="dast-method-override",
    name="MethodOverride",
    summary="A header turns a request into one with another method.",
    help="Rules of a proxy or a gateway about methods do not see what really happens.",
    fix="Remove the middleware that reads `X-HTTP-Method-Override`.",
    severity=4.3,
    tags=("external/cwe/cwe-650", _ATLAS),
)
CORS = Rule(
    id="dast-cors-any-origin",
    name="CorsAnyOrigin",
    summary="Pages of every origin may read answers.",
    help="Together with credentials, any page that a user visits reads from the service in their name; "
    "without them it still reaches a service inside their network.",
    fix="List the origins that need it: `CORS(app, origins=[...])`, `CORSMiddleware(allow_origins=[...])`.",
    severity=5.3,
    tags=("external/cwe/cwe-942", _ATLAS),
)
SNIFFING = Rule(
    id="dast-no-nosniff",
    name="NoContentTypeOptions",
    summary="Answers lack `X-Content-Type-Options: nosniff`.",
    help="Browsers may take an answer that holds a caller's text for a script or a page.",
    fix="Set the header on every answer, errors included.",
    severity=3.1,
    tags=("external/cwe/cwe-693", _ATLAS),
)
FRAMING = Rule(
    id="dast-no-page-policy",
    name="NoContentSecurityPolicy",
    summary="HTML pages come without a Content-Security-Policy.",
    help="Nothing limits which scripts run in them and which sites may put them in a frame.",
    fix="Set `Content-Security-Policy`, at least `default-src 'self'; frame-ancestors 'none'`.",
    severity=3.1,
    tags=("external/cwe/cwe-1021", _ATLAS),
)
CACHING = Rule(
    id="dast-cacheable-answer",
    name="CacheableAnswer",
    summary="Answers that need a credential may be kept by caches.",
    help="A shared cache gives one caller's prediction, made from their data, to the next.",
    fix="Send `Cache-Control: no-store` with them.",
    severity=3.1,
    tags=("external/cwe/cwe-524", _ATLAS),
)
COOKIE = Rule(
    id="dast-cookie-flags",
    name="CookieWithoutFlags",
    summary="A session cookie lacks HttpOnly or SameSite.",
    help="Scripts can read it, or other sites can send requests with it.",
    fix="Set `HttpOnly`, `SameSite=Lax` (or `Strict`) and `Secure`.",
    severity=4.3,
    tags=("external/cwe/cwe-1004", _ATLAS),
)
HOST = Rule(
    id="dast-host-header",
    name="HostHeaderTrusted",
    summary="Links in answers are built from a header that the caller sends.",
    help="A cache, or a mail with such a link, leads others to the attacker's site.",
    fix="Set the service's own name (Flask: `TRUSTED_HOSTS`; Starlette: `TrustedHostMiddleware`).",
    severity=4.7,
    tags=("external/cwe/cwe-644", _ATLAS),
)

RULES = (
    AUTH_IGNORED,
    WRONG_KEY,
    UNSIGNED_TOKEN,
    OPEN_PREDICTION,
    OBJECTS,
    METHOD,
    TRACE,
    OVERRIDE,
    CORS,
    SNIFFING,
    FRAMING,
    CACHING,
    COOKIE,
    HOST,
)
