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

NAMELESS = "an import without a name"
TAMPERED = "opcodes where none may be"
EXTENSION = "copyreg.extension.code_"
_NO_NAMES = ("__main__.", EXTENSION)
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
    """What `model_scanning.scanners.Opinion` reads."""
    return {
        "imports": list(dict.fromkeys(imports)),
        "extensions": list(dict.fromkeys(extensions)),
        "others": list(others),
        "trouble": trouble,
        "unlisted": unlisted,
    }


def name_of(details: Line) -> str:
    """The import that a finding of modelaudit is about; "" for none, and for code of the program itself."""
    # What a call gives back and what is called then is the name's doing too.
    name = str(details.get("import_reference", "")).removesuffix(".__call__")
    return "" if name.startswith(_NO_NAMES) else name


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
