"""Whether a parameter becomes code, a query, a file or an address: payloads whose effect cannot be chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlsecops.dast.attacks.building import Point, Raw, points
from mlsecops.dast.attacks.messages import Attack, Base, Found, Reply, Request, Site, all_of
from mlsecops.dast.attacks.rules import injection as rules
from mlsecops.sarif.build import Rule

# Results of sums that no answer holds by chance; each payload has one of its own.
_SHELL, _CODE, _TEMPLATE = (7919, 1013), (7907, 1009), (7901, 1019)
_OUTSIDE = "mlsecops.invalid"
_TAG = "<mlsecops-tag x=\"'>"
_HEADER = "x-mlsecops-injected"
_FILES = re.compile(r"root:[^:\n]*:0:0:|^VmRSS:\s+\d+ kB", re.MULTILINE)
SQL_ERRORS = re.compile(
    r"SQL syntax|sqlite3?\.\w*Error|SQLITE_ERROR|unrecognized token:|near \"[^\"]*\": syntax error"
    r"|psycopg2?\.|PG::\w*Error|unterminated quoted string|quoted string not properly terminated|ORA-\d{5}"
    r"|MySQLdb|pymysql\.err|mysql\.connector|ODBC .*Driver|duckdb\.\w+Exception|Parser Error: "
    r"|sqlalchemy\.exc|Unclosed quotation mark|valid MySQL result|CLI Driver.*DB2",
    re.IGNORECASE,
)
_PAUSE = 1.6


@dataclass(frozen=True, slots=True)
class Probe:
    """A payload for a point, and how an answer shows that it took effect ("" when it does not)."""

    rule: Rule
    payload: str
    shows: Callable[[Reply], str]


def evidence(site: Site, base: Base) -> Attack:
    """Payloads whose effect the answer shows: sums done, files read, addresses taken over, tags unescaped."""
    del site
    found: list[Found] = []
    for point in points(base):
        hit: set[str] = set()
        for probe in probes(str(point.value)):
            if probe.rule.id in hit:
                continue
            request = point.put(probe.payload)
            reply = yield request
            if sign := probe.shows(reply):
                hit.add(probe.rule.id)
                found.append(_found(probe.rule, sign, point, base, request))
    return found


def databases(site: Site, base: Base) -> Attack:
    """SQL: an error of the database, a quote that breaks and two that do not, or a condition that decides."""
    del site
    found: list[Found] = []
    for point in points(base):
        value = str(point.value)
        broken, whole = point.put(value + "'"), point.put(value + "''")
        one = yield broken
        two = yield whole
        if sign := SQL_ERRORS.search(one.text):
            found.append(_found(rules.SQL, f"the database complains (`{sign[0][:40]}`)", point, base, broken))
        elif one.broke and not two.broke and not base.reply.broke:
            again = yield from all_of([broken, whole])
            if again[0].broke and not again[1].broke:
                sign_ = "a single quote breaks the statement, two do not"
                found.append(_found(rules.SQL, sign_, point, base, broken))
        elif not one.broke:
            found += yield from _conditions(point, base)
    return found


def _conditions(point: Point, base: Base) -> Attack:
    """A condition that is true and one that is not, twice each: only a statement could tell them apart."""
    value = str(point.value)
    for true, false in (
        (f"{value}' OR 'm'='m", f"{value}' AND 'm'='s"),
        (f"{value} OR 7=7", f"{value} AND 7=8"),
    ):
        requests = [point.put(each) for each in (true, false, true, false, f"{value} mlsecops")]
        replies = yield from all_of(requests)
        shapes = [(reply.status, reply.body) for reply in replies]
        stable = shapes[0] == shapes[2] and shapes[1] == shapes[3]
        # Text without a condition in it gets what the false one gets.
        if stable and replies[0].accepted and shapes[0] != shapes[1] and shapes[4] == shapes[1]:
            return [_found(rules.SQL, "a condition in it decides what comes back", point, base, requests[0])]
    return []


def blind(site: Site, base: Base) -> Attack:
    """A pause that a shell would make: the answer comes late, and in time with a pause of nothing."""
    del site
    found: list[Found] = []
    for point in points(base):
        if point.schema.get("type") in ("integer", "number", "boolean"):
            continue
        late = [point.put(f"{point.value}{each}") for each in _pauses(_PAUSE)]
        soon = [point.put(f"{point.value}{each}") for each in _pauses(0)]
        for slow, fast in zip(late, soon, strict=True):
            if (yield slow).seconds < _PAUSE:
                continue
            # A busy machine delays answers too, but not these two in turns.
            replies = yield from all_of([fast, slow, fast, slow])
            if all(each.seconds < _PAUSE / 2 for each in replies[::2]) and all(
                each.seconds >= _PAUSE for each in replies[1::2]
            ):
                found.append(_found(rules.COMMAND, "a pause in it delays the answer", point, base, slow))
                break
    return found


def _pauses(seconds: float) -> tuple[str, ...]:
    return (f";sleep {seconds};", f"$(sleep {seconds})")


def outside(site: Site, base: Base) -> Attack:
    """An address of ours: whether the service calls it."""
    found: list[Found] = []
    for number, point in enumerate(points(base)):
        token = f"forgery-{site.target.operations.index(base.operation)}-{number}"
        request = point.put(site.listener.url(token))
        yield request
        if site.listener.heard(token):
            sign = "the service called the address in it"
            found.append(_found(rules.REQUEST_FORGERY, sign, point, base, request))
    return found


def probes(value: str) -> Iterator[Probe]:
    shell = f"echo $(({_SHELL[0]}*{_SHELL[1]}))"
    for payload in (f";{shell};", f"|{shell}", f"`{shell}`", f"';{shell};'", f'";{shell};"'):
        yield Probe(rules.COMMAND, value + payload, _says(_SHELL, "a shell did the sum in it"))
    for payload in (f"{_CODE[0]}*{_CODE[1]}", f"'+str({_CODE[0]}*{_CODE[1]})+'"):
        yield Probe(rules.CODE, payload, _says(_CODE, "the sum in it was done"))
    product = f"{_TEMPLATE[0]}*{_TEMPLATE[1]}"
    for payload in (f"{{{{{product}}}}}", f"${{{product}}}", f"<%= {product} %>", f"#{{{product}}}"):
        yield Probe(rules.TEMPLATE, payload, _says(_TEMPLATE, "a template engine did the sum in it"))
    climb = "../" * 12
    for payload in (
        f"{climb}etc/passwd",
        "/etc/passwd",
        f"{climb}proc/self/status",
        Raw("..%2f" * 12 + "etc%2fpasswd"),
        Raw(f"{climb}etc/passwd"),
        "....//" * 12 + "etc/passwd",
        "file:///etc/passwd",
    ):
        yield Probe(rules.PATH, payload, _names_file)
    for payload in (f"https://{_OUTSIDE}/", f"//{_OUTSIDE}/", f"/\\{_OUTSIDE}/"):
        yield Probe(rules.REDIRECT, payload, _leads_outside)
    yield Probe(rules.XSS, f"{value}{_TAG}", _unescaped)
    for end in ("\r\n", "\n"):
        yield Probe(rules.HEADER, f"{value}{end}{_HEADER}: 1", _has_header)


def _says(factors: tuple[int, int], sign: str) -> Callable[[Reply], str]:
    result = re.compile(rf"(?<!\d){factors[0] * factors[1]}(?!\d)")
    return lambda reply: sign if result.search(reply.text) else ""


def _names_file(reply: Reply) -> str:
    return "a file of the system came back" if _FILES.search(reply.text) else ""


def _leads_outside(reply: Reply) -> str:
    place = reply.header("location").strip().replace("\\", "/")
    try:
        host = urlsplit(place if "//" in place else f"//{place}").hostname
    except ValueError:
        return ""
    leads = 300 <= reply.status < 400 and place.startswith(("http", "//")) and host == _OUTSIDE
    return "the answer redirects to the site in it" if leads else ""


def _unescaped(reply: Reply) -> str:
    page = "html" in reply.media or "svg" in reply.media
    return "a tag in it is in the page" if page and _TAG in reply.text else ""


def _has_header(reply: Reply) -> str:
    return "a line break in it makes a header" if reply.header(_HEADER) else ""


def _found(rule: Rule, sign: str, point: Point, base: Base, request: Request) -> Found:
    place = "body field" if point.where == "body" else f"{point.where} parameter"
    message = f"{base.operation.name}: {place} {point.name}: {sign}"
    return Found(rule=rule, message=message, request=request, operation=base.operation, about=point.name)
