"""A form with a file as it came over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

from support.github_api.wire import Call


@dataclass(frozen=True)
class Form:
    """Its texts and its files, a file as its name and bytes."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


def form_of(call: Call) -> Form:
    """The form of a request; an empty one where its body is none."""
    head = f"Content-Type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.content)
    form = Form()
    for part in message.iter_parts() if message.is_multipart() else ():
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:
            form.files[name] = (str(part.get_filename()), content)
        else:
            form.fields[name] = content.decode()
    return form
