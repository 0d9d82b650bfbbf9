"""The line that a program writes of what a scanner says of a file."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from mlsecops.programs.each_file import Line, Read

# What scanners raise over files; whatever else they do ends the process, which costs that file as well.
_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def opinion(
    imports: Iterable[str] = (),
    *,
    extensions: Iterable[str] = (),
    others: Iterable[tuple[str, str]] = (),
    trouble: str = "",
    unlisted: bool = False,
) -> Line:
    """What `model_scanners.Opinion` reads."""
    return {
        "imports": list(imports),
        "extensions": list(extensions),
        "others": list(others),
        "trouble": trouble,
        "unlisted": unlisted,
    }


def not_read(trouble: str) -> Line:
    """The line of a file of which the scanner says nothing."""
    return opinion(trouble=trouble)


def guarded(ask: Read) -> Read:
    """The same question, with a line for a file on which the scanner fails, and its path in no text."""

    def read(path: Path) -> Line:
        try:
            line = ask(path)
        except _FAILURES as error:
            line = not_read(f"{type(error).__name__}: {error}")
        return {**line, "trouble": line["trouble"].replace(str(path), "the file")}

    return read
