"""Bytes of a source file -> text, as the programs that use the file would read it."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?\r?$")
_ASCII_TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r\f"
_NEWLINE = re.compile(r"\r\n|\r|\n")


def decode(data: bytes, *, python: bool = False) -> str:
    """Decode by byte order mark, by Python's coding line (PEP 263) if `python`, as UTF-8, or as Latin-1.

    Never raises; line ends stay as they are.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if python and (declared := _decode_declared(data)) is not None:
        return declared
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is not None and "\0" not in text:
        return text
    unmarked = _unmarked_utf16(data)
    if unmarked:
        return data.decode(unmarked, errors="replace")
    return data.decode("latin-1") if text is None else text


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text: no NUL in them, unless they are UTF-16 or UTF-32."""
    if b"\0" not in head:
        return True
    return any(head.startswith(mark) for mark, _ in _BOMS) or _unmarked_utf16(head) is not None


def split_lines(text: str) -> list[str]:
    """Split where editors and Python count a new line (LF, CR LF, CR), unlike `str.splitlines`."""
    lines = _NEWLINE.split(text)
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _decode_declared(data: bytes) -> str | None:
    for line in data.split(b"\n", 2)[:2]:
        if match := _COOKIE.match(line):
            try:
                return data.decode(match[1].decode("ascii"))
            except (LookupError, ValueError):
                return None
        if not _BLANK.match(line):
            return None
    return None


def _unmarked_utf16(data: bytes) -> str | None:
    """Which UTF-16 the bytes are, judged by ASCII in every other byte and NUL in the rest."""
    sample = data[:1024]
    even, odd = sample[::2], sample[1::2]
    if not odd:
        return None
    for text, zeros, encoding in ((even, odd, "utf-16-le"), (odd, even, "utf-16-be")):
        if not zeros.strip(b"\0") and not text.translate(None, _ASCII_TEXT):
            return encoding
    return None
